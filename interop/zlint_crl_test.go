package interop

import (
	"testing"

	"github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"golang.org/x/crypto/ocsp"

	"yinxin/ca"
	"yinxin/certs"
)

// A list holds no key and no identifier of ours, so zcrypto reads it as it is, and
// zlint's rules for lists find nothing. An OCSP answer holds the responder's
// certificate, whose curve zlint's reader does not know.
func TestZlintOfRevocationLists(t *testing.T) {
	t.Parallel()
	h, registry := newHouse(t), zlintRules(t)
	h.list(t, "issuing")
	h.revoke(t, h.seal.CertSerial, certs.ReasonKeyCompromise)
	passed := map[string]bool{}
	for _, name := range []string{"root", "issuing", "issuing-" + ca.Shard(h.seal.CertSerial), "issuing-" + foreignShard(h.seal.CertSerial), "issuing-delta"} {
		list, err := x509.ParseRevocationList(h.list(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rule, result := range zlint.LintRevocationListEx(list, registry).Results {
			if result.Status > lint.Pass {
				t.Errorf("%s: %s is %s: %s", name, rule, result.Status, result.Details)
			}
			passed[rule] = passed[rule] || result.Status == lint.Pass
		}
	}
	for rule, did := range passed {
		if !did {
			t.Errorf("%s judged none of them", rule)
		}
	}
	if len(passed) < 13 {
		t.Errorf("%d rules", len(passed))
	}
	if _, err := ocsp.ParseResponse(h.answer(t, ca.PurposeIssuing, h.serialOf(t, ca.PurposeStatus), nil), nil); err == nil || err.Error() != "x509: unsupported elliptic curve" {
		t.Error("an OCSP answer:", err)
	}
}
