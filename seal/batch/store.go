package batch

import (
	"context"
	"time"

	"yinxin/internal/act"
)

// Store keeps jobs. Every write is durable on return, whole or not at all. A job is
// known by the id of the act that made it.
type Store interface {
	// CommitJob keeps a new job with its act, whose id it has; ErrFull if its agency
	// has MaxJobs that are not over, or MaxKept.
	CommitJob(ctx context.Context, a act.Act, j Job) error
	Job(ctx context.Context, id act.ID) (Job, error)
	// Jobs are those of an agency, or of all for "", in the order of time; next is the
	// cursor to go on from, "" at the end.
	Jobs(ctx context.Context, agency, cursor string, limit int) (rows []Job, next string, err error)
	// AddItems numbers documents of a file from the job's next number on and enters
	// them. One whose name and SM3 the job has is passed over; ErrNameTaken if it has
	// the name with another SM3, ErrFull if it would have more than MaxItems, ErrState
	// unless it is open: then none is entered.
	AddItems(ctx context.Context, id act.ID, items []Item) (Job, error)
	Item(ctx context.Context, id act.ID, n int) (Item, error)
	ItemNamed(ctx context.Context, id act.ID, name string) (Item, error)
	// Items are in the order of their numbers, after a number, of one state or of all
	// for "".
	Items(ctx context.Context, id act.ID, state ItemState, after, limit int) ([]Item, error)
	// StartJob lets an open job run, on someone's word. One that runs already
	// is given as it is; ErrState if it is over, ErrRefused if it has no documents.
	StartJob(ctx context.Context, id act.ID, by By, now time.Time) (Job, error)
	// Settle enters outcomes of items that are queued, passing over others. A running
	// job of which none is queued any more is done.
	Settle(ctx context.Context, id act.ID, outcomes []Outcome, now time.Time) (Job, error)
	// Requeue lets the failed items of a job that is done be tried again, which runs
	// then; ErrState unless it is done and some failed.
	Requeue(ctx context.Context, id act.ID, by By, now time.Time) (Job, error)
	// CancelJob ends a job that is not over; ErrState if it is.
	CancelJob(ctx context.Context, a act.Act, id act.ID, now time.Time) (Job, error)
	// Forget removes up to limit items of a job that is not running, and then the job;
	// more tells whether there is more of it.
	Forget(ctx context.Context, id act.ID, limit int) (more bool, err error)
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
}
