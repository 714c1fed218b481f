package license

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yinxin/certs"
	"yinxin/license/statuslist"
	"yinxin/verify/status"
)

// answerLife is how long an answer or a list may be shown: a licence's state must
// be of today (protocol.md 4).
const answerLife = 24 * time.Hour

// list is a shard's signed list as made last.
type list struct {
	signed  []byte
	at      time.Time
	changes uint64
	by      *certs.Certificate
}

// Status gives the signed answer for an identifier (protocol.md 5); for one that
// the register does not know its state is unknown.
func (o *Office) Status(ctx context.Context, id, nonce string) ([]byte, error) {
	now := o.now()
	s := status.LicenceStatus{Head: status.Head{Iss: o.c.Region, Iat: now, Exp: now.Add(answerLife)}, Identifier: id, State: status.LicenceUnknown, AsOf: now, Nonce: nonce}
	l, err := o.c.Store.Licence(ctx, id)
	switch {
	case err == nil:
		s.State, s.StateSince, s.Version = l.State, l.StateSince, l.Version
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	by, err := o.c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("licence status: %w", err)
	}
	return certs.SignStatement(ctx, certs.TypeLicenceStatus, s, by.Certificate, by.Signer)
}

// StatusList gives the signed list of a shard. It is made anew when a state in it
// changed or a minute went by.
func (o *Office) StatusList(ctx context.Context, shard uint32) ([]byte, error) {
	states, changes, err := o.c.Store.Shard(ctx, shard)
	if err != nil {
		return nil, err
	}
	by, err := o.c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("status list: %w", err)
	}
	now := o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if last, ok := o.lists[shard]; ok && last.by.Equal(by.Certificate) && last.changes == changes && !now.Before(last.at) && now.Sub(last.at) < listEvery {
		return last.signed, nil
	}
	bits, err := statuslist.Pack(states)
	if err != nil {
		return nil, err
	}
	number, err := o.c.Store.NextListNumber(ctx, shard)
	if err != nil {
		return nil, err
	}
	l := status.StatusList{Head: status.Head{Iss: o.c.Region, Iat: now, Exp: now.Add(answerLife)}, Shard: shard, Number: number, AsOf: now, Count: status.ShardSize, Bits: bits}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	signed, err := certs.SignStatement(ctx, certs.TypeStatusList, l, by.Certificate, by.Signer)
	if err != nil {
		return nil, err
	}
	o.lists[shard] = list{signed, now, changes, by.Certificate}
	return signed, nil
}

// listEvery is how long a list without changes is served.
const listEvery = time.Minute
