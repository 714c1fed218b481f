package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify/status"
)

var (
	bucketLicenceTypes     = []byte("licence_types")     // code -> type
	bucketLicences         = []byte("licences")          // identifier -> licence
	bucketLicenceDocuments = []byte("licence_documents") // identifier -> sealed document
	bucketLicenceCodes     = []byte("licence_codes")     // verification code -> identifier
	bucketLicencePositions = []byte("licence_positions") // shard, position -> identifier; never reused
	bucketLicenceStates    = []byte("licence_states")    // shard, position -> state that is not valid
	bucketLicenceShards    = []byte("licence_shards")    // shard -> licences in it

	licenceBuckets = [][]byte{bucketLicenceTypes, bucketLicences, bucketLicenceDocuments, bucketLicenceCodes, bucketLicencePositions, bucketLicenceStates, bucketLicenceShards}
)

// Licences gives the licence office its store.
func (db *DB) Licences() license.Store { return licenceStore{db} }

type licenceStore struct{ *DB }

var _ license.Store = licenceStore{}

func (s licenceStore) CommitType(ctx context.Context, a act.Act, t license.Type) error {
	value, err := act.Encode(t)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketLicenceTypes, []byte(t.Code)) != nil {
			return license.ErrExists
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketLicenceTypes, []byte(t.Code), value)
	})
}

func (s licenceStore) Type(_ context.Context, code string) (t license.Type, err error) {
	err = s.view(func(tx *bbolt.Tx) error { return decodeLicence(tx.Bucket(bucketLicenceTypes).Get([]byte(code)), &t) })
	return t, err
}

func (s licenceStore) Types(context.Context) (out []license.Type, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketLicenceTypes).ForEach(func(_, value []byte) error {
			var t license.Type
			err := decodeLicence(value, &t)
			out = append(out, t)
			return err
		})
	})
	return out, err
}

func decodeLicence(value []byte, into any) error {
	if value == nil {
		return license.ErrNotFound
	}
	return act.Decode(value, into)
}

func positionKey(shard, position uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, shard), position)
}

func (s licenceStore) CommitIssue(ctx context.Context, a act.Act, l license.Licence, document []byte, c seal.Commit) error {
	value, err := act.Encode(l)
	if err != nil {
		return err
	}
	at, id := positionKey(l.Shard, l.Position), []byte(l.Identifier)
	return s.commit(ctx, func(tx *Tx) error {
		made, err := tx.guard(c.Guard, time.UnixMilli(c.Act.Leaf.Time))
		if err != nil {
			return err
		}
		if tx.get(bucketLicences, id) != nil || tx.get(bucketLicencePositions, at) != nil {
			return license.ErrTaken
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.stamp(c, made); err != nil {
			return err
		}
		used := number(tx.get(bucketLicenceShards, at[:4])) + 1
		for _, row := range []struct{ bucket, key, value []byte }{
			{bucketLicences, id, value}, {bucketLicenceDocuments, id, document}, {bucketLicenceCodes, []byte(l.Code), id},
			{bucketLicencePositions, at, id}, {bucketLicenceShards, at[:4], indexKey(used)},
		} {
			if err := tx.put(row.bucket, row.key, row.value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s licenceStore) CommitState(ctx context.Context, a act.Act, l license.Licence, before uint64) error {
	value, err := act.Encode(l)
	if err != nil {
		return err
	}
	nibble, ok := l.State.Nibble()
	if !ok {
		return fmt.Errorf("licence %s cannot be %q", l.Identifier, l.State)
	}
	at := positionKey(l.Shard, l.Position)
	return s.commit(ctx, func(tx *Tx) error {
		var present license.Licence
		if err := decodeLicence(tx.get(bucketLicences, []byte(l.Identifier)), &present); err != nil {
			return err
		}
		if present.Version != before {
			return license.ErrChanged
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if _, err := tx.count(fmt.Sprintf("licence-changes-%d", l.Shard)); err != nil {
			return err
		}
		if err := tx.put(bucketLicences, []byte(l.Identifier), value); err != nil {
			return err
		}
		if l.State == status.LicenceValid {
			return tx.delete(bucketLicenceStates, at)
		}
		return tx.put(bucketLicenceStates, at, []byte{nibble})
	})
}

func (s licenceStore) Licence(_ context.Context, identifier string) (l license.Licence, err error) {
	err = s.view(func(tx *bbolt.Tx) error { return decodeLicence(tx.Bucket(bucketLicences).Get([]byte(identifier)), &l) })
	return l, err
}

func (s licenceStore) Document(_ context.Context, identifier string) (doc []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if doc = bytes.Clone(tx.Bucket(bucketLicenceDocuments).Get([]byte(identifier))); doc == nil {
			return license.ErrNotFound
		}
		return nil
	})
	return doc, err
}

func (s licenceStore) ByCode(_ context.Context, code string) (l license.Licence, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id := tx.Bucket(bucketLicenceCodes).Get([]byte(code))
		if id == nil {
			return license.ErrNotFound
		}
		return decodeLicence(tx.Bucket(bucketLicences).Get(id), &l)
	})
	return l, err
}

func (s licenceStore) ByAct(ctx context.Context, id act.ID) (license.Licence, error) {
	leaf, record, _, err := s.Act(ctx, id)
	if errors.Is(err, ErrNotFound) {
		err = license.ErrNotFound
	}
	if err != nil {
		return license.Licence{}, err
	}
	var c license.Change
	if l, err := act.ParseLeaf(leaf); err != nil || l.Act != license.ActIssued {
		return license.Licence{}, license.ErrNotFound
	}
	if err := act.Decode(record, &c); err != nil {
		return license.Licence{}, err
	}
	return s.Licence(ctx, c.Licence.Identifier)
}

func (s licenceStore) Licences(_ context.Context, f license.Filter) (out []license.Licence, next string, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketLicences).Cursor()
		last, scanned := "", 0
		for key, value := cursor.Seek([]byte(f.Cursor)); key != nil; key, value = cursor.Next() {
			if string(key) == f.Cursor {
				continue
			}
			if len(out) == max(f.Limit, 1) || scanned == maxScan {
				next = last
				return nil
			}
			scanned++
			last = string(key)
			var one license.Licence
			if err := act.Decode(value, &one); err != nil {
				return err
			}
			if (f.Agency == "" || one.Agency == f.Agency) && (f.Type == "" || one.Type == f.Type) && (f.State == "" || one.State == f.State) {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, next, err
}

func (s licenceStore) OpenShard(context.Context) (shard uint32, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		key, used := tx.Bucket(bucketLicenceShards).Cursor().Last()
		if key == nil {
			return nil
		}
		shard = binary.BigEndian.Uint32(key)
		if number(used) >= status.ShardSize/2 {
			shard++
		}
		return nil
	})
	return shard, err
}

func (s licenceStore) Shard(_ context.Context, shard uint32) (states map[uint32]status.LicenceState, changes uint64, err error) {
	prefix := binary.BigEndian.AppendUint32(nil, shard)
	states = map[uint32]status.LicenceState{}
	err = s.view(func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketLicenceShards).Get(prefix) == nil {
			return license.ErrNotFound
		}
		changes = number(tx.Bucket(bucketCounters).Get(fmt.Appendf(nil, "licence-changes-%d", shard)))
		cursor := tx.Bucket(bucketLicenceStates).Cursor()
		for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			state, ok := status.LicenceState(""), false
			if len(key) == 8 && len(value) == 1 {
				state, ok = status.LicenceStateOf(value[0])
			}
			if !ok {
				return fmt.Errorf("%w: the state of a licence", ErrCorrupt)
			}
			states[binary.BigEndian.Uint32(key[4:])] = state
		}
		return nil
	})
	return states, changes, err
}

func (s licenceStore) NextListNumber(ctx context.Context, shard uint32) (n uint64, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		n, err = tx.count(fmt.Sprintf("status-list-%d", shard))
		return err
	})
	return n, err
}
