package bolt

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
)

// Tx is an act's view of the batch's transaction.
type Tx struct {
	bolt  *bbolt.Tx
	wrote bool
	acts  []act.ID // that were put
	rows  *rowCache
}

func (tx *Tx) bucket(name []byte) *bbolt.Bucket { return tx.bolt.Bucket(name) }

func (tx *Tx) get(bucket, key []byte) []byte { return tx.bucket(bucket).Get(key) }

func (tx *Tx) put(bucket, key, value []byte) error {
	tx.wrote = true
	return tx.bucket(bucket).Put(key, value)
}

func (tx *Tx) delete(bucket, key []byte) error {
	tx.wrote = true
	return tx.bucket(bucket).Delete(key)
}

// next gives 1, 2, 3, ... from a bucket's own counter.
func (tx *Tx) next(bucket []byte) (uint64, error) {
	tx.wrote = true
	return tx.bucket(bucket).NextSequence()
}

// retryFree is the check to make before the first put of an act that carries
// an idempotency key.
func (tx *Tx) retryFree(a act.Act) error {
	if a.Retry == nil {
		return nil
	}
	if _, taken := doneAt(tx.bolt, a.Retry.Slot(), time.UnixMilli(a.Leaf.Time)); taken {
		return ErrRetryTaken
	}
	return nil
}

// act stores the record, the leaf at the next index of the journal and the
// idempotency key. There is one writer, so the journal's order is the order of
// the commits and no leaf ever waits without an index.
func (tx *Tx) act(a act.Act) error {
	if err := tx.retryFree(a); err != nil {
		return err
	}
	leaf, err := a.Leaf.Encode()
	if err != nil {
		return err
	}
	if tx.get(bucketActs, a.ID[:]) != nil {
		return fmt.Errorf("act %s exists already", a.ID)
	}
	next, err := tx.next(bucketLeaves)
	if err != nil {
		return err
	}
	index := next - 1
	value := make([]byte, 0, actHeader+len(leaf)+len(a.Record))
	value = binary.BigEndian.AppendUint64(value, index)
	value = binary.BigEndian.AppendUint16(value, uint16(len(leaf)))
	value = append(append(value, leaf...), a.Record...)
	acts, leaves := tx.bucket(bucketActs), tx.bucket(bucketLeaves)
	acts.FillPercent, leaves.FillPercent = appended, appended
	if err := acts.Put(a.ID[:], value); err != nil {
		return err
	}
	tx.acts = append(tx.acts, a.ID)
	hash := act.LeafHash(leaf)
	if err := leaves.Put(indexKey(index), append(a.ID[:len(a.ID):len(a.ID)], hash[:]...)); err != nil {
		return err
	}
	if a.Retry == nil {
		return nil
	}
	slot, bucket := a.Retry.Slot(), bucketRetries
	if a.Retry.Lasting {
		bucket = bucketLasting
	}
	return tx.put(bucket, slot[:], append(a.Retry.Request[:len(a.Retry.Request):len(a.Retry.Request)], a.ID[:]...))
}

// appended is the fill of pages whose keys only rise: half-empty pages would
// never be filled later.
const appended = 0.95

func indexKey(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }
