package interop

import (
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/internal/testlong"
)

// distid is the default user id of GM/T 0009-2012 clause 10. OpenSSL takes it
// for no default: every call must name it.
const distid = "distid:1234567812345678"

func openssl(t testing.TB) string {
	t.Helper()
	return testlong.Tool(t, "openssl", "openssl")
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// signed is what certificates, requests and lists have in common: the octets
// signed, an algorithm, a signature. The standard library takes it apart, so
// that no code of ours says what was signed.
type signed struct {
	TBS       asn1.RawValue
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

// decode wants exactly one value.
func decode(t testing.TB, der []byte, into any) {
	t.Helper()
	if rest, err := asn1.Unmarshal(der, into); err != nil || len(rest) > 0 {
		t.Fatalf("%d octets left: %v", len(rest), err)
	}
}

// keyOf has OpenSSL take the public key out of a certificate.
func keyOf(t testing.TB, certificate []byte) string {
	t.Helper()
	out, err := exec.Command(openssl(t), "x509", "-inform", "DER", "-in", write(t, "c.der", certificate), "-noout", "-pubkey").Output()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "p.pem", out)
}

// verifies asks OpenSSL for a raw signature over a message.
func verifies(t testing.TB, publicKey string, message, signature []byte) bool {
	t.Helper()
	_, ok := run(t, openssl(t), "dgst", "-sm3", "-verify", publicKey, "-sigopt", distid,
		"-signature", write(t, "sig", signature), write(t, "message", message))
	return ok
}

// checkSignature wants the signature to be good, and not good for one octet
// less: a program that says yes to all proves nothing.
func checkSignature(t testing.TB, what, publicKey string, message, signature []byte) {
	t.Helper()
	if !verifies(t, publicKey, message, signature) {
		t.Errorf("%s: OpenSSL refuses the signature", what)
	}
	if verifies(t, publicKey, message[:len(message)-1], signature) {
		t.Errorf("%s: OpenSSL takes the signature for another message's", what)
	}
}

func (h *house) certificates(t testing.TB) []ca.Row {
	t.Helper()
	rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Limit: 100})
	if err != nil || len(rows) < 10 {
		t.Fatalf("%d certificates: %v", len(rows), err)
	}
	return rows
}

// purpose gives the certificate of a purpose, by its row.
func (h *house) purpose(t testing.TB, p ca.Purpose) []byte {
	t.Helper()
	c, err := h.CA.Purpose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Certificate.Raw
}

// Every certificate, link by link. OpenSSL 3.0 hands -vfyopt to the first link
// only, so a whole chain in one call fails at the second for want of the user
// id, and -check_ss_sig of a root for the same reason: the root's signature is
// checked raw in TestSignaturesInCertificates.
func TestOpenSSLChecksEachLink(t *testing.T) {
	t.Parallel()
	h, namesake, program := newHouse(t), newHouse(t), openssl(t)
	link := func(issuer, subject []byte, more ...string) (string, bool) {
		args := append([]string{"verify", "-partial_chain", "-trusted", write(t, "issuer.pem", pemOf("CERTIFICATE", issuer)), "-vfyopt", distid}, more...)
		return run(t, program, append(args, write(t, "subject.pem", pemOf("CERTIFICATE", subject)))...)
	}
	for _, r := range h.certificates(t) {
		if r.Issuer == string(r.Purpose) {
			continue
		}
		issuer := h.purpose(t, ca.Purpose(r.Issuer))
		if out, ok := link(issuer, r.DER, "-x509_strict"); !ok {
			t.Errorf("%s: %s", r.Subject, out)
		}
		if _, ok := link(namesake.purpose(t, ca.Purpose(r.Issuer)), r.DER); ok {
			t.Errorf("%s: OpenSSL takes a namesake of the issuer for it", r.Subject)
		}
		forged := append([]byte(nil), r.DER...)
		forged[len(forged)-1] ^= 1
		if _, ok := link(issuer, forged); ok {
			t.Errorf("%s: OpenSSL takes a forged signature", r.Subject)
		}
		if _, ok := link(issuer, r.DER, "-purpose", "timestampsign"); ok != (r.Purpose == ca.PurposeTSA) {
			t.Errorf("%s: for time-stamping: %v", r.Subject, ok)
		}
	}
}

func TestSignaturesInCertificates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, r := range h.certificates(t) {
		var s signed
		decode(t, r.DER, &s)
		checkSignature(t, r.Subject, keyOf(t, h.purpose(t, ca.Purpose(r.Issuer))), s.TBS.FullBytes, s.Signature.RightAlign())
	}
}

// What a Chinese reader is shown is what was written, and the extensions are
// read by their names.
func TestOpenSSLReadsWhatCertificatesSay(t *testing.T) {
	h, program := newHouse(t), openssl(t)
	show := func(der []byte) string {
		out, ok := run(t, program, "x509", "-inform", "DER", "-in", write(t, "c.der", der), "-noout", "-text", "-nameopt", "utf8,sep_comma_plus_space")
		if !ok {
			t.Fatal(out)
		}
		return out
	}
	row, err := h.CA.Certificate(t.Context(), h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		der  []byte
		want []string
	}{
		"seal": {row.DER, []string{"O=" + agencyID + "示例局", "CN=" + h.seal.ID, "Digital Signature, Non Repudiation", "http://127.0.0.1:1/crl/issuing-" + ca.Shard(row.Serial) + ".crl",
			"OCSP - URI:http://127.0.0.1:1/ocsp", "Signature Algorithm: SM2-with-SM3", "ASN1 OID: SM2"}},
		"root":         {h.purpose(t, ca.PurposeRoot), []string{"CA:TRUE", "Certificate Sign, CRL Sign", "CN=贵州省根证书"}},
		"issuing":      {h.purpose(t, ca.PurposeIssuing), []string{"CA:TRUE, pathlen:0"}},
		"time-stamper": {h.purpose(t, ca.PurposeTSA), []string{"X509v3 Extended Key Usage: critical", "Time Stamping"}},
	} {
		text := show(c.der)
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: OpenSSL does not show %q in\n%s", what, w, text)
			}
		}
	}
}

func TestSM3IsTheSame(t *testing.T) {
	program := openssl(t)
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 1 << 20} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * i >> 3)
		}
		sum := sm3.Sum(b)
		out, ok := run(t, program, "dgst", "-sm3", "-r", write(t, "b", b))
		if !ok || !strings.HasPrefix(out, hex.EncodeToString(sum[:])) {
			t.Errorf("%d octets: %x, OpenSSL %s", n, sum, out)
		}
	}
}
