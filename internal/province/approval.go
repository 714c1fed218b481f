package province

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/escrow"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// wireEscrow opens the key centre, tells the office of the second officer how
// each kind of request is carried out, and lets both settle what an earlier
// process left.
func (p *Province) wireEscrow(ctx context.Context) (err error) {
	keys, ok := p.Keys.(escrow.Keystore)
	if !ok {
		return errors.New("the key store cannot hand encryption keys over, which a key centre must")
	}
	o := p.o
	if p.Escrow, err = escrow.New(escrow.Config{Store: p.Store.Escrow(), CA: p.CA, Keys: keys, Gate: p.Approvals, Clock: o.Clock, Rand: o.Rand, Log: o.Log}); err != nil {
		return err
	}
	for _, profile := range ca.Issuable() {
		p.Approvals.Handle(ca.KindIssue(profile), approval.Handler{Scope: agency.ScopeCertificateApprove, Do: p.issueAsked, Final: final})
	}
	p.Approvals.Handle(seal.KindMake, approval.Handler{Under: ca.KindIssue(ca.ProfileAgencySeal), Scope: agency.ScopeCertificateApprove, Do: p.makeAsked, Final: final})
	for kind, do := range map[string]func(context.Context, approval.Request) (approval.Made, error){
		seal.KindChange: p.changeAsked, seal.KindCancel: p.cancelAsked, seal.KindDestroy: p.destroyAsked, seal.KindGrant: p.grantAsked} {
		p.Approvals.Handle(kind, approval.Handler{Scope: agency.ScopeSealApprove, Do: do, Final: final})
	}
	p.Approvals.Handle(seal.KindUse, approval.Handler{Always: true, Scope: agency.ScopeSealApprove, Do: p.useApproved, Final: final})
	p.Approvals.Handle(ca.KindRevokeCA, approval.Handler{Officers: true, Scope: agency.ScopeAdmin, Do: p.revokeAsked, Final: final})
	p.Approvals.Handle(ca.KindRenewCA, approval.Handler{Officers: true, Scope: agency.ScopeAdmin, Do: p.renewAsked, Final: final})
	p.Approvals.Handle(ca.KindProfile, approval.Handler{Officers: true, Scope: agency.ScopeAdmin, Do: p.setProfileAsked, Final: final})
	p.Approvals.Handle(escrow.KindRecover, approval.Handler{Always: true, Officers: true, Scope: agency.ScopeEscrowRecover, Do: p.recoverAsked, Final: final})
	if err := p.Seals.Init(ctx); err != nil {
		return fmt.Errorf("keys of seals that have ended: %w", err)
	}
	if err := p.Escrow.Init(ctx); err != nil {
		return fmt.Errorf("pairs of an earlier process: %w", err)
	}
	if err := p.Approvals.Init(ctx); err != nil {
		return fmt.Errorf("requests of an earlier process: %w", err)
	}
	return nil
}

// final are the refusals of the offices, which no retry changes.
func final(err error) bool {
	for _, rule := range []error{ca.ErrRefused, ca.ErrBadRequest, ca.ErrKeyTaken, ca.ErrKeyCompromised, ca.ErrNotFound, ca.ErrTwinned, agency.ErrClosed, agency.ErrNotFound,
		approval.ErrRefused, escrow.ErrRefused, escrow.ErrNotFound, seal.ErrRefused, seal.ErrTaken} {
		if errors.Is(err, rule) {
			return true
		}
	}
	return false
}

// active refuses an agency that was closed since it asked.
func (p *Province) active(ctx context.Context, id string) error {
	a, err := p.Agencies.Show(ctx, id)
	if err == nil && a.State != agency.Active {
		err = agency.ErrClosed
	}
	return err
}

func (p *Province) issueAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked ca.AskedIssue
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	if err := p.active(ctx, asked.Agency); err != nil {
		return approval.Made{}, err
	}
	if asked.Replaces != "" && !asked.Dual {
		row, err := p.CA.RenewCertificate(ctx, asked.Renewal(r.Retry()))
		return approval.Made{Ref: row.Serial, Answer: row}, err
	}
	if !asked.Dual {
		row, err := p.CA.Issue(ctx, asked.Request(r.Retry()))
		return approval.Made{Ref: row.Serial, Answer: row}, err
	}
	pair, err := p.Escrow.Issue(ctx, asked.Request(r.Retry()))
	if err != nil {
		return approval.Made{}, err
	}
	issued, err := p.Escrow.Issued(ctx, pair)
	return approval.Made{Ref: pair.ID.String(), Answer: issued}, err
}

func (p *Province) makeAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked seal.AskedMake
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	if err := p.active(ctx, asked.Agency); err != nil {
		return approval.Made{}, err
	}
	s, err := p.Seals.MakeAsked(ctx, asked, leave(r))
	return approval.Made{Ref: s.ID, Answer: s}, err
}

func (p *Province) revokeAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked ca.AskedRevocation
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	if c := asked.Compromise; c != nil {
		done, err := p.RevokeBehind(ctx, c.Suspect, asked.Who, asked.Why)
		done.Serials = nil // the act has them; an answer of a hundred thousand helps nobody
		return approval.Made{Ref: asked.Serial, Answer: done}, err
	}
	row, err := p.CA.Revoke(ctx, asked.Request())
	if errors.Is(err, ca.ErrRevoked) { // by an earlier try, or by someone else: it is what was wanted
		row, err = p.CA.Certificate(ctx, asked.Serial)
	}
	return approval.Made{Ref: row.Serial, Answer: row}, err
}

func (p *Province) renewAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked ca.AskedCA
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	row, err := p.CA.RenewOwn(ctx, asked.Renewal(r.Retry()))
	return approval.Made{Ref: row.Serial, Answer: row}, err
}

func (p *Province) setProfileAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked ca.AskedProfile
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	err := p.CA.SetProfile(ctx, asked.Change())
	return approval.Made{Ref: asked.Name, Answer: asked}, err
}

func (p *Province) recoverAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	done, err := p.Escrow.CarryOut(ctx, r)
	return approval.Made{Ref: done.Serial, Answer: done}, err
}

// settleEvery is how often requests are looked through: for what has expired,
// and for what a full disk kept from being carried out.
const settleEvery = time.Minute

func (p *Province) settle(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := p.Approvals.Settle(ctx); err != nil {
				p.o.Log.Error("requests were not settled", "error", err)
			}
		}
	}
}
