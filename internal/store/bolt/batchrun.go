package bolt

import (
	"context"
	"fmt"
	"time"

	"yinxin/internal/act"
	"yinxin/seal/batch"
)

// changeJob changes a job's row; change makes its checks before its first put.
func (s batchStore) changeJob(ctx context.Context, id act.ID, change func(tx *Tx, j *batch.Job) error) (out batch.Job, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		j, err := tx.job(id)
		if err != nil {
			return err
		}
		if err := change(tx, &j); err != nil {
			return err
		}
		out = j
		return tx.putJob(j)
	})
	return out, err
}

func (s batchStore) StartJob(ctx context.Context, id act.ID, by batch.By, now time.Time) (batch.Job, error) {
	return s.changeJob(ctx, id, func(_ *Tx, j *batch.Job) error {
		switch {
		case j.State == batch.Running:
			return nil
		case j.State != batch.Open:
			return fmt.Errorf("%w: it is %s", batch.ErrState, j.State)
		case j.Items == 0:
			return fmt.Errorf("%w: the job has no documents", batch.ErrRefused)
		}
		j.State, j.By, j.Started = batch.Running, by, now
		return nil
	})
}

func (s batchStore) Settle(ctx context.Context, id act.ID, outcomes []batch.Outcome, now time.Time) (batch.Job, error) {
	return s.changeJob(ctx, id, func(tx *Tx, j *batch.Job) error {
		for _, o := range outcomes {
			i, err := decodeItem(tx.get(bucketJobItems, itemKey(id, o.N)))
			if err != nil {
				return err
			}
			if i.State != batch.Queued {
				continue
			}
			if o.Stamp != nil {
				i.State, i.Stamp, i.Code, i.SealedAt = batch.Sealed, o.Stamp.ID, o.Stamp.Code, o.Stamp.SealedAt
				j.Sealed++
			} else {
				i.State, i.Problem = batch.Failed, o.Problem
				j.Failed++
			}
			if err := tx.putItem(id, i); err != nil {
				return err
			}
		}
		if j.State == batch.Running && j.Sealed+j.Failed == j.Items {
			j.State, j.Ended = batch.Done, now
		}
		return nil
	})
}

func (s batchStore) Requeue(ctx context.Context, id act.ID, by batch.By, now time.Time) (batch.Job, error) {
	return s.changeJob(ctx, id, func(tx *Tx, j *batch.Job) error {
		if j.State != batch.Done || j.Failed == 0 {
			return fmt.Errorf("%w: it is %s, and %d documents failed", batch.ErrState, j.State, j.Failed)
		}
		var failed []batch.Item
		err := eachItem(tx.bucket(bucketJobItems), id, 0, func(i batch.Item) bool {
			if i.State == batch.Failed {
				failed = append(failed, i)
			}
			return true
		})
		if err != nil {
			return err
		}
		for _, i := range failed {
			i.State, i.Problem = batch.Queued, nil
			if err := tx.putItem(id, i); err != nil {
				return err
			}
		}
		j.State, j.By, j.Failed, j.Started, j.Ended = batch.Running, by, 0, now, time.Time{}
		return nil
	})
}

func (s batchStore) CancelJob(ctx context.Context, a act.Act, id act.ID, now time.Time) (batch.Job, error) {
	return s.changeJob(ctx, id, func(tx *Tx, j *batch.Job) error {
		if j.Over() {
			return fmt.Errorf("%w: it is %s", batch.ErrState, j.State)
		}
		j.State, j.Ended = batch.Cancelled, now
		return tx.act(a)
	})
}

func (s batchStore) Forget(ctx context.Context, id act.ID, limit int) (more bool, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		more = false
		j, err := tx.job(id)
		if err != nil {
			return err
		}
		if j.State == batch.Running {
			return fmt.Errorf("%w: it is %s", batch.ErrState, j.State)
		}
		var old []batch.Item
		err = eachItem(tx.bucket(bucketJobItems), id, 0, func(i batch.Item) bool {
			if more = len(old) == limit; more {
				return false
			}
			old = append(old, i)
			return true
		})
		if err != nil {
			return err
		}
		for _, i := range old {
			if err := tx.delete(bucketJobItems, itemKey(id, i.N)); err != nil {
				return err
			}
			if err := tx.delete(bucketJobNames, nameKey(id, i.Name)); err != nil {
				return err
			}
		}
		if more {
			return nil
		}
		if err := tx.delete(bucketJobAgency, useKey(j.Agency, id[:])); err != nil {
			return err
		}
		return tx.delete(bucketJobs, id[:])
	})
	return more, err
}
