package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/seal"
)

var (
	bucketSealRequests = []byte("seal_requests")         // seal code -> request
	bucketSealPending  = []byte("seal_requests_pending") // agency, 0, seal code -> nothing
)

func awaitedKey(agency, id string) []byte { return []byte(agency + "\x00" + id) }

// awaited counts an agency's requests that wait, as far as the count is asked for.
func (tx *Tx) awaited(agency string) (n int) {
	prefix := awaitedKey(agency, "")
	cursor := tx.bucket(bucketSealPending).Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix) && n < seal.MaxPending; key, _ = cursor.Next() {
		n++
	}
	return n
}

func decodeSealRequest(value []byte) (r seal.Request, err error) {
	if err := act.Decode(value, &r); err != nil {
		return r, fmt.Errorf("%w: a request for a seal's certificate: %w", ErrCorrupt, err)
	}
	utc(&r.Made, &r.Withdrawn)
	return r, nil
}

func sealRequestAt(get func(bucket, key []byte) []byte, id string) (seal.Request, error) {
	value := get(bucketSealRequests, []byte(id))
	if value == nil {
		return seal.Request{}, seal.ErrNotFound
	}
	return decodeSealRequest(value)
}

// codeTaken tells whether a seal or a request has the code.
func (tx *Tx) codeTaken(code []byte) bool {
	return tx.get(bucketSeals, code) != nil || tx.get(bucketSealRequests, code) != nil
}

func (s sealStore) CommitRequest(ctx context.Context, a act.Act, r seal.Request) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	id, key := []byte(r.ID), r.KeySM3[:16]
	owner := []byte(ca.Intent{Profile: ca.ProfileAgencySeal, Agency: r.Agency, Subject: r.ID}.Owner())
	return s.commit(ctx, func(tx *Tx) error {
		if tx.codeTaken(id) {
			return seal.ErrTaken
		}
		if known := tx.get(bucketKeyOwners, key); known != nil && !bytes.Equal(known, owner) {
			return fmt.Errorf("%w: its key serves something else", seal.ErrTaken)
		}
		if tx.awaited(r.Agency) >= seal.MaxPending {
			return seal.ErrManyPending
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.put(bucketSealPending, awaitedKey(r.Agency, r.ID), nil); err != nil {
			return err
		}
		if err := tx.put(bucketKeyOwners, key, owner); err != nil {
			return err
		}
		if err := tx.account(r.KeyID, 1); err != nil {
			return err
		}
		return tx.put(bucketSealRequests, id, value)
	})
}

func (s sealStore) CommitImported(ctx context.Context, i seal.Imported) error {
	var row ca.Row
	if err := act.Decode(i.Entry.Record, &row); err != nil || row.Serial != i.Serial {
		return fmt.Errorf("the act %s enters no certificate %s", i.Entry.ID, i.Serial)
	}
	request, err := act.Encode(i.Request)
	if err != nil {
		return err
	}
	made, err := act.Encode(i.Seal)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		present, err := sealRequestAt(tx.get, i.Request.ID)
		switch {
		case err != nil:
			return err
		case present.Version+1 != i.Request.Version:
			return seal.ErrChanged
		case tx.get(bucketCertificates, []byte(i.Serial)) != nil, tx.get(bucketSeals, []byte(i.Seal.ID)) != nil:
			return seal.ErrTaken
		}
		if err := errors.Join(tx.act(i.Entry), tx.act(i.Made)); err != nil {
			return err
		}
		if err := tx.enterCertificate(i.Entry.ID, row); err != nil {
			return err
		}
		if err := tx.enterSeal(i.Made.ID, i.Seal, i.DER, made); err != nil {
			return err
		}
		return tx.answered(i.Request, request)
	})
}

// answered keeps a request that does not wait any more.
func (tx *Tx) answered(r seal.Request, value []byte) error {
	if err := tx.delete(bucketSealPending, awaitedKey(r.Agency, r.ID)); err != nil {
		return err
	}
	return tx.put(bucketSealRequests, []byte(r.ID), value)
}

func (s sealStore) CommitRecall(ctx context.Context, a act.Act, r seal.Request) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		present, err := sealRequestAt(tx.get, r.ID)
		if err != nil {
			return err
		}
		if present.Version+1 != r.Version {
			return seal.ErrChanged
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.answered(r, value)
	})
}

func (s sealStore) Request(_ context.Context, id string) (out seal.Request, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, err = sealRequestAt(reader(tx), id)
		return err
	})
	return out, err
}

func (s sealStore) RequestByAct(ctx context.Context, id act.ID) (seal.Request, error) {
	leaf, record, _, err := s.Act(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return seal.Request{}, seal.ErrNotFound
	}
	if err != nil {
		return seal.Request{}, err
	}
	if l, err := act.ParseLeaf(leaf); err != nil || l.Act != seal.ActRequested {
		return seal.Request{}, seal.ErrNotFound
	}
	return decodeSealRequest(record)
}

func (s sealStore) Requests(_ context.Context, agency, after string, limit int) (out []seal.Request, next string, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, next, err = byCode(tx, bucketSealRequests, after, limit, decodeSealRequest, func(r seal.Request) bool { return agency == "" || r.Agency == agency })
		return err
	})
	return out, next, err
}
