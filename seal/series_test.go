package seal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/seal/jsondoc"
	"yinxin/seal/ofd"
	"yinxin/seal/pdf"
)

func document(b []byte) seal.Document {
	return seal.Document{ReaderAt: bytes.NewReader(b), Size: int64(len(b))}
}

func (h *house) series(t testing.TB, rs []seal.StampRequest, retry *act.Retry, doc []byte) ([]byte, []seal.Stamp, error) {
	t.Helper()
	s, err := h.StampMany(t.Context(), rs, retry, document(doc))
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if n, err := s.WriteTo(&out); err != nil || n != s.Size() || int64(out.Len()) != n {
		t.Fatal(n, s.Size(), err)
	}
	return out.Bytes(), s.Stamps, nil
}

// three asks for three stamps with two seals.
func three(one, two seal.Seal) []seal.StampRequest {
	var rs []seal.StampRequest
	for i, s := range []seal.Seal{one, two, one} {
		r := request(s)
		r.Placement = seal.Place{Page: 1, X: 10 + 50*float64(i), Y: 100}
		rs = append(rs, r)
	}
	return rs
}

// stampsIn counts the stamps that a document bears, each whole.
func stampsIn(t testing.TB, b []byte) int {
	t.Helper()
	switch {
	case bytes.HasPrefix(b, []byte("%PDF")):
		f, err := pdf.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		found, err := f.Stamps()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range found {
			if len(s.Problems) > 0 || !s.CoversRevision || s.ContentAdded || len(s.Later) != len(found)-1-i {
				t.Errorf("stamp %d: %+v", i, s)
			}
		}
		return len(found)
	case bytes.HasPrefix(b, []byte("PK")):
		p, err := ofd.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		found, err := p.Stamps()
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	d, err := jsondoc.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return len(d.Stamps())
}

func seriesDocuments(t testing.TB) map[string][]byte {
	return map[string][]byte{"pdf": read(t, "../cmd/yinxin/decisions/decision.pdf"), "json": decision, "ofd": read(t, ofdSample)}
}

const ofdSample = "../cmd/yinxin/decisions/decision.ofd"

// Several stamps are one request: one document, an act each, and a retry that gives
// the same bytes.
func TestSeveralStampsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.make(t, seal.Policy{})
	h.clock.move(time.Minute)
	for format, doc := range seriesDocuments(t) {
		before, uses := h.count(t), h.uses(t, h.seal)
		out, rows, err := h.series(t, three(h.seal, other), retry(format, 1), doc)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		after := h.count(t)
		if stampsIn(t, out) != 3 || after.Stamps != before.Stamps+3 || after.Leaves != before.Leaves+3 || h.uses(t, h.seal) != uses+2 {
			t.Errorf("%s: %d stamps, %v after %v", format, stampsIn(t, out), after, before)
		}
		if diff := cmp.Diff([]act.ID{rows[1].ID, rows[2].ID}, rows[0].With); diff != "" || rows[1].With != nil {
			t.Errorf("%s: %s", format, diff)
		}
		for i, r := range rows {
			if r.Format != format || r.Expected != 2 || r.SealID != []string{h.seal.ID, other.ID, h.seal.ID}[i] {
				t.Errorf("%s: %+v", format, r)
			}
			kept, err := h.Entry(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, kept, r)
		}
		h.clock.move(time.Hour)
		h.restart(t)
		again, same, err := h.series(t, three(h.seal, other), retry(format, 1), doc)
		if err != nil || !bytes.Equal(again, out) || h.count(t) != after {
			t.Errorf("%s: again: %d octets for %d, %v", format, len(again), len(out), err)
		}
		for i := range same {
			checkSame(t, same[i], rows[i])
		}
		// The key of several is no key of one, nor of two.
		if _, _, err := h.series(t, three(h.seal, other)[:2], retry(format, 1), doc); !errors.Is(err, seal.ErrRetryMismatch) {
			t.Errorf("%s: two by the key of three: %v", format, err)
		}
		r := request(h.seal)
		r.Placement.Page, r.Retry = 1, retry(format, 1)
		if _, err := h.Stamp(t.Context(), r, document(doc)); !errors.Is(err, seal.ErrRetryMismatch) {
			t.Errorf("%s: one by the key of three: %v", format, err)
		}
	}
}

// Whichever of them cannot be made, none is.
func TestSeveralOrNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	limited, frozen := h.make(t, seal.Policy{PerDay: 1}), h.make(t, seal.Policy{})
	h.clock.move(time.Minute)
	if _, err := h.Freeze(t.Context(), h.change(frozen)); err != nil {
		t.Fatal(err)
	}
	doc := a4(1)
	mix := func(rs ...seal.StampRequest) []seal.StampRequest { return rs }
	good := request(h.seal)
	good.Placement.Page = 1
	with := func(s seal.Seal, change func(r *seal.StampRequest)) seal.StampRequest {
		r := request(s)
		r.Placement.Page = 1
		change(&r)
		return r
	}
	keep := func(*seal.StampRequest) {}
	for name, c := range map[string]struct {
		rs   []seal.StampRequest
		want error
	}{
		"none":                  {nil, seal.ErrOrder},
		"too many":              {make([]seal.StampRequest, 31), seal.ErrOrder},
		"a frozen seal":         {mix(good, with(frozen, keep)), seal.ErrNotInForce},
		"over the quota":        {mix(good, with(limited, keep), with(limited, keep)), seal.ErrQuota},
		"no such page":          {mix(good, with(h.seal, func(r *seal.StampRequest) { r.Placement.Page = 2 })), seal.ErrDocument},
		"after one that closes": {mix(with(h.seal, func(r *seal.StampRequest) { r.Order.Certify = 1 }), good), pdf.ErrLocked},
		"certified second":      {mix(good, with(h.seal, func(r *seal.StampRequest) { r.Order.Certify = 1 })), seal.ErrDocument},
		"with evidence":         {mix(good, with(h.seal, func(r *seal.StampRequest) { r.Order.Level = seal.LevelLT })), seal.ErrOrder},
		"for another format":    {mix(good, with(h.seal, func(r *seal.StampRequest) { r.Order.Protect = seal.ProtectWhole })), seal.ErrOrder},
	} {
		before := h.count(t)
		out, _, err := h.series(t, c.rs, retry(name, 1), doc)
		if !errors.Is(err, c.want) || out != nil || h.count(t) != before {
			t.Errorf("%s: %v, %v after %v", name, err, h.count(t), before)
		}
		if _, found, err := h.db.Done(t.Context(), retry(name, 1).Slot(), h.clock.now()); found || err != nil {
			t.Errorf("%s: its key is taken, %v", name, err)
		}
	}
	// The quota of one was not used up by those that failed.
	if _, _, err := h.series(t, mix(good, with(limited, keep)), nil, doc); err != nil {
		t.Error(err)
	}
}

// faulty fails at the one write of a series.
type faulty struct {
	seal.Store
	keeps bool
	err   error
}

func (f *faulty) CommitStamps(ctx context.Context, all []seal.Commit) error {
	if f.err == nil {
		return f.Store.CommitStamps(ctx, all)
	}
	if f.keeps {
		if err := f.Store.CommitStamps(ctx, all); err != nil {
			return err
		}
	}
	return f.err
}

// The commit fails and was not kept, or fails and was: either way nothing is handed
// out, and the same request again gives three stamps and not six.
func TestSeveralWhoseCommitFails(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		h := newHouse(t)
		fault := errors.New("the disk is gone")
		store := &faulty{Store: h.config.Store, keeps: keeps, err: fault}
		h.config.Store = store
		h.restart(t)
		doc := a4(1)
		if out, _, err := h.series(t, three(h.seal, h.seal), retry("k", 1), doc); !errors.Is(err, fault) || out != nil {
			t.Fatal(err)
		}
		if n := h.count(t).Stamps; n != map[bool]int{false: 0, true: 3}[keeps] {
			t.Fatalf("%d stamps", n)
		}
		store.err = nil
		out, _, err := h.series(t, three(h.seal, h.seal), retry("k", 1), doc)
		if err != nil || stampsIn(t, out) != 3 || h.count(t).Stamps != 3 {
			t.Errorf("again: %d stamps kept, %v", h.count(t).Stamps, err)
		}
	}
}

// While a series is being made, another use of its key is told so, and what changes
// before its commit undoes all of it.
func TestSeveralWhileTheSealChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.make(t, seal.Policy{})
	h.clock.move(time.Minute)
	calls := 0
	before := h.count(t)
	h.tsa.during(func() error {
		if calls++; calls != 3 {
			return nil
		}
		if _, err := h.StampMany(h.context(), three(h.seal, other), retry("k", 1), document(decision)); !errors.Is(err, seal.ErrInFlight) {
			t.Errorf("the key in flight: %v", err)
		}
		_, err := h.Freeze(h.context(), h.change(other))
		return err
	})
	_, _, err := h.series(t, three(h.seal, other), retry("k", 1), decision)
	h.tsa.during(nil)
	if !errors.Is(err, seal.ErrChanged) || h.count(t).Stamps != before.Stamps {
		t.Errorf("frozen before the commit: %v, %v", err, h.count(t))
	}
}

// A large PDF is stamped many times without a copy of it.
func BenchmarkSeries(b *testing.B) {
	h := newHouse(b)
	doc, err := os.ReadFile("../cmd/yinxin/decisions/decision.pdf")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.StampMany(b.Context(), three(h.seal, h.seal), nil, document(doc)); err != nil {
			b.Fatal(err)
		}
	}
}
