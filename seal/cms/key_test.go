package cms

import (
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
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type key struct{ *sm2.PrivateKey }

func (k key) Public() *ecdsa.PublicKey { return &k.PublicKey }
func (k key) SignMessage(_ context.Context, m []byte) ([]byte, error) {
	return k.SignWithSM2(rand.Reader, nil, m)
}

func newKey(t testing.TB, name string) (key, *certs.Certificate) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tpl := &smx509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now, NotAfter: now.Add(time.Hour)}
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

// tlv, sequence and oid write DER by hand, so that a test does not lean on what it tests.
func tlv(tag byte, parts ...[]byte) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.Tag(tag), func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddBytes(p)
		}
	})
	return b.BytesOrPanic()
}

func sequence(parts ...[]byte) []byte { return tlv(0x30, parts...) }
func oid(o certs.OID) []byte          { return tlv(0x06, o.DER()) }

func attributeOf(o certs.OID, values ...[]byte) []byte { return sequence(oid(o), tlv(0x31, values...)) }

// form is a SignedData in parts.
type form struct {
	kind, inner certs.OID
	content     []byte   // nil: detached
	attrs       [][]byte // nil: none
	algorithm   certs.OID
	raw         bool   // r||s
	signs       []byte // what is signed where there are no attributes
	unsigned    []byte
}

func (f form) der(t testing.TB, k key, c *certs.Certificate) []byte {
	t.Helper()
	encap, attrs, signs := oid(f.inner), []byte(nil), f.signs
	if f.content != nil {
		encap = append(encap, tlv(0xa0, tlv(0x04, f.content))...)
	}
	if f.attrs != nil {
		attrs, signs = tlv(0xa0, f.attrs...), tlv(0x31, f.attrs...)
	}
	value, err := k.SignMessage(t.Context(), signs)
	if err == nil && f.raw {
		value, err = certs.SignatureToRaw(value)
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, one := sequence(oid(certs.OIDSM3)), []byte{2, 1, 1}
	signer := sequence(one, sequence(c.RawIssuer, tlv(2, c.Serial.Bytes())), digest, attrs, sequence(oid(f.algorithm)), tlv(4, value), f.unsigned)
	return sequence(oid(f.kind), tlv(0xa0, sequence(one, tlv(0x31, digest), sequence(encap), tlv(0xa0, c.Raw), tlv(0x31, signer))))
}
