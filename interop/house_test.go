package interop

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/seal"
	"yinxin/verify"
)

const (
	agencyID   = "11520000MB1A00001X"
	passphrase = "interop"
)

// house is a province with one seal, as init and seal make leave it.
type house struct {
	*province.Province
	dir  string
	seal seal.Seal
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	o := province.Options{Dir: dir, Passphrase: []byte(passphrase), Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Iterations: 1000}
	if err := province.Init(t.Context(), o, province.Identity{Region: "520000", Name: "贵州省", URL: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	p, err := province.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.Agencies.Add(t.Context(), agency.AddRequest{ID: agencyID, Name: "示例局", Region: "520000", Who: "test"}); err != nil {
		t.Fatal(err)
	}
	s, err := p.Seals.Make(t.Context(), seal.MakeRequest{Agency: agencyID, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return &house{p, dir, s}
}

func (h *house) request() seal.StampRequest {
	return seal.StampRequest{SealID: h.seal.ID, Agency: agencyID, Operator: "张三"}
}

func (h *house) sealJSON(t testing.TB, doc []byte) []byte {
	t.Helper()
	s, err := h.Seals.StampJSON(t.Context(), h.request(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return s.Document
}

func (h *house) sealPDF(t testing.TB, doc []byte, place seal.Place) []byte {
	t.Helper()
	return h.sealAs(t, doc, place, seal.Order{})
}

func (h *house) sealAs(t testing.TB, doc []byte, place seal.Place, order seal.Order) []byte {
	t.Helper()
	r := h.request()
	r.Placement, r.Order = place, order
	s, err := h.Seals.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// judge gives our own report, so that what others are shown is a good file.
func (h *house) judge(t testing.TB, doc []byte) verify.Report {
	t.Helper()
	r, err := h.Judge(t.Context(), verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write puts bytes where a program can read them.
func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run gives a program's whole output, and whether it ended well.
func run(t testing.TB, program string, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	return string(out), err == nil
}
