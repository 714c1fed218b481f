package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal/batch"
)

var (
	bucketJobs      = []byte("stamp_jobs")        // job id -> job
	bucketJobAgency = []byte("stamp_jobs_agency") // USCC, 0, job id -> nothing
	bucketJobItems  = []byte("stamp_job_items")   // job id, number -> item
	bucketJobNames  = []byte("stamp_job_names")   // job id, SM3 of the name -> number

	batchBuckets = [][]byte{bucketJobs, bucketJobAgency, bucketJobItems, bucketJobNames}
)

// Batches gives the batches their store.
func (db *DB) Batches() batch.Store { return batchStore{db} }

type batchStore struct{ *DB }

var _ batch.Store = batchStore{}

func itemKey(id act.ID, n int) []byte {
	return binary.BigEndian.AppendUint32(id[:len(id):len(id)], uint32(n))
}

func nameKey(id act.ID, name string) []byte {
	sum := sm3.Sum([]byte(name))
	return append(id[:len(id):len(id)], sum[:]...)
}

func decodeJob(value []byte) (j batch.Job, err error) {
	if value == nil {
		return j, batch.ErrNotFound
	}
	if err := act.Decode(value, &j); err != nil {
		return j, fmt.Errorf("%w: a job: %w", ErrCorrupt, err)
	}
	utc(&j.Made, &j.Started, &j.Ended)
	return j, nil
}

func decodeItem(value []byte) (i batch.Item, err error) {
	if value == nil {
		return i, batch.ErrNotFound
	}
	if err := act.Decode(value, &i); err != nil {
		return i, fmt.Errorf("%w: a document of a job: %w", ErrCorrupt, err)
	}
	utc(&i.SealedAt)
	return i, nil
}

func (tx *Tx) job(id act.ID) (batch.Job, error) { return decodeJob(tx.get(bucketJobs, id[:])) }

func (tx *Tx) putRow(bucket, key []byte, row any) error {
	value, err := act.Encode(row)
	if err != nil {
		return err
	}
	return tx.put(bucket, key, value)
}

func (tx *Tx) putJob(j batch.Job) error { return tx.putRow(bucketJobs, j.ID[:], j) }

func (tx *Tx) putItem(id act.ID, i batch.Item) error {
	return tx.putRow(bucketJobItems, itemKey(id, i.N), i)
}

func (s batchStore) CommitJob(ctx context.Context, a act.Act, j batch.Job) error {
	return s.commit(ctx, func(tx *Tx) error {
		kept, open := 0, 0
		cursor, prefix := tx.bucket(bucketJobAgency).Cursor(), useKey(j.Agency, nil)
		for key, _ := cursor.Seek(prefix); len(key) == len(prefix)+len(j.ID) && string(key[:len(prefix)]) == string(prefix); key, _ = cursor.Next() {
			other, err := tx.job(act.ID(key[len(prefix):]))
			if err != nil {
				return err
			}
			if kept++; !other.Over() {
				open++
			}
		}
		switch {
		case open >= batch.MaxJobs:
			return fmt.Errorf("%w: the agency has %d jobs that are not over; start or cancel them", batch.ErrFull, open)
		case kept >= batch.MaxKept:
			return fmt.Errorf("%w: the agency has %d jobs; each is kept until %d days after its end", batch.ErrFull, kept, int(batch.Kept/(24*time.Hour)))
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.put(bucketJobAgency, useKey(j.Agency, j.ID[:]), nil); err != nil {
			return err
		}
		return tx.putJob(j)
	})
}

func (s batchStore) Job(_ context.Context, id act.ID) (j batch.Job, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		j, err = decodeJob(tx.Bucket(bucketJobs).Get(id[:]))
		return err
	})
	return j, err
}

func (s batchStore) Jobs(_ context.Context, agency, cursor string, limit int) (rows []batch.Job, next string, err error) {
	p, err := pageOf(bucketJobs, bucketJobAgency, agency, cursor, limit)
	if err != nil {
		return nil, "", batch.ErrNotFound
	}
	err = s.view(func(tx *bbolt.Tx) error {
		rows, next, err = listed(tx, p, decodeJob, func(batch.Job) bool { return true })
		return err
	})
	return rows, next, err
}

func (s batchStore) AddItems(ctx context.Context, id act.ID, items []batch.Item) (out batch.Job, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		j, err := tx.job(id)
		if err != nil {
			return err
		}
		if j.State != batch.Open {
			return fmt.Errorf("%w: it is %s and takes no documents", batch.ErrState, j.State)
		}
		fresh, err := tx.fresh(j, items)
		if err != nil {
			return err
		}
		for _, i := range fresh {
			j.Items++
			j.Bytes += i.Size
			i.N = j.Items
			if !slices.Contains(j.Files, i.File) {
				j.Files = append(j.Files, i.File)
			}
			if err := tx.put(bucketJobNames, nameKey(id, i.Name), indexKey(uint64(i.N))); err != nil {
				return err
			}
			if err := tx.putItem(id, i); err != nil {
				return err
			}
		}
		out = j
		if len(fresh) == 0 {
			return nil
		}
		return tx.putJob(j)
	})
	return out, err
}

// fresh are those that the job does not have; it makes every check before the first
// put.
func (tx *Tx) fresh(j batch.Job, items []batch.Item) (fresh []batch.Item, err error) {
	named := map[string][32]byte{}
	for _, i := range items {
		sum, known := named[i.Name]
		if n := tx.get(bucketJobNames, nameKey(j.ID, i.Name)); !known && n != nil {
			earlier, err := decodeItem(tx.get(bucketJobItems, itemKey(j.ID, int(number(n)))))
			if err != nil {
				return nil, err
			}
			sum, known = earlier.SM3, true
		}
		switch {
		case known && sum != i.SM3:
			return nil, fmt.Errorf("%w: %q", batch.ErrNameTaken, i.Name)
		case known:
			continue
		}
		named[i.Name], fresh = i.SM3, append(fresh, i)
	}
	if j.Items+len(fresh) > batch.MaxItems {
		return nil, fmt.Errorf("%w: a job has at most %d documents", batch.ErrFull, batch.MaxItems)
	}
	return fresh, nil
}

func (s batchStore) Item(_ context.Context, id act.ID, n int) (i batch.Item, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		i, err = decodeItem(tx.Bucket(bucketJobItems).Get(itemKey(id, n)))
		return err
	})
	return i, err
}

func (s batchStore) ItemNamed(_ context.Context, id act.ID, name string) (i batch.Item, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n := tx.Bucket(bucketJobNames).Get(nameKey(id, name))
		if n == nil {
			return batch.ErrNotFound
		}
		i, err = decodeItem(tx.Bucket(bucketJobItems).Get(itemKey(id, int(number(n)))))
		return err
	})
	return i, err
}

func (s batchStore) Items(_ context.Context, id act.ID, state batch.ItemState, after, limit int) (out []batch.Item, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachItem(tx.Bucket(bucketJobItems), id, after, func(i batch.Item) bool {
			if state == "" || i.State == state {
				out = append(out, i)
			}
			return len(out) < limit
		})
	})
	return out, err
}

// eachItem goes through the items of a job after a number, as long as do wants more.
func eachItem(b *bbolt.Bucket, id act.ID, after int, do func(batch.Item) bool) error {
	cursor := b.Cursor()
	for key, value := cursor.Seek(itemKey(id, after+1)); len(key) > len(id) && act.ID(key[:len(id)]) == id; key, value = cursor.Next() {
		i, err := decodeItem(value)
		if err != nil {
			return err
		}
		if !do(i) {
			return nil
		}
	}
	return nil
}
