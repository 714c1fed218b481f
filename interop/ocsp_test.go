package interop

import (
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// openssl ocsp asks by each hash that the responder knows, with a nonce of its own
// that it wants back, for certificates of both authorities. Of the signature it can
// say nothing: -VAfile and -CAfile hand no user id on, and OpenSSL 3.0 has no default
// (docs/interop.md), so the checking is TestSignaturesInOCSP's and BouncyCastle's.
func TestOpenSSLAsksTheResponder(t *testing.T) {
	t.Parallel()
	h, program := newHouse(t), openssl(t)
	url := h.served(t) + "/ocsp"
	row, err := h.CA.Certificate(t.Context(), h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	issuing := h.purpose(t, ca.PurposeIssuing)
	ask := func(issuer []byte, more ...string) string {
		args := append([]string{"ocsp", "-issuer", write(t, "i.pem", pemOf("CERTIFICATE", issuer)), "-url", url, "-resp_text", "-noverify"}, more...)
		out, ok := run(t, program, args...)
		if !ok || strings.Contains(out, "WARNING: no nonce") {
			t.Fatalf("%v: %s", more, out)
		}
		return out
	}
	cert := write(t, "c.pem", pemOf("CERTIFICATE", row.DER))
	for _, hash := range []string{"-sha1", "-sha256", "-sm3"} {
		out := ask(issuing, hash, "-cert", cert)
		for _, want := range []string{cert + ": good", "Signature Algorithm: SM2-with-SM3", "OCSP No Check", "OCSP Archive Cutoff", "Serial Number: " + strings.ToUpper(h.seal.CertSerial), "Hash Algorithm: " + hash[1:]} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: OpenSSL does not show %q in\n%s", hash, want, out)
			}
		}
	}
	if out := ask(h.purpose(t, ca.PurposeRoot), "-serial", "0x"+hex.EncodeToString(h.serialOf(t, ca.PurposeIssuing))); !strings.Contains(out, ": good") {
		t.Errorf("the issuing authority, by the root: %s", out)
	}
	if out := ask(issuing, "-serial", "0x1234"); !strings.Contains(out, ": unknown") {
		t.Errorf("a serial never given: %s", out)
	}
	since := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonKeyCompromise, Invalidity: since, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	out := ask(issuing, "-cert", cert)
	for _, want := range []string{cert + ": revoked", "Reason: keyCompromise", "Invalidity Date", since.Format("Jan _2 15:04:05 2006 GMT")} {
		if !strings.Contains(out, want) {
			t.Errorf("OpenSSL does not show %q in\n%s", want, out)
		}
	}
	namesake := newHouse(t)
	out, _ = run(t, program, "ocsp", "-issuer", write(t, "i.pem", pemOf("CERTIFICATE", namesake.purpose(t, ca.PurposeIssuing))), "-serial", "0x1234", "-url", url, "-noverify")
	if !strings.Contains(out, "unauthorized") {
		t.Errorf("of another authority's: %s", out)
	}
}

func (h *house) serialOf(t testing.TB, p ca.Purpose) []byte {
	t.Helper()
	c, err := certs.ParseCertificate(h.purpose(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return c.Serial.Bytes()
}

// answer is what the responder says of a certificate, with the request.
func (h *house) answer(t testing.TB, issuer ca.Purpose, serial []byte, nonce []byte) []byte {
	t.Helper()
	by, err := certs.ParseCertificate(h.purpose(t, issuer))
	if err != nil {
		t.Fatal(err)
	}
	id, err := certs.NewCertID(by, new(big.Int).SetBytes(serial))
	if err != nil {
		t.Fatal(err)
	}
	request, err := certs.BuildOCSPRequest(id, nonce)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.OCSP.Respond(t.Context(), request, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a.DER
}

// ocspResponse is RFC 6960 4.2.1, taken apart by the standard library.
type ocspResponse struct {
	Status asn1.Enumerated
	Bytes  struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	} `asn1:"explicit,tag:0"`
}

type basicResponse struct {
	TBS          asn1.RawValue
	Algorithm    asn1.RawValue
	Signature    asn1.BitString
	Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

// What a responder signed is ResponseData as it stands, under the certificate that
// it sends along: OpenSSL and tjfoc check both signatures, the certificate's too.
func TestSignaturesInOCSP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	serial, err := hex.DecodeString(h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	for issuer, asked := range map[ca.Purpose][]byte{ca.PurposeIssuing: serial, ca.PurposeRoot: h.serialOf(t, ca.PurposeIssuing)} {
		var outer ocspResponse
		decode(t, h.answer(t, issuer, asked, []byte("nonce")), &outer)
		var basic basicResponse
		decode(t, outer.Bytes.Response, &basic)
		if outer.Status != 0 || len(basic.Certificates) != 1 {
			t.Fatalf("status %d, %d certificates", outer.Status, len(basic.Certificates))
		}
		responder := basic.Certificates[0].FullBytes
		checkSignature(t, "an answer", keyOf(t, responder), basic.TBS.FullBytes, basic.Signature.RightAlign())
		var certificate signed
		decode(t, responder, &certificate)
		checkSignature(t, "the responder's certificate", keyOf(t, h.purpose(t, issuer)), certificate.TBS.FullBytes, certificate.Signature.RightAlign())
		made, err := certs.ParseCertificate(responder)
		if err != nil {
			t.Fatal(err)
		}
		// tjfoc cannot read the certificate, whose policy has a component of 128 bits.
		key := theirs(t, made.PublicKey)
		if !key.Verify(basic.TBS.FullBytes, basic.Signature.RightAlign()) {
			t.Error("tjfoc refuses the signature")
		}
		if key.Verify(basic.TBS.FullBytes[1:], basic.Signature.RightAlign()) {
			t.Error("tjfoc takes the signature for another message's")
		}
	}
}

// BouncyCastle checks an answer whole: its responder, the CertID, the times, the
// nonce and the status.
func TestBouncyCastleHoldsAnswersForGood(t *testing.T) {
	t.Parallel()
	h, namesake := newHouse(t), newHouse(t)
	serial, err := hex.DecodeString(h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	now := func() string { return time.Now().UTC().Format(time.RFC3339) }
	issuing := file(t, h.purpose(t, ca.PurposeIssuing))
	good := h.answer(t, ca.PurposeIssuing, serial, []byte("nonce"))
	out, ok := bouncyCastle(t, "ocsp", file(t, good), issuing, h.seal.CertSerial, "sm3", now())
	if !ok || !strings.Contains(out, "status: good") || !strings.Contains(out, "nonce: 0405"+hex.EncodeToString([]byte("nonce"))) {
		t.Error(out)
	}
	issuer := h.serialOf(t, ca.PurposeIssuing)
	if out, ok := bouncyCastle(t, "ocsp", file(t, h.answer(t, ca.PurposeRoot, issuer, nil)), file(t, h.purpose(t, ca.PurposeRoot)), hex.EncodeToString(issuer), "sm3", now()); !ok || !strings.Contains(out, "status: good") {
		t.Error(out)
	}
	if out, ok := bouncyCastle(t, "ocsp", file(t, h.answer(t, ca.PurposeIssuing, []byte{7}, nil)), issuing, "07", "sm3", now()); !ok || !strings.Contains(out, "status: unknown") {
		t.Error(out)
	}
	refused(t, "of another serial", "another certificate", "ocsp", file(t, good), issuing, "07", "sm3", now())
	refused(t, "of a namesake", "not the issuer's", "ocsp", file(t, good), file(t, namesake.purpose(t, ca.PurposeIssuing)), h.seal.CertSerial, "sm3", now())
	refused(t, "two days later", "another time", "ocsp", file(t, good), issuing, h.seal.CertSerial, "sm3", time.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonKeyCompromise, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	out, ok = bouncyCastle(t, "ocsp", file(t, h.answer(t, ca.PurposeIssuing, serial, nil)), issuing, h.seal.CertSerial, "sm3", now())
	if !ok || !strings.Contains(out, "status: revoked") || !strings.Contains(out, " 1\n") {
		t.Error(out)
	}
}
