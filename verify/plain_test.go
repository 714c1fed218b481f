package verify_test

import (
	"encoding/base64"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/verify"
)

// gmSigned makes a SignedData of GB/T 35275: what it holds, and the attributes or
// the octets that are signed.
func gmSigned(t testing.TB, by *party, inner certs.OID, content, attributes, signs []byte, raw bool) []byte {
	t.Helper()
	encap := oidOf(inner)
	if content != nil {
		encap = append(encap, element(0xa0, element(0x04, content))...)
	}
	var attrs []byte
	if attributes != nil {
		attrs, signs = element(0xa0, attributes), element(0x31, attributes)
	}
	value := by.signature(t, signs)
	if raw {
		var err error
		if value, err = certs.SignatureToRaw(value); err != nil {
			t.Fatal(err)
		}
	}
	digest, one := element(0x30, oidOf(certs.OIDSM3)), []byte{2, 1, 1}
	serial := by.cert.Serial.Bytes()
	if serial[0] >= 0x80 {
		serial = append([]byte{0}, serial...)
	}
	signer := element(0x30, one, element(0x30, by.cert.RawIssuer, element(2, serial)), digest, attrs, element(0x30, oidOf(certs.OIDSM2Sign)), element(4, value))
	return element(0x30, oidOf(certs.OIDGMSignedData), element(0xa0, element(0x30, one, element(0x31, digest), element(0x30, encap), element(0xa0, by.cert.Raw), element(0x31, signer))))
}

// signForms are formats.md 2 (a), (b) and (c).
func signForms(by *party) map[string]func(testing.TB, []byte) []byte {
	return map[string]func(testing.TB, []byte) []byte{
		"the digest, raw": func(t testing.TB, xml []byte) []byte {
			sum := sm3.Sum(xml)
			return gmSigned(t, by, certs.OIDGMData, sum[:], nil, sum[:], true)
		},
		"attributes": func(t testing.TB, xml []byte) []byte {
			sum := sm3.Sum(xml)
			attribute := func(o certs.OID, v []byte) []byte { return element(0x30, oidOf(o), element(0x31, v)) }
			return gmSigned(t, by, certs.OIDData, nil, append(attribute(certs.OIDContentType, oidOf(certs.OIDData)), attribute(certs.OIDMessageDigest, element(4, sum[:]))...), nil, false)
		},
		"base64 text": func(t testing.TB, xml []byte) []byte {
			sum := sm3.Sum(xml)
			text := []byte(base64.StdEncoding.EncodeToString(sum[:]))
			return gmSigned(t, by, certs.OIDGMData, text, nil, text, false)
		},
	}
}

// A signature without a seal is told as a companion: it makes no document good, and
// makes it bad if it is broken.
func TestPlainSignaturesOfOFD(t *testing.T) {
	s := newScene(t)
	in := s.input()
	stranger := newParty(t, nil, profile{name: "某人"})
	for _, by := range []*party{s.r.signer, stranger} {
		for name, form := range signForms(by) {
			t.Run(name, func(t *testing.T) {
				alone := s.r.sealOFD(t, s.order, ofdOrder{sign: form}, plainPack())
				r := judge(alone.zip(t), nil, in)
				expect(t, r, verify.None, verify.NotSealed)
				got := r.Stamps[0]
				if got.Role != "companion" || got.Verdict != verify.CannotConfirm || got.Signer.Subject == "" || got.Standard != "GB/T 35275-2017" {
					t.Errorf("%+v", got)
				}
				for _, id := range []string{"format", "signatureValue", "dataHash", "coverage"} {
					if check(r, id) != verify.Pass {
						t.Errorf("%s is %s", id, check(r, id))
					}
				}
				expect(t, judge(alone.with("Doc_0/Res/map.png", "x").zip(t), nil, in), verify.NotValid, verify.Altered)
				expect(t, judge(alone.replace(t, signDir(0)+"Signature.xml", `"made"`, `"other"`).zip(t), nil, in), verify.NotValid, verify.Altered)

				after := s.r.sealOFD(t, s.order, ofdOrder{sign: form}, s.r.sealOFD(t, s.order, ofdOrder{}, plainPack()))
				expect(t, judge(after.zip(t), nil, in), verify.Valid, "")
				before := s.r.sealOFD(t, s.order, ofdOrder{}, alone)
				expect(t, judge(before.zip(t), nil, in), verify.Valid, "")
				value := []byte(after[after.at(signDir(1)+"SignedValue.dat")].content)
				value[len(value)-5] ^= 1
				expect(t, judge(after.with(signDir(1)+"SignedValue.dat", string(value)).zip(t), nil, in), verify.NotValid, verify.SignatureForged)
				// It may not show a seal.
				expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{sign: form, annots: usualAnnot}, plainPack()).zip(t), nil, in), verify.NotValid, verify.StampMalformed)
			})
		}
	}
	bare := func(t testing.TB, xml []byte) []byte { return stranger.signature(t, xml) }
	r := judge(s.r.sealOFD(t, s.order, ofdOrder{sign: bare}, plainPack()).zip(t), nil, in)
	expect(t, r, verify.None, verify.NotSealed)
	if got := check(r, "format"); got != verify.Unknown {
		t.Errorf("a bare signature: format %s", got)
	}
	// Nobody can check it, and yet it is plain that the files are not those it lists.
	changed := s.r.sealOFD(t, s.order, ofdOrder{sign: bare}, plainPack()).with("Doc_0/Res/map.png", "\x89PNG other")
	r = judge(changed.zip(t), nil, in)
	expect(t, r, verify.NotValid, verify.Altered)
	if got := check(r, "dataHash"); got != verify.Fail {
		t.Errorf("a bare signature over other files: dataHash %s", got)
	}
}

// The integrity file of GM/T 0099 covers which files there are.
func TestIntegrityFile(t *testing.T) {
	s := newScene(t)
	in := s.input()
	list := func(p pack) pack {
		var files string
		for _, e := range p {
			files += `<ofd:File ID="1" FileLoc="/` + e.name + `"/>`
		}
		text := ofdElement("DocEntries", "<ofd:SignedValueLoc>/signedvalue.dat</ofd:SignedValueLoc><ofd:FileList>"+files+"</ofd:FileList>")
		return p.with("OFDEntries.xml", text).with("signedvalue.dat", string(signForms(s.r.signer)["the digest, raw"](t, []byte(text))))
	}
	alone := list(plainPack())
	expect(t, judge(alone.zip(t), nil, in), verify.None, verify.NotSealed)
	expect(t, judge(alone.without("Doc_0/Res/map.png").zip(t), nil, in), verify.NotValid, verify.Altered)
	expect(t, judge(alone.replace(t, "OFDEntries.xml", `ID="1"`, `ID="2"`).zip(t), nil, in), verify.NotValid, verify.Altered)
	expect(t, judge(alone.without("signedvalue.dat").zip(t), nil, in), verify.NotValid, verify.StampMalformed)
	sealed := s.r.sealOFD(t, s.order, ofdOrder{}, alone)
	expect(t, judge(sealed.zip(t), nil, in), verify.Valid, "")
	// Listed after the stamp, it is a file that the stamp does not name.
	expect(t, judge(list(s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())).zip(t), nil, in), verify.ValidWithNotice, verify.EntryUnlisted)
}
