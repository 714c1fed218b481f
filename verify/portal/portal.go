// Package portal is the citizen's side of the public endpoint: upload a file
// and read the verdict, look up a printed verification code, or what was recorded of
// a licence's QR code. New gives the pages; each is a method that the server mounts.
//
// A page that a code leads to says what was recorded, never that the
// sheet in the reader's hand is genuine (protocol.md 6).
package portal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"yinxin/verify"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed assets/*
var assets embed.FS

// Upload is a file that someone wants judged. It is read while the request
// lasts and kept nowhere.
type Upload struct {
	Name string // the name's ending helps to tell the format; never logged
	Body io.Reader
}

var (
	// ErrTooLarge: the upload is larger than what is judged here.
	ErrTooLarge = errors.New("the file is too large to be checked")
	// ErrNoFile: the form holds no file, or broke off in the middle of it.
	ErrNoFile = errors.New("there is no whole file in the form")
)

// Config of New.
type Config struct {
	// RegionName stands in the headings.
	RegionName string
	// Judge gives the report on a file, ErrTooLarge or ErrNoFile.
	Judge func(ctx context.Context, u Upload) (verify.Report, error)
	// ByCode finds what was recorded under a printed verification code;
	// ErrNoRecord when nothing was, ErrBadCode when it cannot be one.
	ByCode func(ctx context.Context, code string) (Record, error)
}

// ErrNoRecord: nothing was recorded under the code.
var ErrNoRecord = errors.New("nothing was recorded under this code")

// ErrBadCode: the check characters do not fit: it was misread or mistyped.
var ErrBadCode = errors.New("this is not a verification code: please check what you typed")

// Portal holds the parsed pages.
type Portal struct {
	c     Config
	pages map[string]*template.Template
}

// New parses the pages.
func New(c Config) (*Portal, error) {
	p := &Portal{c: c, pages: map[string]*template.Template{}}
	for _, name := range []string{"upload", "verdict", "record", "qr"} {
		t, err := template.New("frame.html").Funcs(template.FuncMap{"local": local}).ParseFS(pages, "pages/frame.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.pages[name] = t
	}
	return p, nil
}

// Assets serves the style sheet and the script of the page /q.
func Assets() (http.Handler, error) {
	sub, err := fs.Sub(assets, "assets")
	if err != nil {
		return nil, err
	}
	files := http.FileServerFS(sub)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600")
		files.ServeHTTP(w, r)
	}), nil
}

// view is what every page is given.
type view struct {
	T      words
	Lang   string
	Other  string // the other language's code
	Region string
	Path   string
	Data   any
}

// policy lets a page load its own style and script and nothing else, so that
// nothing in an uploaded file's names could ever run.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
	lang := language(r)
	v := view{T: vocabulary[lang], Lang: lang, Other: other(lang), Region: p.c.RegionName, Path: r.URL.Path, Data: data}
	var b strings.Builder
	if err := p.pages[page].Execute(&b, v); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	// The reader may have gone; there is no one to tell.
	_, _ = io.WriteString(w, b.String())
	return nil
}

// local shows a time as people in China read it; anything else stays as it is.
func local(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.In(time.FixedZone("", 8*60*60)).Format("2006-01-02 15:04:05 (UTC-07)")
}

// language is what the reader chose by ?lang=, else the browser's first of
// the two, else Chinese.
func language(r *http.Request) string {
	switch r.URL.Query().Get("lang") {
	case "zh":
		return "zh"
	case "en":
		return "en"
	}
	accept := strings.ToLower(r.Header.Get("Accept-Language"))
	zh, en := strings.Index(accept, "zh"), strings.Index(accept, "en")
	if en >= 0 && (zh < 0 || en < zh) {
		return "en"
	}
	return "zh"
}

func other(lang string) string {
	if lang == "zh" {
		return "en"
	}
	return "zh"
}
