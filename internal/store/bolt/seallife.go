package bolt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/seal"
)

var (
	bucketSealSteps = []byte("seal_steps") // seal id, act id -> nothing
	bucketSealCerts = []byte("seal_certs") // certificate's serial -> seal id
	bucketSealUses  = []byte("seal_uses")  // request's id -> id of the stamp that used it up
)

func stepKey(id string, step act.ID) []byte { return append([]byte(id), step[:]...) }

func (s sealStore) SealByCertificate(_ context.Context, serial string) (out seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id := tx.Bucket(bucketSealCerts).Get([]byte(serial))
		if id == nil {
			return seal.ErrNotFound
		}
		out, err = sealAt(&s.rows, reader(tx), string(id))
		return err
	})
	return out, err
}

func (s sealStore) History(_ context.Context, id string) (out []seal.Step, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketSeals).Get([]byte(id)) == nil {
			return seal.ErrNotFound
		}
		prefix := []byte(id)
		cursor := tx.Bucket(bucketSealSteps).Cursor()
		for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
			step, err := stepAt(tx, key[len(prefix):])
			if err != nil {
				return fmt.Errorf("a step of seal %s: %w", id, err)
			}
			out = append(out, step)
		}
		// Ids of one millisecond are in no order.
		slices.SortFunc(out, func(a, b seal.Step) int { return cmp.Compare(a.Index, b.Index) })
		return nil
	})
	return out, err
}

func stepAt(tx *bbolt.Tx, id []byte) (seal.Step, error) {
	leaf, record, index, err := splitAct(tx.Bucket(bucketActs).Get(id))
	if err != nil {
		return seal.Step{}, err
	}
	l, err := act.ParseLeaf(leaf)
	if err != nil {
		return seal.Step{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	var c seal.Change
	if err := act.Decode(record, &c); err != nil {
		return seal.Step{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	utc(&c.At)
	utcSeal(&c.Seal)
	if c.Grant != nil {
		utcGrant(c.Grant)
	}
	return seal.Step{Act: act.ID(id), Index: index, Name: l.Act, At: c.At, Who: c.Who, Why: c.Why, Request: c.Request, Approved: c.Approved, Grant: c.Grant, Seal: c.Seal}, nil
}

func (s sealStore) CommitApplied(ctx context.Context, a act.Act) error { return s.Commit(ctx, a) }

func (s sealStore) Applied(ctx context.Context, id act.ID) (out seal.AskedMake, err error) {
	leaf, record, _, err := s.Act(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return out, seal.ErrNotFound
	}
	if err != nil {
		return out, err
	}
	if l, err := act.ParseLeaf(leaf); err != nil || l.Act != seal.ActApplied {
		return out, seal.ErrNotFound
	}
	if err := act.Decode(record, &out); err != nil {
		return out, fmt.Errorf("%w: an application for a seal: %w", ErrCorrupt, err)
	}
	return out, nil
}

// useAt reads a request for one use of a seal, and whether it was made.
func useAt(get func(bucket, key []byte) []byte, id act.ID) (u seal.Use, err error) {
	r, err := requestAt(get(bucketRequests, id[:]))
	if errors.Is(err, approval.ErrNotFound) || err == nil && r.Kind != seal.KindUse {
		return u, seal.ErrNotFound
	}
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(r.Content, &u.AskedUse); err != nil {
		return u, fmt.Errorf("%w: a use of a seal: %w", ErrCorrupt, err)
	}
	u.ID, u.Agency, u.Approved = id, r.Agency, r.State == approval.StateApproved
	if r.Decided != nil {
		u.By, u.Decided = r.Decided.By, r.Decided.At
	}
	copy(u.Spent[:], get(bucketSealUses, id[:]))
	return u, nil
}

func (s sealStore) Use(_ context.Context, id act.ID) (u seal.Use, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		u, err = useAt(reader(tx), id)
		return err
	})
	return u, err
}
