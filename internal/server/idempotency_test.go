package server

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
)

func key(k string) set { return header("Idempotency-Key", k) }

// A retry gets the octets of the first answer, however it is answered.
func TestARetryIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pdf := string(provincetest.Decision(t, "decision.pdf"))
	request := part{"request", h.request()}
	detached := part{"request", strings.TrimSuffix(h.request(), "}") + `,"detached":true}`}
	for name, parts := range map[string][]part{"pdf": {request, {"document", pdf}}, "json": {request, {"document", `{"a":1}`}}, "file": {detached, {"document", "x"}}} {
		for _, accept := range []string{"", "application/pdf, application/octet-stream"} {
			body, mt := form(t, parts...)
			send := func() answer {
				return h.post(t, "/api/v1/stamps", body, media(mt), key(name+accept), header("Accept", accept)).want(t, http.StatusOK, nil)
			}
			first := send()
			h.Clock.Move(time.Minute)
			again := send()
			if !bytes.Equal(first.body, again.body) {
				t.Errorf("%s %q: another answer:\n%.300s\n%.300s", name, accept, first.body, again.body)
			}
			if first.Header.Get("Yinxin-Stamp-Id") != again.Header.Get("Yinxin-Stamp-Id") || first.Header.Get("X-Request-Id") == again.Header.Get("X-Request-Id") {
				t.Errorf("%s: %v %v", name, first.Header, again.Header)
			}
			// The order of the parts is no part of the request.
			body, mt = form(t, parts[1], parts[0])
			if again := send(); !bytes.Equal(first.body, again.body) {
				t.Errorf("%s: another answer to the parts in another order", name)
			}
			for _, other := range map[string][]part{"document": {parts[0], {"document", parts[1].content + " "}}, "request": {{"request", strings.Replace(parts[0].content, "test", "tests", 1)}, parts[1]}} {
				body, mt := form(t, other...)
				h.post(t, "/api/v1/stamps", body, media(mt), key(name+accept)).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
			}
		}
	}
	var all listOf[map[string]any]
	if h.get(t, "/api/v1/stamps", bearer(h.key)).want(t, http.StatusOK, &all); len(all.Items) != 6 {
		t.Errorf("%d stamps under 6 keys", len(all.Items))
	}
}

func TestAKeyBelongsToItsAgency(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs, _ := h.Key(t, provincetest.Stranger, agency.ScopeStamp)
	seal := h.MakeSeal(t, provincetest.Stranger, "别局")
	body := `{"sealId":"` + h.Seal.ID + `","operator":"x","document":{"a":1}}`
	var ours, other sealed
	h.post(t, "/api/v1/stamps", body, key("k")).want(t, http.StatusOK, &ours)
	h.post(t, "/api/v1/stamps", strings.Replace(body, h.Seal.ID, seal.ID, 1), key("k"), bearer(theirs)).want(t, http.StatusOK, &other)
	if ours.StampID == other.StampID {
		t.Error("one agency got the stamp of another")
	}
	// Another credential of the same agency is the same caller.
	second, _ := h.Key(t, provincetest.Agency, agency.ScopeStamp)
	var same sealed
	if h.post(t, "/api/v1/stamps", body, key("k"), bearer(second)).want(t, http.StatusOK, &same); same.StampID != ours.StampID {
		t.Error("a retry with a rotated key made another stamp")
	}
	h.post(t, "/api/v1/stamps", body, key(strings.Repeat("k", maxKey+1))).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	var none sealed
	if h.post(t, "/api/v1/stamps", body).want(t, http.StatusOK, &none); none.StampID == ours.StampID {
		t.Error("a request without a key was taken for a retry")
	}
}

// The key of a request that was refused is free.
func TestARefusedRequestLeavesItsKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","document":[]}`, key("k")).problem(t, http.StatusBadRequest, "BAD_DOCUMENT")
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","document":{}}`, key("k")).want(t, http.StatusOK, nil)
}

func TestTwoAtOnceMakeOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	licence := `{"typeCode":"` + provincetest.Type + `","sealId":"` + h.Seal.ID + `","number":"JY1","holder":"张三","holderCode":"320124198808240056","holderType":"111","validFrom":"2026-01-01","operator":"x"}`
	for _, c := range []struct {
		path, body string
		done       int
	}{
		{"/api/v1/stamps", `{"sealId":"` + h.Seal.ID + `","operator":"x","document":{"a":1}}`, http.StatusOK},
		{"/api/v1/licences", licence, http.StatusCreated},
	} {
		var wg sync.WaitGroup
		answers := make(chan answer, 8)
		for range cap(answers) {
			wg.Go(func() { answers <- h.post(t, c.path, c.body, key("k "+c.path)) })
		}
		wg.Wait()
		close(answers)
		var done []byte
		for a := range answers {
			switch {
			case a.StatusCode == http.StatusConflict:
				a.problem(t, http.StatusConflict, "RETRY_IN_FLIGHT")
			case a.StatusCode != c.done:
				t.Errorf("%s: %d %s", c.path, a.StatusCode, a.body)
			case done == nil:
				done = a.body
			case !bytes.Equal(done, a.body):
				t.Errorf("%s: two answers under one key", c.path)
			}
		}
		if done == nil {
			t.Errorf("%s: nobody was answered", c.path)
		}
		if a := h.post(t, c.path, c.body, key("k "+c.path)); a.StatusCode != c.done || !bytes.Equal(a.body, done) {
			t.Errorf("%s: later: %d", c.path, a.StatusCode)
		}
	}
	h.post(t, "/api/v1/licences", strings.Replace(licence, "JY1", "JY2", 1), key("k /api/v1/licences")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	h.post(t, "/api/v1/licences", licence, key("k /api/v1/stamps")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	for list, want := range map[string]int{"licences": 1, "stamps": 2} { // a licence bears a stamp of its own
		var all listOf[map[string]any]
		if h.get(t, "/api/v1/"+list, bearer(h.key)).want(t, http.StatusOK, &all); len(all.Items) != want {
			t.Errorf("%d %s", len(all.Items), list)
		}
	}
}
