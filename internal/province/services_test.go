package province

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/trust"
	"yinxin/verify"
)

func (h *house) service(t *testing.T, name string) *certs.Service {
	t.Helper()
	got, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Regions["520000"].Services {
		if s := &got.Regions["520000"].Services[i]; s.Name == name {
			return s
		}
	}
	t.Fatalf("no service %s", name)
	return nil
}

// TestARevokedServiceIsListedAtOnce: the next answer says it, in a list of a higher
// number, and no list after it says less.
func TestARevokedServiceIsListedAtOnce(t *testing.T) {
	h := newHouse(t)
	h.clock.move(10 * 24 * time.Hour)
	begins := h.service(t, "tsa").Certificate.NotBefore
	revoke := func(p ca.Purpose, reason int, since time.Time) time.Time {
		t.Helper()
		c, err := h.CA.Purpose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		row, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: c.Row.Serial, Reason: reason, Invalidity: since, Who: "张三", Why: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return row.Revocation.At
	}
	published := []*certs.Bundle{}
	look := func(name string, want ...certs.ServiceStatus) {
		t.Helper()
		want = append([]certs.ServiceStatus{{State: certs.Granted, Since: begins}}, want...)
		got := h.service(t, name)
		want[0].Since = got.Certificate.NotBefore
		if d := cmp.Diff(want, got.History); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		b, err := h.Bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(published); n > 0 {
			if _, err := published[n-1].Advance(b); err != nil {
				t.Errorf("%s: others refuse the list: %v", name, err)
			}
		}
		published = append(published, b)
	}
	look("tsa")
	at := revoke(ca.PurposeTSA, certs.ReasonSuperseded, time.Time{})
	look("tsa", certs.ServiceStatus{State: certs.Withdrawn, Since: at})
	since := h.clock.now().UTC().Add(-time.Hour).Truncate(time.Second)
	revoke(ca.PurposeQR, certs.ReasonKeyCompromise, since)
	look("qr", certs.ServiceStatus{State: certs.Distrusted, Since: since})
	// What was withdrawn turns out to have been in other hands.
	revoke(ca.PurposeTSA, certs.ReasonKeyCompromise, since)
	look("tsa", certs.ServiceStatus{State: certs.Distrusted, Since: since})
	// A compromise since before the certificate began: it never was good.
	revoke(ca.PurposeOCSP, certs.ReasonKeyCompromise, begins.Add(-time.Hour))
	look("ocsp", certs.ServiceStatus{State: certs.Distrusted, Since: h.service(t, "ocsp").Certificate.NotBefore})
	at = revoke(ca.PurposeIssuing, certs.ReasonCACompromise, time.Time{})
	look("issuing", certs.ServiceStatus{State: certs.Distrusted, Since: at})
	look("seal-maker")
	if len(published) < 6 {
		t.Fatal(len(published))
	}
	if got, err := published[0].Advance(published[len(published)-1]); err != nil || len(got.Regions) != 1 {
		t.Error(err)
	}
	if _, err := published[len(published)-1].Advance(published[0]); err == nil {
		t.Error("others would go back")
	}
}

// TestServicesTellWhereTheyAreAsked and for whom they speak.
func TestServicesTellWhereTheyAreAsked(t *testing.T) {
	h := newHouse(t)
	types := map[certs.ServiceType]int{}
	got, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Regions["520000"].Services {
		types[s.Type]++
		if cmp.Diff(s.Prefixes, []string{"52"}) != "" {
			t.Errorf("%s speaks for %v", s.Name, s.Prefixes)
		}
		want := map[certs.ServiceType]string{certs.ServiceTSA: "http://127.0.0.1:1/tsa", certs.ServiceOCSP: "http://127.0.0.1:1/ocsp"}[s.Type]
		if got := strings.Join(s.Addresses, " "); got != want {
			t.Errorf("%s is asked at %q", s.Name, got)
		}
	}
	want := map[certs.ServiceType]int{certs.ServiceAgencyCA: 2, certs.ServiceSealMaker: 1, certs.ServiceTSA: 1, certs.ServiceOCSP: 4, certs.ServiceStatusSigner: 1, certs.ServiceQRSigner: 1, certs.ServiceJournal: 1}
	if d := cmp.Diff(want, types); d != "" {
		t.Error(d)
	}
}

// TestAnotherProvincesDocument is judged by its list and its own server's answers,
// which are asked for where the lists say and nowhere else.
func TestAnotherProvincesDocument(t *testing.T) {
	var far *house
	var mu sync.Mutex // of asked
	var asked []string
	var mute atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		switch {
		case mute.Load():
			http.Error(w, "no", http.StatusServiceUnavailable)
		case strings.HasPrefix(r.URL.Path, "/crl/"):
			issuer := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/crl/"), ".crl")
			l, err := far.CRLs.List(r.Context(), issuer)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(l.DER)
		case strings.HasPrefix(r.URL.Path, "/ocsp/"):
			request, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.URL.Path, "/ocsp/"))
			if err != nil {
				t.Error(err)
			}
			answer, err := far.OCSP.Respond(r.Context(), request, time.Time{})
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(answer.DER)
		case strings.HasPrefix(r.URL.Path, "/api/v1/seals/"):
			answer, err := far.Seals.Status(r.Context(), far.seal.ID, far.seal.SM3, time.Time{}, "")
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(answer)
		case r.URL.Path == "/trust/bundle":
			b, err := far.Bundle(r.Context())
			if err != nil {
				t.Error(err)
				return
			}
			text, err := b.Marshal()
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(text)
		default:
			t.Errorf("%s was asked for", r.URL.Path)
		}
	}))
	defer server.Close()
	far = newHouseOf(t, Identity{Region: "440000", Name: "广东省", URL: server.URL})
	near := newHouse(t)
	doc := far.sealJSON(t, []byte(`{"决定":"准予许可"}`))
	judge := func(want verify.Verdict, codes ...verify.Code) {
		t.Helper()
		r, err := near.Judge(t.Context(), verify.Open(strings.NewReader(string(doc)), int64(len(doc)), "", nil))
		if err != nil {
			t.Fatal(err)
		}
		var got []verify.Code
		for _, reason := range r.Reasons {
			got = append(got, reason.Code)
		}
		if r.Verdict != want || len(codes) > 0 && cmp.Diff(codes, got) != "" {
			t.Errorf("%s %v", r.Verdict, got)
		}
	}
	said := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
	near.Province.o.Ask = true
	judge(verify.CannotConfirm, verify.IssuerUnknown, verify.TimeNotProven)
	if s := said(); len(s) != 0 {
		t.Errorf("a stranger's server was asked: %v", s)
	}
	b, err := far.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := b.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := near.Lists.Add(t.Context(), trust.Request{Bundle: b, Anchor: anchor, Who: "张三", Why: "两省互认"}); err != nil {
		t.Fatal(err)
	}
	near.Province.o.Ask = false
	judge(verify.CannotConfirm, verify.StatusUnavailable)
	near.Province.o.Ask = true
	judge(verify.Valid)
	n := len(said())
	judge(verify.Valid)
	if s := said(); len(s) != n {
		t.Errorf("what was said a moment ago was asked again: %v", s[n:])
	}
	// The region is down: after a minute nothing is known any more.
	mute.Store(true)
	near.clock.move(2 * askEvery)
	judge(verify.CannotConfirm, verify.StatusUnavailable)
	mute.Store(false)
	near.clock.move(2 * askEvery)
	far.clock.move(4 * askEvery)
	judge(verify.Valid)
	// Its maker's certificate is revoked for a compromise, and its list tells.
	maker, err := far.CA.Purpose(t.Context(), ca.PurposeSealMaker)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: maker.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "李四", Why: "失窃"}); err != nil {
		t.Fatal(err)
	}
	near.Lists.Refresh(t.Context(), near.asked.get(near.clock.now(), near.collector).Fetch)
	judge(verify.CannotConfirm, verify.ServiceDistrusted)
}
