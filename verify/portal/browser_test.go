package portal_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"yinxin/internal/province/provincetest"
	"yinxin/internal/server"
	"yinxin/internal/testlong"
	"yinxin/license"
)

// site is a province behind a server, and a browser that looks at it.
type site struct {
	*provincetest.House
	url string
	log *bytes.Buffer // of the server; read it when the browser is done

	mu       sync.Mutex
	requests []string // method and URL of each
	faults   []string // what the browser complained of
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func newSite(t *testing.T) *site {
	s := &site{House: provincetest.New(t), log: &bytes.Buffer{}}
	srv, err := server.New(server.Config{Province: s.Province, Clock: s.Clock.Now, Log: slog.New(slog.NewTextHandler(s, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv.Handler())
	t.Cleanup(ts.Close)
	s.url = ts.URL
	return s
}

// browser starts one for the whole test.
func (s *site) browser(t *testing.T) context.Context {
	t.Helper()
	path := testlong.Tool(t, "chromium", "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(event any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			s.requests = append(s.requests, e.Request.Method+" "+e.Request.URL)
		case *runtime.EventExceptionThrown:
			s.faults = append(s.faults, e.ExceptionDetails.Text)
		case *log.EventEntryAdded: // the content policy's complaints, too
			s.faults = append(s.faults, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// sent gives the requests since the last call.
func (s *site) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// looksRight checks what holds of every page. The long run keeps a picture of it:
// go test ./verify/portal -run Page -long -artifacts
func looksRight(t *testing.T, ctx context.Context, name, lang string) {
	t.Helper()
	if wide := eval[string](t, ctx, `[...document.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className).join(" ")`); wide != "" {
		t.Errorf("%s: wider than the window: %s", name, wide)
	}
	if over := eval[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("%s: scrolls sideways by %d", name, over)
	}
	if got := eval[string](t, ctx, `document.documentElement.lang`); !strings.HasPrefix(got, lang) {
		t.Errorf("%s: lang=%q", name, got)
	}
	if n := eval[int](t, ctx, `[...document.querySelectorAll("input:not([type=hidden])")].filter(e => !e.labels.length).length + document.querySelectorAll("img:not([alt])").length + Math.abs(document.querySelectorAll("h1").length - 1)`); n > 0 {
		t.Errorf("%s: inputs without labels, pictures without words, or not one heading: %d", name, n)
	}
	if !testlong.Enabled() {
		return // a picture takes a second
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), png, 0o600); err != nil {
		t.Error(err)
	}
}

// tabTo presses Tab until the element has the focus.
func tabTo(t *testing.T, ctx context.Context, id string) {
	t.Helper()
	for range 20 {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		if eval[string](t, ctx, `document.activeElement.id`) == id {
			return
		}
	}
	t.Fatalf("the keyboard does not reach #%s", id)
}

func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := s.browser(t)
	doc := s.StampJSON(t, string(provincetest.Decision(t, "decision.json")))
	files := map[string][]byte{"sealed.json": doc.Document, "altered.json": bytes.Replace(doc.Document, []byte("准予行政许可"), []byte("不予行政许可"), 1), "licence.json": s.Issue(t).Document}
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, lang := range []string{"zh", "en"} {
		for j, width := range []int64{360, 1280} {
			if i != j && !testlong.Enabled() {
				continue
			}
			shot := func(name string) string {
				return strings.Join([]string{name, lang, map[int64]string{360: "360", 1280: "1280"}[width]}, "-")
			}
			do(t, ctx, chromedp.EmulateViewport(width, 740), chromedp.Navigate(s.url+"/?lang="+lang))
			looksRight(t, ctx, shot("upload"), lang)
			for name, class := range map[string]string{"sealed.json": "good", "altered.json": "bad", "licence.json": "good"} {
				do(t, ctx, chromedp.Navigate(s.url+"/?lang="+lang), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(dir, name)}), chromedp.Click(chromedp.CSS("form button")), chromedp.WaitVisible(chromedp.CSS(".verdict")))
				if got := eval[string](t, ctx, `document.querySelector(".verdict").className + " " + document.querySelector(".verdict").getAttribute("role")`); got != "verdict "+class+" status" {
					t.Errorf("%s: %s", name, got)
				}
				do(t, ctx, chromedp.Click(chromedp.CSS("details summary")))
				looksRight(t, ctx, shot(name), lang)
			}
			// By keyboard alone: from the top of the page to the code, and Enter.
			do(t, ctx, chromedp.Navigate(s.url+"/?lang="+lang))
			tabTo(t, ctx, "code")
			do(t, ctx, chromedp.KeyEvent(doc.Code+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".record.in_force")))
			looksRight(t, ctx, shot("record"), lang)
			if at := eval[string](t, ctx, `location.pathname`); at != "/v/"+doc.Code {
				t.Errorf("the record is at %s", at)
			}
			do(t, ctx, chromedp.Click(chromedp.CSS("a.lang")), chromedp.WaitVisible(chromedp.CSS(".record.in_force")))
			do(t, ctx, chromedp.Navigate(s.url+"/v/nonsense?lang="+lang))
			looksRight(t, ctx, shot("bad-code"), lang)
		}
	}
	s.noFaults(t, "400 (Bad Request)") // the page of the code that was nonsense
}

// noFaults checks that the browser complained of nothing but what is known.
func (s *site) noFaults(t *testing.T, known string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if known == "" || !strings.Contains(f, known) {
			t.Errorf("the browser complains: %s", f)
		}
	}
}

// The token of a QR code leaves the page only when its reader says so, and never
// stands in the server's log.
func TestTheQRPageSendsWhenAsked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := s.browser(t)
	l := s.Issue(t)
	token, err := s.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	digits := token.Digits()
	change := license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}
	for i, c := range []struct {
		lang, says string
		width      int64
		before     func(context.Context, license.ChangeRequest) (license.Licence, error)
		record     string
	}{
		{"zh", "登记为有效", 360, nil, "in_force"}, {"en", "Recorded as suspended", 360, s.Licences.Suspend, "suspended"}, {"en", "Recorded as ended", 1280, s.Licences.Revoke, "ended"},
	} {
		if c.before != nil {
			s.Clock.Move(time.Minute)
			if _, err := c.before(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		s.sent()
		do(t, ctx, chromedp.EmulateViewport(c.width, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/q?lang="+c.lang+"#"+digits), chromedp.WaitVisible(chromedp.CSS("#send")))
		looksRight(t, ctx, "qr-ask-"+c.lang+"-"+c.record, c.lang)
		if text := eval[string](t, ctx, `document.getElementById("ask").innerText`); !strings.Contains(text, map[string]string{"zh": "发送到本服务器", "en": "sent to this server"}[c.lang]) {
			t.Errorf("the page does not say that it will send: %s", text)
		}
		time.Sleep(200 * time.Millisecond) // for a script that would send it by itself
		for _, r := range s.sent() {
			if strings.HasPrefix(r, "POST") || strings.Contains(r, digits[:20]) {
				t.Errorf("before anyone agreed: %s", r)
			}
		}
		tabTo(t, ctx, "send")
		do(t, ctx, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".record")))
		posted := 0
		for _, r := range s.sent() {
			if r == "POST "+s.url+"/api/v1/records" {
				posted++
			} else {
				t.Errorf("sent too: %s", r)
			}
		}
		if posted != 1 {
			t.Errorf("sent %d times", posted)
		}
		result := eval[string](t, ctx, `(e => [e.getAttribute("role"), e.getAttribute("aria-live"), e.querySelector(".record").className, e.innerText].join("|"))(document.getElementById("result"))`)
		for _, want := range []string{"status|polite|record " + c.record, c.says, l.Identifier, "张*"} {
			if !strings.Contains(result, want) {
				t.Errorf("the result lacks %q: %s", want, result)
			}
		}
		if eval[bool](t, ctx, `document.getElementById("ask").checkVisibility()`) || eval[string](t, ctx, `document.activeElement.id`) != "result" {
			t.Error("what was asked still stands there, or the focus is lost")
		}
		if !eval[bool](t, ctx, `getComputedStyle(document.getElementById("paper")).display !== "none"`) {
			t.Error("nothing says that a record is no verdict on the paper")
		}
		looksRight(t, ctx, "qr-"+c.lang+"-"+c.record, c.lang)
		if i > 0 {
			continue
		}
		// The other language keeps the token, which the server never saw.
		do(t, ctx, chromedp.Click(chromedp.CSS("a.lang")), chromedp.WaitVisible(chromedp.CSS("#send")))
		if eval[string](t, ctx, `location.hash`) != "#"+digits {
			t.Error("the other language loses the token")
		}
	}
	for _, bad := range []string{"", "#", "#x", "#<script>alert(1)</script>", "#" + strings.Repeat("9", 3000)} {
		do(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/q?lang=zh"+bad), chromedp.WaitVisible(chromedp.CSS("#none")))
		if eval[bool](t, ctx, `document.getElementById("ask").checkVisibility()`) {
			t.Errorf("%.20q: a button that sends nothing", bad)
		}
	}
	looksRight(t, ctx, "qr-none", "zh")
	do(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/q?lang=zh#1234567890123"), chromedp.Click(chromedp.CSS("#send")), chromedp.WaitVisible(chromedp.CSS("#result .problem")))
	looksRight(t, ctx, "qr-refused", "zh")
	s.noFaults(t, "400 (Bad Request)") // of the token that is none
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(s.log.String(), digits[:20]) || strings.Contains(s.log.String(), l.Identifier) || !strings.Contains(s.log.String(), "route=/q") {
		t.Errorf("the server's log: %s", s.log)
	}
}
