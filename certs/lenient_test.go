package certs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// longForm writes an element with its length in one octet more than it takes.
func longForm(der []byte) []byte {
	head, n, ok := berLength(der)
	if !ok {
		panic("no element")
	}
	octets := head - 2
	out := []byte{der[0], 0x80 | byte(octets+1), 0}
	if octets == 0 {
		return append(append(out[:2], byte(n)), der[head:]...)
	}
	return append(append(out, der[2:head]...), der[head:]...)
}

// Each slip alone: the strict reader refuses it, the lenient one tells of it,
// and the signature is still over what was received.
func TestSlipsOfTheField(t *testing.T) {
	ca := root(t, "根")
	cn := func(tag byte, text string) func(*parts) {
		return func(p *parts) { p.subject = sequence(rdn(oidCommonName, tag, text)) }
	}
	add := func(e ...[]byte) func(*parts) {
		return func(p *parts) { p.extensions = append(p.extensions, e...) }
	}
	serial := func(b ...byte) func(*parts) { return func(p *parts) { p.serial = tlv(0x02, b) } }
	usage := func(bits ...byte) func(*parts) {
		return func(p *parts) { p.extensions[0] = extension(oidExtKeyUsage, true, tlv(3, bits)) }
	}
	from := func(tag byte, s string) func(*parts) {
		return func(p *parts) { p.validity = sequence(tlv(tag, []byte(s)), utcTime(noon.Add(day))) }
	}
	withNull := sequence(oid(OIDSM2WithSM3), []byte{5, 0})
	for name, c := range map[string]struct {
		change func(*parts)
		want   []Oversight
		name   string // the subject's common name; "" is the usual
	}{
		"Chinese in a PrintableString":   {cn(0x13, "教育厅"), []Oversight{OversightText}, "教育厅"},
		"Chinese in an IA5String":        {cn(0x16, "教育厅"), []Oversight{OversightText}, "教育厅"},
		"Chinese in a TeletexString":     {cn(0x14, "教育厅"), []Oversight{OversightText}, "教育厅"},
		"GBK in a PrintableString":       {cn(0x13, "\xbd\xcc\xd3\xfd"), []Oversight{OversightText}, "½ÌÓý"},
		"octets that are not UTF-8":      {cn(0x0c, "a\xff"), []Oversight{OversightText}, "aÿ"},
		"a NUL behind the text":          {cn(0x0c, "a\x00"), []Oversight{OversightText}, "a\x00"},
		"a UniversalString":              {cn(0x1c, "\x00\x00\x65\x59"), []Oversight{OversightText}, "教"},
		"a BIT STRING for a name":        {cn(0x03, "\x00\x01"), []Oversight{OversightNotText}, "#030001"},
		"an RDN of nothing":              {func(p *parts) { p.subject = sequence(tlv(0x31), rdn(oidCommonName, 0x0c, "x")) }, []Oversight{OversightEmptyRDN}, "x"},
		"a serial of 0":                  {serial(0), []Oversight{OversightSerial}, ""},
		"a negative serial":              {serial(0xff), []Oversight{OversightSerial}, ""},
		"a serial of 32 octets":          {serial(append([]byte{1}, make([]byte, 31)...)...), []Oversight{OversightSerial}, ""},
		"version 1":                      {func(p *parts) { p.version, p.extensions = nil, nil }, []Oversight{OversightVersion}, ""},
		"a unique identifier":            {func(p *parts) { p.spki = append(bytes.Clone(p.spki), tlv(0x82, []byte{0, 1})...) }, []Oversight{OversightUniqueID}, ""},
		"NULL in one place alone":        {func(p *parts) { p.outer = withNull }, []Oversight{OversightParameters}, ""},
		"no alternative name":            {add(extension(oidExtAltNames, false, sequence())), []Oversight{OversightAltNames}, ""},
		"an alternative name of nothing": {add(extension(oidExtAltNames, false, nil)), []Oversight{OversightAltNames}, ""},
		"an alternative name, bare text": {add(extension(oidExtAltNames, false, []byte("a.cn"))), []Oversight{OversightAltNames}, ""},
		"Chinese in an address":          {add(points(sequence(at("ldap://贵州/")))), []Oversight{OversightText}, ""},
		"points that are none":           {add(extension(oidExtCRLPoints, false, sequence())), []Oversight{OversightExtension}, ""},
		"access that is none":            {add(extension(oidExtAuthorityAccess, false, []byte{5, 0})), []Oversight{OversightExtension}, ""},
		"a key identifier, bare":         {func(p *parts) { p.extensions[1] = extension(oidExtSubjectKeyID, false, []byte{1, 2, 3}) }, []Oversight{OversightExtension}, ""},
		"key usage with unused bits set": {usage(6, 0xc1), []Oversight{OversightKeyUsage}, ""},
		"key usage with zeros behind":    {usage(0, 0xc0, 0, 0), []Oversight{OversightKeyUsage}, ""},
		"critical, as 01":                {add(sequence(oid(oidExtBasic), []byte{1, 1, 1}, tlv(4, sequence()))), []Oversight{OversightBoolean}, ""},
		"no seconds":                     {from(0x17, "2601010000Z"), []Oversight{OversightTime}, ""},
		"an offset":                      {from(0x17, "260101080000+0800"), []Oversight{OversightTime}, ""},
		"several": {func(p *parts) {
			cn(0x13, "教育厅")(p)
			serial(0)(p)
			add(extension(oidExtAltNames, false, sequence()))(p)
		},
			[]Oversight{OversightAltNames, OversightSerial, OversightText}, "教育厅"},
	} {
		t.Run(name, func(t *testing.T) {
			p := spec{name: "单位", usage: signs}.parts(t, newKey(t), ca)
			c.change(p)
			der := p.der()
			if _, err := ParseCertificate(der); !errors.Is(err, ErrMalformed) {
				t.Fatal("the strict reader:", err)
			}
			got, seen, err := ParseLenient(der)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(seen)
			if !slices.Equal(seen, c.want) {
				t.Errorf("overlooked %v, want %v", seen, c.want)
			}
			if c.name == "" {
				c.name = "单位"
			}
			if got.Subject.CommonName != c.name {
				t.Errorf("the name is %q", got.Subject.CommonName)
			}
			if err := got.CheckSignatureFrom(ca.Certificate); err != nil {
				t.Error(err)
			}
			if got.KeyUsage != 0 && got.KeyUsage != KeyUsageDigitalSignature|KeyUsageNonRepudiation {
				t.Errorf("key usage %b", got.KeyUsage)
			}
		})
	}
}

// What grants or forbids is read as strictly as ever.
func TestTheLenientReaderIsStrictWhereItMatters(t *testing.T) {
	ca := root(t, "根")
	add := func(e ...[]byte) func(*parts) {
		return func(p *parts) { p.extensions = append(p.extensions, e...) }
	}
	ecdsa := sequence(oid("1.2.840.10045.4.3.2"))
	for name, change := range map[string]func(*parts){
		"basic constraints":           add(extension(oidExtBasic, true, []byte{5, 0})),
		"extended key usage":          add(extension(oidExtExtendedKeyUse, true, sequence())),
		"name constraints":            add(extension(oidExtNameConstraints, true, sequence())),
		"policies":                    add(extension(oidExtPolicies, false, sequence())),
		"policy constraints":          add(extension(oidExtPolicyConstraints, true, sequence())),
		"no key usage":                func(p *parts) { p.extensions[0] = extension(oidExtKeyUsage, true, []byte{3, 1, 0}) },
		"an extension twice":          add(extension("1.2.3", false, nil), extension("1.2.3", false, nil)),
		"another algorithm":           func(p *parts) { p.inner, p.outer = ecdsa, ecdsa },
		"a serial of 65 octets":       func(p *parts) { p.serial = tlv(2, []byte{1}, make([]byte, maxOddSerial)) },
		"a point off the curve":       func(p *parts) { p.spki = spkiOf(append([]byte{4}, make([]byte, 64)...)) },
		"version 1 with extensions":   func(p *parts) { p.version = nil },
		"more behind the extensions":  func(p *parts) { p.after = []byte{5, 0} },
		"a signature of no two":       func(p *parts) { p.sign = func([]byte) []byte { return sequence([]byte{2, 1, 1}) } },
		"a time that is none":         func(p *parts) { p.validity = sequence(tlv(0x17, []byte("yesterday")), utcTime(noon)) },
		"a name that is none":         func(p *parts) { p.subject = tlv(0x31) },
		"an indefinite length within": func(p *parts) { p.subject = append([]byte{0x30, 0x80}, 0, 0) },
	} {
		p := spec{name: "单位", usage: signs}.parts(t, newKey(t), ca)
		change(p)
		if _, seen, err := ParseLenient(p.der()); err == nil {
			t.Errorf("%s was overlooked: %v", name, seen)
		}
	}
}

// An alternative name that could not be read keeps no constraint, nor does a
// critical extension become known.
func TestOverlookedNamesAreNotPermitted(t *testing.T) {
	anchor := root(t, "根")
	ca := spec{name: "签发", usage: authority, ca: true, more: [][]byte{constrain(nil, [][]byte{dns("x.cn")})}}.make(t, anchor)
	p := spec{name: "叶", usage: signs, more: [][]byte{extension(oidExtAltNames, false, []byte("x.cn"))}}.parts(t, newKey(t), ca)
	leaf, _, err := ParseLenient(p.der())
	if err != nil {
		t.Fatal(err)
	}
	o := PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate}, At: noon}
	if _, err := FindPath(leaf, o); !errors.Is(err, ErrNameConstraint) {
		t.Error(err)
	}
	p = spec{name: "叶", usage: signs, more: [][]byte{extension("1.2.3", true, nil), extension(oidExtAuthorityAccess, true, nil)}}.parts(t, newKey(t), ca)
	if leaf, _, err = ParseLenient(p.der()); err != nil {
		t.Fatal(err)
	}
	if _, err := FindPath(leaf, o); !errors.Is(err, ErrUnhandledCritical) {
		t.Error(err)
	}
}

// BER lengths are read, and what was signed is what was received.
func TestLengthsThatAreNotMinimal(t *testing.T) {
	ca := root(t, "根")
	p := spec{name: "单位", usage: signs}.parts(t, newKey(t), ca)
	within := *p
	within.subject = longForm(p.subject)
	signed := *p
	signed.spki = sequence(longForm(sequence(oid(OIDECPublicKey), oid(OIDSM2Curve))), tlv(0x03, []byte{0}, pointOf(t, newKey(t))))
	for name, der := range map[string][]byte{"outside": longForm(p.der()), "in the subject": within.der(), "in the key": signed.der()} {
		if _, err := ParseCertificate(der); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: the strict reader: %v", name, err)
		}
		c, seen, err := ParseLenient(der)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(seen, []Oversight{OversightLength}) || !bytes.Equal(c.Raw, der) || c.CheckSignatureFrom(ca.Certificate) != nil || c.Subject.CommonName != "单位" {
			t.Errorf("%s: %v, %v", name, seen, c.CheckSignatureFrom(ca.Certificate))
		}
	}
	deep := []byte{5, 0}
	for range maxBERDepth {
		deep = sequence(deep)
	}
	if _, ok := minimalLengths(deep, 0); ok {
		t.Error("nested without end")
	}
}

// Whatever the strict reader reads, the lenient one reads the same.
func agree(t testing.TB, der []byte) {
	t.Helper()
	strict, err := ParseCertificate(der)
	if err != nil {
		return
	}
	lenient, seen, err := ParseLenient(der)
	if err != nil || len(seen) > 0 {
		t.Fatalf("strict reads it, lenient: %v, %v", seen, err)
	}
	if !lenient.Equal(strict) || lenient.Subject.String() != strict.Subject.String() || lenient.KeyUsage != strict.KeyUsage || lenient.IsCA != strict.IsCA ||
		lenient.MaxPathLen != strict.MaxPathLen || !lenient.NotAfter.Equal(strict.NotAfter) || !slices.Equal(lenient.EKUs, strict.EKUs) ||
		!slices.Equal(lenient.Policies, strict.Policies) || len(lenient.AltNames) != len(strict.AltNames) || !bytes.Equal(lenient.RawTBS, strict.RawTBS) ||
		!lenient.PublicKey.Equal(strict.PublicKey) || lenient.Serial.Cmp(strict.Serial) != 0 || len(lenient.unhandled) != len(strict.unhandled) {
		t.Fatal("the two readers read two certificates")
	}
	foreign, err := ParseAnyCertificate(der)
	if err != nil || !foreign.PublicKey.Equal(strict.PublicKey) {
		t.Fatal("the reader of any key:", err)
	}
}

func TestReadersAgree(t *testing.T) {
	names, err := filepath.Glob("testdata/sm2/*")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, n := range names {
		agree(t, sample(t, filepath.Base(n)).Raw)
	}
	agree(t, root(t, "根").Raw)
	w := newTwins(t)
	for name := range w.originals {
		if c, err := w.certificate(name); err == nil {
			agree(t, c.Raw)
		}
	}
}

func FuzzParseLenient(f *testing.F) {
	ca := root(f, "根")
	p := spec{name: "单位", usage: signs, more: [][]byte{extension(oidExtAltNames, false, sequence()), points(sequence(at("ldap://贵州/")))}}.parts(f, newKey(f), ca)
	p.subject, p.serial = sequence(rdn(oidCommonName, 0x13, "教育厅")), tlv(2, []byte{0})
	f.Add(ca.Raw)
	f.Add(p.der())
	f.Add(longForm(p.der()))
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b)
		c, seen, err := ParseLenient(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, b) || !bytes.Contains(b, c.RawTBS) || c.PublicKey == nil {
			t.Fatal("what was read is not what was given")
		}
		if _, err := ParseCertificate(b); err != nil && len(seen) == 0 {
			t.Fatalf("something was overlooked and not told: %v", err)
		}
		_ = c.Subject.String()
		_, _ = FindPath(c, PathOptions{Roots: []*Certificate{ca.Certificate}, Intermediates: []*Certificate{c}, At: c.NotBefore})
	})
}

func FuzzParseAny(f *testing.F) {
	for _, name := range []string{"certs/GoodCACert.crt", "certs/DSACACert.crt", "certs/DSAParametersInheritedCACert.crt", "certs/nameConstraintsDN1CACert.crt", "certs/P12Mapping1to3CACert.crt"} {
		b, err := os.ReadFile(filepath.Join("testdata", "pkits", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	anchor, err := ParseAnyCertificate(pkitsFile(f, "certs", "TrustAnchorRootCertificate.crt"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseAnyCertificate(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, b) || c.key == nil {
			t.Fatal("what was read is not what was given")
		}
		_, _ = FindPath(c, PathOptions{Roots: []*Certificate{anchor}, Intermediates: []*Certificate{c}, At: c.NotBefore, AllowSHA1: true})
	})
}
