package interop

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjsm4 "github.com/tjfoc/gmsm/sm4"

	"yinxin/ca"
	"yinxin/ca/escrow"
	"yinxin/certs"
)

// enveloped is SM2EnvelopedKey (GB/T 35276-2017), as this file reads it by
// itself.
type enveloped struct {
	Algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	Cipher  asn1.RawValue
	Public  asn1.BitString
	Private asn1.BitString
}

// pair is issued for a request that another program made.
func (h *house) pair(t testing.TB, csr []byte) escrow.Issued {
	t.Helper()
	p, err := h.Escrow.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfilePerson, Agency: agencyID, AgencyName: "示例局", CommonName: "李四", CSR: csr, Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := h.Escrow.Issued(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// OpenSSL makes the signing key and the request, and opens what the key centre
// delivers, step by step: the session key by SM2, the private key by SM4, its
// public half against the certificate, and a message that was encrypted to it.
func TestOpenSSLOpensAnEnvelopedKey(t *testing.T) {
	h, program, key := newHouse(t), openssl(t), foreignKey(t)
	issued := h.pair(t, foreignRequest(t, key))
	if out, ok := run(t, program, "asn1parse", "-inform", "DER", "-in", write(t, "r.der", issued.Response)); !ok {
		t.Fatal("the CSRResponse is no DER: ", out)
	}
	var e enveloped
	decode(t, issued.EnvelopedKey, &e)
	if sm4ECB := (asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 104, 1}); !e.Algorithm.ID.Equal(sm4ECB) {
		t.Fatal(e.Algorithm.ID)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(args ...string) {
		t.Helper()
		if out, ok := run(t, program, args...); !ok {
			t.Fatalf("openssl %v: %s", args, out)
		}
	}
	must("pkeyutl", "-decrypt", "-inkey", key, "-in", write(t, "c", e.Cipher.FullBytes), "-out", at("session"))
	must("enc", "-d", "-sm4-ecb", "-nopad", "-K", hex.EncodeToString(read(t, at("session"))), "-in", write(t, "p", e.Private.RightAlign()), "-out", at("d"))
	d := read(t, at("d"))
	if len(d) != 32 {
		t.Fatalf("a private key of %d octets", len(d))
	}
	// RFC 5915, without the public half: OpenSSL derives it.
	sec1, err := asn1.Marshal(struct {
		Version int
		D       []byte
		Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	}{1, d, asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}})
	if err != nil {
		t.Fatal(err)
	}
	own := write(t, "own.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
	certificate := write(t, "e.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Encryption.DER}))
	must("pkey", "-in", own, "-pubout", "-out", at("own.pub"))
	must("x509", "-in", certificate, "-noout", "-pubkey", "-out", at("cert.pub"))
	if !bytes.Equal(read(t, at("own.pub")), read(t, at("cert.pub"))) {
		t.Error("the key in the envelope is not the certificate's")
	}
	must("pkeyutl", "-encrypt", "-pubin", "-inkey", at("cert.pub"), "-in", write(t, "m", []byte("会话密钥")), "-out", at("sealed"))
	must("pkeyutl", "-decrypt", "-inkey", own, "-in", at("sealed"), "-out", at("opened"))
	if got := read(t, at("opened")); string(got) != "会话密钥" {
		t.Errorf("opened: %q", got)
	}
	// The key centre kept the same key.
	kept, err := h.Keys.Key(t.Context(), issued.Encryption.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := kept.Decrypt(t.Context(), read(t, at("sealed"))); err != nil || string(got) != "会话密钥" {
		t.Errorf("the key centre opens it: %q %v", got, err)
	}
	if out, ok := run(t, program, "pkeyutl", "-decrypt", "-inkey", foreignKey(t), "-in", write(t, "c", e.Cipher.FullBytes), "-out", at("none")); ok {
		t.Error("another key opens the envelope: ", out)
	}
}

// tjfoc's SM2 and SM4 open it too.
func TestTjfocOpensAnEnvelopedKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, mine)
	if err != nil {
		t.Fatal(err)
	}
	issued := h.pair(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	var e enveloped
	decode(t, issued.EnvelopedKey, &e)
	theirs := &tjsm2.PrivateKey{PublicKey: tjsm2.PublicKey{Curve: tjsm2.P256Sm2(), X: mine.X, Y: mine.Y}, D: mine.D}
	session, err := tjsm2.DecryptAsn1(theirs, e.Cipher.FullBytes)
	if err != nil {
		t.Fatal(err)
	}
	block, err := tjsm4.NewCipher(session)
	if err != nil {
		t.Fatal(err)
	}
	d := make([]byte, 32)
	block.Decrypt(d[:16], e.Private.Bytes[:16])
	block.Decrypt(d[16:], e.Private.Bytes[16:])
	c, err := certs.ParseCertificate(issued.Encryption.DER)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sm2.EncryptASN1(rand.Reader, c.PublicKey, []byte("会话密钥"))
	if err != nil {
		t.Fatal(err)
	}
	own := &tjsm2.PrivateKey{PublicKey: tjsm2.PublicKey{Curve: tjsm2.P256Sm2()}, D: new(big.Int).SetBytes(d)}
	if plain, err := tjsm2.DecryptAsn1(own, sealed); err != nil || string(plain) != "会话密钥" {
		t.Errorf("the key in the envelope is not the certificate's: %q %v", plain, err)
	}
}
