package interop

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/certs"
)

// stamped has OpenSSL make a query over a file and curl carry it.
func stamped(t testing.TB, url, data string, more ...string) (query, reply string) {
	t.Helper()
	dir := t.TempDir()
	query, reply = filepath.Join(dir, "q.tsq"), filepath.Join(dir, "r.tsr")
	if out, ok := run(t, openssl(t), append([]string{"ts", "-query", "-data", data, "-out", query}, more...)...); !ok {
		t.Fatal(out)
	}
	if out, ok := run(t, curl(t), "-sS", "--fail", "-H", "Content-Type: application/timestamp-query", "--data-binary", "@"+query, "-o", reply, url); !ok {
		t.Fatal(out)
	}
	return query, reply
}

// BouncyCastle checks a reply whole: that it is one to the query (nonce, imprint,
// policy, RFC 3161 2.4.2), the token's signature and its ESSCertIDv2, and that the
// authority's certificate is for time-stamping and of the issuer.
func TestBouncyCastleHoldsTimeStampsForGood(t *testing.T) {
	t.Parallel()
	h, namesake := newHouse(t), newHouse(t)
	url := h.served(t) + "/tsa"
	data, altered := file(t, []byte("准予")), file(t, []byte("不予"))
	issuing, authority := file(t, h.purpose(t, ca.PurposeIssuing)), file(t, h.purpose(t, ca.PurposeTSA))
	query, reply := stamped(t, url, data, "-sm3", "-cert")
	out, ok := bouncyCastle(t, "token", query, reply, issuing, data)
	if !ok || !strings.Contains(out, "certificates: 1\n") || strings.Contains(out, "nonce: null") || !strings.Contains(out, "policy: "+string(certs.OIDTSAPolicy)+"\n") {
		t.Error(out)
	}
	bareQuery, bareReply := stamped(t, url, data, "-sm3", "-no_nonce")
	out, ok = bouncyCastle(t, "token", bareQuery, bareReply, issuing, data, authority)
	if !ok || !strings.Contains(out, "certificates: 0\n") || !strings.Contains(out, "nonce: null") {
		t.Errorf("neither nonce nor certReq: %s", out)
	}
	der := read(t, reply)
	sum, changed := sm3.Sum(read(t, data)), sm3.Sum(read(t, altered))
	imprint := bytes.Replace(der, sum[:], changed[:], 1)
	refused(t, "forged", "signature", "token", query, file(t, damaged(der)), issuing, data)
	refused(t, "for other data", "another imprint", "token", query, reply, issuing, altered)
	refused(t, "with another imprint in it", "imprint", "token", query, file(t, imprint), issuing, altered)
	otherQuery, otherReply := stamped(t, url, data, "-sm3", "-cert")
	refused(t, "to another's query, by its nonce", "nonce", "token", query, otherReply, issuing, data)
	refused(t, "to a query with a nonce, without", "nonce", "token", otherQuery, bareReply, issuing, data, authority)
	refused(t, "of a namesake", "not the issuer's", "token", query, reply, file(t, namesake.purpose(t, ca.PurposeIssuing)), data)
	refused(t, "under another's certificate", "certID hash", "token", bareQuery, bareReply, issuing, data, file(t, h.purpose(t, ca.PurposeStatus)))
	sha1Query, sha1Reply := stamped(t, url, data, "-sha1")
	refused(t, "over SHA-1", "no token", "token", sha1Query, sha1Reply, issuing, data)
}
