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
		var falls []ca.Revocation
		for _, r := range list {
			_, _, err := tx.revocable(r)
			switch {
			case errors.Is(err, ca.ErrRevoked):
				continue
			case err != nil:
				return err
			}
			falls = append(falls, r)
		}
		if changed = len(falls); changed == 0 {
			return ca.ErrRevoked
		}
		if err := tx.act(a); err != nil {
			return err
		}
		for _, r := range falls {
			if err := tx.revokeOne(a.ID, r); err != nil {
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

// revokeOne reads its row once more: thousands of certificates are not held at once.
func (tx *Tx) revokeOne(id act.ID, r ca.Revocation) error {
	row, before, err := tx.revocable(r)
	if errors.Is(err, ca.ErrRevoked) { // it stands in the list twice
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(tx.keepChange(id, row), tx.block(lost(row), row.Serial)); err != nil {
		return err
	}
	own, err := act.Encode(row.Revocation)
	if err != nil {
		return err
	}
	return tx.storyGoesOn(id, row, before, own)
}
