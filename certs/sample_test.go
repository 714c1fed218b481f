package certs

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func sample(t testing.TB, name string) *Certificate {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sm2", name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCertificatePEMOrDER(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

func TestCertificatesOfTheField(t *testing.T) {
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	self := sample(t, "sm2-root-cert.pem")
	if err := self.CheckSignatureFrom(self); err != nil {
		t.Fatal("sm2-root-cert by itself:", err)
	}
	leaf, above := sample(t, "sm2-leaf.crt"), sample(t, "sm2-chain-ca.crt")
	if err := leaf.CheckSignatureFrom(above); err != nil {
		t.Fatal("sm2-leaf by sm2-chain-ca:", err)
	}
	path, err := BuildPath(leaf, PathOptions{Roots: []*Certificate{above}, At: at, EKU: "1.3.6.1.5.5.7.3.1", KeyUsage: KeyUsageDigitalSignature})
	if err != nil || len(path) != 2 {
		t.Fatal("the path of sm2-leaf:", err)
	}
	if _, err := BuildPath(above, PathOptions{Roots: []*Certificate{leaf}, At: at}); !errors.Is(err, ErrUnknownIssuer) {
		t.Fatal("the chain stood on its head:", err)
	}
	for name, usage := range map[string]KeyUsage{
		"sm2__client_sign.crt": KeyUsageDigitalSignature | KeyUsageNonRepudiation,
		"sm2__client_enc.crt":  KeyUsageKeyEncipherment | KeyUsageDataEncipherment | KeyUsageKeyAgreement,
	} {
		if c := sample(t, name); c.KeyUsage != usage || c.Subject.Organization != "CC" {
			t.Errorf("%s: usage %b, subject %s", name, c.KeyUsage, c.Subject)
		}
	}
}

func TestTheExpiredClientIsRefusedAfterItsEnd(t *testing.T) {
	c := sample(t, "sm2__client_sign_expire.crt")
	end := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]error{
		c.NotBefore.Add(-time.Second): ErrNotYetValid, c.NotBefore: nil, end: nil, end.Add(time.Second): ErrExpired, noon: ErrExpired,
	} {
		if _, err := BuildPath(c, PathOptions{Roots: []*Certificate{c}, At: at}); !errors.Is(err, want) {
			t.Errorf("at %s: %v", at, err)
		}
	}
}

// Both were signed over SM3 of the TBS alone, which anyone's key may have been
// made to sign for another purpose.
func TestSignaturesWithoutZAAreRefused(t *testing.T) {
	issuer := sample(t, "sm2-noza-root-cert.pem")
	for _, name := range []string{"sm2-noza-root-cert.pem", "sm2-noza-cert.pem"} {
		if err := sample(t, name).CheckSignatureFrom(issuer); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPEM(t *testing.T) {
	c := root(t, "根")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	other := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: oid(OIDSM2Curve)})
	for name, text := range map[string][]byte{"der": c.Raw, "pem": block, "text before": append([]byte("Certificate:\n    Data\n"), block...), "another block before": append(other, block...)} {
		if got, err := ParseCertificatePEMOrDER(text); err != nil || !got.Equal(c.Certificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string][]byte{"empty": nil, "no certificate": other, "too long": append(block, make([]byte, maxPEM)...)} {
		if _, err := ParseCertificatePEMOrDER(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
