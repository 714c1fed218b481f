package province

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/store/bolt"
	"yinxin/seal"
	"yinxin/verify"
)

const testAgency = "11520000MB1A00001X"

// clock can be moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) moveTo(t time.Time) { c.move(t.Sub(c.now())) }

// house is a province with one seal.
type house struct {
	*Province
	o     Options
	clock *clock
	seal  seal.Seal
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOf(t, Identity{Region: "520000", Name: "贵州省", URL: "http://127.0.0.1:1"})
}

func newHouseOf(t testing.TB, id Identity) *house {
	t.Helper()
	c := &clock{at: time.Now()}
	o := Options{Dir: filepath.Join(t.TempDir(), "data"), Passphrase: []byte("pass"), Clock: c.now, Rand: rand.Reader, Log: nil, Iterations: 10}
	o.Log = discard
	if err := Init(t.Context(), o, id); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{p, o, c, seal.Seal{}}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.Agencies.Add(t.Context(), agency.AddRequest{ID: testAgency, Name: "示例局", Region: id.Region, Who: "test"}); err != nil {
		t.Fatal(err)
	}
	if h.seal, err = p.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) request() seal.StampRequest {
	return seal.StampRequest{SealID: h.seal.ID, Agency: testAgency, Operator: "张三", Placement: seal.Place{Page: 1, X: 100, Y: 100}}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../cmd/yinxin/decisions", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (h *house) sealJSON(t testing.TB, doc []byte) []byte {
	t.Helper()
	s, err := h.Seals.StampJSON(t.Context(), h.request(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return s.Document
}

func (h *house) sealPDF(t testing.TB, doc []byte) []byte {
	t.Helper()
	s, err := h.Seals.StampPDF(t.Context(), h.request(), bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (h *house) judge(t testing.TB, doc []byte) verify.Report {
	t.Helper()
	r, err := h.Judge(t.Context(), verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t testing.TB, r verify.Report, v verify.Verdict, code verify.Code) {
	t.Helper()
	found := code == ""
	for _, reason := range r.Reasons {
		found = found || reason.Code == code
	}
	if r.Verdict != v || !found {
		t.Fatalf("%s %v, want %s %s", r.Verdict, r.Reasons, v, code)
	}
}

func TestSealedIsValidTwiceOver(t *testing.T) {
	h := newHouse(t)
	j := h.sealJSON(t, sample(t, "decision.json"))
	want(t, h.judge(t, j), verify.Valid, "")
	twice := h.sealJSON(t, j)
	r := h.judge(t, twice)
	want(t, r, verify.Valid, "")
	p := h.sealPDF(t, h.sealPDF(t, sample(t, "decision.pdf")))
	r2 := h.judge(t, p)
	want(t, r2, verify.Valid, "")
	if len(r.Stamps) != 2 || len(r2.Stamps) != 2 {
		t.Fatalf("%d and %d stamps", len(r.Stamps), len(r2.Stamps))
	}
}

// Time and status: protocol.md 4.
func TestWhatHappensAfterAStamp(t *testing.T) {
	ctx := context.Background()
	change := func(h *house) seal.ChangeRequest {
		return seal.ChangeRequest{SealID: h.seal.ID, Who: "x", Why: "y"}
	}
	revoke := func(h *house, reason int, since time.Duration) error {
		r := ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: reason, Who: "x", Why: "y"}
		if since != 0 {
			r.Invalidity = h.clock.now().Add(since)
		}
		_, err := h.CA.Revoke(ctx, r)
		return err
	}
	for name, c := range map[string]struct {
		do      func(h *house) error
		verdict verify.Verdict
		code    verify.Code
	}{
		"nothing":                 {func(*house) error { return nil }, verify.Valid, ""},
		"frozen since":            {func(h *house) error { _, err := h.Seals.Freeze(ctx, change(h)); return err }, verify.ValidWithNotice, verify.SealFrozenAfter},
		"cancelled since":         {func(h *house) error { _, err := h.Seals.Cancel(ctx, change(h)); return err }, verify.ValidWithNotice, verify.SealCancelledAfter},
		"revoked since":           {func(h *house) error { return revoke(h, certs.ReasonSuperseded, 0) }, verify.ValidWithNotice, verify.CertificateRevokedAfter},
		"compromised before":      {func(h *house) error { return revoke(h, certs.ReasonKeyCompromise, -2*time.Hour) }, verify.NotValid, verify.CertificateRevokedBefore},
		"superseded before, said": {func(h *house) error { return revoke(h, certs.ReasonSuperseded, -2*time.Hour) }, verify.ValidWithNotice, verify.CertificateRevokedAfter},
		"frozen and thawed since": {func(h *house) error {
			if _, err := h.Seals.Freeze(ctx, change(h)); err != nil {
				return err
			}
			h.clock.move(time.Hour)
			_, err := h.Seals.Thaw(ctx, change(h))
			return err
		}, verify.Valid, ""},
		"a year since": {func(h *house) error { h.clock.move(365 * 24 * time.Hour); return nil }, verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.clock.move(time.Minute)
			doc := h.sealJSON(t, sample(t, "decision.json"))
			h.clock.move(time.Hour)
			if err := c.do(h); err != nil {
				t.Fatal(err)
			}
			h.clock.move(time.Minute)
			want(t, h.judge(t, doc), c.verdict, c.code)
		})
	}
}

func TestASealNotInForceStampsNothing(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	doc := sample(t, "decision.json")
	change := seal.ChangeRequest{SealID: h.seal.ID, Who: "x", Why: "y"}
	if _, err := h.Seals.Freeze(ctx, change); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Seals.StampJSON(ctx, h.request(), doc); !errors.Is(err, seal.ErrNotInForce) {
		t.Fatal(err)
	}
	h.clock.moveTo(h.clock.now().Truncate(time.Second).Add(time.Hour + time.Millisecond))
	if _, err := h.Seals.Thaw(ctx, change); err != nil {
		t.Fatal(err)
	}
	// timeInfo has whole seconds, so it would claim a moment of the freeze.
	if _, err := h.Seals.StampJSON(ctx, h.request(), doc); !errors.Is(err, seal.ErrNotInForce) {
		t.Fatal(err)
	}
	h.clock.move(time.Second)
	want(t, h.judge(t, h.sealJSON(t, doc)), verify.Valid, "")
	// Thawed as a second begins, it is in force for all of that second.
	if _, err := h.Seals.Freeze(ctx, change); err != nil {
		t.Fatal(err)
	}
	h.clock.moveTo(h.clock.now().Truncate(time.Second).Add(time.Hour))
	if _, err := h.Seals.Thaw(ctx, change); err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, h.sealJSON(t, doc)), verify.Valid, "")
	stranger := h.request()
	stranger.Agency = "11100000000013338W"
	if _, err := h.Seals.StampJSON(ctx, stranger, doc); !errors.Is(err, seal.ErrNoRight) {
		t.Fatal(err)
	}
	if _, err := h.CA.Revoke(ctx, ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Seals.StampJSON(ctx, h.request(), doc); !errors.Is(err, seal.ErrNotInForce) {
		t.Fatal("a revoked certificate stamped:", err)
	}
	if _, err := h.CA.Revoke(ctx, ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); !errors.Is(err, ca.ErrRevoked) {
		t.Fatal(err)
	}
}

func TestARetryIsTheSameBytesAndOneAct(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	doc := sample(t, "decision.json")
	r := h.request()
	r.Retry = &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}
	first, err := h.Seals.StampJSON(ctx, r, doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Seals.StampJSON(ctx, r, doc)
	if err != nil || !bytes.Equal(first.Document, again.Document) || first.ID != again.ID || first.Code != again.Code {
		t.Fatal("a retry gave something else:", err)
	}
	r.Retry = &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{2}}
	if _, err := h.Seals.StampJSON(ctx, r, doc); !errors.Is(err, seal.ErrRetryMismatch) {
		t.Fatal(err)
	}
	r.Retry = &act.Retry{Owner: testAgency, Key: "pdf", Request: [32]byte{3}}
	pdf := sample(t, "decision.pdf")
	var out [2]bytes.Buffer
	for i := range out {
		s, err := h.Seals.StampPDF(ctx, r, bytes.NewReader(pdf), int64(len(pdf)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteTo(&out[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out[0].Bytes(), out[1].Bytes()) {
		t.Fatal("a retried PDF is another")
	}
	if all, _, err := h.Seals.Entries(ctx, seal.Filter{SealID: h.seal.ID, Limit: 10}); err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
}

func TestQuotaHoldsUnderLoad(t *testing.T) {
	h := newHouse(t)
	s, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "限额", Who: "x", Why: "y", Policy: seal.Policy{PerDay: 7}})
	if err != nil {
		t.Fatal(err)
	}
	r := h.request()
	r.SealID = s.ID
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 30 {
		wg.Go(func() {
			_, err := h.Seals.StampJSON(context.Background(), r, []byte(`{"a":1}`))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.Is(err, seal.ErrQuota) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 7 {
		t.Fatalf("%d stamps of 7", made)
	}
}

func TestAClockThatGoesBackIsRefused(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Hour)
	h.sealJSON(t, []byte(`{"a":1}`))
	h.clock.move(-10 * time.Minute)
	if _, err := h.Seals.StampJSON(t.Context(), h.request(), []byte(`{"a":1}`)); err == nil || !strings.Contains(err.Error(), "backwards") {
		t.Fatal(err)
	}
}

// A verdict needs trust: another province's stamp under one's own lists is not
// confirmed, and under both lists is valid.
func TestAnotherProvincesStamp(t *testing.T) {
	ours, theirs := newHouse(t), newHouse(t)
	doc := theirs.sealJSON(t, []byte(`{"a":1}`))
	want(t, ours.judge(t, doc), verify.CannotConfirm, verify.IssuerUnknown)
}

func TestFolders(t *testing.T) {
	h := newHouse(t)
	if _, err := Open(t.Context(), h.o); !errors.Is(err, hsm.ErrInUse) {
		t.Fatal(err)
	}
	none := h.o
	none.Dir = t.TempDir()
	if _, err := Open(t.Context(), none); !errors.Is(err, ErrNoProvince) {
		t.Fatal(err)
	}
	if err := Init(t.Context(), h.o, h.Identity); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if _, err := bolt.Open(filepath.Join(h.o.Dir, "store.db"), bolt.Options{}); !errors.Is(err, bolt.ErrInUse) {
		t.Fatal(err)
	}
}

var discard = slog.New(slog.DiscardHandler)
