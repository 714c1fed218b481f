package seal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/ca/companion"
	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/hsm/softkey"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/store/bolt"
	"yinxin/seal"
	"yinxin/seal/face"
)

const (
	owner    = "11520000MB1A00001X"
	stranger = "11100000000013338W"
)

// TestMain puts the machine where the provinces are: a time left in its zone shows.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("CST", 8*60*60)
	os.Exit(m.Run())
}

// clock is moved by the tests, never by itself.
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

// stamper is the time-stamp authority with something that happens while it is
// asked: after the signature and before the commit.
type stamper struct {
	*tsa.Authority
	mu    sync.Mutex
	while func() error
}

func (s *stamper) Stamp(ctx context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	s.mu.Lock()
	f := s.while
	s.mu.Unlock()
	if f != nil {
		if err := f(); err != nil {
			return nil, time.Time{}, err
		}
	}
	return s.Authority.Stamp(ctx, imprint)
}

// during sets what happens within each stamp from now on.
func (s *stamper) during(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.while = f
}

// house is a seal office over a real store, real keys and a real authority.
type house struct {
	*seal.Office
	config    seal.Config
	db        *bolt.DB
	keys      *softkey.Store
	ca        *ca.Authority
	agencies  *agency.Office
	tsa       *stamper
	clock     *clock
	companion *companion.Authority
	seal      seal.Seal // one that the owner has
	// context is the test's, for what happens inside a stamp.
	context func() context.Context
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{context: t.Context, clock: &clock{at: time.Date(2026, 11, 24, 4, 0, 0, 300e6, time.UTC)}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	h.keys, err = softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("pass"), Rand: rand.Reader, Clock: h.clock.now, Iterations: 10})
	must(err)
	t.Cleanup(func() { must(h.keys.Close()) })
	h.db, err = bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true})
	must(err)
	t.Cleanup(func() { must(h.db.Close()) })
	h.ca, err = ca.New(ca.Config{Store: h.db.CA(), Keys: h.keys, Clock: h.clock.now, Rand: rand.Reader, Region: "520000", RegionName: "贵州省",
		BaseURL: "http://127.0.0.1:1", Log: slog.New(slog.DiscardHandler)})
	must(err)
	must(h.ca.Init(t.Context()))
	h.agencies, err = agency.New(agency.Config{Store: h.db.Agencies(), Clock: h.clock.now, Rand: rand.Reader})
	must(err)
	signing := func(p ca.Purpose) seal.Signing {
		return func(ctx context.Context) (certs.StatementSigner, error) {
			c, err := h.ca.Signing(ctx, p)
			return certs.StatementSigner{Certificate: c.Certificate, Signer: c.Key}, err
		}
	}
	authority, err := tsa.New(tsa.Config{Signing: func(ctx context.Context) (tsa.Signing, error) {
		c, err := h.ca.Signing(ctx, ca.PurposeTSA)
		return tsa.Signing{Signer: c.Key, Certificate: c.Certificate}, err
	}, Clock: h.clock.now, Rand: rand.Reader})
	must(err)
	h.tsa = &stamper{Authority: authority}
	if h.companion, err = companion.New(companion.Config{Store: h.db.Companions(), Keys: h.keys, Clock: h.clock.now, Rand: rand.Reader, Region: "520000", RegionName: "贵州省"}); err != nil {
		t.Fatal(err)
	}
	h.config = seal.Config{Companion: h.companion, Store: h.db.Seals(), Keys: h.keys, CA: h.ca, TSA: h.tsa, Clock: h.clock.now, Rand: rand.Reader, Region: "520000",
		Maker: signing(ca.PurposeSealMaker), Status: signing(ca.PurposeStatus)}
	h.restart(t)
	h.seal = h.make(t, seal.Policy{})
	h.clock.move(time.Minute)
	return h
}

// smallFace is drawn once, and has few octets.
var smallFace = sync.OnceValues(func() ([]byte, error) { return face.Default(42, 200) })

// restart forgets whatever an office has in memory.
func (h *house) restart(t testing.TB) {
	t.Helper()
	var err error
	if h.Office, err = seal.NewOffice(h.config); err != nil {
		t.Fatal(err)
	}
}

func (h *house) make(t testing.TB, p seal.Policy) seal.Seal {
	t.Helper()
	picture, err := smallFace()
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Make(t.Context(), seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "示例局", PNG: picture, Policy: p, Who: "制章员", Why: "启用"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request asks for a stamp with a seal, as its owner does.
func request(s seal.Seal) seal.StampRequest {
	return seal.StampRequest{SealID: s.ID, Agency: owner, Operator: "张三"}
}

func (h *house) change(s seal.Seal) seal.ChangeRequest {
	return seal.ChangeRequest{SealID: s.ID, Who: "李四", Why: "丢失"}
}

var decision = []byte(`{"文号":"黔府〔2026〕1号"}`)

func (h *house) stamp(t testing.TB, r seal.StampRequest) seal.Stamped {
	t.Helper()
	s, err := h.StampJSON(t.Context(), r, decision)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counted is what a stamp leaves: rows of the register, leaves of the journal.
type counted struct {
	Stamps int
	Leaves uint64
}

func (h *house) count(t testing.TB) (c counted) {
	t.Helper()
	rows, _, err := h.Entries(t.Context(), seal.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	c.Stamps = len(rows)
	if c.Leaves, err = h.db.Journal().JournalSize(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func checkSame(t testing.TB, got, want seal.Stamp) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func retry(key string, request byte) *act.Retry {
	return &act.Retry{Owner: owner, Key: key, Request: [32]byte{request}}
}

// kinds are the ways to stamp, each giving the bytes that the caller gets.
var kinds = map[string]func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error){
	"json": func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
		s, err := h.StampJSON(t.Context(), r, decision)
		return s.Document, s.Stamp, err
	},
	"pdf": stampPDF,
	"cms": func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
		r.Order.Profile = seal.ProfileCMS
		return stampPDF(t, h, r)
	},
	"companion": func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
		r.Order.Companion = true
		return stampPDF(t, h, r)
	},
	"ofd": func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
		r.Placement, r.Order.Protect = seal.Place{Keyword: &seal.Keyword{Text: "盖章"}}, seal.ProtectWhole
		return stampOFD(t, h, r, decisionOFD(t))
	},
	"detached": func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
		s, err := h.StampDetached(t.Context(), r, sm3.Sum(decision))
		return s.Document, s.Stamp, err
	},
}

func stampPDF(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error) {
	doc, err := os.ReadFile("../cmd/yinxin/decisions/decision.pdf")
	if err != nil {
		t.Fatal(err)
	}
	r.Placement = seal.Place{Page: 1, X: 100, Y: 100}
	s, err := h.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		return nil, seal.Stamp{}, err
	}
	var out bytes.Buffer
	if n, err := s.WriteTo(&out); err != nil || n != s.Size() {
		t.Fatal(n, s.Size(), err)
	}
	return out.Bytes(), s.Stamp, nil
}
