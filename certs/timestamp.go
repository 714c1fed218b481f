package certs

import (
	"bytes"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// TimeStamp is a TimeStampToken (RFC 3161 2.4.2, GB/T 20520) whose signature
// has been checked under the certificate that it includes. Whether that
// certificate is trusted is the caller's to ask.
type TimeStamp struct {
	Raw          []byte
	GenTime      time.Time
	Accuracy     time.Duration
	Imprint      []byte // 32 octets of SM3
	Policy       OID
	Serial       *big.Int
	Nonce        *big.Int // nil without
	Signer       *Certificate
	Certificates []*Certificate
	Notices      []string
}

// ParseTimeStamp reads and checks a token: content type, attributes,
// signature, and that its signer is for time-stamping and nothing else
// (RFC 3161 2.3). A token without its certificate is refused.
func ParseTimeStamp(der []byte) (*TimeStamp, error) {
	sd, err := ParseSignedData(der)
	if err != nil {
		return nil, fmt.Errorf("time-stamp: %w", err)
	}
	switch {
	case sd.ContentType != OIDTSTInfo || sd.Content == nil:
		return nil, fmt.Errorf("time-stamp: %w", malformed("it holds no TSTInfo"))
	case sd.Signer == nil:
		return nil, fmt.Errorf("time-stamp: %w", malformed("it lacks its signer's certificate"))
	case len(sd.Signer.EKUs) != 1 || sd.Signer.EKUs[0] != OIDEKUTimeStamping || !sd.Signer.EKUCritical:
		return nil, fmt.Errorf("time-stamp: %w: its signer is not for time-stamping alone", ErrKeyUsage)
	}
	if _, ok := sd.Attribute(OIDSigningCertV2); !ok { // RFC 5816 2.2.1
		return nil, fmt.Errorf("time-stamp: %w", malformed("it lacks signingCertificateV2"))
	}
	if err := sd.Verify(sd.Signer, nil); err != nil {
		return nil, fmt.Errorf("time-stamp: %w", err)
	}
	t := &TimeStamp{Raw: sd.Raw, Signer: sd.Signer, Certificates: sd.Certificates, Notices: sd.Notices}
	if !sd.asWritten() {
		t.Notices = append(t.Notices, "the time-stamp is encoded otherwise than RFC 5652 and DER have it")
	}
	if err := t.parseInfo(sd.Content); err != nil {
		return nil, fmt.Errorf("time-stamp: %w", err)
	}
	return t, nil
}

func (t *TimeStamp) parseInfo(content []byte) error {
	in := cryptobyte.String(content)
	var info, imprint cryptobyte.String
	var version int
	var ok bool
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 1 {
		return malformed("TSTInfo")
	}
	if t.Policy, ok = ReadOID(&info); !ok || !info.ReadASN1(&imprint, asn1.SEQUENCE) {
		return malformed("TSTInfo: policy")
	}
	if err := onlySM3(&imprint); err != nil {
		return err
	}
	if !imprint.ReadASN1Bytes(&t.Imprint, asn1.OCTET_STRING) || !imprint.Empty() || len(t.Imprint) != 32 {
		return malformed("TSTInfo: imprint")
	}
	t.Imprint = bytes.Clone(t.Imprint)
	t.Serial = new(big.Int)
	if !info.ReadASN1Integer(t.Serial) || t.Serial.BitLen() > 160 || !readFractional(&info, &t.GenTime) {
		return malformed("TSTInfo: serial or time")
	}
	return t.parseOptions(info)
}

func (t *TimeStamp) parseOptions(info cryptobyte.String) error {
	var accuracy, tsa, exts cryptobyte.String
	var has bool
	if info.PeekASN1Tag(asn1.SEQUENCE) {
		if !info.ReadASN1(&accuracy, asn1.SEQUENCE) || !t.readAccuracy(accuracy) {
			return malformed("TSTInfo: accuracy")
		}
	}
	if info.PeekASN1Tag(asn1.BOOLEAN) {
		var ordering bool
		if !info.ReadASN1Boolean(&ordering) {
			return malformed("TSTInfo: ordering")
		}
	}
	if info.PeekASN1Tag(asn1.INTEGER) {
		t.Nonce = new(big.Int)
		if !info.ReadASN1Integer(t.Nonce) || t.Nonce.BitLen() > 512 {
			return malformed("TSTInfo: nonce")
		}
	}
	if !info.ReadOptionalASN1(&tsa, &has, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!info.ReadOptionalASN1(&exts, &has, asn1.Tag(1).ContextSpecific().Constructed()) || !info.Empty() {
		return malformed("TSTInfo: what follows the nonce")
	}
	if has {
		list, err := encode(func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(exts) })
		})
		if err != nil {
			return err
		}
		parsed, err := readExtensions(list)
		if err != nil {
			return err
		}
		for _, e := range parsed {
			if e.Critical {
				return fmt.Errorf("%w: %s in TSTInfo", ErrUnhandledCritical, e.ID)
			}
		}
	}
	return nil
}

// maxAccuracy: a token that claims to be right within a day proves nothing.
const maxAccuracy = time.Hour

func (t *TimeStamp) readAccuracy(s cryptobyte.String) bool {
	var seconds, millis, micros int64
	if s.PeekASN1Tag(asn1.INTEGER) && !s.ReadASN1Integer(&seconds) {
		return false
	}
	for i, into := range []*int64{&millis, &micros} {
		var v cryptobyte.String
		var has bool
		if !s.ReadOptionalASN1(&v, &has, asn1.Tag(i).ContextSpecific()) {
			return false
		}
		if has {
			if len(v) == 0 || len(v) > 2 || v[0]&0x80 != 0 {
				return false
			}
			for _, b := range v {
				*into = *into<<8 | int64(b)
			}
			if *into > 999 {
				return false
			}
		}
	}
	if !s.Empty() || seconds < 0 || seconds > int64(maxAccuracy/time.Second) {
		return false
	}
	t.Accuracy = time.Duration(seconds)*time.Second + time.Duration(millis)*time.Millisecond + time.Duration(micros)*time.Microsecond
	return true
}

// readFractional reads a GeneralizedTime that may have a fraction without
// trailing zeros (RFC 3161 2.4.2).
func readFractional(s *cryptobyte.String, out *time.Time) bool {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.GeneralizedTime) || len(content) > 32 {
		return false
	}
	text := string(content)
	layout := "20060102150405Z"
	if len(text) > len(layout) {
		fraction := text[len(layout)-1 : len(text)-1]
		// The library's parser takes a comma too, which DER does not.
		if fraction[0] != '.' || len(fraction) < 2 || len(fraction) > 10 || fraction[len(fraction)-1] == '0' {
			return false
		}
		layout = "20060102150405.999999999Z"
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return false
	}
	*out = t.UTC()
	return true
}
