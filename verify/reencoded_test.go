package verify_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/jsondoc"
	"yinxin/seal/ses"
)

// Other octets with the same meaning are read under others' vendor ids and never
// under ours (protocol.md 2, Encodings).
func TestReencodings(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	d := sealedDocuments(t, s)[3]
	read, err := ses.ParseStamp(d.stamp)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := certs.SignatureToRaw(read.SignatureValue)
	if err != nil {
		t.Fatal(err)
	}
	r, v := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
	n := sm2.P256().Params().N
	build := func(signature, token []byte) []byte {
		der, err := ses.BuildStamp(read.Signed, read.SignerCert, signature, token)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if !bytes.Equal(build(read.SignatureValue, read.TimeStamp), d.stamp) {
		t.Fatal("the stamp is not what it is built from")
	}
	padded := func(x *big.Int) []byte { return append([]byte{0x02, 34, 0, 0}, x.FillBytes(make([]byte, 32))...) }
	for name, der := range map[string][]byte{
		"raw r||s":                   build(raw, read.TimeStamp),
		"integers not minimal":       build(append([]byte{0x30, 72}, append(padded(r), padded(v)...)...), read.TimeStamp),
		"long length":                build(append([]byte{0x30, 0x81}, read.SignatureValue[1:]...), read.TimeStamp),
		"an octet after r and s":     build(append(bytes.Clone(read.SignatureValue), 0), read.TimeStamp),
		"r + n":                      build(sequence(t, new(big.Int).Add(r, n), v), read.TimeStamp),
		"s + n":                      build(sequence(t, r, new(big.Int).Add(v, n)), read.TimeStamp),
		"n - s":                      build(sequence(t, r, new(big.Int).Sub(n, v)), read.TimeStamp),
		"r and s changed round":      build(sequence(t, v, r), read.TimeStamp),
		"negative s":                 build(sequence(t, r, new(big.Int).Neg(v)), read.TimeStamp),
		"zero r":                     build(sequence(t, new(big.Int), v), read.TimeStamp),
		"no token":                   build(read.SignatureValue, nil),
		"an octet after the token":   build(read.SignatureValue, append(bytes.Clone(read.TimeStamp), 0)),
		"an octet after the stamp":   append(bytes.Clone(d.stamp), 0),
		"indefinite length":          append(append([]byte{0x30, 0x80}, d.stamp[4:]...), 0, 0),
		"length with a leading zero": append([]byte{0x30, 0x83, 0, d.stamp[2], d.stamp[3]}, d.stamp[4:]...),
		"NULL after the algorithm": rebuild(t, read, func(b *cryptobyte.Builder) {
			certs.AddOID(b, certs.OIDSM2WithSM3)
			b.AddASN1NULL()
		}),
		"another name of the algorithm": rebuild(t, read, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2Sign) }),
	} {
		t.Run(name, func(t *testing.T) {
			doc, stamp := d.with(der)
			if r := c.judge(t, doc, stamp); good(r) {
				t.Errorf("%s %v", r.Verdict, codes(r))
			}
		})
	}
	// NULL parameters in the token's algorithms, wherever one stands.
	plain := []byte{0x30, 10, 0x06, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83}
	for at := 0; ; at++ {
		next := bytes.Index(read.TimeStamp[at:], plain)
		if next < 0 {
			break
		}
		at += next
		token := insertNULL(t, read.TimeStamp, at)
		if len(token) < len(read.TimeStamp)+2 {
			t.Fatal("nothing was put in")
		}
		doc, stamp := d.with(build(read.SignatureValue, token))
		if r := c.judge(t, doc, stamp); good(r) {
			t.Errorf("NULL in the token at %d: %s %v", at, r.Verdict, codes(r))
		}
	}
}

func sequence(t testing.TB, values ...*big.Int) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, v := range values {
			b.AddASN1BigInt(v)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// rebuild puts a stamp together with another algorithm.
func rebuild(t testing.TB, s *ses.Stamp, algorithm func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.Signed)
		b.AddASN1OctetString(s.SignerCert)
		algorithm(b)
		b.AddASN1BitString(s.SignatureValue)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1BitString(s.TimeStamp) })
	})
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// insertNULL adds NULL to the AlgorithmIdentifier at an offset and lengthens all
// that it stands in.
func insertNULL(t testing.TB, der []byte, at int) []byte {
	t.Helper()
	var walk func(in cryptobyte.String, from int, b *cryptobyte.Builder)
	walk = func(in cryptobyte.String, from int, b *cryptobyte.Builder) {
		for !in.Empty() {
			var element, content cryptobyte.String
			var tag asn1.Tag
			before := len(in)
			if !in.ReadAnyASN1Element(&element, &tag) {
				t.Fatal("not DER")
			}
			whole := element
			element.ReadAnyASN1(&content, &tag)
			inner := from + len(whole) - len(content)
			switch {
			case from == at:
				b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content); b.AddASN1NULL() })
			case (tag&0x20 != 0 || tag == asn1.OCTET_STRING) && at > from && at < from+len(whole):
				b.AddASN1(tag, func(b *cryptobyte.Builder) { walk(content, inner, b) })
			default:
				b.AddBytes(whole)
			}
			from += before - len(in)
		}
	}
	var b cryptobyte.Builder
	walk(der, 0, &b)
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a sealed JSON document may become without being another, and what not.
func TestJSONRewritten(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	one := s.r.sealJSON(t, s.order, decision)
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: []byte("another")})
	two := s.r.sealJSON(t, s.order, one)
	read, err := jsondoc.Parse(two)
	if err != nil {
		t.Fatal(err)
	}
	a, b := base64.StdEncoding.EncodeToString(read.Stamps()[0]), base64.StdEncoding.EncodeToString(read.Stamps()[1])
	text := string(two)
	entries := func(list string) string {
		at := strings.Index(text, `"_seals"`)
		return text[:at] + `"_seals":[` + list + `]}`
	}
	for name, x := range map[string]struct {
		text string
		good bool
	}{
		"as it is":                   {text, true},
		"spaced otherwise":           {strings.ReplaceAll(text, ": ", " :\n"), true},
		"a number written otherwise": {strings.Replace(text, "128.50", "1.285e2", 1), true},
		"escaped otherwise":          {strings.Replace(text, "made up", `made\u0020up`, 1), true},
		"without its last stamp":     {entries(`"` + a + `"`), true},
		"without its first stamp":    {entries(`"` + b + `"`), false},
		"stamps changed round":       {entries(`"` + b + `","` + a + `"`), false},
		"the last stamp twice":       {entries(`"` + a + `","` + b + `","` + b + `"`), false},
		"the first stamp twice":      {entries(`"` + a + `","` + a + `"`), false},
		"no stamps":                  {entries(""), false},
		"a value changed":            {strings.Replace(text, "128.50", "128.51", 1), false},
		"a member added":             {strings.Replace(text, `{"决定"`, `{"更正":1,"决定"`, 1), false},
		"a member twice":             {strings.Replace(text, `{"决定"`, `{"决定":"不予","决定"`, 1), false},
		"a member gone":              {strings.Replace(text, `"金额": 128.50, `, "", 1), false},
		"base64 with a line break":   {entries(`"` + a[:76] + `\n` + a[76:] + `"`), false},
		"base64 escaped":             {entries(fmt.Sprintf(`"\u%04x%s"`, a[0], a[1:])), true},
		"base64 for URLs":            {entries(`"` + strings.NewReplacer("+", "-", "/", "_").Replace(a) + `"`), !strings.ContainsAny(a, "+/")},
		"text after it":              {text + " {}", false},
		"a byte-order mark":          {"\ufeff" + text, false},
	} {
		t.Run(name, func(t *testing.T) {
			if r := c.judge(t, []byte(x.text), nil); good(r) != x.good {
				t.Errorf("%s %v", r.Verdict, codes(r))
			}
		})
	}
}
