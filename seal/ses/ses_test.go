package ses

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/certs"
	"yinxin/internal/testlong"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keyOf takes the key out of a certificate of the field by the library's
// reader, which is laxer than ours.
func keyOf(t testing.TB, der []byte) *ecdsa.PublicKey {
	t.Helper()
	c, err := smx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c.PublicKey.(*ecdsa.PublicKey)
}

func TestSealsOfTheField(t *testing.T) {
	for name, want := range map[string]struct {
		generation Generation
		good       bool
		signers    int
	}{
		"UserV1.esl":     {V1, true, 1},
		"UserV4.esl":     {V4, true, 1},
		"UserV5.esl":     {V5, true, 1},
		"SESealData.DER": {V4, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSeal(sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if s.Generation != want.generation || len(s.Certs) != want.signers || s.Name == "" || s.Picture.Width == 0 {
				t.Fatalf("generation %d, %d signers, name %q", s.Generation, len(s.Certs), s.Name)
			}
			if err := s.VerifySignatureKey(keyOf(t, s.MakerCert)); (err == nil) != want.good {
				t.Fatalf("maker's signature: %v", err)
			}
		})
	}
}

func TestStampOfTheField(t *testing.T) {
	s, err := ParseStamp(sample(t, "SignedValueV4.dat"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifySignatureKey(keyOf(t, s.SignerCert)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.DataHash, make([]byte, 32)) || s.Generation != V4 || !s.Seal.HasSigner(s.SignerCert) {
		t.Fatalf("hash %x, generation %d", s.DataHash, s.Generation)
	}
}

type key struct{ *sm2.PrivateKey }

func (k key) Public() *ecdsa.PublicKey { return &k.PublicKey }
func (k key) SignMessage(_ context.Context, m []byte) ([]byte, error) {
	return k.SignWithSM2(rand.Reader, nil, m)
}

func newKey(t testing.TB) (key, *certs.Certificate) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &smx509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "印章"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := smx509.CreateCertificate(rand.Reader, tpl, tpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key{k}, c
}

// made is a stamp with everything that went into it.
type made struct {
	maker, signer         key
	makerCert, signerCert *certs.Certificate
	seal, stamp           []byte
}

func makeStamp(t testing.TB, picture int) made {
	t.Helper()
	var m made
	m.maker, m.makerCert = newKey(t)
	m.signer, m.signerCert = newKey(t)
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	var err error
	m.seal, err = BuildSeal(t.Context(), SealSpec{ID: "52000000000001", Name: "贵州省示例局", Type: 1, SignerCerts: [][]byte{m.signerCert.Raw},
		Created: now, ValidFrom: now, ValidTo: now.AddDate(3, 0, 0), Picture: Picture{Type: "PNG", Data: make([]byte, picture), Width: 42, Height: 42}}, m.maker, m.makerCert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := BuildTBS(StampSpec{SealDER: m.seal, TimeInfo: now, DataHash: [32]byte{1}, PropertyInfo: PropertyJSON, StampID: make([]byte, 16), ExpectedSeals: 2})
	if err != nil {
		t.Fatal(err)
	}
	sig, err := m.signer.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	if m.stamp, err = BuildStamp(tbs, m.signerCert.Raw, sig, []byte{0x30, 0}); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatWeMakeReadsBack(t *testing.T) {
	m := makeStamp(t, 20000)
	s, err := ParseStamp(m.stamp)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifySignature(m.signerCert); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal.VerifySignature(m.makerCert); err != nil {
		t.Fatal(err)
	}
	id, ok := s.StampID()
	n, ok2 := s.ExpectedSeals()
	if !ok || !ok2 || n != 2 || len(id) != 16 || s.PropertyInfo != PropertyJSON || !s.Seal.HasSigner(m.signerCert.Raw) || len(s.Notices) != 0 ||
		s.Seal.Vendor != VendorID || s.Seal.SM3() != sm3.Sum(m.seal) || s.TimeStamp == nil {
		t.Fatalf("%+v", s)
	}
	if err := s.VerifySignature(m.makerCert); err == nil {
		t.Fatal("another certificate passed for the signer's")
	}
	for name, parts := range map[string][][]byte{
		"seal": {m.seal}, "seal and certificate": {m.seal, m.signerCert.Raw}, "what is not in it": {[]byte("no"), m.seal, nil, m.signerCert.Raw}, "nothing": {},
	} {
		stripped := Strip(m.stamp, parts...)
		if whole, err := Restore(stripped, parts...); err != nil || !bytes.Equal(whole, m.stamp) {
			t.Fatalf("%s: Restore(Strip(x)) is not x: %v", name, err)
		}
		if _, err := Restore(stripped, append(parts, nil)...); err == nil {
			t.Fatalf("%s: restored with another number of parts", name)
		}
	}
	if stripped := Strip(m.stamp, m.seal, m.signerCert.Raw); len(stripped) > len(m.stamp)-len(m.seal)-len(m.signerCert.Raw)+9 {
		t.Fatalf("%d octets are left of %d", len(stripped), len(m.stamp))
	}
}

// good is what a verifier asks of the bytes, trust and status apart.
func (m made) good(der []byte) bool {
	s, err := ParseStamp(der)
	if err != nil || s.VerifySignature(m.signerCert) != nil || s.Seal.VerifySignature(m.makerCert) != nil || !s.Seal.HasSigner(s.SignerCert) {
		return false
	}
	return bytes.Equal(s.TimeStamp, []byte{0x30, 0}) && len(s.Notices) == 0
}

func TestNoFlippedBitIsGood(t *testing.T) {
	m := makeStamp(t, 40)
	if !m.good(m.stamp) {
		t.Fatal("the stamp itself is not good")
	}
	for i := range m.stamp {
		for bit := range 8 {
			mutant := bytes.Clone(m.stamp)
			mutant[i] ^= 1 << bit
			if m.good(mutant) {
				t.Fatalf("byte %d bit %d: still good", i, bit)
			}
		}
	}
}

// TestMutants cuts, doubles and swaps pieces of a stamp: whatever reads as good
// must be the stamp itself.
func TestMutants(t *testing.T) {
	m := makeStamp(t, 40)
	seed := uint64(1)
	next := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	for range testlong.Count(500, 20000) {
		mutant := bytes.Clone(m.stamp)
		for range 1 + next(3) {
			i, n := next(len(mutant)), 1+next(8)
			j := min(i+n, len(mutant))
			switch next(4) {
			case 0:
				mutant[i] = byte(next(256))
			case 1:
				mutant = append(mutant[:i], mutant[j:]...)
			case 2:
				mutant = bytes.Join([][]byte{mutant[:j], mutant[i:]}, nil)
			case 3:
				copy(mutant[i:j], mutant[next(len(mutant)):])
			}
			if len(mutant) == 0 {
				break
			}
		}
		if m.good(mutant) && !bytes.Equal(mutant, m.stamp) {
			t.Fatalf("a mutant is good: %x", mutant)
		}
	}
}

func TestVariantsOfTheFieldAreNotOurs(t *testing.T) {
	m := makeStamp(t, 40)
	s, err := ParseStamp(m.stamp)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := certs.SignatureToRaw(s.SignatureValue)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := BuildStamp(s.Signed, s.SignerCert, raw, s.TimeStamp)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseStamp(changed); err == nil {
		t.Fatal("raw r||s was read under our own vendor id")
	}
	other := &Seal{Vendor: "OTHER"}
	var notices []string
	loose := append([]byte{0x30, 0x46, 0x02, 0x21, 0}, raw[:32]...)
	loose = append(append(loose, 0x02, 0x21, 0), raw[32:]...)
	for _, value := range [][]byte{raw, loose} {
		der, err := other.normalise(value, &notices)
		if err != nil || verify(m.signerCert.PublicKey, s.Signed, der) != nil {
			t.Fatalf("a variant of the field was refused: %v", err)
		}
	}
	// r or s with its top bit set needs the zero octet, so `loose` may be the
	// minimal form and earn no notice.
	if len(notices) == 0 {
		t.Fatal("no notice")
	}
}

func FuzzParseStamp(f *testing.F) {
	f.Add(sample(f, "SignedValueV4.dat"))
	f.Add(makeStamp(f, 40).stamp)
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ParseStamp(der)
		if err != nil {
			return
		}
		if whole, err := Restore(Strip(der, s.Seal.Raw, s.SignerCert), s.Seal.Raw, s.SignerCert); err != nil || !bytes.Equal(whole, der) {
			t.Fatal("Restore(Strip(x)) is not x")
		}
	})
}

func FuzzParseSeal(f *testing.F) {
	for _, name := range []string{"UserV1.esl", "UserV4.esl", "UserV5.esl", "SESealData.DER"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if s, err := ParseSeal(der); err == nil && !bytes.Equal(s.Raw, der) {
			t.Fatal("Raw is not what was read")
		}
	})
}

// BenchmarkStamp is a stamp with a 20 KB picture beside BenchmarkRaw, the one
// signature over as many bytes that it contains.
func BenchmarkStamp(b *testing.B) {
	m := makeStamp(b, 20000)
	id := make([]byte, 16)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		tbs, err := BuildTBS(StampSpec{SealDER: m.seal, TimeInfo: now, PropertyInfo: PropertyJSON, StampID: id})
		if err != nil {
			b.Fatal(err)
		}
		sig, err := m.signer.SignMessage(b.Context(), tbs)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := BuildStamp(tbs, m.signerCert.Raw, sig, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRaw(b *testing.B) {
	m := makeStamp(b, 20000)
	message := make([]byte, len(m.seal)+150)
	for b.Loop() {
		if _, err := m.signer.SignMessage(b.Context(), message); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzRestore(f *testing.F) {
	m := makeStamp(f, 40)
	f.Add(Strip(m.stamp, m.seal, m.signerCert.Raw), []byte("a"))
	f.Add([]byte{2, 0, 0, 0, 9, 0, 0, 0, 1, 1, 2, 3}, []byte("part"))
	f.Fuzz(func(t *testing.T, stripped, part []byte) {
		if whole, err := Restore(stripped, part, m.signerCert.Raw); err == nil && len(whole) > MaxStamp+len(stripped) {
			t.Fatalf("%d octets", len(whole))
		}
	})
}
