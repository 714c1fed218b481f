package verify_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"

	"yinxin/certs"
	"yinxin/internal/testlong"
	"yinxin/seal/pdf"
	"yinxin/verify"
)

// abroad is a signer that knows no SM2, below a root of its own.
type abroad struct {
	key  crypto.Signer
	cert *x509.Certificate
	root []byte
}

func newAbroad(t testing.TB, key crypto.Signer) *abroad {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root abroad"}, NotBefore: epoch, NotAfter: epoch.Add(10 * year), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "signer abroad"}, NotBefore: epoch, NotAfter: epoch.Add(10 * year), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &abroad{key, cert, rootDER}
}

var (
	digestOIDs = map[crypto.Hash]certs.OID{crypto.SHA1: "1.3.14.3.2.26", crypto.SHA256: "2.16.840.1.101.3.4.2.1", crypto.SHA384: "2.16.840.1.101.3.4.2.2", crypto.SHA512: "2.16.840.1.101.3.4.2.3"}
	null       = []byte{5, 0}
)

// form is how a signature abroad is made.
type form struct {
	hash      crypto.Hash
	algorithm []byte // AlgorithmIdentifier of the signature
	opts      crypto.SignerOpts
	bare      bool // no attributes
}

func rsaForm(h crypto.Hash) form {
	return form{hash: h, algorithm: element(0x30, oidOf("1.2.840.113549.1.1.1"), null), opts: h}
}

func pssForm(h crypto.Hash) form {
	digest := element(0x30, oidOf(digestOIDs[h]), null)
	params := element(0x30, element(0xa0, digest), element(0xa1, element(0x30, oidOf("1.2.840.113549.1.1.8"), digest)), element(0xa2, integer(big.NewInt(int64(h.Size())))))
	return form{hash: h, algorithm: element(0x30, oidOf("1.2.840.113549.1.1.10"), params), opts: &rsa.PSSOptions{SaltLength: h.Size(), Hash: h}}
}

func ecdsaForm(h crypto.Hash, o certs.OID) form {
	return form{hash: h, algorithm: element(0x30, oidOf(o)), opts: h}
}

func sumOf(h crypto.Hash, b []byte) []byte {
	x := h.New()
	x.Write(b)
	return x.Sum(nil)
}

// sign makes a detached SignedData over content by hand.
func (a *abroad) sign(t testing.TB, f form, content []byte) []byte {
	t.Helper()
	attributes, signs := []byte(nil), content
	if !f.bare {
		list := [][]byte{attributeOf(certs.OIDContentType, oidOf(certs.OIDData)), attributeOf(certs.OIDMessageDigest, element(4, sumOf(f.hash, content)))}
		attributes, signs = element(0xa0, list...), element(0x31, list...)
	}
	value, err := a.key.Sign(rand.Reader, sumOf(f.hash, signs), f.opts)
	if err != nil {
		t.Fatal(err)
	}
	digest, one := element(0x30, oidOf(digestOIDs[f.hash]), null), []byte{2, 1, 1}
	signer := element(0x30, one, element(0x30, a.cert.RawIssuer, integer(a.cert.SerialNumber)), digest, attributes, f.algorithm, element(4, value))
	return element(0x30, oidOf(certs.OIDSignedData), element(0xa0, element(0x30, one, element(0x31, digest), element(0x30, oidOf(certs.OIDData)), element(0xa0, a.cert.Raw), element(0x31, signer))))
}

// accompany puts a further signature on a document, unseen or with a picture.
func accompany(t testing.TB, doc []byte, seen bool, sign func(content []byte) []byte) []byte {
	t.Helper()
	f, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	o := pdf.Options{CMS: true, FieldName: "Companion", Time: noon, TokenSize: 8 << 10}
	var l *pdf.Layout
	if seen {
		o.Spots, o.Face = []pdf.Spot{{Page: 1, X: 40, Y: 5}}, pdf.Face{PNG: plainFace(t), WidthMM: 20, HeightMM: 20}
		l, err = f.Layout(o)
	} else {
		l, err = f.LayoutUnseen(o)
	}
	if err != nil {
		t.Fatal(err)
	}
	var content, out bytes.Buffer
	if err := l.Covered(&content); err != nil {
		t.Fatal(err)
	}
	if _, err := l.WriteTo(&out, sign(content.Bytes())); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// list enters the root abroad on the region's list.
func (s *scene) list(a *abroad) {
	s.r.services = append(s.r.services, certs.RegionService{Type: certs.ServiceCompanionCA, Name: "companion", Certificate: a.root, History: []certs.ServiceStatus{{State: certs.Granted, Since: epoch}}})
}

func (s *scene) companionOf(t testing.TB, r verify.Report, n int, want verify.Verdict) {
	t.Helper()
	if len(r.Stamps) <= n || r.Stamps[n].Role != "companion" || r.Stamps[n].Verdict != want {
		t.Errorf("companion %d: %+v", n, r.Stamps)
	}
}

// A companion of any algorithm that readers abroad know is read, and neither its being
// there nor its being anyone's changes the verdict on the seal.
func TestCompanions(t *testing.T) {
	s, one := sealedPage(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	listed := newAbroad(t, p256)
	s.list(listed)
	bare := rsaForm(crypto.SHA256)
	bare.bare = true
	for name, c := range map[string]struct {
		by   *abroad
		form form
	}{
		"RSA, SHA-256":             {newAbroad(t, rsaKey), rsaForm(crypto.SHA256)},
		"RSA, SHA-384":             {newAbroad(t, rsaKey), rsaForm(crypto.SHA384)},
		"RSA, SHA-512":             {newAbroad(t, rsaKey), rsaForm(crypto.SHA512)},
		"RSA, its digest named":    {newAbroad(t, rsaKey), form{hash: crypto.SHA256, algorithm: element(0x30, oidOf("1.2.840.113549.1.1.11"), null), opts: crypto.SHA256}},
		"RSA, without attributes":  {newAbroad(t, rsaKey), bare},
		"RSASSA-PSS":               {newAbroad(t, rsaKey), pssForm(crypto.SHA256)},
		"RSASSA-PSS, SHA-512":      {newAbroad(t, rsaKey), pssForm(crypto.SHA512)},
		"ECDSA, P-256":             {listed, ecdsaForm(crypto.SHA256, "1.2.840.10045.4.3.2")},
		"ECDSA, P-384 and SHA-384": {newAbroad(t, p384), ecdsaForm(crypto.SHA384, "1.2.840.10045.4.3.3")},
		"ECDSA, P-384 and SHA-512": {newAbroad(t, p384), ecdsaForm(crypto.SHA512, "1.2.840.10045.4.3.4")},
	} {
		t.Run(name, func(t *testing.T) {
			sign := func(content []byte) []byte { return c.by.sign(t, c.form, content) }
			doc := accompany(t, one, false, sign)
			r := judge(doc, nil, s.input())
			expect(t, r, verify.Valid, "")
			s.companionOf(t, r, 1, verify.CannotConfirm)
			if known := r.Stamps[1].Signer.Region == "520000"; known != (c.by == listed) {
				t.Errorf("%+v", r.Stamps[1])
			}
			// Over another document it is broken.
			wrong := accompany(t, one, false, func(content []byte) []byte { return sign(content[:len(content)-1]) })
			r = judge(wrong, nil, s.input())
			if r.Verdict != verify.NotValid {
				t.Errorf("over another document: %s %v", r.Verdict, codes(r))
			}
			s.companionOf(t, r, 1, verify.NotValid)
			// No altered octet leaves it as it was.
			der, at := contents(t, doc)
			for i := 0; i < len(der); i += testlong.Count(61, 7) {
				bad := bytes.Clone(doc)
				flipHex(bad, at+2*i)
				if r := judge(bad, nil, s.input()); good(r) && r.Stamps[1].Checks[1].Result == verify.Pass && !sameMeaning(der, i, c.by) {
					t.Fatalf("octet %d of %d: %s", i, len(der), r.Verdict)
				}
			}
			// Before the seal it is what the agency sealed.
			before := accompany(t, sample(t, pdfSamples+"/unsigned/minimal.pdf"), true, sign)
			r = judge(s.r.sealPDF(t, s.order, before), nil, s.input())
			expect(t, r, verify.Valid, "")
			s.companionOf(t, r, 0, verify.CannotConfirm)
		})
	}
}

// sameMeaning: the certificate in a SignedData is under no signature of its own, and
// neither are the digests listed before it.
func sameMeaning(der []byte, i int, by *abroad) bool {
	end := bytes.Index(der, by.cert.Raw) + len(by.cert.Raw)
	return i < end
}

func flipHex(doc []byte, at int) {
	if doc[at] == '0' {
		doc[at] = '1'
	} else {
		doc[at] = '0'
	}
}

// What a companion may not do.
func TestCompanionsThatCount(t *testing.T) {
	s, one := sealedPage(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	by, weak := newAbroad(t, key), newAbroad(t, rsaKey)
	s.list(by)
	how := ecdsaForm(crypto.SHA256, "1.2.840.10045.4.3.2")
	sign := func(content []byte) []byte { return by.sign(t, how, content) }
	plain := sample(t, pdfSamples+"/unsigned/minimal.pdf")

	// Alone it is no seal, whoever made it.
	r := judge(accompany(t, plain, false, sign), nil, s.input())
	expect(t, r, verify.CannotConfirm, verify.FormatForeign)
	s.companionOf(t, r, 0, verify.CannotConfirm)
	// It shows nothing over what was sealed.
	expect(t, judge(accompany(t, one, true, sign), nil, s.input()), verify.CannotConfirm, verify.FormatForeign)
	// One that cannot be checked is not passed over.
	expect(t, judge(accompany(t, one, false, func(content []byte) []byte { return weak.sign(t, rsaForm(crypto.SHA1), content) }), nil, s.input()), verify.CannotConfirm, verify.FormatForeign)
	// What comes after it is judged as ever.
	two := s.r.sealPDF(t, s.order, accompany(t, one, false, sign))
	expect(t, judge(two, nil, s.input()), verify.Valid, "")
	// And it makes no bad stamp good.
	forged := s.order
	forged.signer = s.far.signer
	if r := judge(accompany(t, s.r.sealPDF(t, forged, plain), false, sign), nil, s.input()); r.Verdict != verify.NotValid {
		t.Errorf("a forged stamp beside a companion: %s", r.Verdict)
	}
	// A companion is no signature in JSON or for a file.
	if r := judge([]byte("any file"), sign([]byte("any file")), s.input()); r.Verdict != verify.CannotConfirm {
		t.Errorf("for a file: %s %v", r.Verdict, codes(r))
	}
}

func FuzzCompanion(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	content := []byte("content")
	by := newAbroad(f, key)
	f.Add(by.sign(f, ecdsaForm(crypto.SHA256, "1.2.840.10045.4.3.2"), content))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(newAbroad(f, rsaKey).sign(f, pssForm(crypto.SHA256), content))
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := certs.ParseAnySignedData(der)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Raw, der) {
			t.Fatal("what was read is not what was given")
		}
		if s.Signer != nil {
			_ = s.Verify(s.Signer, content)
			s.AsBuilt()
		}
	})
}

// Signatures that other programs made are read, and say what they are.
func TestCompanionsOfTheField(t *testing.T) {
	s := newScene(t)
	for name, want := range map[string]struct {
		verdict verify.Verdict
		code    verify.Code
		stamps  int
		value   verify.Result
	}{
		"minimal-two-fields-signed-twice.pdf": {verify.CannotConfirm, verify.FormatForeign, 2, verify.Pass},
		"one-byterange.pdf":                   {verify.NotValid, verify.PartialCoverage, 1, verify.Unknown},
		"weird-byterange.pdf":                 {verify.NotValid, verify.PartialCoverage, 1, verify.Unknown},
	} {
		r := judge(sample(t, pdfSamples+"/signed/"+name), nil, s.input())
		expect(t, r, want.verdict, want.code)
		if len(r.Stamps) != want.stamps {
			t.Fatalf("%s: %d stamps", name, len(r.Stamps))
		}
		for _, x := range r.Stamps {
			if x.Role != "companion" || x.Signer.Subject == "" || x.Checks[1].ID != "signatureValue" || x.Checks[1].Result != want.value {
				t.Errorf("%s: %s, %q, %+v", name, x.Role, x.Signer.Subject, x.Checks)
			}
		}
	}
}

// Where a file has no work left for what one of many companions covers, nobody knows
// whether it is broken.
func TestCompanionsPastTheFilesBudget(t *testing.T) {
	s, doc := sealedPage(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := newAbroad(t, key)
	sound := func(content []byte) []byte {
		return a.sign(t, ecdsaForm(crypto.SHA256, "1.2.840.10045.4.3.2"), content)
	}
	in := s.input()
	for n := range 12 {
		broken := accompany(t, doc, false, func(content []byte) []byte { return sound(content[1:]) })
		r := judge(broken, nil, in)
		if good(r) {
			t.Fatalf("good, and the last of %d was not looked at: %+v", n+1, r.Stamps[n+1].Checks)
		}
		if r.Verdict == verify.CannotConfirm {
			expect(t, r, verify.CannotConfirm, verify.WorkLimit)
			return
		}
		doc = accompany(t, doc, false, sound)
	}
	t.Fatal("the budget was never spent")
}
