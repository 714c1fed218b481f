// Package provincetest makes a small province to test the faces against: one agency
// with one seal and one licence type, in a temporary folder, with a clock that can
// be moved.
package provincetest

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/license"
	"yinxin/license/metadata"
	"yinxin/seal"
)

// The agencies are nobody's: their codes are well formed and not given out.
const (
	Agency   = "11520000MB1A00001X"
	Stranger = "11520000MB2A000014"
	Type     = Agency + "001"
)

// Clock can be moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move moves the clock.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// House is the province.
type House struct {
	*province.Province
	Clock *Clock
	Seal  seal.Seal
}

// New makes a province; it is closed when the test ends.
func New(t testing.TB) *House {
	t.Helper()
	h := &House{Clock: &Clock{at: time.Now()}}
	o := province.Options{Dir: filepath.Join(t.TempDir(), "data"), Passphrase: []byte("test"), Clock: h.Clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Iterations: 10}
	if err := province.Init(t.Context(), o, province.Identity{Region: "520000", Name: "贵州省", URL: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.Province, err = province.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, name := range map[string]string{Agency: "示例局", Stranger: "别局"} {
		if _, err := h.Agencies.Add(t.Context(), agency.AddRequest{ID: id, Name: name, Region: "520000", Who: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	h.Seal = h.MakeSeal(t, Agency, "示例局")
	if _, err := h.Licences.Define(t.Context(), Type, "食品经营许可证", "test"); err != nil {
		t.Fatal(err)
	}
	return h
}

// MakeSeal makes a seal of an agency.
func (h *House) MakeSeal(t testing.TB, of, name string) seal.Seal {
	t.Helper()
	s, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: of, AgencyName: "示例局", Name: name, Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Key makes a bearer key.
func (h *House) Key(t testing.TB, of string, scopes ...string) (secret, id string) {
	t.Helper()
	secret, key, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: of, Scopes: scopes, Who: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return secret, key.ID
}

// StampJSON seals a JSON document with the house's seal.
func (h *House) StampJSON(t testing.TB, doc string) seal.Stamped {
	t.Helper()
	s, err := h.Seals.StampJSON(t.Context(), seal.StampRequest{SealID: h.Seal.ID, Agency: Agency, Operator: "张三"}, []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Issue issues a licence that is valid for a year.
func (h *House) Issue(t testing.TB) license.Issued {
	t.Helper()
	day := func(years int) string { return metadata.Day(h.Clock.Now().AddDate(years, 0, 0)) }
	l, err := h.Licences.Issue(t.Context(), license.IssueRequest{Type: Type, SealID: h.Seal.ID, Agency: Agency, AgencyName: "示例局", Number: "JY1", Holder: "张三", HolderCode: "320124198808240056",
		HolderType: metadata.HolderResident, From: day(0), To: day(1), Operator: "李四", Reason: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Decision is a document of the demonstration: decision.pdf or decision.json. It is
// for tests of rooms two folders below the module's root.
func Decision(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../cmd/yinxin/decisions", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
