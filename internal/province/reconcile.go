package province

import (
	"context"
	"errors"

	"yinxin/hsm"
	"yinxin/seal"
)

// KeyUse holds the counter of a seal's key against the register (protocol.md 8).
type KeyUse struct {
	SealID      string `json:"sealId"`
	KeyID       string `json:"keyId"`
	Uses        uint64 `json:"uses"`        // as the key counts them
	Stamps      uint64 `json:"stamps"`      // in the register
	Requests    uint64 `json:"requests"`    // to outside authorities
	Unaccounted uint64 `json:"unaccounted"` // journaled as without act
	Told        uint64 `json:"told"`        // as the register has summed them up
	State       string `json:"state"`
}

// What the comparison of a key's counter with the acts comes to.
const (
	UsesAgree   = "agrees"
	UsesBehind  = "behind"  // more acts than signatures: an older copy of the keys, or a second one that signs elsewhere
	UsesAhead   = "ahead"   // more signatures than acts: acts are gone, or a signature is being made
	UsesMissing = "missing" // there is no such key
)

// Reconcile counts all acts anew and compares them with the counter of each seal's
// key. In a folder that was just opened every one agrees: what was without act then
// has been journaled.
func (p *Province) Reconcile(ctx context.Context) ([]KeyUse, error) {
	tally, err := p.Store.Seals().Tally(ctx)
	if err != nil {
		return nil, err
	}
	var out []KeyUse
	err = p.everyEdition(ctx, func(s seal.Seal, keyID string) error {
		t := tally[keyID]
		u := KeyUse{SealID: s.ID, KeyID: keyID, Stamps: t.Stamps, Requests: t.Requests, Unaccounted: t.Unaccounted}
		if err := p.counters(ctx, &u); err != nil {
			return err
		}
		switch sum := t.Stamps + t.Requests + t.Unaccounted; {
		case u.State != "":
		case u.Uses < sum:
			u.State = UsesBehind
		case u.Uses > sum || u.Told != sum:
			u.State = UsesAhead
		default:
			u.State = UsesAgree
		}
		out = append(out, u)
		return nil
	})
	return out, err
}

func (p *Province) counters(ctx context.Context, u *KeyUse) error {
	key, err := p.Keys.Key(ctx, u.KeyID)
	switch {
	case errors.Is(err, hsm.ErrNotFound):
		u.State = UsesMissing
	case err != nil:
		return err
	default:
		u.Uses = key.Info().Uses
	}
	u.Told, err = p.Store.Seals().Accounted(ctx, u.KeyID)
	return err
}

// KeyCounts tells without counting anew how many seals' keys stand behind what the
// register has summed up or are missing, and how many signatures have no act as yet.
func (p *Province) KeyCounts(ctx context.Context) (behind int, untold uint64, err error) {
	err = p.everyEdition(ctx, func(_ seal.Seal, keyID string) error {
		u := KeyUse{KeyID: keyID}
		if err := p.counters(ctx, &u); err != nil {
			return err
		}
		if u.State == UsesMissing || u.Uses < u.Told {
			behind++
		} else {
			untold += u.Uses - u.Told
		}
		return nil
	})
	return behind, untold, err
}

// everyEdition gives the key of each edition that a seal has had.
func (p *Province) everyEdition(ctx context.Context, do func(s seal.Seal, keyID string) error) error {
	const page = 1000
	for cursor := ""; ; {
		rows, next, err := p.Seals.List(ctx, seal.SealFilter{Cursor: cursor, Limit: page})
		if err != nil {
			return err
		}
		for _, s := range rows {
			seen := map[string]bool{}
			for _, e := range s.Editions() {
				if seen[e.KeyID] {
					continue
				}
				seen[e.KeyID] = true
				if err := do(s, e.KeyID); err != nil {
					return err
				}
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}
