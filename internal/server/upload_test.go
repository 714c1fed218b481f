package server

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"yinxin/internal/province/provincetest"
)

func TestOddUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	request, document := part{"request", h.request()}, part{"document", `{"a":1}`}
	for name, c := range map[string]struct {
		parts []part
		code  string
	}{
		"no request":           {[]part{document}, "BAD_REQUEST"},
		"no document":          {[]part{request}, "BAD_REQUEST"},
		"no parts":             {nil, "BAD_REQUEST"},
		"request twice":        {[]part{request, document, request}, "BAD_REQUEST"},
		"document twice":       {[]part{request, document, document}, "BAD_REQUEST"},
		"a part of no name":    {[]part{request, document, {"", "x"}}, "BAD_REQUEST"},
		"another part":         {[]part{request, document, {"documents", "x"}}, "BAD_REQUEST"},
		"document in request":  {[]part{{"request", strings.TrimSuffix(h.request(), "}") + `,"document":{}}`}, document}, "BAD_REQUEST"},
		"unknown member":       {[]part{{"request", strings.Replace(h.request(), "placement", "place", 1)}, document}, "BAD_REQUEST"},
		"member of placement":  {[]part{{"request", strings.Replace(h.request(), `"x"`, `"X"`, 1)}, document}, "BAD_REQUEST"},
		"empty document":       {[]part{request, {"document", ""}}, "BAD_DOCUMENT"},
		"neither PDF nor JSON": {[]part{request, {"document", "PK\x03\x04"}}, "BAD_DOCUMENT"},
		"broken PDF":           {[]part{request, {"document", "%PDF-1.7\n"}}, "BAD_DOCUMENT"},
		"duplicate key":        {[]part{request, {"document", `{"a":1,"a":2}`}}, "BAD_DOCUMENT"},
		"_seals empty":         {[]part{request, {"document", `{"_seals":[]}`}}, "BAD_DOCUMENT"},
	} {
		body, mt := form(t, c.parts...)
		if p := h.post(t, "/api/v1/stamps", body, media(mt)).problem(t, http.StatusBadRequest, c.code); p.Detail == "" {
			t.Errorf("%s: no detail", name)
		}
	}
	body, mt := form(t, request, document)
	for n := range len(body) {
		if n%7 != 0 && n < len(body)-60 {
			continue
		}
		// What follows the last boundary's dashes is a line break.
		if a := h.post(t, "/api/v1/stamps", body[:n], media(mt)); a.StatusCode != http.StatusBadRequest && n < len(body)-2 {
			t.Errorf("broken off at %d of %d: %d %s", n, len(body), a.StatusCode, a.body)
		}
	}
	for _, mt := range []string{"", "text/plain", "application/pdf", "multipart/form-data", "multipart/mixed; boundary=x", "application/json; ="} {
		a := h.post(t, "/api/v1/stamps", body, media(mt))
		if a.StatusCode != http.StatusUnsupportedMediaType && a.StatusCode != http.StatusBadRequest {
			t.Errorf("Content-Type %q: %d", mt, a.StatusCode)
		}
	}
	var all listOf[map[string]any]
	if h.get(t, "/api/v1/stamps", bearer(h.key)).want(t, http.StatusOK, &all); len(all.Items) > 2 {
		t.Errorf("refused requests left %d stamps", len(all.Items))
	}
}

func TestBodiesThatAreTooLong(t *testing.T) {
	t.Parallel()
	const limit = 3 << 20
	h := newHouseWith(t, func(c *Config) { c.MaxBody = limit })
	long := strings.Repeat(" ", limit+64<<10+1)
	body, mt := form(t, part{"request", h.request()}, part{"document", long})
	chunked := set(func(r *http.Request) { r.ContentLength = -1 })
	for _, sets := range [][]set{{}, {chunked}} {
		h.post(t, "/api/v1/stamps", body, append(sets, media(mt))...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/stamps", `{"document":`+long+`{}}`, sets...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/verify", long, sets...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/verify", long[:limit+1], sets...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/records", `{"token":"`+long[:maxForm]+`"}`, sets...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/licences", long[:maxForm+1], sets...).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
		h.post(t, "/api/v1/verify", long[:limit], sets...).want(t, http.StatusOK, nil)
		page, pageType := form(t, part{"file", long[:limit+1]})
		if a := h.post(t, "/", page, append(sets, media(pageType))...).want(t, http.StatusRequestEntityTooLarge, nil); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("a citizen is answered by %s", a.Header.Get("Content-Type"))
		}
	}
	body, mt = form(t, part{"request", strings.Repeat(" ", maxForm+1)}, part{"document", "{}"})
	h.post(t, "/api/v1/stamps", body, media(mt)).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
}

// A large upload goes to a file that has no name while it is there, and none after.
func TestUploadsLeaveNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := newHouse(t)
	pdf := string(provincetest.Decision(t, "decision.pdf"))
	// Comments before the trailer would move offsets; a file may begin late instead.
	large := pdf + strings.Repeat("% padding\n", 300_000)
	names := func() []os.DirEntry {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	in, out := io.Pipe()
	seen := make(chan []os.DirEntry, 1)
	go func() {
		io.WriteString(out, large[:2*inMemory])
		// The server has taken more than it holds in memory.
		seen <- names()
		io.WriteString(out, large[2*inMemory:])
		out.Close()
	}()
	h.call(t, post, "/api/v1/verify", in).want(t, http.StatusOK, nil)
	if n := <-seen; len(n) != 0 {
		t.Errorf("an upload has a name: %v", n)
	}
	h.stamp(t, large)
	body, mt := form(t, part{"file", large})
	h.post(t, "/", body, media(mt))
	h.post(t, "/api/v1/stamps", body[:len(body)-1000], media(mt))
	if n := names(); len(n) != 0 {
		t.Errorf("uploads left %v", n)
	}
}

func TestSpoolReadsBackWhatCame(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, inMemory - 1, inMemory, inMemory + 1, 3*inMemory + 7} {
		want := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		s, err := spool(bytes.NewReader(want), int64(size), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(s, 0, s.size))
		if err != nil || !bytes.Equal(got, want) || s.size != int64(size) || (s.file != nil) != (size > inMemory) {
			t.Errorf("%d octets: %d, %v", size, len(got), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if size > 0 {
			if _, err := spool(bytes.NewReader(want), int64(size)-1, nil); asFailure(err).code != "TOO_LARGE" {
				t.Errorf("%d octets of %d: %v", size, size-1, err)
			}
		}
	}
}
