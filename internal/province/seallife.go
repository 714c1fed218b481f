package province

import (
	"context"
	"fmt"

	"yinxin/ca/approval"
	"yinxin/seal"
)

// leave is what a second officer's approval is to the seal office.
func leave(r approval.Request) seal.Leave {
	l := seal.Leave{Request: r.ID.String(), Retry: r.Retry()}
	if r.Decided != nil {
		l.By = r.Decided.By.String()
	}
	return l
}

// carried does what the content of a request asks the seal office for.
func carried[T any](ctx context.Context, r approval.Request, do func(context.Context, T, seal.Leave) (seal.Seal, error)) (approval.Made, error) {
	var asked T
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	s, err := do(ctx, asked, leave(r))
	return approval.Made{Ref: s.ID, Answer: s}, err
}

func (p *Province) changeAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	if err := p.active(ctx, r.Agency); err != nil {
		return approval.Made{}, err
	}
	return carried(ctx, r, p.Seals.ChangeAsked)
}

func (p *Province) cancelAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	return carried(ctx, r, p.Seals.CancelAsked)
}

func (p *Province) destroyAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	return carried(ctx, r, p.Seals.DestroyAsked)
}

func (p *Province) grantAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	return carried(ctx, r, p.Seals.GrantAsked)
}

// RequestedPicture gives what an officer must see before a seal is made or changed:
// the request has only its SM3.
func (p *Province) RequestedPicture(ctx context.Context, r approval.Request) ([]byte, error) {
	switch r.Kind {
	case seal.KindMake:
		var asked seal.AskedMake
		if err := approval.Content(r, &asked); err != nil {
			return nil, err
		}
		return p.Seals.Picture(ctx, asked.Picture)
	case seal.KindChange:
		var asked seal.AskedChange
		if err := approval.Content(r, &asked); err != nil {
			return nil, err
		}
		return p.Seals.Picture(ctx, asked.Picture)
	}
	return nil, fmt.Errorf("%w: a request of kind %s has no picture", approval.ErrRefused, r.Kind)
}

// useApproved: nothing is carried out; the stamp that names the request uses it up.
func (p *Province) useApproved(_ context.Context, r approval.Request) (approval.Made, error) {
	return approval.Made{Ref: r.ID.String(), Answer: nil}, nil
}
