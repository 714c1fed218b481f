package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

var (
	bucketRequests      = []byte("requests")        // act id -> request
	bucketRequestAgency = []byte("requests_agency") // USCC, 0, act id -> nothing
	bucketRequestsOpen  = []byte("requests_open")   // 0, act id -> nothing: unsettled; 1, USCC, 0, act id -> nothing: pending
	bucketRules         = []byte("approval_rules")  // kind -> rule

	approvalBuckets = [][]byte{bucketRequests, bucketRequestAgency, bucketRequestsOpen, bucketRules}
)

// Approvals gives the office of the second officer its store.
func (db *DB) Approvals() approval.Store { return approvalStore{db} }

type approvalStore struct{ *DB }

var _ approval.Store = approvalStore{}

func (s approvalStore) CommitAsked(ctx context.Context, a act.Act, r approval.Request, scope string) error {
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.retryFree(a); err != nil {
			return err
		}
		if err := tx.asker(r, scope, time.UnixMilli(a.Leaf.Time)); err != nil {
			return err
		}
		if tx.pendingOf(r.Agency) >= approval.MaxPending {
			return approval.ErrTooMany
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.put(bucketRequestAgency, ofAgency(r.Agency, r.ID), nil); err != nil {
			return err
		}
		return tx.putRequest(r)
	})
}

// asker is officer for who asks, who may be a program with a client certificate.
func (tx *Tx) asker(r approval.Request, scope string, at time.Time) error {
	if r.By.Certificate == "" {
		return tx.officer(r.By, r.Agency, scope, at)
	}
	owner, err := agencyAt(tx.rows, tx.bucket(bucketAgencies), r.By.Agency)
	switch {
	case errors.Is(err, agency.ErrNotFound):
		return approval.ErrNoRight
	case err != nil:
		return err
	case owner.State != agency.Active, r.By.KeyID != "", !r.By.Unverified, scope != "", r.Agency != r.By.Agency:
		return approval.ErrNoRight
	}
	return nil
}

// officer asks whether a key is in force, is the one's who used it, holds the
// scope and acts for the agency; "" asks for no scope and for no agency.
func (tx *Tx) officer(o act.Officer, of, scope string, at time.Time) error {
	k, err := keyAt(tx.rows, tx.bucket(bucketKeys), o.KeyID)
	if errors.Is(err, agency.ErrNotFound) {
		return approval.ErrNoRight
	}
	if err != nil {
		return err
	}
	owner, err := agencyAt(tx.rows, tx.bucket(bucketAgencies), k.Agency)
	if err != nil {
		return err
	}
	c := agency.Caller{Agency: k.Agency, Scopes: k.Scopes}
	switch {
	case !k.InForce(at), owner.State != agency.Active, k.Agency != o.Agency, k.Officer != "" && k.Officer != o.Name:
		return approval.ErrNoRight
	case o.Certificate != "", k.Officer != "" && o.Unverified, k.Officer == "" && o.Name != "" && !o.Unverified:
		return approval.ErrNoRight // a name is verified by the register alone
	case scope != "" && k.Officer == "":
		return fmt.Errorf("%w: the key is a program's, and an officer's is needed", approval.ErrNoRight)
	case scope != "" && !c.May(scope):
		return fmt.Errorf("%w: it lacks the scope %s", approval.ErrNoRight, scope)
	case of != "" && !c.ActsFor(of):
		return fmt.Errorf("%w: it does not act for agency %s", approval.ErrNoRight, of)
	}
	return nil
}

func ofAgency(owner string, id act.ID) []byte { return append([]byte(owner+"\x00"), id[:]...) }

var unsettled, pendingMark = []byte{0}, []byte{1}

func (tx *Tx) pendingOf(owner string) (n int) {
	prefix := append(bytes.Clone(pendingMark), owner+"\x00"...)
	cursor := tx.bucket(bucketRequestsOpen).Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix) && n < approval.MaxPending; key, _ = cursor.Next() {
		n++
	}
	return n
}

// putRequest writes a request as it stands and what the indexes say of it.
func (tx *Tx) putRequest(r approval.Request) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	if err := tx.put(bucketRequests, r.ID[:], value); err != nil {
		return err
	}
	mark := func(key []byte, there bool) error {
		if there {
			return tx.put(bucketRequestsOpen, key, nil)
		}
		return tx.delete(bucketRequestsOpen, key)
	}
	pending := r.State == approval.StatePending
	if err := mark(append(bytes.Clone(unsettled), r.ID[:]...), pending || r.State == approval.StateApproved && r.Outcome == nil); err != nil {
		return err
	}
	return mark(append(bytes.Clone(pendingMark), ofAgency(r.Agency, r.ID)...), pending)
}

// change commits an act that makes another request of one that is there.
func (s approvalStore) change(ctx context.Context, a act.Act, id act.ID, next func(tx *Tx, r approval.Request) (approval.Request, error)) (out approval.Request, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		r, err := requestAt(tx.get(bucketRequests, id[:]))
		if err != nil {
			return err
		}
		if out, err = next(tx, r); err != nil {
			return err
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.putRequest(out)
	})
	return out, err
}

func (s approvalStore) CommitDecision(ctx context.Context, a act.Act, id act.ID, d approval.Decision, scope string) (approval.Request, error) {
	return s.change(ctx, a, id, func(tx *Tx, r approval.Request) (approval.Request, error) {
		next, err := r.Decide(d)
		if err != nil {
			return r, err
		}
		of := r.Agency
		if d.State == approval.StateWithdrawn {
			scope, of = "", ""
		}
		return next, tx.officer(d.By, of, scope, time.UnixMilli(a.Leaf.Time))
	})
}

func (s approvalStore) CommitExpired(ctx context.Context, a act.Act, id act.ID, at time.Time) (approval.Request, error) {
	return s.change(ctx, a, id, func(_ *Tx, r approval.Request) (approval.Request, error) {
		if !r.Over(at) {
			return r, approval.ErrDecided
		}
		r.State, r.Decided = approval.StateExpired, &approval.Decision{State: approval.StateExpired, At: at}
		return r, nil
	})
}

func (s approvalStore) CommitOutcome(ctx context.Context, a act.Act, id act.ID, o approval.Outcome) (approval.Request, error) {
	return s.change(ctx, a, id, func(_ *Tx, r approval.Request) (approval.Request, error) {
		if r.State != approval.StateApproved || r.Outcome != nil {
			return r, approval.ErrDecided
		}
		r.Outcome = &o
		return r, nil
	})
}

func requestAt(value []byte) (r approval.Request, err error) {
	if value == nil {
		return r, approval.ErrNotFound
	}
	if err := act.Decode(value, &r); err != nil {
		return r, fmt.Errorf("%w: a request: %w", ErrCorrupt, err)
	}
	utc(&r.At, &r.Expires)
	if r.Decided != nil {
		utc(&r.Decided.At)
	}
	if r.Outcome != nil {
		utc(&r.Outcome.At)
	}
	return r, nil
}

func (s approvalStore) Request(_ context.Context, id act.ID) (r approval.Request, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		r, err = requestAt(tx.Bucket(bucketRequests).Get(id[:]))
		return err
	})
	return r, err
}

// Requests reads the agency's index, or the requests themselves for all.
func (s approvalStore) Requests(_ context.Context, f approval.Filter) (out []approval.Request, next string, err error) {
	p, err := pageOf(bucketRequests, bucketRequestAgency, f.Agency, f.Cursor, f.Limit)
	if err != nil {
		return nil, "", approval.ErrNotFound
	}
	err = s.view(func(tx *bbolt.Tx) error {
		out, next, err = listed(tx, p, requestAt, func(r approval.Request) bool {
			return (f.State == "" || r.State == f.State) && (f.Kind == "" || r.Kind == f.Kind)
		})
		return err
	})
	return out, next, err
}

func (s approvalStore) Unsettled(context.Context) (out []approval.Request, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketRequestsOpen).Cursor()
		for key, _ := cursor.Seek(unsettled); bytes.HasPrefix(key, unsettled); key, _ = cursor.Next() {
			r, err := requestAt(tx.Bucket(bucketRequests).Get(key[1:]))
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

func ruleAt(value []byte) (r approval.Rule, err error) {
	if value == nil {
		return r, nil
	}
	if err := act.Decode(value, &r); err != nil {
		return r, fmt.Errorf("%w: a rule: %w", ErrCorrupt, err)
	}
	utc(&r.At)
	return r, nil
}

func (s approvalStore) Rule(_ context.Context, kind string) (r approval.Rule, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		r, err = ruleAt(tx.Bucket(bucketRules).Get([]byte(kind)))
		return err
	})
	return r, err
}

func rulesIn(b *bbolt.Bucket) (out []approval.Rule, err error) {
	err = b.ForEach(func(_, value []byte) error {
		r, err := ruleAt(value)
		out = append(out, r)
		return err
	})
	return out, err
}

func (s approvalStore) Rules(context.Context) (out []approval.Rule, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, err = rulesIn(tx.Bucket(bucketRules))
		return err
	})
	return out, err
}

func (s approvalStore) CommitRule(ctx context.Context, a act.Act, r approval.Rule, scope string) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.retryFree(a); err != nil {
			return err
		}
		all, err := rulesIn(tx.bucket(bucketRules))
		if err != nil {
			return err
		}
		present := uint64(0)
		for _, other := range all {
			if other.Kind == r.Kind {
				present = other.Version
			}
			if other.SecondOfficer && r.Approved == (act.Officer{}) {
				return approval.ErrChanged
			}
		}
		if present+1 != r.Version {
			return approval.ErrChanged
		}
		// Of one that a second officer approved, the first need not be there still.
		if r.Approved == (act.Officer{}) {
			if err := tx.officer(r.By, "", scope, time.UnixMilli(a.Leaf.Time)); err != nil {
				return err
			}
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketRules, []byte(r.Kind), value)
	})
}
