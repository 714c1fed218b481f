package est

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

func TestDecode(t *testing.T) {
	der := bytes.Repeat([]byte{1, 2, 3}, 100)
	one := base64.StdEncoding.EncodeToString(der)
	for name, body := range map[string]string{"one line": one, "as we write it": string(Encode(der)), "spaces and LF": one[:10] + " \n\t" + one[10:] + "\n"} {
		if got, err := Decode([]byte(body)); err != nil || !bytes.Equal(got, der) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{"nothing": "", "blanks": " \r\n", "no base64": "%", "of URLs": "-_-_", "padding cut": "AA=", "loose bits": "AB==", "something after it": one + "==",
		"PEM": "-----BEGIN CERTIFICATE REQUEST-----\n" + one, "a long request": base64.StdEncoding.EncodeToString(make([]byte, ca.MaxRequest+1)), "a long body": strings.Repeat("\n", MaxBody+1)} {
		if _, err := Decode([]byte(body)); !errors.Is(err, ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Lines fit a reader of base64 that has a buffer for one.
func TestEncodedLines(t *testing.T) {
	for n := range 200 {
		for line := range strings.SplitSeq(strings.TrimSuffix(string(Encode(make([]byte, n))), "\n"), "\n") {
			if len(line) > lineLength || n > 0 && line == "" {
				t.Fatalf("%d octets: a line of %d", n, len(line))
			}
		}
	}
}

func certificate(t testing.TB, serial int64) *certs.Certificate {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "系统"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The library, which wrote none of it, reads the certificates and finds no signer.
func TestCertsOnly(t *testing.T) {
	a, b := certificate(t, 1), certificate(t, 2)
	for n, list := range map[int][]*certs.Certificate{1: {a}, 2: {b, a, b}} {
		der, err := CertsOnly(list...)
		if err != nil {
			t.Fatal(err)
		}
		p7, err := pkcs7.Parse(der)
		if err != nil || len(p7.Certificates) != n || len(p7.Signers) != 0 || len(p7.Content) != 0 {
			t.Fatal(len(p7.Certificates), err)
		}
	}
	one, _ := CertsOnly(a, b)
	two, _ := CertsOnly(b, a)
	if !bytes.Equal(one, two) {
		t.Error("a set has two encodings")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("MAA="))
	f.Add([]byte("MA\r\nA="))
	f.Add([]byte("-----BEGIN"))
	f.Fuzz(func(t *testing.T, body []byte) {
		der, err := Decode(body)
		if err != nil {
			return
		}
		if again, err := Decode(Encode(der)); err != nil || !bytes.Equal(again, der) {
			t.Fatalf("%x: %v", der, err)
		}
		// Nor does the next reader fall over what comes out.
		_, _ = ca.RequestSubject(der)
	})
}
