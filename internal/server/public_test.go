package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"

	"yinxin/certs"
	"yinxin/internal/code"
	"yinxin/internal/journal"
	"yinxin/internal/province/provincetest"
	"yinxin/license"
	"yinxin/license/statuslist"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/portal"
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

// The receipt of a stamp leads to the journal's checkpoint within 2 seconds
// (protocol.md 7), and the journal goes on from there.
func TestReceiptsLeadToTheJournal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	go h.Run(t.Context())
	stamp := h.StampJSON(t, `{"a":1}`)
	var e entryAnswer
	for end := time.Now().Add(2 * time.Second); e.Receipt.Checkpoint == ""; {
		if h.get(t, "/api/v1/stamps/"+stamp.ID.String(), bearer(h.key)).want(t, http.StatusOK, &e); time.Now().After(end) {
			t.Fatal("no checkpoint within 2 seconds")
		}
		time.Sleep(10 * time.Millisecond)
	}
	leaf, err := journal.CheckReceipt(h.Journal.Verifier(), e.Receipt)
	if err != nil || leaf.Subject != h.Seal.ID || leaf.Act != seal.ActStamped {
		t.Fatalf("%+v %v", leaf, err)
	}
	e.Receipt.Leaf[len(e.Receipt.Leaf)-1] ^= 1
	if _, err := journal.CheckReceipt(h.Journal.Verifier(), e.Receipt); err == nil {
		t.Error("another leaf has the same receipt")
	}
	e.Receipt.Leaf[len(e.Receipt.Leaf)-1] ^= 1

	first := h.get(t, "/journal/checkpoint").want(t, http.StatusOK, nil)
	if mt, cc := first.Header.Get("Content-Type"), first.Header.Get("Cache-Control"); mt != "text/plain; charset=utf-8" || cc != "no-cache" {
		t.Errorf("%s %s", mt, cc)
	}
	before, err := h.Journal.Verifier().Open(first.body)
	if err != nil {
		t.Fatal(err)
	}
	h.StampJSON(t, `{"a":1}`)
	if err := h.Journal.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := h.Journal.Verifier().Open(h.get(t, "/journal/checkpoint").want(t, http.StatusOK, nil).body)
	if err != nil || after.Size <= before.Size {
		t.Fatal(after.Size, err)
	}
	var p proofAnswer
	a := h.get(t, "/journal/proof?first="+number(before.Size)+"&second="+number(after.Size)).want(t, http.StatusOK, &p)
	if err := journal.CheckConsistency(before, after, p.Proof); err != nil || a.Header.Get("Cache-Control") != forEver {
		t.Error(err, a.Header)
	}
	tile := h.get(t, "/journal/tile/0/0").want(t, http.StatusOK, nil)
	if len(tile.body) != int(after.Size)*32 || tile.Header.Get("Content-Type") != mediaOctets || tile.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("a tile of %d octets, %v", len(tile.body), tile.Header)
	}
	for i := range after.Size {
		h.get(t, "/journal/proof?index="+number(i)+"&size="+number(after.Size)).want(t, http.StatusOK, &p)
		if err := proof.VerifyInclusion(journal.Hasher{}, i, after.Size, tile.body[32*i:32*i+32], p.Proof, after.Root[:]); err != nil {
			t.Fatalf("leaf %d: %v", i, err)
		}
	}
	for query, status := range map[string]int{
		"": 400, "index=0": 400, "index=x&size=1": 400, "index=-1&size=1": 400, "index=0&size=0": 400, "index=5&size=5": 400, "first=3&second=2": 400, "first=&second=2": 400,
		"index=0&size=9999": 404, "first=1&second=9999": 404, "index=0&size=99999999999999999999": 400,
	} {
		if a := h.get(t, "/journal/proof?"+query); a.StatusCode != status {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
}

func number(n uint64) string { b, _ := json.Marshal(n); return string(b) }

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

func TestLicenceOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var l licenceAnswer
	h.post(t, "/api/v1/licences", `{"typeCode":"`+provincetest.Type+`","sealId":"`+h.Seal.ID+`","number":"JY1","holder":"张三","holderCode":"320124198808240056","holderType":"111",
		"validFrom":"2026-01-01","validTo":"2031-01-01","extensions":{"KZ_JYXM":"热食"},"operator":"x"}`).want(t, http.StatusCreated, &l)
	h.verdict(t, l.Document, verify.Valid)
	if l.Holder != "张*" {
		t.Errorf("the register names %s", l.Holder)
	}
	id := "/api/v1/licences/" + l.Identifier
	var shown licenceAnswer
	if h.get(t, id, bearer(h.key)).want(t, http.StatusOK, &shown); !bytes.Equal(shown.Document, l.Document) {
		t.Error("another document")
	}
	png := h.get(t, id+"/qr.png", bearer(h.key)).want(t, http.StatusOK, nil)
	if png.Header.Get("Content-Type") != "image/png" || !bytes.HasPrefix(png.body, []byte("\x89PNG")) || png.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", png.Header)
	}
	token, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		act    string
		state  status.LicenceState
		record string
		verify verify.Verdict
	}{
		{"", status.LicenceValid, "in_force", verify.Valid}, {"suspend", status.LicenceSuspended, "suspended", verify.NotValid},
		{"resume", status.LicenceValid, "in_force", verify.Valid}, {"revoke", status.LicenceRevoked, "ended", verify.NotValid},
	} {
		if step.act != "" {
			h.Clock.Move(time.Minute)
			h.post(t, id+"/"+step.act, `{"operator":"x","reason":"y"}`).want(t, http.StatusOK, &license.Licence{})
			h.post(t, id+"/"+step.act, `{"operator":"x","reason":"y"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
		}
		var s status.LicenceStatus
		if h.said(t, h.get(t, id+"/status?nonce=n"), certs.TypeLicenceStatus, &s); s.State != step.state || s.Nonce != "n" {
			t.Errorf("%s: %+v", step.act, s)
		}
		var list status.StatusList
		h.said(t, h.get(t, "/status/0"), certs.TypeStatusList, &list)
		open, err := statuslist.Open(list.Bits, list.Count)
		if err != nil {
			t.Fatal(err)
		}
		if state, ok := open.State(l.Position); !ok || state != step.state {
			t.Errorf("%s: the list says %s", step.act, state)
		}
		h.verdict(t, l.Document, step.verify)
		for name, a := range map[string]answer{
			"code":    h.get(t, "/api/v1/records/"+l.Code),
			"token":   h.post(t, "/api/v1/records", `{"token":"`+token.Digits()+`"}`),
			"address": h.post(t, "/api/v1/records", `{"token":"https://elsewhere.example/q#`+token.Digits()+`"}`),
		} {
			var rec portal.Record
			if a.want(t, http.StatusOK, &rec); rec.Record != step.record || rec.Kind != "licence" || rec.Notice != portal.NotPaper() || bytes.Contains(a.body, []byte("张三")) {
				t.Errorf("%s, by %s: %s", step.act, name, a.body)
			}
			if a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("a record may be cached")
			}
		}
	}
	var unknown status.LicenceStatus
	if h.said(t, h.get(t, id+"X/status"), certs.TypeLicenceStatus, &unknown); unknown.State != status.LicenceUnknown {
		t.Errorf("%+v", unknown)
	}
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`).problem(t, http.StatusForbidden, "FORBIDDEN")
	admin, _ := h.Key(t, provincetest.Agency, "admin")
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`, bearer(admin)).want(t, http.StatusCreated, &license.Type{})
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`, bearer(admin)).problem(t, http.StatusConflict, "CONFLICT")
	var types listOf[license.Type]
	if h.get(t, "/api/v1/licence-types", bearer(h.key)).want(t, http.StatusOK, &types); len(types.Items) != 2 {
		t.Errorf("%+v", types)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), provincetest.New(t)
	stamp := h.StampJSON(t, `{"a":1}`)
	var rec portal.Record
	h.get(t, "/api/v1/records/"+stamp.Code).want(t, http.StatusOK, &rec)
	if rec.Record != "in_force" || rec.Kind != "stamp" || rec.Notice != portal.NotPaper() {
		t.Errorf("%+v", rec)
	}
	grouped := strings.ToLower(stamp.Code[:5]) + "-" + stamp.Code[5:]
	h.get(t, "/api/v1/records/"+grouped).want(t, http.StatusOK, &rec)
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	last := crockford[strings.IndexByte(crockford, stamp.Code[25])^1]
	h.get(t, "/api/v1/records/"+stamp.Code[:25]+string(last)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	fresh, err := code.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.get(t, "/api/v1/records/"+fresh).problem(t, http.StatusNotFound, "NOT_FOUND")

	foreign := other.Issue(t)
	token, err := other.Licences.Token(t.Context(), foreign.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	// Of a token that nobody vouches for nothing is repeated.
	a := h.post(t, "/api/v1/records", `{"token":"`+token.Digits()+`"}`).want(t, http.StatusOK, &rec)
	if rec.Record != "cannot_confirm" || len(rec.Fields) != 0 || bytes.Contains(a.body, []byte(foreign.Identifier)) || len(rec.Reasons) != 1 {
		t.Errorf("%s", a.body)
	}
	digits := token.Digits()
	for _, bad := range []string{"", "x", "1", digits[:len(digits)-1], digits + "1", strings.Repeat("9", 3000)} {
		h.post(t, "/api/v1/records", `{"token":"`+bad+`"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
}
