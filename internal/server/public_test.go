package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/status"
)

// Whatever the verdict, the answer is 200 with a report; it is written for machines
// of any language, so nothing of it depends on who asks.
func TestEveryVerdictIsAReport(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), provincetest.New(t)
	doc := h.StampJSON(t, `{"a":1}`).Document
	foreign := other.StampJSON(t, `{"a":1}`).Document
	licence := h.Issue(t)
	h.verdict(t, doc, verify.Valid)
	h.verdict(t, licence.Document, verify.Valid)
	h.verdict(t, bytes.Replace(doc, []byte(`{"a":1`), []byte(`{"a":2`), 1), verify.NotValid)
	h.verdict(t, foreign, verify.CannotConfirm)
	for name, body := range map[string]string{"not sealed": `{"a":1}`, "empty": "", "nothing known": "\x00\x01\x02", "broken PDF": "%PDF-1.7\n%%EOF", "broken JSON": `{"a":`, "OFD": "PK\x03\x04"} {
		r := h.verdict(t, []byte(body), verify.None)
		if len(r.Reasons) != 1 || r.Reasons[0].Zh == "" || r.Reasons[0].En == "" || r.Stamps == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	h.Clock.Move(time.Minute)
	if _, err := h.Seals.Freeze(t.Context(), seal.ChangeRequest{SealID: h.Seal.ID, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	h.verdict(t, doc, verify.ValidWithNotice)
	for _, mt := range []string{"", "application/json", "application/pdf", "application/octet-stream", "nonsense; ;", "text/html"} {
		if a := h.call(t, post, "/api/v1/verify", bytes.NewReader(doc), media(mt)).want(t, http.StatusOK, &verify.Report{}); a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("a report may be cached: %v", a.Header)
		}
	}
}

// Every malformed file of the field ends as a report over HTTP too.
func TestMalformedFilesAreReported(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files, err := filepath.Glob("../../seal/pdf/testdata/malformed/*.pdf")
	if err != nil || len(files) == 0 {
		t.Fatal("no malformed samples", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var r verify.Report
		if h.call(t, post, "/api/v1/verify", bytes.NewReader(b)).want(t, http.StatusOK, &r); r.Verdict == verify.Valid || r.Verdict == verify.ValidWithNotice {
			t.Errorf("%s is %s", filepath.Base(f), r.Verdict)
		}
	}
}

// trust reads this province's lists as another province would.
func (h *house) trust(t testing.TB) *certs.Trust {
	t.Helper()
	bundle, err := certs.ParseBundle(h.get(t, "/trust/bundle").want(t, http.StatusOK, &bundleAnswer{}).body)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := bundle.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.Open(certs.TrustOptions{Anchors: []string{anchor}, At: h.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// said gives the payload of a signed answer, checked against the region's list.
func (h *house) said(t testing.TB, a answer, typ string, into interface{ Validate() error }) {
	t.Helper()
	st, err := certs.ParseStatement(a.want(t, http.StatusOK, &statement{}).body)
	if err != nil {
		t.Fatal(err)
	}
	if _, r, err := h.trust(t).CheckStatement(st, h.Clock.Now()); err != nil || r.Code != "520000" || st.Type != typ {
		t.Fatalf("%s: %v", st.Type, err)
	}
	if err := json.Unmarshal(st.Payload, into); err != nil {
		t.Fatal(err)
	}
	if err := into.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheRegionPublishes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for path, seconds := range map[string]string{"/trust/list": "300", "/trust/scheme": "300", "/trust/bundle": "300", "/status/seals": "60", "/crl/root.crl": "60", "/crl/issuing.crl": "60"} {
		if cc := h.get(t, path).want(t, http.StatusOK, nil).Header.Get("Cache-Control"); cc != "public, max-age="+seconds {
			t.Errorf("%s: Cache-Control: %s", path, cc)
		}
	}
	bundle, err := certs.ParseBundle(h.get(t, "/trust/bundle").body)
	if err != nil {
		t.Fatal(err)
	}
	same := func(path string, raw []byte) {
		a, err1 := certs.ParseStatement(h.get(t, path).body)
		b, err2 := certs.ParseStatement(raw)
		if err1 != nil || err2 != nil || !bytes.Equal(a.Payload, b.Payload) {
			t.Errorf("%s is not the bundle's: %v %v", path, err1, err2)
		}
	}
	same("/trust/scheme", bundle.Scheme)
	same("/trust/list", bundle.Regions[0])

	issuers := map[string]*certs.Certificate{}
	for _, name := range []string{"root", "issuing"} {
		a := h.get(t, "/ca/"+name+".cer").want(t, http.StatusOK, nil)
		if issuers[name], err = certs.ParseCertificate(a.body); err != nil || a.Header.Get("Content-Type") != "application/pkix-cert" {
			t.Fatal(err, a.Header)
		}
	}
	if err := issuers["issuing"].CheckSignatureFrom(issuers["root"]); err != nil {
		t.Fatal(err)
	}
	serial := func() (revoked bool) {
		a := h.get(t, "/crl/issuing.crl").want(t, http.StatusOK, nil)
		list, err := certs.ParseCRL(a.body)
		if err != nil || a.Header.Get("Content-Type") != "application/pkix-crl" {
			t.Fatal(err, a.Header)
		}
		if err := list.CheckSignatureFrom(issuers["issuing"]); err != nil {
			t.Fatal(err)
		}
		leaf, err := h.CA.Certificate(t.Context(), h.Seal.CertSerial)
		if err != nil {
			t.Fatal(err)
		}
		c, err := certs.ParseCertificate(leaf.DER)
		if err != nil {
			t.Fatal(err)
		}
		_, revoked = list.Find(c.Serial)
		return revoked
	}
	if serial() {
		t.Error("revoked before anybody did")
	}
	h.post(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/revoke", `{"operator":"x","grounds":"lost","reason":"nonsense"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	revoke := `{"operator":"x","grounds":"lost","reason":"keyCompromise"}`
	h.post(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/revoke", revoke).want(t, http.StatusOK, nil)
	if !serial() {
		t.Error("a revocation that was acknowledged is not in the list")
	}
	h.post(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/revoke", revoke).problem(t, http.StatusConflict, "CONFLICT")
}

func TestSealStatusIsSigned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := "/api/v1/seals/" + h.Seal.ID + "/status"
	begin := h.Clock.Now()
	h.Clock.Move(time.Hour)
	h.post(t, "/api/v1/seals/"+h.Seal.ID+"/freeze", `{"operator":"x","reason":"y"}`).want(t, http.StatusOK, &seal.Seal{})
	ask := func(query string) (s status.SealStatus) {
		a := h.get(t, path+query)
		h.said(t, a, certs.TypeSealStatus, &s)
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", query, a.Header)
		}
		return s
	}
	if s := ask("?nonce=n1"); s.State != status.SealFrozen || s.Nonce != "n1" || s.ID != h.Seal.ID {
		t.Errorf("%+v", s)
	}
	if s := ask("?at=" + begin.UTC().Format(time.RFC3339)); s.State != status.SealInForce || len(s.Intervals) != 1 {
		t.Errorf("%+v", s)
	}
	if s := ask("?seal=" + strings.Repeat("0", 64)); s.State != status.SealUnknown {
		t.Errorf("%+v", s)
	}
	for query, code := range map[string]int{"?at=yesterday": 400, "?seal=zz": 400, "?seal=00": 400, "?at=2999-01-01T00:00:00Z": 422, "?nonce=" + strings.Repeat("n", 65): 422} {
		if a := h.get(t, path+query); a.StatusCode != code {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
	h.get(t, "/api/v1/seals/52000000009999/status").problem(t, http.StatusNotFound, "NOT_FOUND")
	var list status.SealList
	if h.said(t, h.get(t, "/status/seals"), certs.TypeSealList, &list); len(list.Seals) != 1 || list.Seals[0].ID != h.Seal.ID {
		t.Errorf("%+v", list)
	}
}
