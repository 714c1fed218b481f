package seal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"yinxin/internal/act"
	"yinxin/seal"
)

// elder is a register in which stamps cover another layout than is made now.
type elder struct {
	seal.Store
	covered [32]byte
}

func (e *elder) Stamp(ctx context.Context, id act.ID) (seal.Stamp, error) {
	s, err := e.Store.Stamp(ctx, id)
	s.DataHash = e.covered
	return s, err
}

// A register outlives the program that wrote it: a retry gives the document that was
// sealed, as the first version laid it out, and never one that the key did not sign.
func TestARetryGetsWhatTheStampCovers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	in, err := os.ReadFile("../cmd/yinxin/decisions/decision.pdf")
	if err != nil {
		t.Fatal(err)
	}
	r := request(h.seal)
	r.Retry = retry("k", 1)
	now, row, err := stampPDF(t, h, r)
	if err != nil {
		t.Fatal(err)
	}
	digest, first, err := h.FirstLayout(t.Context(), row, in)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, now) {
		t.Fatal("the first layout is the one of today")
	}
	good := h.config.Store
	h.config.Store = &elder{good, digest}
	h.restart(t)
	if got, _, err := stampPDF(t, h, r); err != nil || !bytes.Equal(got, first) {
		t.Errorf("of a stamp by the first version: %d octets for %d, %v", len(got), len(first), err)
	}
	h.config.Store = &elder{good, [32]byte{1}}
	h.restart(t)
	for name, stamp := range map[string]func(t testing.TB, h *house, r seal.StampRequest) ([]byte, seal.Stamp, error){"pdf": stampPDF, "ofd": kinds["ofd"]} {
		h.config.Store = good
		h.restart(t)
		r.Retry = retry(name, 1)
		if _, _, err := stamp(t, h, r); err != nil {
			t.Fatal(err)
		}
		h.config.Store = &elder{good, [32]byte{1}}
		h.restart(t)
		if got, _, err := stamp(t, h, r); !errors.Is(err, seal.ErrNotAgain) {
			t.Errorf("%s, of a stamp that covers what nobody can lay out: %d octets, %v", name, len(got), err)
		}
	}
}
