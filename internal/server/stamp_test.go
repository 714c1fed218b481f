package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/internal/province/provincetest"
	"yinxin/verify"
)

// part of a multipart body.
type part struct{ name, content string }

func form(t testing.TB, parts ...part) (body, mediaType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		f, err := w.CreateFormFile(p.name, "分局 决定.pdf")
		if err == nil {
			_, err = io.WriteString(f, p.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// sealed is the answer to a stamp.
type sealed struct {
	stampAnswer
	Document json.RawMessage `json:"document"`
}

func (h *house) request() string {
	return `{"sealId":"` + h.Seal.ID + `","operator":"张三","approvalId":"A-7","matterCode":"M1","reason":"test","placement":{"page":1,"x":100,"y":100}}`
}

func (h *house) stamp(t testing.TB, doc string, sets ...set) answer {
	t.Helper()
	body, mt := form(t, part{"request", h.request()}, part{"document", doc})
	return h.post(t, "/api/v1/stamps", body, append([]set{media(mt)}, sets...)...)
}

func (h *house) verdict(t testing.TB, doc []byte, want verify.Verdict) verify.Report {
	t.Helper()
	var r verify.Report
	h.call(t, post, "/api/v1/verify", bytes.NewReader(doc)).want(t, http.StatusOK, &r)
	if r.Verdict != want {
		t.Fatalf("%s %v, want %s", r.Verdict, r.Reasons, want)
	}
	return r
}

func TestPDFIsSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pdf := string(provincetest.Decision(t, "decision.pdf"))
	a := h.stamp(t, pdf, header("Accept", "application/pdf"))
	a.want(t, http.StatusOK, nil)
	if mt := a.Header.Get("Content-Type"); mt != "application/pdf" || !strings.HasPrefix(string(a.body), pdf) {
		t.Fatalf("%s of %d octets", mt, len(a.body))
	}
	r := h.verdict(t, a.body, verify.Valid)
	if len(r.Stamps) != 1 || r.Stamps[0].Seal.ID != h.Seal.ID || a.Header.Get("Yinxin-Stamp-Id") == "" || a.Header.Get("Yinxin-Verification-Code") == "" {
		t.Fatalf("%+v %v", r.Stamps, a.Header)
	}
	// What was asked for is in the register, as it was asked.
	var e entryAnswer
	h.get(t, "/api/v1/stamps/"+a.Header.Get("Yinxin-Stamp-Id"), bearer(h.key)).want(t, http.StatusOK, &e)
	if e.Operator != "张三" || e.Approval != "A-7" || e.Matter != "M1" || e.Reason != "test" || e.Agency != provincetest.Agency || e.Key == "" || e.Pages != 2 || e.Placement == nil || e.Placement.X != 100 {
		t.Errorf("%+v", e.Stamp)
	}
	// The document before the request, and its answer in JSON.
	body, mt := form(t, part{"document", pdf}, part{"request", h.request()})
	for _, accept := range []string{"", "*/*", "application/json", "application/json, application/pdf;q=0.5", "application/pdf;q=0", "application/octet-stream"} {
		var s sealed
		h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", accept)).want(t, http.StatusOK, &s)
		var doc []byte
		if err := json.Unmarshal(s.Document, &doc); err != nil || s.Receipt.Leaf == nil || s.SealedAt.IsZero() {
			t.Fatalf("Accept %q: %v %+v", accept, err, s)
		}
		h.verdict(t, doc, verify.Valid)
	}
	for _, accept := range []string{"application/pdf, application/json", "text/html, application/pdf;q=0.9, */*;q=0.1"} {
		if a := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", accept)).want(t, http.StatusOK, nil); a.Header.Get("Content-Type") != mediaPDF {
			t.Errorf("Accept %q: %s", accept, a.Header.Get("Content-Type"))
		}
	}
}

// JSON is answered as JSON, with every octet of what was sent where it was.
func TestJSONIsSealedOctetForOctet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc := "{\n  \"n\" : 128.50,\t\"text\":\"\\u4e2d<>&\",\"0.1\":[ 1 , 2 ] }"
	with := strings.TrimSuffix(h.request(), "}") + `,"document":` + doc + `}`
	for name, a := range map[string]answer{
		"json":      h.post(t, "/api/v1/stamps", with),
		"multipart": h.stamp(t, doc),
	} {
		var s sealed
		a.want(t, http.StatusOK, &s)
		if !strings.HasPrefix(string(s.Document), strings.TrimSuffix(doc, " }")) {
			t.Fatalf("%s: laid out anew: %s", name, s.Document)
		}
		if r := h.verdict(t, s.Document, verify.Valid); len(r.Stamps) != 1 {
			t.Fatalf("%s: %d stamps", name, len(r.Stamps))
		}
	}
	a := h.stamp(t, doc, header("Accept", "application/octet-stream")).want(t, http.StatusOK, nil)
	if a.Header.Get("Content-Type") != mediaOctets || !bytes.HasPrefix(a.body, []byte(strings.TrimSuffix(doc, " }"))) {
		t.Fatalf("%s %s", a.Header.Get("Content-Type"), a.body)
	}
	h.verdict(t, a.body, verify.Valid)
	h.verdict(t, bytes.Replace(a.body, []byte("128.50"), []byte("128.51"), 1), verify.NotValid)
}

func TestDetachedAndExpectedSeals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const file = "any file\x00at all"
	body, mt := form(t, part{"request", `{"sealId":"` + h.Seal.ID + `","operator":"x","detached":true}`}, part{"document", file})
	a := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", mediaOctets)).want(t, http.StatusOK, nil)
	d := verify.Open(strings.NewReader(file), int64(len(file)), "", a.body)
	if r, err := h.Judge(t.Context(), d); err != nil || r.Verdict != verify.Valid {
		t.Fatalf("%v %+v", err, r.Reasons)
	}
	var s sealed
	h.post(t, "/api/v1/stamps", body, media(mt)).want(t, http.StatusOK, &s)
	if b, err := base64.StdEncoding.DecodeString(strings.Trim(string(s.Document), `"`)); err != nil || b[0] != 0x30 {
		t.Fatalf("%v %.20x", err, b)
	}
	doc := `{"sealId":"` + h.Seal.ID + `","operator":"x","expectedSeals":N,"document":{"a":1}}`
	h.post(t, "/api/v1/stamps", strings.Replace(doc, "N", "2", 1)).want(t, http.StatusOK, &s)
	r := h.verdict(t, s.Document, verify.NotValid)
	if r.Reasons[0].Code != verify.SealsMissing {
		t.Fatalf("%v", r.Reasons)
	}
	h.post(t, "/api/v1/stamps", strings.Replace(doc, "N", "-1", 1)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, "/api/v1/stamps", strings.Replace(doc, "N", "1.5", 1)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
}

func TestRegisterIsReadPageByPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var made, read []string
	for range 7 {
		made = append(made, h.StampJSON(t, `{"a":1}`).ID.String())
		h.Clock.Move(time.Second)
	}
	other := h.MakeSeal(t, provincetest.Agency, "另一个")
	var s sealed
	h.post(t, "/api/v1/stamps", `{"sealId":"`+other.ID+`","operator":"x","matterCode":"M9","document":{}}`).want(t, http.StatusOK, &s)
	for cursor, pages := "", 0; ; pages++ {
		var p listOf[struct {
			StampID string `json:"stampId"`
			Rest    any    `json:"-"`
		}]
		a := h.get(t, "/api/v1/stamps?limit=3&seal="+h.Seal.ID+"&cursor="+cursor, bearer(h.key)).want(t, http.StatusOK, nil)
		if err := json.Unmarshal(a.body, &p); err != nil || pages > 4 {
			t.Fatal(err, pages)
		}
		for _, i := range p.Items {
			read = append(read, i.StampID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if d := cmp.Diff(made, read); d != "" {
		t.Error(d)
	}
	for query, want := range map[string]int{"matter=M9": 1, "matter=none": 0, "seal=" + other.ID: 1, "to=2020-01-01T00:00:00Z": 0, "from=2020-01-01T00:00:00Z": 8} {
		var p listOf[map[string]any]
		if h.get(t, "/api/v1/stamps?"+query, bearer(h.key)).want(t, http.StatusOK, &p); len(p.Items) != want {
			t.Errorf("%s: %d stamps, want %d", query, len(p.Items), want)
		}
	}
}
