package server

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
	"yinxin/seal/batch"
	"yinxin/verify"
)

const jobs = "/api/v1/stamp-jobs"

// document of a job, by its file's name.
type document struct{ name, content string }

// batchForm is a multipart body: the request, unless it is "", and documents.
func batchForm(t testing.TB, request string, documents ...document) (body, mediaType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	put := func(part io.Writer, err error, content string) {
		if err == nil {
			_, err = io.WriteString(part, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if request != "" {
		part, err := w.CreateFormField("request")
		put(part, err, request)
	}
	for _, d := range documents {
		part, err := w.CreateFormFile("document", d.name)
		put(part, err, d.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// running lets the province's jobs run.
func (h *house) running(t testing.TB) {
	ctx, stop := context.WithCancel(t.Context())
	go h.Batches.Run(ctx)
	t.Cleanup(stop)
}

func (h *house) awaited(t testing.TB, id string) (j jobAnswer) {
	t.Helper()
	for range 3000 {
		h.get(t, jobs+"/"+id, bearer(h.key)).want(t, http.StatusOK, &j)
		if j.Over() {
			return j
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it does not come to its end: %+v", j)
	return j
}

// A job of each format, from documents to sealed ones: one by one, and as a zip.
func TestAJobSealsManyDocuments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.running(t)
	pdf := string(provincetest.Decision(t, "decision.pdf"))
	documents := []document{{"决定 一.pdf", pdf}, {"=2.json", `{"a":1}`}, {"三.ofd", string(provincetest.Decision(t, "decision.ofd"))}, {"坏.pdf", "%PDF-1.7 nothing"}, {"x.txt", "plain"}}
	body, mt := batchForm(t, h.request(), documents...)
	var j jobAnswer
	a := h.post(t, jobs, body, media(mt), key("k")).want(t, http.StatusAccepted, &j)
	if a.Header.Get("Location") != jobs+"/"+j.ID.String() || j.Items != 5 || j.State == batch.Open {
		t.Fatalf("%v %+v", a.Header, j)
	}
	if j = h.awaited(t, j.ID.String()); j.State != batch.Done || j.Sealed != 3 || j.Failed != 2 || j.Queued != 0 || !j.Expires.Equal(j.Ended.Add(batch.Kept)) {
		t.Fatalf("%+v", j)
	}
	var again jobAnswer
	h.post(t, jobs, body, media(mt), key("k")).want(t, http.StatusAccepted, &again)
	if again.ID != j.ID || again.Items != 5 {
		t.Errorf("a retry made another job: %+v", again)
	}
	here := jobs + "/" + j.ID.String()
	var items listOf[batch.Item]
	h.get(t, here+"/items", bearer(h.key)).want(t, http.StatusOK, &items)
	for i, item := range items.Items {
		if item.Name != documents[i].name || item.N != i+1 {
			t.Errorf("%d: %+v", i, item)
		}
		path := fmt.Sprintf("%s/items/%d/document", here, item.N)
		if item.State == batch.Failed {
			if item.Problem == nil || item.Problem.Code != "BAD_DOCUMENT" || item.Problem.Detail == "" {
				t.Errorf("%s: %+v", item.Name, item.Problem)
			}
			h.get(t, path, bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
			continue
		}
		first, second := h.get(t, path, bearer(h.key)).want(t, http.StatusOK, nil), h.get(t, path, bearer(h.key)).want(t, http.StatusOK, nil)
		if !bytes.Equal(first.body, second.body) || first.Header.Get("Yinxin-Stamp-Id") != item.Stamp.String() || first.Header.Get("Yinxin-Verification-Code") != item.Code {
			t.Errorf("%s is given in two ways", item.Name)
		}
		h.verdict(t, first.body, verify.Valid)
		entry, err := h.Seals.Entry(t.Context(), item.Stamp)
		if err != nil || entry.Job != j.ID.String() || entry.Operator != "张三" || entry.Matter != "M1" || entry.Key == "" {
			t.Errorf("%+v %v", entry, err)
		}
	}
	for query, want := range map[string]int{"state=failed": 2, "state=done": 3, "state=queued": 0, "limit=2": 2, "cursor=4": 1} {
		var l listOf[batch.Item]
		if h.get(t, here+"/items?"+query, bearer(h.key)).want(t, http.StatusOK, &l); len(l.Items) != want || (l.Next != "") != (query == "limit=2") {
			t.Errorf("%s: %d items, next %q", query, len(l.Items), l.Next)
		}
	}
	h.get(t, here+"/items?state=sealed", bearer(h.key)).problem(t, http.StatusBadRequest, "BAD_REQUEST") // the word is done
	h.get(t, here+"/items?cursor=x", bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.get(t, here+"/items/0/document", bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
	table := h.get(t, here+"/items", bearer(h.key), header("Accept", mediaCSV)).want(t, http.StatusOK, nil)
	rows, err := csv.NewReader(bytes.NewReader(table.body)).ReadAll()
	if err != nil || len(rows) != 6 || rows[2][1] != "'=2.json" || rows[4][7] != "BAD_DOCUMENT" {
		t.Errorf("%v %q", err, rows)
	}
	h.archive(t, here, 3)
	var list listOf[jobAnswer]
	if h.get(t, jobs, bearer(h.key)).want(t, http.StatusOK, &list); len(list.Items) != 1 || list.Items[0].ID != j.ID {
		t.Errorf("%+v", list)
	}
}

func (h *house) archive(t *testing.T, here string, want int) {
	t.Helper()
	a := h.get(t, here+"/documents", bearer(h.key)).want(t, http.StatusOK, nil)
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(z.File) != want+1 || z.File[want].Name != "job.csv" {
		t.Fatal(err)
	}
	for _, f := range z.File[:want] {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || !strings.HasPrefix(f.Name, "documents/") {
			t.Fatal(f.Name, err)
		}
		h.verdict(t, b, verify.Valid)
	}
}

// A job that is fed call by call, with a call that breaks off, a document again and
// another under its name.
func TestAJobIsFed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.running(t)
	var j jobAnswer
	request := strings.TrimSuffix(h.request(), "}") + `,"detached":true}`
	h.post(t, jobs, request).want(t, http.StatusAccepted, &j)
	here := jobs + "/" + j.ID.String()
	if j.State != batch.Open || j.Items != 0 || j.Expires.IsZero() {
		t.Fatalf("%+v", j)
	}
	h.post(t, here+"/start", `{"operator":"x","reason":"y"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	feed := func(documents ...document) answer {
		body, mt := batchForm(t, "", documents...)
		return h.post(t, here+"/documents", body, media(mt))
	}
	var fed fedAnswer
	if feed(document{"a", "1"}, document{"b", "2"}).want(t, http.StatusOK, &fed); fed.Items != 2 || fed.Known != 0 {
		t.Errorf("%+v", fed)
	}
	if feed(document{"b", "2"}, document{"c", "3"}, document{"c", "3"}).want(t, http.StatusOK, &fed); fed.Items != 3 || fed.Known != 2 {
		t.Errorf("%+v", fed)
	}
	feed(document{"d", "4"}, document{"a", "another"}).problem(t, http.StatusConflict, "CONFLICT")
	body, mt := batchForm(t, "", document{"e", "5"}, document{"f", strings.Repeat("6", 1000)})
	h.post(t, here+"/documents", body[:len(body)-500], media(mt)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	for name, c := range map[string]struct {
		documents []document
		status    int
		code      string
	}{
		"no name": {[]document{{"", "x"}}, http.StatusBadRequest, "BAD_REQUEST"}, "a colon": {[]document{{"a:b", "x"}}, http.StatusUnprocessableEntity, "REFUSED"},
		"long": {[]document{{"long", strings.Repeat("x", 3<<10)}}, http.StatusRequestEntityTooLarge, "TOO_LARGE"},
	} {
		if name == "long" {
			h.server.maxBody = 2 << 10
		}
		feed(c.documents...).problem(t, c.status, c.code)
	}
	h.post(t, here+"/documents", `{}`).problem(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	h.get(t, here, bearer(h.key)).want(t, http.StatusOK, &j)
	if j.Items != 5 {
		t.Errorf("%d documents, want a to e", j.Items)
	}
	h.post(t, here+"/start", `{"operator":"x","reason":"y"}`).want(t, http.StatusAccepted, &j)
	feed(document{"g", "7"}).problem(t, http.StatusConflict, "CONFLICT")
	if j = h.awaited(t, j.ID.String()); j.Sealed != 5 {
		t.Fatalf("%+v", j)
	}
	a := h.get(t, here+"/items/2/document", bearer(h.key)).want(t, http.StatusOK, nil)
	if r, err := h.Judge(t.Context(), verify.Open(strings.NewReader("2"), 1, "", a.body)); err != nil || r.Verdict != verify.Valid {
		t.Errorf("%v %+v", err, r.Reasons)
	}
	h.post(t, here+"/retry", `{"operator":"x","reason":"y"}`).problem(t, http.StatusConflict, "CONFLICT")
	h.post(t, here+"/cancel", `{"operator":"x","reason":"y"}`).problem(t, http.StatusConflict, "CONFLICT")
}

// A seal that is frozen half-way: what was not sealed says why, and is sealed when it
// is tried again after the thaw.
func TestASealFrozenHalfWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var documents []document
	for n := range 40 {
		documents = append(documents, document{fmt.Sprintf("%d.json", n), fmt.Sprintf(`{"n":%d}`, n)})
	}
	body, mt := batchForm(t, h.request(), documents...)
	var j jobAnswer
	h.post(t, jobs, body, media(mt)).want(t, http.StatusAccepted, &j)
	h.Clock.Move(time.Second)
	change := seal.ChangeRequest{SealID: h.Seal.ID, Who: "x", Why: "y"}
	if _, err := h.Seals.Freeze(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	h.running(t)
	if j = h.awaited(t, j.ID.String()); j.Failed != 40 {
		t.Fatalf("%+v", j)
	}
	here := jobs + "/" + j.ID.String()
	var items listOf[batch.Item]
	if h.get(t, here+"/items?limit=1", bearer(h.key)).want(t, http.StatusOK, &items); items.Items[0].Problem == nil || items.Items[0].Problem.Code != "REFUSED" || !strings.Contains(items.Items[0].Problem.Detail, "frozen") {
		t.Errorf("%+v", items.Items[0].Problem)
	}
	h.post(t, jobs, h.request()).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.Clock.Move(time.Minute)
	if _, err := h.Seals.Thaw(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(time.Minute)
	h.post(t, here+"/retry", `{"operator":"x","reason":"y"}`).want(t, http.StatusAccepted, &j)
	if j = h.awaited(t, j.ID.String()); j.Sealed != 40 || j.Failed != 0 {
		t.Fatalf("%+v", j)
	}
}

// The codes of a job's problems are those of the interface.
func TestAJobsProblemsAreKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range everyRefusal {
		known[r.code] = true
	}
	for _, err := range []error{seal.ErrDocument, seal.ErrTooLarge, seal.ErrOrder, seal.ErrNotInForce, seal.ErrQuota, seal.ErrRefused, seal.ErrNoRight, seal.ErrNotFound, seal.ErrNotApproved, seal.ErrRetryMismatch, seal.ErrChanged, io.EOF} {
		p, _ := batch.Explain(err)
		if !known[p.Code] || p.Detail == "" {
			t.Errorf("%v: %+v", err, p)
		}
		if err == io.EOF {
			continue
		}
		if f := asFailure(ruled(err)); f.code != p.Code {
			t.Errorf("%v is %s in a job and %s alone", err, p.Code, f.code)
		}
	}
}

func TestJobsAreForTheirAgency(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs, _ := h.Key(t, provincetest.Stranger, agency.ScopeStamp)
	h.post(t, jobs, h.request(), bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
	var j jobAnswer
	h.post(t, jobs, h.request()).want(t, http.StatusAccepted, &j)
	for _, path := range []string{"", "/items", "/items/1/document", "/documents"} {
		h.get(t, jobs+"/"+j.ID.String()+path, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	}
	body, mt := batchForm(t, "", document{"a", "x"})
	h.post(t, jobs+"/"+j.ID.String()+"/documents", body, media(mt), bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	for _, act := range []string{"start", "retry", "cancel"} {
		h.post(t, jobs+"/"+j.ID.String()+"/"+act, `{"operator":"x","reason":"y"}`, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	}
	h.get(t, jobs+"?agency="+provincetest.Agency, bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
	var l listOf[json.RawMessage]
	if h.get(t, jobs, bearer(theirs)).want(t, http.StatusOK, &l); len(l.Items) != 0 {
		t.Errorf("%s", l.Items)
	}
	for name, body := range map[string]string{"nothing": `{}`, "a document": strings.TrimSuffix(h.request(), "}") + `,"document":{}}`, "an unknown member": strings.TrimSuffix(h.request(), "}") + `,"x":1}`} {
		if a := h.post(t, jobs, body); a.StatusCode < 400 || a.StatusCode >= 500 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	body, mt = batchForm(t, "", document{"a", "x"})
	h.post(t, jobs, body, media(mt)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
}

// A call without a document leaves no job behind.
func TestAJobOfNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body, mt := batchForm(t, h.request())
	h.post(t, jobs, body, media(mt)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	var l listOf[json.RawMessage]
	if h.get(t, jobs, bearer(h.key)).want(t, http.StatusOK, &l); len(l.Items) != 0 {
		t.Errorf("%s", l.Items)
	}
}

// An officer's key makes stamps in its officer's name alone, in a job too.
func TestAJobIsStartedByWhomItsStampsName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	zhang, li := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeStamp), h.officerKey(t, provincetest.Agency, "李四", agency.ScopeStamp)
	var j jobAnswer
	h.post(t, jobs, `{"sealId":"`+h.Seal.ID+`"}`, bearer(zhang)).want(t, http.StatusAccepted, &j)
	here := jobs + "/" + j.ID.String()
	body, mt := batchForm(t, "", document{"a.json", "{}"}, document{"b", "nothing that is sealed"})
	h.post(t, here+"/documents", body, media(mt), bearer(li)).want(t, http.StatusOK, nil)
	h.post(t, here+"/start", `{"reason":"y"}`, bearer(li)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.running(t)
	h.post(t, here+"/start", `{"reason":"y"}`, bearer(zhang)).want(t, http.StatusAccepted, nil)
	if j = h.awaited(t, j.ID.String()); j.Sealed != 1 || j.Failed != 1 {
		t.Errorf("%+v", j)
	}
	h.post(t, here+"/retry", `{"reason":"y"}`, bearer(li)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
}

// A word that no list knows is told, where an empty list would be believed.
func TestWordsOfLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, query := range []string{"/api/v1/seals?state=valid", "/api/v1/seals?kind=official", "/api/v1/stamps?format=PDF"} {
		h.get(t, query, bearer(h.key)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
	for _, query := range []string{"/api/v1/seals?state=in_force", "/api/v1/seals?kind=agency", "/api/v1/stamps?format=pdf"} {
		h.get(t, query, bearer(h.key)).want(t, http.StatusOK, nil)
	}
}
