package portal

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"yinxin/verify"
)

// hostile is a name as an attacker would have a seal bear it.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`

var active = regexp.MustCompile(`(?i)<script(?: src="/assets/qr\.js")?>|<style|<[^>]*\s(style|on\w+)=|<[^>]*javascript:|<iframe|<object|<base`)

// shown is a page that was answered.
type shown struct {
	*http.Response
	text string
}

func page(t testing.TB, do func(w http.ResponseWriter, r *http.Request) error, r *http.Request) shown {
	t.Helper()
	w := httptest.NewRecorder()
	if err := do(w, r); err != nil {
		t.Fatal(err)
	}
	p := shown{w.Result(), w.Body.String()}
	if p.StatusCode == http.StatusSeeOther {
		return p
	}
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "Cache-Control": "no-store", "Vary": "Accept-Language"} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	lang := map[string]string{"zh": "zh-CN", "en": "en"}[p.Header.Get("Content-Language")]
	if !strings.Contains(p.text, `<html lang="`+lang+`">`) || !strings.HasSuffix(strings.TrimSpace(p.text), "</html>") {
		t.Errorf("lang %q, or the page breaks off: %.100s", lang, p.text)
	}
	for _, m := range active.FindAllString(p.text, -1) {
		if m != `<script src="/assets/qr.js">` {
			t.Errorf("the page holds %q", m)
		}
	}
	return p
}

// contains checks for pieces of the page, as it stands or as it is read.
func (p shown) contains(t testing.TB, pieces ...string) {
	t.Helper()
	read := html.UnescapeString(p.text)
	for _, s := range pieces {
		if !strings.Contains(p.text, s) && !strings.Contains(read, s) {
			t.Errorf("the page lacks %q:\n%s", s, p.text)
		}
	}
}

func open(t testing.TB, c Config) *Portal {
	t.Helper()
	c.RegionName = "贵州省"
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func in(lang, method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Accept-Language", lang)
	return r
}

func upload(t testing.TB, lang, field, name, content string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r := in(lang, http.MethodPost, "/", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

var languages = map[string]words{"zh": chinese, "en": english}

func TestEveryVerdictHasItsPage(t *testing.T) {
	for lang, w := range languages {
		for _, v := range []verify.Verdict{verify.Valid, verify.ValidWithNotice, verify.NotValid, verify.CannotConfirm, verify.None} {
			reason, _ := verify.Explain(verify.Altered)
			since := "2026-11-24T08:30:00Z"
			report := verify.Report{Verdict: v, Indication: v.Indication(), Reasons: []verify.Reason{reason}, Format: "pdf", Digest: verify.Digest{Alg: "SM3", Value: strings.Repeat("ab", 32)}, CheckedAt: since,
				Licence: &verify.Licence{Identifier: "1.2.156.3005.2.x", Type: hostile, HolderMasked: "张*", State: "revoked", ValidFrom: "2026-01-01", ValidTo: "2027-01-01"},
				Stamps: []verify.StampReport{{Verdict: v, Seal: verify.SealInfo{ID: "52000000000001", Name: hostile, Maker: hostile}, Signer: verify.SignerInfo{Subject: hostile}, SealedAt: since, TimeSource: "timestamp",
					Checks: []verify.Check{{ID: "dataHash", Result: verify.Fail, Detail: "ALTERED " + hostile}, {ID: "x", Result: verify.NotApplicable}}}}}
			var got Upload
			p := open(t, Config{Judge: func(_ context.Context, u Upload) (verify.Report, error) {
				b, err := io.ReadAll(u.Body)
				got = Upload{Name: u.Name, Body: bytes.NewReader(b)}
				return report, err
			}})
			shown := page(t, p.Judge, upload(t, lang, "file", "决定.pdf", "content"))
			shown.contains(t, "<h1>"+w.Verdict[string(v)]+"</h1>", w.VerdictMeaning[string(v)], `role="status"`, `aria-live="polite"`, "ALTERED", map[string]string{"zh": reason.Zh, "en": reason.En}[lang],
				"52000000000001", "2026-11-24 16:30:00 (UTC+08)", w.ProvenTime, w.NotWhole, w.Result["fail"], w.Result["not_applicable"], "张*", w.Licences["revoked"], "&lt;script&gt;")
			if got.Name != "决定.pdf" || shown.StatusCode != http.StatusOK {
				t.Errorf("%d %q", shown.StatusCode, got.Name)
			}
			class := map[verify.Verdict]string{verify.Valid: "good", verify.ValidWithNotice: "notice", verify.NotValid: "bad"}[v]
			if class == "" {
				class = "open"
			}
			shown.contains(t, `class="verdict `+class+`"`)
		}
	}
}

// Nothing that could be found may be shown without words.
func TestThereAreWordsForEverything(t *testing.T) {
	for lang, w := range languages {
		for name, m := range map[string]map[string]string{"verdict": w.Verdict, "meaning": w.VerdictMeaning} {
			for _, v := range []verify.Verdict{verify.Valid, verify.ValidWithNotice, verify.NotValid, verify.CannotConfirm, verify.None} {
				if m[string(v)] == "" {
					t.Errorf("%s: no %s for %s", lang, name, v)
				}
			}
		}
		for _, r := range []verify.Result{verify.Pass, verify.Fail, verify.Unknown, verify.NotApplicable} {
			if w.Result[string(r)] == "" {
				t.Errorf("%s: no word for %s", lang, r)
			}
		}
		for _, r := range []verify.Recorded{verify.InForce, verify.Suspended, verify.Ended, verify.NotRecorded, verify.RecordUnknown} {
			if w.Record[string(r)] == "" {
				t.Errorf("%s: no word for %s", lang, r)
			}
		}
	}
}

func TestUploadsThatCannotBeJudged(t *testing.T) {
	for lang, w := range languages {
		p := open(t, Config{Judge: func(_ context.Context, u Upload) (verify.Report, error) {
			switch _, err := io.ReadAll(u.Body); {
			case u.Name == "large.pdf":
				return verify.Report{}, ErrTooLarge
			default:
				return verify.Report{}, errors.Join(err, ErrNoFile)
			}
		}})
		page(t, p.ShowUpload, in(lang, http.MethodGet, "/", nil)).contains(t, w.Tagline, `type="file"`, `<label for="file">`, `<label for="code">`, w.Private)
		for name, c := range map[string]struct {
			r      *http.Request
			status int
			text   string
		}{
			"no form":     {in(lang, http.MethodPost, "/", strings.NewReader("x")), http.StatusBadRequest, w.NoFile},
			"other field": {upload(t, lang, "other", "x.pdf", "x"), http.StatusBadRequest, w.NoFile},
			"no name":     {upload(t, lang, "file", "", ""), http.StatusBadRequest, w.NoFile},
			"too large":   {upload(t, lang, "file", "large.pdf", "x"), http.StatusRequestEntityTooLarge, w.TooLarge},
			"broken off":  {upload(t, lang, "file", "x.pdf", "x"), http.StatusBadRequest, w.NoFile},
		} {
			shown := page(t, p.Judge, c.r)
			if shown.StatusCode != c.status {
				t.Errorf("%s: %d", name, shown.StatusCode)
			}
			shown.contains(t, `role="alert">`+c.text, `type="file"`)
		}
		r := upload(t, lang, "file", "x.pdf", "x")
		r.Body = http.MaxBytesReader(nil, r.Body, 10)
		if shown := page(t, p.Judge, r); shown.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a form over the limit: %d", shown.StatusCode)
		}
	}
	for status, text := range map[int]map[string]string{http.StatusNotFound: {"zh": chinese.NoPage, "en": english.NoPage}, http.StatusServiceUnavailable: {"zh": chinese.Fault, "en": english.Fault}} {
		for lang, want := range text {
			p := open(t, Config{})
			shown := page(t, func(w http.ResponseWriter, r *http.Request) error { return p.ShowFault(w, r, status) }, in(lang, http.MethodGet, "/x", nil))
			if shown.contains(t, `role="alert">`+want, `type="file"`); shown.StatusCode != status {
				t.Errorf("%d for %d", shown.StatusCode, status)
			}
		}
	}
	fault := errors.New("disk")
	p := open(t, Config{Judge: func(context.Context, Upload) (verify.Report, error) { return verify.Report{}, fault }})
	if err := p.Judge(httptest.NewRecorder(), upload(t, "zh", "file", "x", "x")); !errors.Is(err, fault) {
		t.Error(err)
	}
}

func TestEveryRecordHasItsPage(t *testing.T) {
	for lang, w := range languages {
		for _, state := range []verify.Recorded{verify.InForce, verify.Suspended, verify.Ended, verify.NotRecorded, verify.RecordUnknown} {
			p := open(t, Config{ByCode: func(_ context.Context, code string) (Record, error) {
				return Record{Record: string(state), Kind: "licence", Notice: NotPaper(), Fields: []Field{{Name: "name", Zh: "证照名称", En: "Licence", Value: hostile}, {Name: "at", Zh: "时间", En: "At", Value: "2026-11-24T16:30:00Z"}}}, nil
			}})
			shown := page(t, func(w http.ResponseWriter, r *http.Request) error { return p.ShowRecord(w, r, "c") }, in(lang, http.MethodGet, "/v/c", nil))
			shown.contains(t, w.Record[string(state)], `class="record `+string(state)+`"`, `role="status"`, w.NotPaper, map[string]string{"zh": "证照名称", "en": "Licence"}[lang], "&lt;script&gt;", "2026-11-25 00:30:00 (UTC+08)")
			// A record is never a verdict on the paper.
			for _, verdict := range []string{">" + w.Verdict["valid"] + "<", w.VerdictMeaning["valid"]} {
				if strings.Contains(shown.text, verdict) {
					t.Errorf("a record says %q", verdict)
				}
			}
		}
		for err, status := range map[error]int{ErrBadCode: http.StatusBadRequest, ErrNoRecord: http.StatusNotFound} {
			p := open(t, Config{ByCode: func(context.Context, string) (Record, error) { return Record{}, err }})
			shown := page(t, func(w http.ResponseWriter, r *http.Request) error { return p.ShowRecord(w, r, hostile) }, in(lang, http.MethodGet, "/v/x", nil))
			if shown.StatusCode != status {
				t.Errorf("%v: %d", err, shown.StatusCode)
			}
			shown.contains(t, `role="alert"`, map[int]string{http.StatusBadRequest: w.BadCode, http.StatusNotFound: w.NoRecord}[status])
		}
	}
}

// The form leads to an address that can be printed; what cannot be a code leads
// nowhere.
func TestTheCodesForm(t *testing.T) {
	p := open(t, Config{ByCode: func(context.Context, string) (Record, error) { t.Error("asked"); return Record{}, ErrNoRecord }})
	for query, want := range map[string]string{
		"code=Q4J9-6EM9&lang=en": "/v/Q4J9-6EM9?lang=en", "code=+q4j9+6em9+&lang=zh": "/v/q4j9%206em9?lang=zh",
	} {
		shown := page(t, p.FindRecord, in("zh", http.MethodGet, "/v?"+query, nil))
		if got := shown.Header.Get("Location"); shown.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%s: %d %s", query, shown.StatusCode, got)
		}
	}
	for _, code := range []string{"", "%20", "..", "a/b", "%2F%2Fevil.example", "a%0d%0aX:y", strings.Repeat("a", maxCode+1), "%3Cscript%3E", "中文"} {
		if shown := page(t, p.FindRecord, in("zh", http.MethodGet, "/v?code="+code, nil)); shown.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d %s", code, shown.StatusCode, shown.Header.Get("Location"))
		}
	}
}

func TestThePageOfTheQRCode(t *testing.T) {
	p := open(t, Config{})
	for lang, w := range languages {
		shown := page(t, p.ShowQR, in(lang, http.MethodGet, "/q", nil))
		shown.contains(t, w.QRSends, w.QRSend, w.QRScript, w.NotPaper, `role="status" aria-live="polite"`, w.QRBad, `<script src="/assets/qr.js">`)
		for _, words := range w.Record {
			shown.contains(t, words)
		}
	}
}

func TestLanguages(t *testing.T) {
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "zh"}, {"", "en-GB", "en"}, {"", "zh-CN,en", "zh"}, {"", "en,zh", "en"}, {"", "fr", "zh"}, {"?lang=en", "zh", "en"}, {"?lang=zh", "en", "zh"}, {"?lang=fr", "en", "en"}, {"?lang=%22%3E", "zh", "zh"},
	} {
		p := open(t, Config{})
		shown := page(t, p.ShowUpload, in(c.accept, http.MethodGet, "/"+c.query, nil))
		if got := shown.Header.Get("Content-Language"); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAssets(t *testing.T) {
	h, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/yinxin.css": "text/css; charset=utf-8", "/qr.js": "text/javascript; charset=utf-8", "/": "", "/none": "", "/../portal.go": ""} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.URL.Path = path
		h.ServeHTTP(w, r)
		if want == "" && w.Code != http.StatusNotFound || want != "" && (w.Header().Get("Content-Type") != want || w.Header().Get("Cache-Control") == "") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
