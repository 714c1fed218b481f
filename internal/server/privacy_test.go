package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/hsm"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/internal/store/bolt"
	"yinxin/license"
	"yinxin/license/metadata"
	"yinxin/seal"
)

// Personal data planted wherever a request can carry it is in no line of the log
// and in no metric (design.md, What must never happen, 6).
func TestNothingPersonalIsLoggedOrCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const name, id, operator, reason = "王小明", "320124198808240056", "李四方", "因为秘密"
	licence := `{"typeCode":"` + provincetest.Type + `","sealId":"` + h.Seal.ID + `","number":"NUMBER77","holder":"` + name + `","holderCode":"` + id + `","holderType":"` + metadata.HolderResident +
		`","validFrom":"2026-01-01","operator":"` + operator + `","reason":"` + reason + `"}`
	var l licenceAnswer
	h.post(t, "/api/v1/licences", licence).want(t, http.StatusCreated, &l)
	h.post(t, "/api/v1/licences", strings.Replace(licence, id, "320124198808240057", 1)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	var s sealed
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"`+operator+`","reason":"`+reason+`","document":{"name":"`+name+`","id":"`+id+`"}}`, key("KEY-"+id)).want(t, http.StatusOK, &s)
	token, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	h.post(t, "/api/v1/records", `{"token":"`+token.Digits()+`"}`)
	h.get(t, "/api/v1/licences/"+l.Identifier, bearer(h.key))
	h.get(t, "/api/v1/licences/"+l.Identifier+"/status?nonce="+id)
	h.get(t, "/api/v1/licences/"+id+"/none/such?"+id)
	h.get(t, "/v/"+s.Code)
	h.get(t, "/v?code="+s.Code)
	h.get(t, "/api/v1/records/"+s.Code)
	h.get(t, "/api/v1/stamps?matter="+id, bearer(h.key), header("User-Agent", id), header("Referer", "https://x/?"+id))
	h.call(t, "NAME"+id, "/", nil)
	h.call(t, post, "/api/v1/verify?name="+id, strings.NewReader(`{"a":"`+id+`"`), header("Content-Disposition", id), media(id+"/x"))
	body, mt := form(t, part{"file", `{"a":"` + id + `"}`})
	h.post(t, "/?"+id, strings.ReplaceAll(body, "分局 决定", name), media(mt))
	h.get(t, "/api/v1/seals", bearer(id))
	log, metrics := h.log.String(), string(h.get(t, "/metrics").body)
	planted := []string{name, id, operator, reason, "NUMBER77", l.Identifier, l.Code, s.Code, s.StampID.String(), h.Seal.ID, token.Digits()[:40], h.key, h.key[12:], "127.0.0.1"}
	for _, p := range planted {
		if strings.Contains(log, p) {
			t.Errorf("the log holds %s", p)
		}
		if strings.Contains(metrics, p) {
			t.Errorf("the metrics hold %s", p)
		}
	}
	for _, want := range []string{`"requestId":"`, `"route":"/api/v1/licences/{id}"`, `"route":"/v/{code}"`, `"route":"unmatched"`, `"key":"`, `"code":"REFUSED"`, `"method":"other"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

func TestMetricsHaveFewLabels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 50 {
		path := strings.Repeat("x", i+1)
		h.get(t, "/"+path)
		h.get(t, "/api/v1/records/"+path)
		h.get(t, "/status/"+path)
		h.call(t, "M"+strings.ToUpper(path), "/"+path, nil)
		h.call(t, "M"+strings.ToUpper(path), "/api/v1/verify", nil)
	}
	a := h.get(t, "/metrics").want(t, http.StatusOK, nil)
	series := regexp.MustCompile(`(?m)^yinxin_http_requests_total\{.*`).FindAllString(string(a.body), -1)
	if len(series) > 8 {
		t.Errorf("%d series:\n%s", len(series), strings.Join(series, "\n"))
	}
	for _, want := range []string{`method="GET",route="unmatched",status="404"`, `method="GET",route="/status/{shard}",status="404"`} {
		if !strings.Contains(string(a.body), want) && !strings.Contains(string(a.body), strings.Replace(want, "GET", "other", 1)) {
			t.Errorf("no series %s", want)
		}
	}
}

func TestAPanicIsAnsweredAndSurvived(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ts := httptest.NewServer(h.server.handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/begun" {
			w.Write([]byte(`{"half":`))
		}
		if r.URL.Path == "/error" {
			panic(errors.New("王小明"))
		}
		panic("王小明 panics")
	}))
	defer ts.Close()
	c := &house{House: h.House, url: ts.URL, log: h.log}
	p := c.get(t, "/", header("Accept-Language", "en")).problem(t, http.StatusInternalServerError, "INTERNAL")
	if p.Detail != "" {
		t.Errorf("a fault tells of itself: %q", p.Detail)
	}
	if a := c.get(t, "/", header("Accept", "text/html")).want(t, http.StatusInternalServerError, nil); !strings.Contains(string(a.body), "</html>") || strings.Contains(string(a.body), "王小明") {
		t.Errorf("a person is answered %s", a.body)
	}
	// Half an answer does not look whole: the connection breaks off.
	r, err := http.Get(ts.URL + "/begun")
	if err == nil {
		_, err = r.Body.Read(make([]byte, 100))
		for err == nil {
			_, err = r.Body.Read(make([]byte, 100))
		}
		r.Body.Close()
		if err.Error() == "EOF" {
			t.Error("half an answer ended as if it were whole")
		}
	}
	c.get(t, "/error").problem(t, http.StatusInternalServerError, "INTERNAL")
	h.get(t, "/healthz").want(t, http.StatusOK, nil)
	if m := string(h.get(t, "/metrics").body); strings.Contains(m, "yinxin_panics_total 0") {
		t.Error("panics are not counted")
	}
	if log := h.log.String(); strings.Contains(log, "王小明") || !strings.Contains(log, p.RequestID) || !strings.Contains(log, `"level":"ERROR"`) {
		t.Error("a panic is not in the log")
	}
}

// Faults have their own answers, and none of them tells of the inside.
func TestFaultsAndTheirProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		tells  bool
	}{
		{bolt.ErrWrite, http.StatusInsufficientStorage, false}, {hsm.ErrWrite, http.StatusInsufficientStorage, false}, {bolt.ErrClosed, http.StatusServiceUnavailable, false},
		{context.Canceled, http.StatusServiceUnavailable, false}, {context.DeadlineExceeded, http.StatusServiceUnavailable, false}, {bolt.ErrNotFound, http.StatusNotFound, false},
		{errors.New("open /secret/path: permission denied"), http.StatusInternalServerError, false}, {bolt.ErrCorrupt, http.StatusInternalServerError, false},
		{io.ErrUnexpectedEOF, http.StatusInternalServerError, false}, {&http.MaxBytesError{Limit: 1}, http.StatusRequestEntityTooLarge, false},
		{seal.ErrInFlight, http.StatusConflict, true}, {bolt.ErrRetryTaken, http.StatusConflict, true}, {seal.ErrRetryMismatch, http.StatusUnprocessableEntity, true},
		{seal.ErrQuota, http.StatusUnprocessableEntity, true}, {seal.ErrNotInForce, http.StatusUnprocessableEntity, true}, {seal.ErrChanged, http.StatusConflict, true},
		{license.ErrChanged, http.StatusConflict, true}, {license.ErrRefused, http.StatusUnprocessableEntity, true}, {ca.ErrBadRequest, http.StatusBadRequest, true},
	} {
		wrapped := fmt.Errorf("stamp 52000000000001 at /secret/path: %w", c.err)
		f := asFailure(ruled(wrapped))
		if f.status != c.status || (f.detail != "") != c.tells {
			t.Errorf("%v: %d %q", c.err, f.status, f.detail)
		}
	}
}

// What an authority elsewhere said, and where it stands, is for the log.
func TestWhatFailsInsideIsToldByItsSentence(t *testing.T) {
	t.Parallel()
	for _, sentinel := range []error{tsa.ErrOutside, tsa.ErrCertificate, tsa.ErrClockBackwards, ca.ErrEnded} {
		err := ruled(fmt.Errorf("stamp: %w: %w", sentinel, errors.New(`Post "https://10.1.2.3/tsa": connection refused`)))
		f := asFailure(err)
		if f.status != http.StatusServiceUnavailable || f.detail != sentinel.Error() || !strings.Contains(f.Error(), "10.1.2.3") {
			t.Errorf("%d %q %v", f.status, f.detail, f)
		}
	}
}

func TestTheLogNamesTheCredential(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	secret, id := h.Key(t, provincetest.Agency, agency.ScopeSealRead)
	h.get(t, "/api/v1/seals", bearer(secret)).want(t, http.StatusOK, nil)
	if !strings.Contains(h.log.String(), `"key":"`+id+`"`) {
		t.Errorf("the log does not say whose key it was: %s", h.log)
	}
}
