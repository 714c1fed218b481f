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
		var rows []ca.Row
		for _, r := range list {
			row, err := tx.revocable(r)
			switch {
			case errors.Is(err, ca.ErrRevoked):
				continue
			case err != nil:
				return err
			}
			row.DER = nil // thousands of them would be held for nothing
			rows = append(rows, row)
		}
		if changed = len(rows); changed == 0 {
			return ca.ErrRevoked
		}
		if err := tx.act(a); err != nil {
			return err
		}
		for _, row := range rows {
			if err := tx.keepRevocation(row); err != nil {
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
