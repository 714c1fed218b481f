package trust_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/trust"
)

func add(t *testing.T, w *town, b *certs.Bundle, anchor string) {
	t.Helper()
	if _, err := w.Add(t.Context(), because(b, anchor)); err != nil {
		t.Fatal(err)
	}
}

// TestTwoProvincesUnderOneScheme: each publishes under the common scheme from the
// moment that it trusts it, and judges by the other's list once it has it.
func TestTwoProvincesUnderOneScheme(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	alone := a.anchor()
	u := newUnion(t, k, a, b)
	add(t, a, u.sign(morning), u.anchor())
	add(t, b, u.last, u.anchor())
	if a.anchor() != u.anchor() || a.anchor() == alone || len(a.trusted().Regions) != 1 {
		t.Fatal(a.anchor(), a.trusted().Regions)
	}
	if _, err := a.Import(t.Context(), because(b.bundle(), "")); err != nil {
		t.Fatal(err)
	}
	if got := a.trusted(); len(got.Regions) != 2 || got.Regions["440000"].Name != "某省440000" || got.SchemeSequence != 1 {
		t.Errorf("%+v", got.Regions)
	}
	if n := len(a.bundle().Regions); n != 2 {
		t.Errorf("%d lists are published", n)
	}
	if _, err := a.Import(t.Context(), because(b.bundle(), "")); !errors.Is(err, trust.ErrNothingNewer) {
		t.Error(err)
	}
	a.restart()
	if len(a.trusted().Regions) != 2 {
		t.Error("forgotten over a restart")
	}
	// B distrusts a service. A knows when it has the list.
	b.serve(k.signer("日志", morning).Certificate)
	b.now = b.now.Add(time.Minute)
	if _, err := a.Import(t.Context(), because(b.bundle(), "")); err != nil || len(a.trusted().Regions["440000"].Services) != 2 {
		t.Error(err)
	}
	// The week's list, with a lost key replaced; it comes to B by its operator and to
	// A by B's bundle.
	fourth := k.signer("离线3", morning.Add(-time.Hour))
	u.list.Keys[0] = fourth.Certificate.Raw
	next := u.sign(morning.Add(24*time.Hour), u.keys[1], u.keys[2], fourth)
	a.now, b.now = morning.Add(25*time.Hour), morning.Add(25*time.Hour)
	if _, err := b.Import(t.Context(), because(next, "")); err != nil {
		t.Fatal(err)
	}
	a.Refresh(t.Context(), answers(t, map[string]*town{"https://440000.example/trust/bundle": b}))
	for _, w := range []*town{a, b} {
		if w.trusted().SchemeSequence != 2 || w.anchor() != u.anchor() || len(w.bundle().History) != 1 {
			t.Errorf("%s: scheme list %d, %d before it", w.region, w.trusted().SchemeSequence, len(w.bundle().History))
		}
	}
}

// answers serves the bundles of provinces at their addresses and nothing else.
func answers(t *testing.T, at map[string]*town) trust.Fetch {
	return func(_ context.Context, address string) ([]byte, error) {
		w := at[address]
		if w == nil {
			t.Errorf("%s was asked", address)
			return nil, errors.New("nobody answers")
		}
		return w.bundle().Marshal()
	}
}

// TestFirstTrustRefuses: what is refused leaves nothing behind.
func TestFirstTrustRefuses(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	u := newUnion(t, k, a, b)
	good := u.sign(morning)
	stranger := k.signer("外人", morning.Add(-time.Hour))
	foreign := newUnion(t, k, a)
	foreign.list.Regions[0].Keys = []certs.Base64{stranger.Certificate.Raw}
	one := newUnion(t, k, b)
	oneSigned := one.sign(morning, one.keys[0])
	for name, c := range map[string]struct {
		q    trust.Request
		want error
	}{
		"another fingerprint":                 {because(good, foreign.anchor()), certs.ErrUnknownAnchor},
		"no reason":                           {trust.Request{Bundle: good, Anchor: u.anchor(), Who: "张三"}, trust.ErrRefused},
		"nobody":                              {trust.Request{Bundle: good, Anchor: u.anchor(), Why: "x"}, trust.ErrRefused},
		"too few signatures":                  {because(oneSigned, one.anchor()), certs.ErrSignature},
		"this region by a key not its own":    {because(foreign.sign(morning), foreign.anchor()), trust.ErrRefused},
		"a region's list by another's key":    {because(&certs.Bundle{Scheme: good.Scheme, Regions: []json.RawMessage{swapped(t, a, b)}}, u.anchor()), certs.ErrSignature},
		"lists of a region that is not named": {because(&certs.Bundle{Scheme: one.sign(morning).Scheme, Regions: a.bundle().Regions}, one.anchor()), certs.ErrUnknownIssuer},
	} {
		if _, err := a.Add(t.Context(), c.q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rows, err := a.Schemes(t.Context()); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	a.now = morning.Add(certs.ListLife + time.Second)
	if _, err := a.Add(t.Context(), because(good, u.anchor())); !errors.Is(err, certs.ErrTrustExpired) {
		t.Errorf("ended: %v", err)
	}
	a.now = morning
	add(t, a, good, u.anchor())
	if _, err := a.Add(t.Context(), because(good, u.anchor())); !errors.Is(err, trust.ErrRefused) {
		t.Errorf("twice: %v", err)
	}
	// A second scheme may not name Guangdong by other keys than the first.
	other := newUnion(t, k, b)
	other.list.Regions[0].Keys = []certs.Base64{stranger.Certificate.Raw}
	if _, err := a.Add(t.Context(), because(other.sign(morning), other.anchor())); !errors.Is(err, trust.ErrRefused) {
		t.Errorf("another key for a region: %v", err)
	}
	if _, err := a.Import(t.Context(), because(other.last, "")); !errors.Is(err, trust.ErrNotTrusted) {
		t.Errorf("import without trust: %v", err)
	}
}

// swapped is B's list, signed by A's key.
func swapped(t *testing.T, a, b *town) json.RawMessage {
	t.Helper()
	st, err := certs.ParseStatement(b.bundle().Regions[0])
	var l certs.RegionList
	if err == nil {
		err = st.Decode(&l)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := certs.SignRegionList(t.Context(), l, a.source.list[0])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestWhatWasSeenIsRemembered: a lower list is refused, also after the scheme was
// removed, a restart, and as first trust once more.
func TestWhatWasSeenIsRemembered(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	u := newUnion(t, k, b)
	old := *u.sign(morning)
	add(t, b, u.last, u.anchor())
	old.Regions = b.bundle().Regions
	add(t, a, u.last, u.anchor())
	u.list.Sequence = 6
	newer := *u.sign(morning)
	b.now = b.now.Add(time.Hour)
	newer.Regions = b.bundle().Regions
	if _, err := a.Import(t.Context(), because(&newer, "")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.Import(t.Context(), because(&old, "")); !errors.Is(err, certs.ErrRollback) {
			t.Errorf("an older list: %v", err)
		}
		a.restart()
	}
	if _, err := a.Remove(t.Context(), u.anchor(), "张三", "不再互认"); err != nil {
		t.Fatal(err)
	}
	if len(a.trusted().Regions) != 1 {
		t.Error("a region of a removed scheme is trusted")
	}
	for name, err := range map[string]error{
		"removed twice": second(a.Remove(t.Context(), u.anchor(), "张三", "x")), "the own": second(a.Remove(t.Context(), trust.Own, "张三", "x")),
		"no reason": second(a.Remove(t.Context(), u.anchor(), "张三", "")),
	} {
		if !errors.Is(err, trust.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.Import(t.Context(), because(&newer, "")); !errors.Is(err, trust.ErrNotTrusted) {
		t.Errorf("lists of a removed scheme: %v", err)
	}
	if _, err := a.Add(t.Context(), because(&old, u.anchor())); !errors.Is(err, certs.ErrRollback) {
		t.Errorf("first trust in an older list: %v", err)
	}
	add(t, a, &newer, u.anchor())
	if r := a.trusted().Regions["440000"]; r == nil || r.Sequence != sequenceOf(t, newer.Regions[0]) {
		t.Errorf("%+v", r)
	}
}

func second(_ trust.Scheme, err error) error { return err }

// TestAnEndedScheme: what the province does not publish under ends alone, and the
// own lists go on.
func TestAnEndedScheme(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	u := newUnion(t, k, b)
	add(t, a, u.sign(morning), u.anchor())
	add(t, b, u.last, u.anchor())
	if _, err := a.Import(t.Context(), because(b.bundle(), "")); err != nil {
		t.Fatal(err)
	}
	a.now = morning.Add(certs.ListLife + time.Minute)
	got := a.trusted()
	if !a.now.After(got.Regions["440000"].Expires) || a.now.After(got.Regions["520000"].Expires) || a.now.After(got.SchemeExpires) {
		t.Errorf("%+v", got)
	}
	all, err := a.Expiries(t.Context())
	if err != nil || len(all) != 3 || !all["440000"].Before(a.now) {
		t.Error(all, err)
	}
}

// TestManyAtOnce: acts and questions at the same time; the newest list stands at the
// end.
func TestManyAtOnce(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	u := newUnion(t, k, a, b)
	add(t, a, u.sign(morning), u.anchor())
	var lists []*certs.Bundle
	for range 10 {
		lists = append(lists, u.sign(morning))
	}
	var wg sync.WaitGroup
	for _, l := range lists {
		wg.Go(func() {
			if _, err := a.Import(context.Background(), because(l, "")); err != nil && !errors.Is(err, certs.ErrRollback) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := a.Trust(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := a.trusted(); got.SchemeSequence != 11 {
		t.Error(got.SchemeSequence)
	}
}

// TestPeopleAreCalled before a list ends that only they can renew, and once it has.
func TestPeopleAreCalled(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	var log bytes.Buffer
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	a.open()
	u := newUnion(t, k, a, b)
	add(t, a, u.sign(morning), u.anchor())
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, ""}, {certs.ListLife - 49*time.Hour, ""}, {certs.ListLife - 47*time.Hour, "level=WARN"}, {certs.ListLife + time.Hour, "level=ERROR"}} {
		log.Reset()
		a.now = morning.Add(c.after)
		a.Warn(t.Context())
		if got := log.String(); got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("after %s: %q", c.after, got)
		}
	}
}

// TestWhatARegionAnswers that does not hold leaves what is at hand.
func TestWhatARegionAnswers(t *testing.T) {
	k := newKeyring(t)
	a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
	u := newUnion(t, k, a, b)
	add(t, a, u.sign(morning), u.anchor())
	add(t, b, u.last, u.anchor())
	good := b.bundle()
	if _, err := a.Import(t.Context(), because(good, "")); err != nil {
		t.Fatal(err)
	}
	before := a.trusted()
	rows := func() int {
		all, err := a.Schemes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(all[0].Revision)
	}
	revision := rows()
	text, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	forged := newUnion(t, k, a, b)
	forged.list.Sequence = 1
	stolen := &certs.Bundle{Scheme: forged.sign(morning).Scheme, Regions: []json.RawMessage{swapped(t, a, b)}}
	swappedText, err := stolen.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{"nothing": "", "a page": "<html>", "the same": string(text), "another scheme's lists, signed by another": string(swappedText)} {
		a.Refresh(t.Context(), func(context.Context, string) ([]byte, error) { return []byte(answer), nil })
		if a.trusted() != before || rows() != revision {
			t.Errorf("%s: something was taken", name)
		}
	}
	a.Refresh(t.Context(), func(context.Context, string) ([]byte, error) { return nil, errors.New("nobody answers") })
	// One that publishes under another scheme by now is still heard for itself.
	moved := newUnion(t, k, b)
	b.now = b.now.Add(time.Hour)
	add(t, b, moved.sign(morning), moved.anchor())
	if b.anchor() != moved.anchor() {
		t.Fatal("B does not publish under the scheme that it trusted last")
	}
	a.Refresh(t.Context(), answers(t, map[string]*town{"https://440000.example/trust/bundle": b}))
	if got := a.trusted().Regions["440000"].Sequence; got <= before.Regions["440000"].Sequence || rows() != revision {
		t.Errorf("its list %d was not taken", got)
	}
}
