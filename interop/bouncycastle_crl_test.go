package interop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// list is a list as it is published now.
func (h *house) list(t testing.TB, name string) []byte {
	t.Helper()
	l, err := h.CRLs.List(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return l.DER
}

// foreignShard is a shard that a serial does not stand in.
func foreignShard(serial string) string {
	if ca.Shard(serial) == "40" {
		return "41"
	}
	return "40"
}

func (h *house) revoke(t testing.TB, serial string, reason int) {
	t.Helper()
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: serial, Reason: reason, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
}

func damaged(der []byte) []byte {
	der = bytes.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// BouncyCastle checks the signature of each kind of list, and finds in it what was
// revoked and nothing else; the extensions that say what a list does not tell are
// critical, so that whoever does not know them takes it for no full list.
func TestBouncyCastleReadsRevocationLists(t *testing.T) {
	t.Parallel()
	h, namesake := newHouse(t), newHouse(t)
	revoked, other := h.seal.CertSerial, fmt.Sprintf("%x", h.serialOf(t, ca.PurposeStatus))
	issuing, root := file(t, h.purpose(t, ca.PurposeIssuing)), file(t, h.purpose(t, ca.PurposeRoot))
	says := func(list, issuer, serial string, want ...string) {
		t.Helper()
		out, ok := bouncyCastle(t, "crl", file(t, h.list(t, list)), issuer, serial)
		for _, w := range want {
			if !ok || !strings.Contains(out, w+"\n") {
				t.Errorf("%s: not %q: %s", list, w, out)
			}
		}
	}
	says("issuing", issuing, revoked, "entries: 0", "serial: absent")
	h.revoke(t, revoked, certs.ReasonKeyCompromise)
	const scope, delta = "critical: [2.5.29.28]", "critical: [2.5.29.27]"
	says("root", root, revoked, "entries: 0", "critical: []", "serial: absent")
	says("issuing", issuing, revoked, "entries: 1", "critical: []", "serial: revoked KEY_COMPROMISE")
	says("issuing", issuing, other, "serial: absent")
	says("issuing-"+ca.Shard(revoked), issuing, revoked, "entries: 1", scope, "serial: revoked KEY_COMPROMISE")
	says("issuing-"+foreignShard(revoked), issuing, revoked, "entries: 0", scope, "serial: absent")
	says("issuing-delta", issuing, revoked, "entries: 1", delta, "serial: revoked KEY_COMPROMISE")
	says("issuing-delta", issuing, other, delta, "serial: absent")
	for _, name := range []string{"issuing", "issuing-" + ca.Shard(revoked), "issuing-delta"} {
		list := h.list(t, name)
		refused(t, name+", forged", "signature", "crl", file(t, damaged(list)), issuing, revoked)
		refused(t, name+", of a namesake", "signature", "crl", file(t, list), file(t, namesake.purpose(t, ca.PurposeIssuing)), revoked)
	}
}

// A path with revocation on, RFC 5280 6.3: by the full lists; by the shard that the
// certificate names, and no other shard; by a full list from before the revocation and
// the delta from after it.
func TestBouncyCastleFollowsPathsByLists(t *testing.T) {
	t.Parallel()
	h, namesake := newHouse(t), newHouse(t)
	at := time.Now().UTC().Format(time.RFC3339)
	row, err := h.CA.Certificate(t.Context(), h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	root, issuing, leaf := file(t, h.purpose(t, ca.PurposeRoot)), file(t, h.purpose(t, ca.PurposeIssuing)), file(t, row.DER)
	ask := func(lists ...[]byte) []string {
		args := []string{"path", at, root}
		for _, l := range lists {
			args = append(args, file(t, l))
		}
		return append(args, "--", leaf, issuing)
	}
	good := func(what string, lists ...[]byte) {
		t.Helper()
		if out, ok := bouncyCastle(t, ask(lists...)...); !ok {
			t.Errorf("%s: %s", what, out)
		}
	}
	shard, other := "issuing-"+ca.Shard(row.Serial), "issuing-"+foreignShard(row.Serial)
	above, full := h.list(t, "root"), h.list(t, "issuing")
	good("by full lists", above, full)
	good("by its shard", above, h.list(t, shard))
	good("by a full list and its delta", above, full, h.list(t, "issuing-delta"))
	refused(t, "without the root's list", "No CRLs found", ask(full)...)
	refused(t, "without the issuer's list", "No CRLs found", ask(above)...)
	refused(t, "by another shard", "distribution point", ask(above, h.list(t, other))...)
	refused(t, "by a delta alone", "No CRLs found", ask(above, h.list(t, "issuing-delta"))...)
	refused(t, "by a forged list", "CRL", ask(above, damaged(full))...)
	refused(t, "by a namesake's list", "CRL", ask(above, namesake.list(t, "issuing"))...)

	h.revoke(t, row.Serial, certs.ReasonKeyCompromise)
	delta := h.list(t, "issuing-delta")
	good("by the list from before", above, full)
	const why = "revocation after"
	refused(t, "revoked, by full lists", why, ask(above, h.list(t, "issuing"))...)
	refused(t, "revoked, by its shard", why, ask(above, h.list(t, shard))...)
	refused(t, "revoked, by the list from before and the delta", why, ask(above, full, delta)...)
}
