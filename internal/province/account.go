package province

import (
	"context"
	"errors"

	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/act"
	"yinxin/seal"
)

// account journals the signatures without act (protocol.md 8): those of a seal's
// key whose act did not commit, and what a killed process left of any key's
// block of uses.
func (p *Province) account(ctx context.Context, keys *softkey.Store) error {
	gaps, err := keys.Unaccounted(ctx)
	if err != nil {
		return err
	}
	seals, err := p.accountSeals(ctx, keys)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		// Of a seal's key the counter tells more than its block.
		if seals[g.KeyID] {
			continue
		}
		if err := p.unaccounted(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// accountSeals compares the counter of each seal's key with its acts, and gives
// the ids of those keys.
func (p *Province) accountSeals(ctx context.Context, keys *softkey.Store) (map[string]bool, error) {
	seen := map[string]bool{}
	err := p.everyEdition(ctx, func(s seal.Seal, keyID string) error {
		seen[keyID] = true
		return p.accountSeal(ctx, keys, s, keyID)
	})
	return seen, err
}

// accountSeal looks at the key of one edition.
func (p *Province) accountSeal(ctx context.Context, keys *softkey.Store, s seal.Seal, id string) error {
	key, err := keys.Key(ctx, id)
	if errors.Is(err, hsm.ErrNotFound) {
		// The seal cannot stamp; the others can.
		p.o.Log.Error("the key of a seal is missing", "seal", s.ID)
		return nil
	}
	if err != nil {
		return err
	}
	told, err := p.Store.Seals().Accounted(ctx, id)
	if err != nil {
		return err
	}
	used := key.Info().Uses
	if used < told {
		// An older copy of the keys, or a second one that signs elsewhere.
		p.o.Log.Error("a key's counter of uses stands behind its acts", "seal", s.ID, "uses", used, "acts", told)
	}
	if used <= told {
		return nil
	}
	return p.unaccounted(ctx, softkey.UseGap{KeyID: id, N: used - told})
}

func (p *Province) unaccounted(ctx context.Context, g softkey.UseGap) error {
	a, err := act.New(p.o.Clock(), p.o.Rand, seal.ActUnaccounted, g.KeyID, g)
	if err != nil {
		return err
	}
	return p.Store.Seals().CommitUnaccounted(ctx, a, g.KeyID, g.N)
}
