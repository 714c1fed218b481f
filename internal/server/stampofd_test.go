package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"yinxin/internal/province/provincetest"
	"yinxin/verify"
)

// An OFD is sealed at a keyword, so that more may follow, and then across the edges,
// so that nothing may.
func TestOFDIsSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc := string(provincetest.Decision(t, "decision.ofd"))
	ask := func(doc, placement string, sets ...set) answer {
		t.Helper()
		request := strings.Replace(h.request(), `"placement":{"page":1,"x":100,"y":100}`, placement, 1)
		body, mt := form(t, part{"request", request}, part{"document", doc})
		return h.post(t, "/api/v1/stamps", body, append([]set{media(mt)}, sets...)...)
	}
	a := ask(doc, `"placement":{"keyword":{"text":"盖章","dx":2}}`, header("Accept", "application/ofd"))
	a.want(t, http.StatusOK, nil)
	if mt := a.Header.Get("Content-Type"); mt != "application/ofd" {
		t.Fatal(mt)
	}
	h.verdict(t, a.body, verify.Valid)
	var e entryAnswer
	h.get(t, "/api/v1/stamps/"+a.Header.Get("Yinxin-Stamp-Id"), bearer(h.key)).want(t, http.StatusOK, &e)
	if e.Format != "ofd" || e.Pages != 2 || len(e.Spots) != 1 || e.Spots[0].Page != 1 || e.Placement.Keyword.Text != "盖章" {
		t.Errorf("%+v", e.Stamp)
	}
	var s sealed
	ask(string(a.body), `"placement":{"riding":{}},"protect":"whole"`).want(t, http.StatusOK, &s)
	var whole []byte
	if err := json.Unmarshal(s.Document, &whole); err != nil {
		t.Fatal(err)
	}
	if r := h.verdict(t, whole, verify.Valid); len(r.Stamps) != 2 || r.Stamps[1].Seal.ID != h.Seal.ID {
		t.Errorf("%+v", r.Stamps)
	}
	for why, answer := range map[string]answer{
		"protects the list": ask(string(whole), `"placement":{"page":1}`),
		"does not stand":    ask(doc, `"placement":{"keyword":{"text":"作废"}}`),
		"leave page 1":      ask(doc, `"placement":{"page":1,"x":200,"y":0}`),
		"profile cms":       ask(doc, `"profile":"cms"`),
		"no seal archive":   ask("PK\x03\x04"+doc, `"placement":{"page":1}`),
	} {
		if answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %d %s", why, answer.StatusCode, answer.body)
		}
		if why != "no seal archive" && !strings.Contains(string(answer.body), why) {
			t.Errorf("%s: %s", why, answer.body)
		}
	}
}

// The same key gives the same octets.
func TestOFDRetried(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc := string(provincetest.Decision(t, "decision.ofd"))
	one := h.stamp(t, doc, header("Accept", "application/ofd"), header("Idempotency-Key", "k")).want(t, http.StatusOK, nil)
	two := h.stamp(t, doc, header("Accept", "application/ofd"), header("Idempotency-Key", "k")).want(t, http.StatusOK, nil)
	if string(one.body) != string(two.body) || one.Header.Get("Yinxin-Stamp-Id") != two.Header.Get("Yinxin-Stamp-Id") {
		t.Errorf("%d octets and %d", len(one.body), len(two.body))
	}
}
