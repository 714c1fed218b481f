package softkey

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/hsm"
	"yinxin/hsm/hsmtest"
)

func options(dir string) Options {
	return Options{Dir: dir, Passphrase: []byte("correct horse"), Rand: rand.Reader, Clock: time.Now, Iterations: 10}
}

func create(t testing.TB) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

func TestConformance(t *testing.T) {
	fresh := func(t *testing.T) hsm.Keystore { s, _ := create(t); return s }
	hsmtest.Run(t, fresh)
	hsmtest.RunEnveloper(t, fresh)
	hsmtest.RunCompanion(t, fresh)
}

func TestKeysAreThereAgain(t *testing.T) {
	s, dir := create(t)
	k, err := s.Generate(t.Context(), "印章", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := k.SignMessage(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(options(dir)); !errors.Is(err, hsm.ErrInUse) {
		t.Fatal("opened twice:", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.SignMessage(t.Context(), []byte("x")); err == nil {
		t.Fatal("a closed store signs")
	}
	again, err := Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	k2, err := again.Key(t.Context(), k.Info().ID)
	if err != nil || k2.Info().Uses != 3 || k2.Info().Label != "印章" || !k2.Public().Equal(k.Public()) {
		t.Fatal(k2.Info(), err)
	}
	if gaps, _ := again.Unaccounted(t.Context()); len(gaps) != 0 {
		t.Fatal("a gap after a clean close:", gaps)
	}
}

// A killed process never wrote its counters: its folder as it stands is opened.
func TestAKilledProcessLeavesAGapAndNoUse(t *testing.T) {
	s, dir := create(t)
	k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	for range 1500 {
		if _, err := k.SignMessage(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again, err := Open(options(copied))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	gaps, err := again.Unaccounted(t.Context())
	if err != nil || len(gaps) != 1 || gaps[0].KeyID != k.Info().ID || gaps[0].N != useBlock {
		t.Fatal(gaps, err)
	}
	k2, _ := again.Key(t.Context(), k.Info().ID)
	if k2.Info().Uses < 1500 {
		t.Fatalf("%d uses are counted of 1500", k2.Info().Uses)
	}
	if gaps, _ := again.Unaccounted(t.Context()); len(gaps) != 0 {
		t.Fatal("told twice")
	}
}

func TestDamageAndPassphrase(t *testing.T) {
	s, dir := create(t)
	k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wrong := options(dir)
	wrong.Passphrase = []byte("wrong")
	if _, err := Open(wrong); !errors.Is(err, hsm.ErrWrongPassphrase) {
		t.Fatal(err)
	}
	keyFile := filepath.Join(dir, k.Info().ID+".key")
	whole, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) {
		for _, damaged := range [][]byte{whole[:i], flip(whole, i)} {
			if err := os.WriteFile(keyFile, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := open1(dir); !errors.Is(err, hsm.ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	if err := os.WriteFile(keyFile, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	good, err := Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	good.Close()
	if _, err := Open(options(filepath.Join(dir, "none"))); !errors.Is(err, hsm.ErrNotFound) {
		t.Fatal(err)
	}
}

func flip(b []byte, i int) []byte { out := bytes.Clone(b); out[i] ^= 1; return out }

// open1 closes what it opened, so that a test can go on.
func open1(dir string) (struct{}, error) {
	s, err := Open(options(dir))
	if err == nil {
		s.Close()
	}
	return struct{}{}, err
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	s, dir := create(t)
	if _, err := s.Generate(t.Context(), "x", hsm.UsageSign); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Fatalf("%s: %v %v", e.Name(), info.Mode(), err)
		}
	}
}

// GmSSL refuses a PBKDF2 whose HMAC-SM3 has NULL parameters.
func TestParametersOfHMACAreAbsent(t *testing.T) {
	_, dir := create(t)
	b, err := os.ReadFile(filepath.Join(dir, "kek.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	oid := []byte{0x06, 0x09, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11, 0x02}
	if !bytes.Contains(block.Bytes, append([]byte{0x30, 0x0b}, oid...)) {
		t.Fatalf("%x", block.Bytes)
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root writes through permissions: a folder that is a file fails for all.
		s, dir := create(t)
		k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
		if err != nil {
			t.Fatal(err)
		}
		moved := dir + ".away"
		if err := os.Rename(dir, moved); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Generate(t.Context(), "y", hsm.UsageSign); !errors.Is(err, hsm.ErrWrite) {
			t.Fatal(err)
		}
		// No block can be reserved, so nothing may be signed.
		if _, err := k.SignMessage(t.Context(), []byte("x")); !errors.Is(err, hsm.ErrWrite) {
			t.Fatal(err)
		}
		if err := s.SetState(t.Context(), k.Info().ID, hsm.Destroyed); !errors.Is(err, hsm.ErrWrite) {
			t.Fatal(err)
		}
		if err := os.Rename(moved, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := k.SignMessage(t.Context(), []byte("x")); err != nil {
			t.Fatal("the key was lost by a failed write:", err)
		}
	}
}

// The library hands over the whole message; what it makes must verify.
func TestSignerServesTheLibrary(t *testing.T) {
	s, _ := create(t)
	k, err := s.Generate(t.Context(), "ca", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	signer := hsm.Signer(t.Context(), k)
	tpl := &smx509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: smx509.KeyUsageCertSign | smx509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	der, err := smx509.CreateCertificate(rand.Reader, tpl, tpl, k.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := smx509.ParseCertificate(der)
	if err != nil || c.CheckSignatureFrom(c) != nil {
		t.Fatal(err)
	}
	csr, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, signer)
	if err != nil {
		t.Fatal(err)
	}
	req, err := smx509.ParseCertificateRequest(csr)
	if err != nil || req.CheckSignature() != nil {
		t.Fatal(err)
	}
	crl, err := smx509.CreateRevocationList(rand.Reader, &smx509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, c, signer)
	if err != nil {
		t.Fatal(err)
	}
	list, err := smx509.ParseRevocationList(crl)
	if err != nil || list.CheckSignatureFrom(c) != nil {
		t.Fatal(err)
	}
}

func FuzzKeyFile(f *testing.F) {
	s, dir := create(f)
	k, err := s.Generate(f.Context(), "x", hsm.UsageSign)
	if err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, k.Info().ID+".key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseKeyFile(b) })
}

func BenchmarkSign(b *testing.B) {
	s, _ := create(b)
	k, err := s.Generate(b.Context(), "x", hsm.UsageSign)
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 200)
	b.Run("softkey", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.SignMessage(b.Context(), message); err != nil {
				b.Fatal(err)
			}
		}
	})
	raw, _ := sm2.GenerateKey(rand.Reader)
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			if _, err := raw.SignWithSM2(rand.Reader, nil, message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
