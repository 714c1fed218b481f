package certs

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a strict reader must not take. Each case changes one thing of a
// certificate that is read.
func TestStrictReader(t *testing.T) {
	key := newKey(t)
	point := pointOf(t, key)
	offCurve := bytes.Clone(point)
	offCurve[64] ^= 1
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	ecdsaWithSHA256 := sequence(oid("1.2.840.10045.4.3.2"))
	p256 := sequence(sequence(oid(OIDECPublicKey), oid("1.2.840.10045.3.1.7")), tlv(0x03, []byte{0}, point))
	usage := extension(oidExtKeyUsage, true, []byte{3, 2, 6, 0xc0})
	add := func(ext ...[]byte) func(*parts) {
		return func(p *parts) { p.extensions = append(p.extensions, ext...) }
	}
	value := func(o OID, v ...byte) func(*parts) { return add(extension(o, false, v)) }
	serial := func(b ...byte) func(*parts) { return func(p *parts) { p.serial = tlv(0x02, b) } }
	spki := func(b []byte) func(*parts) { return func(p *parts) { p.spki = b } }
	validity := func(from, to []byte) func(*parts) {
		return func(p *parts) { p.validity = sequence(from, to) }
	}
	subject := func(tag byte, text ...byte) func(*parts) {
		return func(p *parts) {
			p.subject = sequence(tlv(0x31, sequence(oid(oidCommonName), tlv(tag, text))))
		}
	}
	algorithms := func(inner, outer []byte) func(*parts) {
		return func(p *parts) { p.inner, p.outer = inner, outer }
	}
	signature := func(b []byte) func(*parts) {
		return func(p *parts) { p.sign = func([]byte) []byte { return b } }
	}
	withNull := sequence(oid(OIDSM2WithSM3), []byte{5, 0})
	good := utcTime(noon)
	many := make([][]byte, maxExtensions+1)
	for i := range many {
		many[i] = extension(OID("1.2.3."+big.NewInt(int64(i)).String()), false, nil)
	}

	for name, c := range map[string]struct {
		change func(*parts)
		want   error // nil: it is read
	}{
		"as it is":                      {func(*parts) {}, nil},
		"NULL parameters":               {algorithms(withNull, withNull), nil},
		"parameters differ":             {algorithms(sm2WithSM3, withNull), ErrMalformed},
		"other parameters":              {algorithms(sequence(oid(OIDSM2WithSM3), oid(OIDSM2Curve)), sequence(oid(OIDSM2WithSM3), oid(OIDSM2Curve))), ErrMalformed},
		"NULL of one octet":             {algorithms(sequence(oid(OIDSM2WithSM3), []byte{5, 1, 0}), sequence(oid(OIDSM2WithSM3), []byte{5, 1, 0})), ErrMalformed},
		"ECDSA":                         {algorithms(ecdsaWithSHA256, ecdsaWithSHA256), ErrUnsupported},
		"the typing error of OFDRW":     {algorithms(sequence(oid("1.2.156.10197.501")), sequence(oid("1.2.156.10197.501"))), ErrUnsupported},
		"curve P-256":                   {spki(p256), ErrUnsupported},
		"no curve":                      {spki(sequence(sequence(oid(OIDECPublicKey)), tlv(0x03, []byte{0}, point))), ErrUnsupported},
		"key by the curve alone":        {spki(sequence(sequence(oid(OIDSM2Curve), oid(OIDSM2Curve)), tlv(0x03, []byte{0}, point))), nil},
		"point off the curve":           {spki(spkiOf(offCurve)), ErrMalformed},
		"point at infinity":             {spki(spkiOf([]byte{0})), ErrMalformed},
		"point compressed":              {spki(spkiOf(compressed)), ErrMalformed},
		"point hybrid":                  {spki(spkiOf(append([]byte{6 + point[64]&1}, point[1:]...))), ErrMalformed},
		"point with more behind":        {spki(spkiOf(append(bytes.Clone(point), 0))), ErrMalformed},
		"point of zeros":                {spki(spkiOf(append([]byte{4}, make([]byte, 64)...))), ErrMalformed},
		"point too large":               {spki(spkiOf(append([]byte{4}, bytes.Repeat([]byte{0xff}, 64)...))), ErrMalformed},
		"key with unused bits":          {spki(sequence(sequence(oid(OIDECPublicKey), oid(OIDSM2Curve)), tlv(0x03, []byte{1}, point))), ErrMalformed},
		"version 1":                     {func(p *parts) { p.version = nil }, ErrMalformed},
		"version 2":                     {func(p *parts) { p.version = tlv(0xa0, []byte{2, 1, 1}) }, ErrMalformed},
		"version with more":             {func(p *parts) { p.version = tlv(0xa0, []byte{2, 1, 2, 5, 0}) }, ErrMalformed},
		"version 4":                     {func(p *parts) { p.version = tlv(0xa0, []byte{2, 1, 3}) }, ErrMalformed},
		"serial of 20 octets":           {serial(append([]byte{0x7f}, make([]byte, 19)...)...), nil},
		"serial of 21 octets":           {serial(append([]byte{0, 0x80}, make([]byte, 19)...)...), ErrMalformed},
		"serial of 21 whole octets":     {serial(append([]byte{0x7f}, make([]byte, 20)...)...), ErrMalformed},
		"serial 0":                      {serial(0), ErrMalformed},
		"serial negative":               {serial(0x80), ErrMalformed},
		"serial not minimal":            {serial(0, 1), ErrMalformed},
		"serial empty":                  {serial(), ErrMalformed},
		"time without seconds":          {validity(tlv(0x17, []byte("2611240400Z")), good), ErrMalformed},
		"time with offset":              {validity(tlv(0x17, []byte("261124040000+0800")), good), ErrMalformed},
		"GeneralizedTime":               {validity(tlv(0x18, []byte("20261124040000Z")), good), nil},
		"GeneralizedTime, offset":       {validity(tlv(0x18, []byte("20261124040000+0800")), good), ErrMalformed},
		"GeneralizedTime, fraction":     {validity(tlv(0x18, []byte("20261124040000.5Z")), good), ErrMalformed},
		"the 30th of February":          {validity(tlv(0x17, []byte("260230040000Z")), good), ErrMalformed},
		"one time":                      {validity(good, nil), ErrMalformed},
		"three times":                   {func(p *parts) { p.validity = sequence(good, good, good) }, ErrMalformed},
		"Chinese in IA5String":          {subject(0x16, []byte("贵州")...), ErrMalformed},
		"Chinese in PrintableString":    {subject(0x13, []byte("贵州")...), ErrMalformed},
		"Chinese in BMPString":          {subject(0x1e, 0x8d, 0x35, 0x5d, 0xde), nil},
		"a zero in BMPString":           {subject(0x1e, 0x8d, 0x35, 0, 0), ErrMalformed},
		"half of a pair in BMPString":   {subject(0x1e, 0xd8, 0x00, 0x5d, 0xde), ErrMalformed},
		"a rare character in BMPString": {subject(0x1e, 0xd8, 0x42, 0xdf, 0xb7), nil},
		"half a character":              {subject(0x1e, 0x8d, 0x35, 0x5d), ErrMalformed},
		"invalid UTF-8":                 {subject(0x0c, 0xff), ErrMalformed},
		"a name with a zero":            {subject(0x0c, 'a', 0, 'b'), ErrMalformed},
		"a name as octets":              {subject(0x04, 'a'), ErrMalformed},
		"an empty RDN":                  {func(p *parts) { p.subject = sequence(tlv(0x31)) }, ErrMalformed},
		"a name of many parts":          {func(p *parts) { p.issuer = sequence(bytes.Repeat(named("x")[2:], maxNameParts+1)) }, ErrMalformed},
		"no extensions":                 {func(p *parts) { p.extensions = nil }, nil},
		"an empty list of extensions":   {func(p *parts) { p.extensions = [][]byte{} }, nil},
		"an extension twice":            {add(usage, usage), ErrMalformed},
		"an explicit FALSE":             {add(sequence(oid("1.2.3"), []byte{1, 1, 0}, tlv(0x04))), nil},
		"TRUE that is not DER":          {add(sequence(oid("1.2.3"), []byte{1, 1, 1}, tlv(0x04))), ErrMalformed},
		"an extension with more":        {add(sequence(oid("1.2.3"), tlv(0x04), []byte{5, 0})), ErrMalformed},
		"65 extensions":                 {add(many...), ErrMalformed},
		"unique identifiers":            {func(p *parts) { p.spki = append(p.spki, tlv(0x81, []byte{0, 1})...) }, ErrMalformed},
		"more behind the extensions":    {func(p *parts) { p.after = []byte{5, 0} }, ErrMalformed},
		"key usage with more":           {value(oidExtKeyUsage, 3, 2, 6, 0xc0, 0), ErrMalformed},
		"key usage of unset bits":       {value(oidExtKeyUsage, 3, 2, 7, 0xc0), ErrMalformed},
		"key usage without octets":      {value(oidExtKeyUsage, 3, 1, 0), ErrMalformed},
		"key usage without bits":        {value(oidExtKeyUsage, 3, 2, 7, 0), ErrMalformed},
		"key usage of 8 unused":         {value(oidExtKeyUsage, 3, 2, 8, 0), ErrMalformed},
		"key usage of three octets":     {value(oidExtKeyUsage, 3, 4, 0, 0xc0, 0x80, 1), ErrMalformed},
		"CA as an integer":              {value(oidExtBasic, 0x30, 3, 2, 1, 1), nil},
		"path length negative":          {value(oidExtBasic, 0x30, 6, 1, 1, 0xff, 2, 1, 0xff), ErrMalformed},
		"constraints with more":         {value(oidExtBasic, 0x30, 3, 1, 1, 0xff, 0), ErrMalformed},
		"extended key usage of none":    {value(oidExtExtendedKeyUse, 0x30, 0), ErrMalformed},
		"an OID with a leading 80":      {value(oidExtExtendedKeyUse, 0x30, 4, 6, 2, 0x80, 1), ErrMalformed},
		"an OID that does not end":      {value(oidExtExtendedKeyUse, 0x30, 4, 6, 2, 0x2a, 0x81), ErrMalformed},
		"key identifier with more":      {func(p *parts) { p.extensions = [][]byte{extension(oidExtSubjectKeyID, false, []byte{4, 1, 1, 0})} }, ErrMalformed},
		"authority identifier, more":    {func(p *parts) { p.extensions = [][]byte{extension(oidExtAuthorityKeyID, false, []byte{0x30, 0, 0})} }, ErrMalformed},
		"an address of 3,000 letters":   {add(extension(oidExtCRLPoints, false, sequence(sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, bytes.Repeat([]byte("u"), 3000)))))))), nil},
		"a point of reasons alone":      {add(extension(oidExtCRLPoints, false, sequence(sequence(tlv(0x81, []byte{1, 2}))))), ErrMalformed},
		"17 points":                     {add(extension(oidExtCRLPoints, false, sequence(bytes.Repeat(sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("u"))))), maxPoints+1)))), ErrMalformed},
		"no alternative name":           {add(extension(oidExtAltNames, false, sequence())), ErrMalformed},
		"17 addresses":                  {add(extension(oidExtCRLPoints, false, sequence(sequence(tlv(0xa0, tlv(0xa0, bytes.Repeat(tlv(0x86, []byte("u")), maxURLs+1))))))), ErrMalformed},
		"access without a place":        {add(extension(oidExtAuthorityAccess, false, sequence(sequence(oid(oidAIAOCSP))))), ErrMalformed},
		"33 policies":                   {add(extension(oidExtPolicies, false, sequence(bytes.Repeat(sequence(oid("1.2.3")), maxEKUs+1)))), ErrMalformed},
		"33 extended key usages":        {add(extension(oidExtExtendedKeyUse, false, sequence(bytes.Repeat(oid("1.2.3"), maxEKUs+1)))), ErrMalformed},
		"signature raw":                 {signature(make([]byte, 64)), ErrMalformed},
		"signature of one integer":      {signature(sequence([]byte{2, 1, 1})), ErrMalformed},
		"signature of three integers":   {signature(sequence([]byte{2, 1, 1}, []byte{2, 1, 1}, []byte{2, 1, 1})), ErrMalformed},
		"signature with r = 0":          {signature(sequence([]byte{2, 1, 0}, []byte{2, 1, 1})), ErrMalformed},
		"signature with s < 0":          {signature(sequence([]byte{2, 1, 1}, []byte{2, 1, 0xff})), ErrMalformed},
		"signature of 257 bits":         {signature(sequence(tlv(2, []byte{1}, make([]byte, 32)), []byte{2, 1, 1})), ErrMalformed},
		"signature not minimal":         {signature(sequence([]byte{2, 2, 0, 1}, []byte{2, 1, 1})), ErrMalformed},
		"signature with more behind":    {signature(append(sequence([]byte{2, 1, 1}, []byte{2, 1, 1}), 0)), ErrMalformed},
		"a certificate over the limit":  {add(extension("1.2.3", false, make([]byte, MaxCertificate))), ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := spec{name: "单位"}.parts(t, key, nil)
			c.change(p)
			der := p.der()
			got, err := ParseCertificate(der)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && !bytes.Equal(got.Raw, der) {
				t.Fatal("Raw is not what was read")
			}
		})
	}
}

// The whole of it, where a part of the table does not reach.
func TestOuterFraming(t *testing.T) {
	p := spec{name: "单位", usage: signs}.parts(t, newKey(t), nil)
	der := p.der()
	tbs := der[4 : 4+4+int(der[6])<<8+int(der[7])]
	longForm := append([]byte{0x30, 0x83, 0}, der[2:]...)
	indefinite := append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0)
	for name, b := range map[string][]byte{
		"nothing": nil, "trailing byte": append(bytes.Clone(der), 0), "twice": append(bytes.Clone(der), der...), "TBS alone": tbs,
		"more behind the signature": sequence(der[4:], []byte{5, 0}), "length not minimal": longForm, "indefinite length": indefinite, "as a SET": append([]byte{0x31}, der[1:]...),
	} {
		if _, err := ParseCertificate(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range der {
		if _, err := ParseCertificate(der[:n]); err == nil {
			t.Fatalf("the first %d octets were read", n)
		}
	}
}

// Every bit of a certificate is its signature's, or its issuer's.
func TestNoBitOfACertificateCanBeChanged(t *testing.T) {
	ca := root(t, "根")
	leaf := spec{name: "单位", usage: signs, ekus: []OID{OIDEKUSealMaker}}.make(t, ca)
	for i := range leaf.Raw {
		changed := bytes.Clone(leaf.Raw)
		changed[i] ^= 1 << (i % 8)
		c, err := ParseCertificate(changed)
		if err == nil && c.CheckSignatureFrom(ca.Certificate) == nil {
			t.Fatalf("octet %d was changed and the signature is good", i)
		}
	}
	other := root(t, "根")
	if err := leaf.CheckSignatureFrom(other.Certificate); !errors.Is(err, ErrSignature) {
		t.Fatal("good under another's key:", err)
	}
}

func TestWhatACertificateSays(t *testing.T) {
	ca := root(t, "根")
	leaf := spec{
		name: "单位", usage: signs, ekus: []OID{OIDEKUTimeStamping}, ekuCritical: true, serial: 0x41,
		more: [][]byte{
			extension(oidExtCRLPoints, false, sequence(sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("http://a/crl"))))))),
			extension(oidExtAuthorityAccess, false, sequence(sequence(oid(oidAIAOCSP), tlv(0x86, []byte("http://a/ocsp"))), sequence(oid(oidAIAIssuers), tlv(0x86, []byte("http://a/cer"))))),
			extension(oidExtPolicies, false, sequence(sequence(oid("1.2.3.4")))),
			extension(OIDUSCC, false, tlv(0x13, []byte("11370000MB2852565A"))),
			extension(OIDOCSPNoCheck, false, []byte{5, 0}),
		},
	}.make(t, ca)
	type said struct {
		Subject, Issuer, USCC string
		CRL, OCSP, Issuers    []string
		Policies, EKUs        []OID
		Serial                int64
		Usage                 KeyUsage
		CA, Critical          bool
	}
	got := said{leaf.Subject.CommonName, leaf.Issuer.String(), leaf.USCC, leaf.CRLURLs, leaf.OCSPURLs, leaf.IssuerURLs, leaf.Policies, leaf.EKUs, leaf.Serial.Int64(), leaf.KeyUsage, leaf.IsCA, leaf.EKUCritical}
	want := said{"单位", "CN=根", "11370000MB2852565A", []string{"http://a/crl"}, []string{"http://a/ocsp"}, []string{"http://a/cer"},
		[]OID{"1.2.3.4"}, []OID{OIDEKUTimeStamping}, 0x42, KeyUsageDigitalSignature | KeyUsageNonRepudiation, false, true}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	if !slices.Equal(leaf.AuthorityKeyID, ca.SubjectKeyID) || leaf.MaxPathLen != -1 || len(leaf.unhandled) != 0 {
		t.Fatalf("%x, %d, %v", leaf.AuthorityKeyID, leaf.MaxPathLen, leaf.unhandled)
	}
}

// A name that says two names is shown as the one that it is.
func TestNamesAreShownAsTheyAre(t *testing.T) {
	for value, want := range map[string]string{
		"贵州省人民政府（办公厅）": "贵州省人民政府（办公厅）", "A B/C-D.1": "A B/C-D.1",
		"某局, CN=省政府": `某局\, CN\=省政府`, `a\b"c"`: `a\\b\"c\"`, "a+b;c<d>": `a\+b\;c\<d\>`, "\u202e省": `\E2\80\AE省`, "a\nb": `a\0Ab`,
	} {
		c := spec{name: value}.make(t, nil)
		if got := c.Subject.String(); got != "CN="+want || c.Subject.CommonName != value {
			t.Errorf("%q is shown as %s", value, got)
		}
	}
}
