package interop

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
)

// foreignKey is an SM2 key that OpenSSL made and keeps.
func foreignKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k.pem")
	if out, ok := run(t, openssl(t), "genpkey", "-algorithm", "SM2", "-out", path); !ok {
		t.Fatal(out)
	}
	return path
}

func foreignRequest(t testing.TB, key string, more ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.pem")
	args := append([]string{"req", "-new", "-key", key, "-subj", "/C=CN/O=whoever/CN=anybody", "-sm3", "-sigopt", distid, "-out", path}, more...)
	if out, ok := run(t, openssl(t), args...); !ok {
		t.Fatal(out)
	}
	return read(t, path)
}

func (h *house) issue(t testing.TB, csr []byte) (ca.Row, error) {
	t.Helper()
	return h.CA.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfilePerson, Agency: agencyID, AgencyName: "示例局", CommonName: "李四", CSR: csr, Who: "test", Why: "test"})
}

// A request of OpenSSL's becomes a certificate on its key; what its key signs
// is good under that certificate.
func TestRequestsOfOpenSSL(t *testing.T) {
	h, program, key := newHouse(t), openssl(t), foreignKey(t)
	row, err := h.issue(t, foreignRequest(t, key))
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject.CommonName != "李四" || c.IsCA {
		t.Errorf("the request's subject was taken: %s", c.Subject)
	}
	message := []byte("决定")
	signature := filepath.Join(t.TempDir(), "s")
	if out, ok := run(t, program, "dgst", "-sm3", "-sign", key, "-sigopt", distid, "-out", signature, write(t, "m", message)); !ok {
		t.Fatal(out)
	}
	if err := c.Verify(message, read(t, signature)); err != nil {
		t.Error("OpenSSL's signature:", err)
	}
	if c.Verify([]byte("決定"), read(t, signature)) == nil {
		t.Error("OpenSSL's signature is taken for another message's")
	}
}

// Proof of possession: damaged, under another user id, or by another key.
func TestRequestsWithoutProofAreRefused(t *testing.T) {
	t.Parallel()
	h, program, key := newHouse(t), openssl(t), foreignKey(t)
	block, _ := pem.Decode(foreignRequest(t, key))
	var mine, theirs signed
	decode(t, block.Bytes, &mine)
	block2, _ := pem.Decode(foreignRequest(t, foreignKey(t)))
	decode(t, block2.Bytes, &theirs)
	swapped, err := asn1.Marshal(signed{mine.TBS, mine.Algorithm, theirs.Signature})
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(block.Bytes)
	damaged[len(damaged)-1] ^= 1
	otherID := foreignRequest(t, key, "-sigopt", "distid:someone else")
	if out, ok := run(t, program, "req", "-in", write(t, "r.pem", otherID), "-noout", "-verify", "-vfyopt", "distid:someone else"); !ok {
		t.Fatal("OpenSSL does not verify its own request: ", out)
	}
	for name, csr := range map[string][]byte{
		"damaged":           damaged,
		"another's":         swapped,
		"another user id":   otherID,
		"an authority's":    foreignRequest(t, key, "-addext", "basicConstraints=critical,CA:TRUE"),
		"name constraints":  foreignRequest(t, key, "-addext", "nameConstraints=critical,permitted;DNS:example.org"),
		"twice in one file": append(foreignRequest(t, key), foreignRequest(t, key)...),
	} {
		if _, err := h.issue(t, csr); !errors.Is(err, ca.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request made on a key of ours, for an authority outside (design.md: an
// outside CA can issue).
func TestOpenSSLChecksOurRequest(t *testing.T) {
	h, program := newHouse(t), openssl(t)
	key, err := h.Keys.Generate(t.Context(), "for an outside authority", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, hsm.Signer(t.Context(), key))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(der []byte) (string, bool) {
		out, ok := run(t, program, "req", "-inform", "DER", "-in", write(t, "r.der", der), "-noout", "-verify", "-vfyopt", distid)
		return out, ok && strings.Contains(out, "verify OK")
	}
	if out, ok := verify(der); !ok {
		t.Error(out)
	}
	der[len(der)-1] ^= 1
	if _, ok := verify(der); ok {
		t.Error("OpenSSL takes a damaged request")
	}
}

// Raw signatures and ciphertexts of a key in the keystore.
func TestKeysOfTheStore(t *testing.T) {
	t.Parallel()
	h, program, ctx := newHouse(t), openssl(t), t.Context()
	public := func(k hsm.Key) string {
		der, err := smx509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		return write(t, "p.pem", pemOf("PUBLIC KEY", der))
	}
	sign, err := h.Keys.Generate(ctx, "interop", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	path := public(sign)
	for i := range 8 {
		message := bytes.Repeat([]byte{byte(i)}, 1+i*37)
		signature, err := sign.SignMessage(ctx, message)
		if err != nil {
			t.Fatal(err)
		}
		checkSignature(t, fmt.Sprint(len(message), " octets"), path, message, signature)
	}
	open, err := h.Keys.Generate(ctx, "interop", hsm.UsageEncrypt)
	if err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(t.TempDir(), "c")
	if out, ok := run(t, program, "pkeyutl", "-encrypt", "-pubin", "-inkey", public(open), "-in", write(t, "m", []byte("信封")), "-out", sealed); !ok {
		t.Fatal(out)
	}
	// OpenSSL writes the SM2Cipher of GM/T 0009-2012 7.2.
	if got, err := open.Decrypt(ctx, read(t, sealed)); err != nil || string(got) != "信封" {
		t.Errorf("OpenSSL's ciphertext: %q %v", got, err)
	}
}

// The key-encryption key's file is PKCS#8 with PBES2. `openssl pkcs8` 3.0
// refuses it (it knows no HMAC-SM3 for PBKDF2 there), yet its own parts open
// it: asn1parse gives the parameters, kdf the key, enc the plaintext, pkey
// reads the SM2 key in it.
func TestOpenSSLOpensTheKeystore(t *testing.T) {
	h, program := newHouse(t), openssl(t)
	path := filepath.Join(h.dir, "keys", "kek.pem")
	tree, ok := run(t, program, "asn1parse", "-in", path)
	for _, want := range []string{":PBES2", ":PBKDF2", ":1.2.156.10197.1.401.2", ":sm4-cbc"} {
		if !ok || !strings.Contains(tree, want) {
			t.Fatalf("OpenSSL does not show %q in\n%s", want, tree)
		}
	}
	block, rest := pem.Decode(read(t, path))
	if block == nil || block.Type != "ENCRYPTED PRIVATE KEY" || len(rest) > 0 {
		t.Fatal("kek.pem is not one encrypted key")
	}
	var k encryptedKey
	decode(t, block.Bytes, &k)
	p := k.Algorithm.Params
	if len(p.KDF.Params.PRF.Parameters.FullBytes) != 0 {
		t.Error("HMAC-SM3 has parameters: GmSSL cannot read that")
	}
	key, ok := run(t, program, "kdf", "-keylen", fmt.Sprint(p.KDF.Params.KeyLength), "-kdfopt", "digest:SM3", "-kdfopt", "pass:"+passphrase,
		"-kdfopt", "hexsalt:"+hex.EncodeToString(p.KDF.Params.Salt), "-kdfopt", fmt.Sprint("iter:", p.KDF.Params.Iterations), "PBKDF2")
	if !ok {
		t.Fatal(key)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if out, ok := run(t, program, "enc", "-d", "-sm4-cbc", "-K", strings.ReplaceAll(strings.TrimSpace(key), ":", ""),
		"-iv", hex.EncodeToString(p.Cipher.IV), "-in", write(t, "c", k.Data), "-out", plain); !ok {
		t.Fatal(out)
	}
	if out, ok := run(t, program, "pkey", "-inform", "DER", "-in", plain, "-noout", "-text_pub"); !ok || !strings.Contains(out, "SM2") {
		t.Errorf("no SM2 key in it: %s", out)
	}
}

// encryptedKey is EncryptedPrivateKeyInfo with PBES2 (RFC 5958 3, RFC 8018 A.4).
type encryptedKey struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			KDF struct {
				ID     asn1.ObjectIdentifier
				Params struct {
					Salt       []byte
					Iterations int
					KeyLength  int
					PRF        struct {
						ID         asn1.ObjectIdentifier
						Parameters asn1.RawValue `asn1:"optional"`
					}
				}
			}
			Cipher struct {
				ID asn1.ObjectIdentifier
				IV []byte
			}
		}
	}
	Data []byte
}
