package province

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify"
)

const day = 24 * time.Hour

// stampAt seals a decision at a level of evidence.
func (h *house) stampAt(t testing.TB, level seal.Level, doc []byte, retry *act.Retry) ([]byte, error) {
	t.Helper()
	r := h.request()
	r.Order.Level, r.Retry = level, retry
	done, err := h.Seals.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if n, err := done.WriteTo(&out); err != nil || n != done.Size() {
		t.Fatalf("wrote %d of %d: %v", n, done.Size(), err)
	}
	return out.Bytes(), nil
}

func (h *house) augment(t testing.TB, level seal.Level, doc []byte) []byte {
	t.Helper()
	done, err := h.Seals.Augment(t.Context(), bytes.NewReader(doc), int64(len(doc)), level)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := done.WriteTo(&out); err != nil || n != done.Size() || !bytes.HasPrefix(out.Bytes(), doc) {
		t.Fatalf("wrote %d of %d: %v", n, done.Size(), err)
	}
	return out.Bytes()
}

// alone judges a document by what it holds and the trust list of now, as one who can
// ask nobody.
func (h *house) alone(t testing.TB, doc []byte) verify.Report {
	t.Helper()
	trust, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil).Judge(verify.Input{Trust: trust, At: h.clock.now()})
}

func decision(t testing.TB) []byte { return sample(t, "decision.pdf") }

// Each level: what the province says of it, what it says of itself at once, two days
// later, and in how many signatures.
func TestLevels(t *testing.T) {
	h := newHouse(t)
	type found struct {
		verdict verify.Verdict
		code    verify.Code
	}
	for level, c := range map[seal.Level]struct {
		asked, alone, later found
		signatures          int
	}{
		seal.LevelB:   {found{verify.CannotConfirm, verify.TimeNotProven}, found{verify.CannotConfirm, verify.TimeNotProven}, found{verify.CannotConfirm, verify.TimeNotProven}, 1},
		seal.LevelT:   {found{verify.Valid, ""}, found{verify.CannotConfirm, verify.StatusUnavailable}, found{verify.CannotConfirm, verify.StatusUnavailable}, 1},
		seal.LevelLT:  {found{verify.Valid, ""}, found{verify.Valid, ""}, found{verify.CannotConfirm, verify.StatusStale}, 1},
		seal.LevelLTA: {found{verify.Valid, ""}, found{verify.Valid, ""}, found{verify.ValidWithNotice, verify.StatusTodayUnknown}, 2},
	} {
		t.Run(string(level), func(t *testing.T) {
			doc, err := h.stampAt(t, level, decision(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			r := h.judge(t, doc)
			want(t, r, c.asked.verdict, c.asked.code)
			if len(r.Stamps) != c.signatures {
				t.Errorf("%d signatures", len(r.Stamps))
			}
			want(t, h.alone(t, doc), c.alone.verdict, c.alone.code)
			h.clock.move(2 * day)
			want(t, h.alone(t, doc), c.later.verdict, c.later.code)
		})
	}
}

// A retry gives the same bytes, evidence and all; one whose evidence did not come the
// first time completes it, whatever failed.
func TestArchivedOnce(t *testing.T) {
	for name, c := range map[string]struct{ write, persisted bool }{
		"nothing fails": {}, "its evidence is not kept": {true, false}, "its evidence is kept, and nobody is told": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			retry := &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}
			store := &faultyIncrements{Store: h.Store.Seals(), fail: c.write, persisted: c.persisted}
			h.Seals = h.officeOver(t, store)
			first, err := h.stampAt(t, seal.LevelLTA, decision(t), retry)
			if c.write != (err != nil) || err != nil && !errors.Is(err, errGone) {
				t.Fatal(err)
			}
			h.clock.move(time.Hour)
			second, err := h.stampAt(t, seal.LevelLTA, decision(t), retry)
			if err != nil {
				t.Fatal(err)
			}
			h.clock.move(time.Hour)
			third, err := h.stampAt(t, seal.LevelLTA, decision(t), retry)
			if err != nil || !bytes.Equal(second, third) || first != nil && !bytes.Equal(first, second) {
				t.Errorf("%d, %d and %d octets, %v", len(first), len(second), len(third), err)
			}
			h.valid(t, "the retry", third)
			if rows, _, err := h.Seals.Entries(t.Context(), seal.Filter{Limit: 10}); err != nil || len(rows) != 1 || rows[0].Order == nil || rows[0].Order.Level != seal.LevelLTA {
				t.Errorf("%+v, %v", rows, err)
			}
		})
	}
}

// faultyIncrements fails once to keep an increment, which is persisted all the same or
// not.
type faultyIncrements struct {
	seal.Store
	fail, persisted bool
}

func (f *faultyIncrements) KeepIncrement(ctx context.Context, id act.ID, increment []byte) ([]byte, error) {
	if !f.fail {
		return f.Store.KeepIncrement(ctx, id, increment)
	}
	f.fail = false
	if f.persisted {
		if _, err := f.Store.KeepIncrement(ctx, id, increment); err != nil {
			return nil, err
		}
	}
	return nil, errGone
}

// officeOver is the province's seal office over another store.
func (h *house) officeOver(t testing.TB, store seal.Store) *seal.Office {
	t.Helper()
	times, err := h.timeStamper()
	if err != nil {
		t.Fatal(err)
	}
	o, err := seal.NewOffice(seal.Config{Store: store, Keys: h.Keys, CA: h.CA, TSA: times, Archivist: archivist{h.Province}, Clock: h.o.Clock, Rand: h.o.Rand, Region: "520000",
		Maker: h.signing(ca.PurposeSealMaker), Status: h.signing(ca.PurposeStatus)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What is not good is not archived, and no seal is used for it.
func TestNotArchived(t *testing.T) {
	h := newHouse(t)
	good, err := h.stampAt(t, seal.LevelT, decision(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Replace(good, []byte("/M (D:2"), []byte("/M (D:1"), 1)
	claimed, err := h.stampAt(t, seal.LevelB, decision(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		doc   []byte
		level seal.Level
		want  error
	}{
		"altered":       {altered, seal.LevelLTA, seal.ErrNotGood},
		"not proven":    {claimed, seal.LevelLTA, seal.ErrNotGood},
		"not sealed":    {decision(t), seal.LevelLT, seal.ErrNotGood},
		"no PDF":        {[]byte("{}"), seal.LevelLT, seal.ErrNotGood},
		"nothing":       {nil, seal.LevelLT, seal.ErrNotGood},
		"level T":       {good, seal.LevelT, seal.ErrOrder},
		"no level":      {good, "", seal.ErrOrder},
		"unknown level": {good, "LTX", seal.ErrOrder},
	} {
		if _, err := h.Seals.Augment(t.Context(), bytes.NewReader(c.doc), int64(len(c.doc)), c.level); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := len(h.entries(t))
	for name, doc := range map[string][]byte{"altered": altered, "not proven": claimed} {
		if _, err := h.stampAt(t, seal.LevelLT, doc, nil); !errors.Is(err, seal.ErrNotGood) {
			t.Errorf("stamped, %s: %v", name, err)
		}
	}
	r := h.request()
	r.Order.Level = seal.LevelLT
	if _, err := h.Seals.StampJSON(t.Context(), r, []byte(`{}`)); !errors.Is(err, seal.ErrOrder) {
		t.Errorf("JSON: %v", err)
	}
	if _, err := h.Seals.StampDetached(t.Context(), r, [32]byte{}); !errors.Is(err, seal.ErrOrder) {
		t.Errorf("detached: %v", err)
	}
	if after := len(h.entries(t)); after != before {
		t.Errorf("%d entries, there were %d", after, before)
	}
}

func (h *house) entries(t testing.TB) []seal.Stamp {
	t.Helper()
	rows, _, err := h.Seals.Entries(t.Context(), seal.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A province over eight years: its keys are renewed, its authorities follow one
// another, a document is renewed every two years, and judged by itself.
func TestArchivedOverTheYears(t *testing.T) {
	h := newHouse(t)
	doc, err := h.stampAt(t, seal.LevelLTA, decision(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	unrenewed := doc
	for year := 1; year <= 8; year++ {
		for range 5 { // a service's certificate lives for 90 days at the shortest
			h.clock.move(73 * day)
			h.reopen(t)
		}
		if _, err := h.CA.Renew(t.Context(), ca.PurposeScheme, "test", "its two years"); err != nil {
			t.Fatal(err)
		}
		r := h.alone(t, doc)
		if r.Verdict != verify.ValidWithNotice {
			t.Logf("year %d: %s", year, r.JSON())
		}
		want(t, r, verify.ValidWithNotice, verify.StatusTodayUnknown)
		r = h.alone(t, unrenewed)
		if good := r.Verdict == verify.ValidWithNotice; good != (year < 5) {
			t.Errorf("unrenewed, after %d years: %s", year, r.Verdict)
		}
		if year%2 == 0 {
			doc = h.augment(t, seal.LevelLTA, doc)
		}
	}
	// Its seal is cancelled, and the key of the first time-stamp told to have been in
	// other hands since the fifth year: told to whoever asks, and good all the same.
	h.clock.move(time.Hour)
	if _, err := h.Seals.Cancel(t.Context(), seal.ChangeRequest{SealID: h.seal.ID, Who: "test", Why: "dissolved"}); err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, doc), verify.ValidWithNotice, verify.SealCancelledAfter)
	t.Logf("%d octets after four renewals, %d before", len(doc), len(unrenewed))
}

// Whatever else was ordered, the evidence comes last and leaves it good.
func TestArchivedWithAllElse(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(r *seal.StampRequest){
		"certified":   func(r *seal.StampRequest) { r.Order.Certify = 1 },
		"locked":      func(r *seal.StampRequest) { r.Order.Lock = &seal.Lock{Action: seal.LockAll} },
		"riding":      func(r *seal.StampRequest) { r.Placement = seal.Place{Riding: &seal.Riding{}} },
		"with a code": func(r *seal.StampRequest) { r.Order.Mark = &seal.Mark{Kind: seal.MarkQR} },
		"companion":   func(r *seal.StampRequest) { r.Order.Companion = true },
		"cms":         func(r *seal.StampRequest) { r.Order.Profile = seal.ProfileCMS },
	} {
		t.Run(name, func(t *testing.T) {
			r := h.request()
			r.Order.Level = seal.LevelLTA
			change(&r)
			doc := decision(t)
			done, err := h.Seals.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := done.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			want(t, h.alone(t, out.Bytes()), verify.Valid, "")
			h.clock.move(40 * day)
			renewed := h.augment(t, seal.LevelLTA, out.Bytes())
			want(t, h.alone(t, renewed), verify.ValidWithNotice, verify.StatusTodayUnknown)
			h.valid(t, "renewed", renewed)
		})
	}
}

// Evidence comes in the order of the levels: LT first, then LTA over the same pieces.
func TestAugmentedInSteps(t *testing.T) {
	h := newHouse(t)
	doc, err := h.stampAt(t, seal.LevelT, decision(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	doc = h.augment(t, seal.LevelLT, doc)
	h.clock.move(time.Minute)
	doc = h.augment(t, seal.LevelLTA, doc)
	h.valid(t, "augmented twice", doc)
	second, err := h.stampAt(t, seal.LevelLTA, doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.valid(t, "stamped again", second)
	h.clock.move(100 * day)
	want(t, h.alone(t, second), verify.ValidWithNotice, verify.StatusTodayUnknown)
	// Revoked since, and evidence of today says so.
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Reason: certs.ReasonSuperseded, Who: "test", Why: "test"}); err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, second), verify.ValidWithNotice, verify.CertificateRevokedAfter)
	r := h.judge(t, second)
	if !slices.ContainsFunc(r.Stamps, func(s verify.StampReport) bool { return s.Role == "timestamp" && s.Verdict == verify.Valid }) {
		t.Errorf("%+v", r.Stamps)
	}
}
