package ceremony

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/internal/durable"
)

// signed is the last list that a key signed. A key that signs two lists of one
// number lets two halves of the country trust two different lists.
type signed struct {
	Sequence uint64 `json:"sequence"`
	SM3      string `json:"sm3"` // of the list
}

// Sign adds the key's signature to a draft. It refuses a list that may not follow
// previous, nil for a scheme's first, one that has ended, and one that contradicts
// what the key signed before.
func (h *Holder) Sign(ctx context.Context, d, previous *certs.SchemeDraft, now time.Time) error {
	l := d.List()
	switch {
	case previous == nil && l.Sequence != 1:
		return fmt.Errorf("%w: list %d follows another, which must be given with --previous", ErrRefused, l.Sequence)
	case !now.Before(l.Exp):
		return fmt.Errorf("%w: the list ended %s; draft it anew", ErrRefused, l.Exp.Format(time.RFC3339))
	}
	if previous != nil {
		if !previous.Standing(nil).Enough() {
			return fmt.Errorf("the list before: %w", certs.ErrSignature)
		}
		if err := mayFollow(d, previous); err != nil {
			return err
		}
	}
	if err := h.remember(l.Sequence, d.Payload()); err != nil {
		return err
	}
	return d.Sign(ctx, certs.StatementSigner{Certificate: h.Certificate, Signer: h.key}, previous)
}

// mayFollow lets a list run ahead of that of a province that hands over its own
// scheme: the province goes on numbering until it takes the list, and signs the one
// just before it then (trust.Office.HandOver).
func mayFollow(d, previous *certs.SchemeDraft) error {
	err := d.MayFollow(previous)
	if err == nil || len(previous.Keys()) != 1 {
		return err
	}
	if last, next := previous.List().Sequence, d.List().Sequence; next > last && next-last <= maxAhead {
		return nil
	}
	return err
}

// maxAhead is how far the province's own lists may go meanwhile: a scheme list's
// sequence rises by at most 1,000 (protocol.md 3).
const maxAhead = 1000

// remember is durable before the signature is made.
func (h *Holder) remember(sequence uint64, payload []byte) error {
	sum := sm3.Sum(payload)
	next := signed{sequence, hex.EncodeToString(sum[:])}
	var last signed
	path := filepath.Join(h.dir, memory)
	b, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(b, &last); err != nil {
			// Not the same as none: damaging it must not let the key sign twice.
			return fmt.Errorf("%w: %s, which tells what the key signed last, is damaged: %w", ErrRefused, path, err)
		}
	}
	switch {
	case next == last:
		return nil
	case sequence <= last.Sequence:
		return fmt.Errorf("%w: this key signed list %d, and signs no other of that number or a lower one", ErrRefused, last.Sequence)
	}
	b, err = json.Marshal(next)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, b)
}
