package ses

import (
	"bytes"
	"fmt"
	"math/big"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// ParseSeal reads exactly one SESeal of any generation.
func ParseSeal(der []byte) (*Seal, error) {
	if len(der) > MaxSeal {
		return nil, malformed("seal: too long")
	}
	return parseSeal(bytes.Clone(der))
}

// parseSeal keeps der: the caller has cloned it.
func parseSeal(der []byte) (*Seal, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("seal")
	}
	s := &Seal{Raw: der}
	parts, err := elements(seq, 5)
	if err != nil {
		return nil, err
	}
	// OFDRW's rule: two members are V1, five or version 5 are V5.
	switch len(parts) {
	case 2:
		s.Generation = V1
		err = s.parseV1(parts)
	case 4, 5:
		err = s.parseV4(parts)
	default:
		err = malformed("seal: number of members")
	}
	if err != nil {
		return nil, err
	}
	s.strict = s.Vendor == VendorID
	// Ours bears no time-stamp of its own: nothing would vouch that it is the seal's
	// first, and the stamp's proves more.
	if s.strict && (s.Generation == V1 || s.Version != int64(s.Generation) || s.TimeStamp != nil) {
		return nil, malformed("seal: not of a form that its maker makes")
	}
	if s.signatureDER, err = s.normalise(s.SignatureValue, &s.Notices); err != nil {
		return nil, err
	}
	return s, nil
}

// elements splits a SEQUENCE's content into at most most members.
func elements(in cryptobyte.String, most int) ([]cryptobyte.String, error) {
	var out []cryptobyte.String
	for !in.Empty() {
		var e cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&e, &tag) {
			return nil, malformed("member")
		}
		if out = append(out, e); len(out) > most {
			return nil, malformed("too many members")
		}
	}
	return out, nil
}

// parseV4 reads eSealInfo, cert, signAlgID, signedValue and, in V5, a
// time-stamp. The octets signed are those of eSealInfo alone (formats.md 1.2).
func (s *Seal) parseV4(parts []cryptobyte.String) error {
	s.Signed = parts[0]
	if err := s.parseInfo(parts[0], true); err != nil {
		return err
	}
	s.Generation = V4
	if s.Version == 5 || len(parts) == 5 {
		s.Generation = V5
	}
	var ok bool
	if !readOctets(parts[1], &s.MakerCert, certs.MaxCertificate) {
		return malformed("seal: maker's certificate")
	}
	if s.Algorithm, ok = certs.ReadOID(&parts[2]); !ok || !parts[2].Empty() {
		return malformed("seal: algorithm")
	}
	if s.Algorithm != certs.OIDSM2WithSM3 {
		return fmt.Errorf("%w: seal: algorithm %s", ErrMalformed, s.Algorithm)
	}
	if !parts[3].ReadASN1BitStringAsBytes(&s.SignatureValue) || !parts[3].Empty() {
		return malformed("seal: signature")
	}
	if len(parts) == 5 {
		return readTimeStamp(parts[4], &s.TimeStamp)
	}
	return nil
}

// parseV1 reads esealInfo and signInfo. The octets signed are
// SEQUENCE{esealInfo, cert, signatureAlgorithm} (GM/T 0031-2014).
func (s *Seal) parseV1(parts []cryptobyte.String) error {
	if err := s.parseInfo(parts[0], false); err != nil {
		return err
	}
	var sign cryptobyte.String
	if !parts[1].ReadASN1(&sign, asn1.SEQUENCE) {
		return malformed("seal: signInfo")
	}
	members, err := elements(sign, 3)
	if err != nil || len(members) != 3 {
		return malformed("seal: signInfo")
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(parts[0])
		b.AddBytes(members[0])
		b.AddBytes(members[1])
	})
	if s.Signed, err = b.Bytes(); err != nil {
		return err
	}
	var ok bool
	if !readOctets(members[0], &s.MakerCert, certs.MaxCertificate) {
		return malformed("seal: maker's certificate")
	}
	if s.Algorithm, ok = certs.ReadOID(&members[1]); !ok || !members[1].Empty() || s.Algorithm != certs.OIDSM2WithSM3 {
		return malformed("seal: algorithm")
	}
	if !members[2].ReadASN1BitStringAsBytes(&s.SignatureValue) || !members[2].Empty() {
		return malformed("seal: signature")
	}
	return nil
}

// parseInfo reads SES_SealInfo: header, esID, property, picture, extDatas.
func (s *Seal) parseInfo(raw cryptobyte.String, v4 bool) error {
	var info, header, property, picture cryptobyte.String
	if !raw.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1(&header, asn1.SEQUENCE) {
		return malformed("seal: header")
	}
	var mark string
	if !readText(&header, asn1.IA5String, &mark) || mark != "ES" || !header.ReadASN1Integer(&s.Version) ||
		!readText(&header, asn1.IA5String, &s.Vendor) || !header.Empty() {
		return malformed("seal: header")
	}
	if !readText(&info, asn1.IA5String, &s.ID) || !info.ReadASN1(&property, asn1.SEQUENCE) {
		return malformed("seal: id")
	}
	if err := s.parseProperty(property, v4); err != nil {
		return err
	}
	if !info.ReadASN1(&picture, asn1.SEQUENCE) || !s.Picture.parse(picture) {
		return malformed("seal: picture")
	}
	if info.Empty() {
		return nil
	}
	// An untagged SEQUENCE in every real seal of both generations; one reading
	// of the text would wrap it in a tag.
	if !info.PeekASN1Tag(asn1.SEQUENCE) {
		var inner cryptobyte.String
		if !info.ReadASN1(&inner, asn1.Tag(0).ContextSpecific().Constructed()) || !info.Empty() {
			return malformed("seal: extDatas")
		}
		info = inner
	}
	var err error
	s.Extensions, err = parseExtensions(info)
	return err
}

func (s *Seal) parseProperty(p cryptobyte.String, v4 bool) error {
	if !p.ReadASN1Integer(&s.Type) || !readText(&p, asn1.UTF8String, &s.Name) {
		return malformed("seal: property")
	}
	s.CertListType = 1
	if v4 && (!p.ReadASN1Integer(&s.CertListType) || s.CertListType != 1 && s.CertListType != 2) {
		return malformed("seal: certListType")
	}
	var list cryptobyte.String
	if !p.ReadASN1(&list, asn1.SEQUENCE) || list.Empty() {
		return malformed("seal: certList")
	}
	for n := 0; !list.Empty(); n++ {
		if n == maxCerts || !s.parseListed(&list) {
			return malformed("seal: certList")
		}
	}
	for _, t := range []*time.Time{&s.Created, &s.ValidFrom, &s.ValidTo} {
		if !readTime(&p, t, !v4) {
			return malformed("seal: dates")
		}
	}
	if !p.Empty() || s.ValidTo.Before(s.ValidFrom) {
		return malformed("seal: dates")
	}
	return nil
}

func (s *Seal) parseListed(list *cryptobyte.String) bool {
	if s.CertListType == 1 {
		var cert []byte
		if !list.ReadASN1Bytes(&cert, asn1.OCTET_STRING) || len(cert) > certs.MaxCertificate {
			return false
		}
		s.Certs = append(s.Certs, cert)
		return true
	}
	var obj cryptobyte.String
	var d CertDigest
	if !list.ReadASN1(&obj, asn1.SEQUENCE) || !readText(&obj, asn1.PrintableString, &d.Type) ||
		!obj.ReadASN1Bytes(&d.Value, asn1.OCTET_STRING) || !obj.Empty() || len(d.Value) != 32 {
		return false
	}
	s.CertDigests = append(s.CertDigests, d)
	return true
}

func (p *Picture) parse(in cryptobyte.String) bool {
	return readText(&in, asn1.IA5String, &p.Type) && in.ReadASN1Bytes(&p.Data, asn1.OCTET_STRING) && len(p.Data) <= MaxPicture &&
		in.ReadASN1Integer(&p.Width) && in.ReadASN1Integer(&p.Height) && in.Empty() &&
		p.Width > 0 && p.Width <= maxMillimetre && p.Height > 0 && p.Height <= maxMillimetre
}

// ParseStamp reads exactly one SES_Signature of any generation.
func ParseStamp(der []byte) (*Stamp, error) {
	if len(der) > MaxStamp {
		return nil, malformed("stamp: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("stamp")
	}
	parts, err := elements(seq, 5)
	if err != nil {
		return nil, err
	}
	s := &Stamp{Profile: ProfileSES, Raw: der}
	switch len(parts) {
	case 2:
		err = s.parseV1(parts)
	case 4, 5:
		err = s.parseV4(parts)
	default:
		err = malformed("stamp: number of members")
	}
	if err != nil {
		return nil, err
	}
	if s.Generation != s.Seal.Generation {
		return nil, malformed("stamp: its seal is of another generation")
	}
	if s.Seal.strict && s.Version != s.Seal.Version {
		return nil, malformed("stamp: version")
	}
	if s.Generation != V1 && s.Version != s.Seal.Version {
		s.Notices = append(s.Notices, "the stamp's version is not that of its seal")
	}
	s.signatureDER, err = s.Seal.normalise(s.SignatureValue, &s.Notices)
	return s, err
}

func (s *Stamp) parseV1(parts []cryptobyte.String) error {
	s.Generation = V1
	s.Signed = parts[0]
	rest, err := s.parseTBS(parts[0], true)
	if err != nil {
		return err
	}
	var ok bool
	if !rest.ReadASN1Bytes(&s.SignerCert, asn1.OCTET_STRING) || len(s.SignerCert) > certs.MaxCertificate {
		return malformed("stamp: certificate")
	}
	if s.Algorithm, ok = certs.ReadOID(&rest); !ok || !rest.Empty() || s.Algorithm != certs.OIDSM2WithSM3 {
		return malformed("stamp: algorithm")
	}
	if !parts[1].ReadASN1BitStringAsBytes(&s.SignatureValue) || !parts[1].Empty() {
		return malformed("stamp: signature")
	}
	return nil
}

func (s *Stamp) parseV4(parts []cryptobyte.String) error {
	s.Signed = parts[0]
	rest, err := s.parseTBS(parts[0], false)
	if err != nil {
		return err
	}
	s.Generation = V4
	if s.Seal.Generation == V5 {
		s.Generation = V5
	}
	if !rest.Empty() {
		var wrapped cryptobyte.String
		if !rest.ReadASN1(&wrapped, asn1.Tag(0).ContextSpecific().Constructed()) || !rest.Empty() {
			return malformed("stamp: extDatas")
		}
		if s.Extensions, err = parseExtensions(wrapped); err != nil {
			return err
		}
	}
	var ok bool
	if !readOctets(parts[1], &s.SignerCert, certs.MaxCertificate) {
		return malformed("stamp: certificate")
	}
	if s.Algorithm, ok = certs.ReadOID(&parts[2]); !ok || !parts[2].Empty() || s.Algorithm != certs.OIDSM2WithSM3 {
		return malformed("stamp: algorithm")
	}
	if !parts[3].ReadASN1BitStringAsBytes(&s.SignatureValue) || !parts[3].Empty() {
		return malformed("stamp: signature")
	}
	if len(parts) == 5 {
		return readTimeStamp(parts[4], &s.TimeStamp)
	}
	return nil
}

// parseTBS reads TBS_Sign up to propertyInfo and gives what follows.
func (s *Stamp) parseTBS(raw cryptobyte.String, v1 bool) (cryptobyte.String, error) {
	var tbs, seal cryptobyte.String
	if !raw.ReadASN1(&tbs, asn1.SEQUENCE) || !tbs.ReadASN1Integer(&s.Version) || !tbs.ReadASN1Element(&seal, asn1.SEQUENCE) {
		return nil, malformed("stamp: TBS_Sign")
	}
	var err error
	if s.Seal, err = parseSeal(seal); err != nil {
		return nil, err
	}
	if v1 {
		var text []byte
		if !tbs.ReadASN1BitStringAsBytes(&text) || !timeText(text, &s.TimeInfo) && !s.timeToken(text) {
			return nil, malformed("stamp: timeInfo")
		}
	} else if !tbs.ReadASN1GeneralizedTime(&s.TimeInfo) {
		return nil, malformed("stamp: timeInfo")
	}
	s.TimeInfo = s.TimeInfo.UTC()
	if !tbs.ReadASN1BitStringAsBytes(&s.DataHash) || len(s.DataHash) != 32 {
		return nil, malformed("stamp: dataHash")
	}
	if !readText(&tbs, asn1.IA5String, &s.PropertyInfo) {
		return nil, malformed("stamp: propertyInfo")
	}
	return tbs, nil
}

// parseExtensions reads a SEQUENCE OF ExtData and nothing after it.
func parseExtensions(in cryptobyte.String) ([]Extension, error) {
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("extDatas")
	}
	var out []Extension
	seen := map[certs.OID]bool{}
	for !list.Empty() {
		var e Extension
		var seq cryptobyte.String
		var ok bool
		if !list.ReadASN1(&seq, asn1.SEQUENCE) {
			return nil, malformed("extDatas")
		}
		if e.ID, ok = certs.ReadOID(&seq); !ok || seen[e.ID] {
			return nil, malformed("extDatas")
		}
		seen[e.ID] = true
		if seq.PeekASN1Tag(asn1.BOOLEAN) && !seq.ReadASN1Boolean(&e.Critical) {
			return nil, malformed("extDatas")
		}
		if !seq.ReadASN1Bytes(&e.Value, asn1.OCTET_STRING) || !seq.Empty() {
			return nil, malformed("extDatas")
		}
		if out = append(out, e); len(out) > maxExtensions {
			return nil, malformed("extDatas: too many")
		}
	}
	return out, nil
}

func readTimeStamp(in cryptobyte.String, out *[]byte) error {
	var wrapped cryptobyte.String
	if !in.ReadASN1(&wrapped, asn1.Tag(0).ContextSpecific().Constructed()) || !in.Empty() ||
		!wrapped.ReadASN1BitStringAsBytes(out) || !wrapped.Empty() || len(*out) == 0 || len(*out) > certs.MaxSignedData {
		return malformed("time-stamp")
	}
	return nil
}

func readOctets(in cryptobyte.String, out *[]byte, most int) bool {
	return in.ReadASN1Bytes(out, asn1.OCTET_STRING) && in.Empty() && len(*out) <= most
}

func readText(in *cryptobyte.String, tag asn1.Tag, out *string) bool {
	var content cryptobyte.String
	if !in.ReadASN1(&content, tag) || len(content) > maxText || !utf8.Valid(content) {
		return false
	}
	if tag != asn1.UTF8String {
		for _, b := range content {
			if b < 0x20 || b > 0x7e {
				return false
			}
		}
	}
	*out = string(content)
	return true
}

// readTime reads GeneralizedTime; UTCTime too where V1 has it.
func readTime(in *cryptobyte.String, out *time.Time, utc bool) bool {
	ok := false
	if utc && in.PeekASN1Tag(asn1.UTCTime) {
		ok = in.ReadASN1UTCTime(out)
	} else {
		ok = in.ReadASN1GeneralizedTime(out)
	}
	*out = out.UTC()
	return ok
}

// timeText reads the ASCII that V1 files carry in timeInfo's bits.
func timeText(b []byte, out *time.Time) bool {
	for _, layout := range []string{"20060102150405Z", "060102150405Z", "20060102150405.999Z"} {
		if t, err := time.Parse(layout, string(b)); err == nil {
			*out = t
			return true
		}
	}
	in := cryptobyte.String(b)
	return readTime(&in, out, true) && in.Empty()
}

// timeToken reads the time-stamp that GM/T 0031-2014 allows in timeInfo. What it is
// over the standard does not say; it cannot be the signature, which is made over it,
// so that it proves no more than that the stamp is not older.
func (s *Stamp) timeToken(b []byte) bool {
	token, err := certs.ParseTimeStamp(b)
	if err != nil {
		return false
	}
	s.TimeInfo = token.GenTime
	s.Notices = append(s.Notices, "timeInfo is a time-stamp, taken for a claim")
	return true
}

func readOctets16(v []byte, ok bool) ([]byte, bool) {
	in := cryptobyte.String(v)
	var id []byte
	if !ok || !in.ReadASN1Bytes(&id, asn1.OCTET_STRING) || !in.Empty() || len(id) != 16 {
		return nil, false
	}
	return id, true
}

func readSmallInteger(v []byte, ok bool) (int, bool) {
	in := cryptobyte.String(v)
	n := new(big.Int)
	if !ok || !in.ReadASN1Integer(n) || !in.Empty() || !n.IsInt64() || n.Int64() < 1 || n.Int64() > MaxExpectedSeals {
		return 0, false
	}
	return int(n.Int64()), true
}
