package interop

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// OpenSSL reads a full list, a shard and a delta, and finds the serial in each that
// has it. `openssl crl -verify` 3.0 cannot be told a user id, so it fails on every SM2
// list, and `verify -crl_check` with it; the signatures are checked raw instead.
func TestOpenSSLReadsRevocationLists(t *testing.T) {
	h := newHouse(t)
	if text := h.show(t, "issuing"); strings.Contains(text, strings.ToUpper(h.seal.CertSerial)) {
		t.Error(text)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonKeyCompromise, Invalidity: time.Now().Add(-time.Hour), Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	shard, other := ca.Shard(h.seal.CertSerial), "40"
	if shard == other {
		other = "41"
	}
	const (
		full    = "Full Name: URI:http://127.0.0.1:1/crl/issuing-"
		number  = "X509v3 CRL Number: "
		keyID   = "X509v3 Authority Key Identifier"
		expired = "2.5.29.60"
	)
	entry := []string{"Serial Number: " + strings.ToUpper(h.seal.CertSerial), "Key Compromise", "Invalidity Date"}
	base, err := h.CRLs.List(t.Context(), "issuing")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		has, hasNot []string
	}{
		"root":             {[]string{number, keyID, "No Revoked Certificates"}, []string{"Freshest", "Delta CRL", "Issuing Distribution Point"}},
		"issuing":          {append([]string{number, keyID, "X509v3 Freshest CRL", full + "delta.crl"}, entry...), []string{"Delta CRL", "Issuing Distribution Point"}},
		"issuing-" + shard: {append([]string{number, keyID, "X509v3 Issuing Distribution Point: critical", full + shard + ".crl"}, entry...), []string{"Delta CRL", "Freshest"}},
		"issuing-" + other: {[]string{number, full + other + ".crl", "No Revoked Certificates"}, entry},
		"issuing-delta": {append([]string{number, keyID, "X509v3 Delta CRL Indicator: critical " + strconv.FormatUint(base.Base.Number, 10)}, entry...),
			[]string{"Issuing Distribution Point", "Freshest"}},
	} {
		text := h.show(t, name)
		for _, want := range append(c.has, "Version 2 (0x1)", "Signature Algorithm: SM2-with-SM3") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: OpenSSL does not show %q in\n%s", name, want, text)
			}
		}
		for _, never := range c.hasNot {
			if strings.Contains(text, never) {
				t.Errorf("%s: OpenSSL shows %q in\n%s", name, never, text)
			}
		}
	}
}

// show gives a list as OpenSSL shows it, once its signature was checked raw.
func (h *house) show(t *testing.T, name string) string {
	t.Helper()
	l, err := h.CRLs.List(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var s signed
	decode(t, l.DER, &s)
	issuer, _, _ := strings.Cut(name, "-")
	checkSignature(t, name, keyOf(t, h.purpose(t, ca.Purpose(issuer))), s.TBS.FullBytes, s.Signature.RightAlign())
	out, ok := run(t, openssl(t), "crl", "-inform", "DER", "-in", write(t, "l.crl", l.DER), "-noout", "-text")
	if !ok {
		t.Fatal(out)
	}
	return strings.Join(strings.Fields(out), " ") // OpenSSL's versions indent differently
}
