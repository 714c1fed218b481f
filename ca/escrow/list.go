package escrow

import (
	"context"
	"fmt"

	"yinxin/ca"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// Pair shows the pair that a certificate belongs to.
func (o *Office) Pair(ctx context.Context, serial string) (Pair, error) {
	return o.c.Store.PairOf(ctx, serial)
}

// Issued is a pair as its agency gets it.
type Issued struct {
	Pair         act.ID `json:"pairId"`
	Signing      ca.Row `json:"signing"`
	Encryption   ca.Row `json:"encryption"`
	EnvelopedKey []byte `json:"envelopedKey"` // SM2EnvelopedKey, DER
	Response     []byte `json:"response"`     // CSRResponse, DER: all of it
}

// Issued shows a delivered pair with its certificates.
func (o *Office) Issued(ctx context.Context, p Pair) (out Issued, err error) {
	if p.State != StateDelivered {
		return out, fmt.Errorf("%w: the pair is %s", ErrRefused, p.State)
	}
	out.Pair, out.Response = p.ID, p.Delivery.Response
	if _, out.EnvelopedKey, _, err = ParseResponse(out.Response); err != nil {
		return out, err
	}
	if out.Signing, err = o.c.CA.Certificate(ctx, p.Delivery.Signing); err != nil {
		return out, err
	}
	out.Encryption, err = o.c.CA.Certificate(ctx, p.Delivery.Encryption)
	return out, err
}

// maxPage bounds one page of a list.
const maxPage = 500

// Held is a pair with what hsm knows of its key.
type Held struct {
	Pair
	KeyState hsm.State `json:"keyState"`
	Uses     uint64    `json:"uses"` // deliveries, recoveries and decryptions
}

// List shows the keys that are kept, the retired ones too.
func (o *Office) List(ctx context.Context, f Filter) ([]Held, string, error) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	pairs, next, err := o.c.Store.Pairs(ctx, f)
	if err != nil {
		return nil, "", err
	}
	out := make([]Held, 0, len(pairs))
	for _, p := range pairs {
		k, err := o.c.Keys.Key(ctx, p.KeyID)
		if err != nil {
			return nil, "", err
		}
		out = append(out, Held{p, k.Info().State, k.Info().Uses})
	}
	return out, next, nil
}
