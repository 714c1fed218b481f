package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

// A cache and a caller who comes back are told what they need (RFC 9110 13.1).
func TestRevocationListsOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, name := range []string{"root", "issuing", "issuing-40", "issuing-7f", "issuing-delta"} {
		path := "/crl/" + name + ".crl"
		a := h.get(t, path).want(t, http.StatusOK, nil)
		list, err := smx509.ParseRevocationList(a.body)
		if err != nil {
			t.Fatal(name, err)
		}
		modified := list.ThisUpdate.UTC().Format(http.TimeFormat)
		expires, err := http.ParseTime(a.Header.Get("Expires"))
		if now := h.Clock.Now(); err != nil || expires.Sub(now) > time.Minute || expires.Sub(now) < time.Minute-time.Second {
			t.Errorf("%s: Expires: %s", name, a.Header.Get("Expires"))
		}
		tag := a.Header.Get("ETag")
		for header, want := range map[string]string{"Content-Type": "application/pkix-crl", "Last-Modified": modified, "Cache-Control": "public, max-age=60"} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s: %q, want %q", name, header, got, want)
			}
		}
		for _, set := range []set{header("If-None-Match", tag), header("If-None-Match", `"x", `+tag), header("If-Modified-Since", modified)} {
			if again := h.get(t, path, set); again.StatusCode != http.StatusNotModified || len(again.body) != 0 || again.Header.Get("ETag") != tag {
				t.Errorf("%s: %d", name, again.StatusCode)
			}
		}
		for _, set := range []set{header("If-None-Match", `"x"`), header("If-Modified-Since", list.ThisUpdate.Add(-time.Second).UTC().Format(http.TimeFormat))} {
			if again := h.get(t, path, set); again.StatusCode != http.StatusOK || len(again.body) != len(a.body) {
				t.Errorf("%s: %d", name, again.StatusCode)
			}
		}
		h.Clock.Move(time.Second)
		if next := h.get(t, path, header("If-None-Match", tag)); next.StatusCode != http.StatusOK || next.Header.Get("ETag") == tag {
			t.Errorf("%s: the next list is not shown: %d", name, next.StatusCode)
		}
	}
	for _, name := range []string{"root-40", "root-delta", "issuing-80", "issuing-4A", "tsa", "issuing-delta-40"} {
		h.get(t, "/crl/"+name+".crl").problem(t, http.StatusNotFound, "NOT_FOUND")
	}
}

// The clock goes back: what was published is served, for as long as it lives.
func TestListsAreServedWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Clock.Move(time.Hour)
	before := h.get(t, "/crl/issuing.crl").want(t, http.StatusOK, nil)
	h.Clock.Move(-10 * time.Minute)
	if a := h.get(t, "/crl/issuing.crl").want(t, http.StatusOK, nil); a.Header.Get("ETag") != before.Header.Get("ETag") {
		t.Error("another list is served")
	}
	h.get(t, "/crl/issuing-40.crl").want(t, http.StatusOK, nil) // no shard stands after this moment
	h.Clock.Move(-2 * time.Hour)
	h.get(t, "/crl/root.crl").problem(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	if m := string(h.get(t, "/metrics").body); !strings.Contains(m, "yinxin_crl_failures_total 2") && !strings.Contains(m, "yinxin_crl_failures_total 1") {
		t.Error("no failure is counted")
	}
}

func TestListMetrics(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Province.CRLs.Publish(t.Context())
	m := string(h.get(t, "/metrics").want(t, http.StatusOK, nil).body)
	for _, want := range []string{`yinxin_crl_number{issuer="root",kind="full"}`, `yinxin_crl_number{issuer="issuing",kind="full"}`, `yinxin_crl_number{issuer="issuing",kind="delta"}`,
		`yinxin_crl_number{issuer="issuing",kind="shard"}`, `yinxin_crl_next_update_seconds{issuer="issuing",kind="shard"}`, `yinxin_crl_entries{issuer="issuing",kind="full"} 0`,
		"yinxin_crl_published_total 67", "yinxin_crl_failures_total 0"} {
		if !strings.Contains(m, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestHoldOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var row ca.Row
	h.post(t, "/api/v1/certificates", certificateBody(t, certificateRequest(t, false))).want(t, http.StatusCreated, &row)
	path, form := "/api/v1/certificates/"+row.Serial, `{"operator":"张三","reason":"lost"}`
	listed := func() bool {
		list, err := smx509.ParseRevocationList(h.get(t, "/crl/issuing-"+ca.Shard(row.Serial)+".crl").want(t, http.StatusOK, nil).body)
		if err != nil {
			t.Fatal(err)
		}
		return len(list.RevokedCertificateEntries) == 1 && list.RevokedCertificateEntries[0].ReasonCode == certs.ReasonCertificateHold
	}
	h.post(t, path+"/release", form).problem(t, http.StatusConflict, "CONFLICT")
	if h.post(t, path+"/hold", form).want(t, http.StatusOK, &row); row.Revocation == nil || row.Revocation.Who != "张三" || !listed() {
		t.Errorf("%+v", row.Revocation)
	}
	h.post(t, path+"/hold", form).problem(t, http.StatusConflict, "CONFLICT")
	row = ca.Row{Serial: row.Serial}
	if h.post(t, path+"/release", form).want(t, http.StatusOK, &row); row.Revocation != nil || listed() {
		t.Errorf("%+v", row.Revocation)
	}
	h.post(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/hold", form).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path+"/hold", `{"operator":"","reason":"x"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, "/api/v1/certificates/00/hold", form).problem(t, http.StatusNotFound, "NOT_FOUND")
}
