package bolt

import (
	"context"
	"errors"

	"yinxin/ca"
	"yinxin/internal/act"
)

// CommitRevocations is one transaction, however many they are: half of a list would
// be an answer that nobody gave.
func (s caStore) CommitRevocations(ctx context.Context, a act.Act, list []ca.Revocation) (changed int, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		type fall struct {
			row    ca.Row
			before *ca.Revocation
			lost   []byte // its key
		}
		var falls []fall
		for _, r := range list {
			row, before, err := tx.revocable(r)
			switch {
			case errors.Is(err, ca.ErrRevoked):
				continue
			case err != nil:
				return err
			}
			key := lost(row)
			row.DER = nil // thousands of them would be held for nothing
			falls = append(falls, fall{row, before, key})
		}
		if changed = len(falls); changed == 0 {
			return ca.ErrRevoked
		}
		if err := tx.act(a); err != nil {
			return err
		}
		for _, f := range falls {
			if err := tx.keepChange(a.ID, f.row); err != nil {
				return err
			}
			if err := tx.block(f.lost, f.row.Serial); err != nil {
				return err
			}
			own, err := act.Encode(f.row.Revocation)
			if err != nil {
				return err
			}
			if err := tx.storyGoesOn(a.ID, f.row, f.before, own); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		changed = 0
	}
	return changed, err
}
