// Package bolt keeps the registers in one bbolt file. Open gives a DB, whose
// methods, such as CA and Seals, give each office the store that it declares.
//
// Every act is committed with commit: many acts share one transaction and one
// fsync, because the fsync and not the signature is the bottleneck
// (design.md, Store).
package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"yinxin/internal/act"
)

var (
	// ErrInUse: another process has the file open.
	ErrInUse = errors.New("the data folder is in use by another process")
	// ErrMissing: there is no database and none was to be made.
	ErrMissing = errors.New("no database here: run yinxin init first")
	// ErrCorrupt: the file is damaged. It is never repaired silently, since an
	// older state would look whole and lack acknowledged acts.
	ErrCorrupt = errors.New("the database file is damaged")
	// ErrWrite: the disk did not take a commit.
	ErrWrite = errors.New("the database cannot be written")
	// ErrClosed: the store was closed while the act waited.
	ErrClosed = errors.New("the store is closed")
	// ErrRetryTaken and ErrNotFound are those of every store.
	ErrRetryTaken = act.ErrRetryTaken
	ErrNotFound   = act.ErrNotFound
)

// lockWait is how long Open waits for another process to let go: a restart
// overlaps with the old process for an instant, a second server does not.
const lockWait = 300 * time.Millisecond

// Options of Open.
type Options struct {
	Create bool // make the file; it must not exist
}

// DB is one open file. Its methods may be called concurrently.
type DB struct {
	bolt  *bbolt.DB
	queue chan *request
	quit  chan struct{}
	done  chan struct{} // closed when the committer has ended

	// Owned by the committer:
	broken error // why nothing can be written any more
	last   int   // acts in the batch before
	filler filler

	rows rowCache

	closing  sync.Once
	closeErr error
}

// Open opens or makes the file at path. It refuses a file that is truncated
// or has a damaged meta page, instead of going back to an older state.
func Open(path string, o Options) (*DB, error) {
	if err := admit(path, o); err != nil {
		return nil, err
	}
	db := &DB{queue: make(chan *request, maxBatch), quit: make(chan struct{}), done: make(chan struct{})}
	file, err := db.openFile(path)
	switch {
	case errors.Is(err, ErrCorrupt):
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	db.bolt = file
	if err := db.complete(); err != nil {
		return nil, errors.Join(err, db.release())
	}
	if err := db.fillIndexes(); err != nil {
		return nil, errors.Join(err, db.release())
	}
	go db.run()
	return db, nil
}

func (db *DB) openFile(path string) (file *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = caught(p)
		}
	}()
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, OpenFile: db.filler.open})
}

func admit(path string, o Options) error {
	_, err := os.Stat(path)
	switch {
	case o.Create && err == nil:
		return fmt.Errorf("%s exists already", path)
	case o.Create && errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	case err != nil:
		return err
	}
	return inspect(path)
}

// Close commits what is queued and lets the file go. It may be called again,
// and gives the same answer then.
func (db *DB) Close() error {
	db.closing.Do(func() {
		close(db.quit)
		<-db.done
		db.closeErr = db.release()
	})
	return db.closeErr
}

// release lets the file go. A panic inside bbolt's commit may have left its
// locks held, which would hold the process for ever.
func (db *DB) release() error {
	if db.broken == nil {
		return db.bolt.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- db.bolt.Close() }()
	select {
	case err := <-closed:
		return errors.Join(db.broken, err)
	case <-time.After(lockWait):
		return db.broken
	}
}

// Snapshot writes a consistent copy of the file to w, for a backup.
func (db *DB) Snapshot(w interface{ Write([]byte) (int, error) }) error {
	return db.view(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// Done tells which act, if any, was committed under a retry slot within the
// last act.RetryLife, or whenever it was under a lasting one.
func (db *DB) Done(_ context.Context, slot [32]byte, now time.Time) (done act.Done, found bool, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		done, found = doneAt(tx, slot, now)
		return nil
	})
	return done, found, err
}

// Leaf gives an act's leaf and journal index.
func (db *DB) Leaf(_ context.Context, id act.ID) (leaf []byte, index uint64, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketActs).Get(id[:])
		if value == nil {
			return ErrNotFound
		}
		var l []byte
		l, _, index, err = splitAct(value)
		leaf = append([]byte(nil), l...)
		return err
	})
	return leaf, index, err
}

// Act gives an act's leaf, record and journal index.
func (db *DB) Act(_ context.Context, id act.ID) (leaf, record []byte, index uint64, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketActs).Get(id[:])
		if value == nil {
			return ErrNotFound
		}
		l, r, i, err := splitAct(value)
		leaf, record, index = append([]byte(nil), l...), append([]byte(nil), r...), i
		return err
	})
	return leaf, record, index, err
}

// NewestAct gives the time of the newest act, zero if there is none: a clock
// that stands before it has gone backwards.
func (db *DB) NewestAct(context.Context) (t time.Time, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket(bucketActs).Cursor().Last()
		if len(key) == 16 {
			t = act.ID(key).Time()
		}
		return nil
	})
	return t, err
}

// SweepRetries forgets up to limit retry keys older than act.RetryLife,
// beginning after the slot from; it returns where to go on, nil at the end.
func (db *DB) SweepRetries(ctx context.Context, now time.Time, from []byte, limit int) (next []byte, err error) {
	err = db.commit(ctx, func(tx *Tx) error {
		next = nil
		var old [][]byte
		cursor := tx.bucket(bucketRetries).Cursor()
		seen := 0
		for key, value := cursor.Seek(from); key != nil; key, value = cursor.Next() {
			if seen++; seen > limit {
				next = append([]byte(nil), key...)
				break
			}
			if d, ok := parseDone(value); !ok || now.Sub(d.Act.Time()) > act.RetryLife {
				old = append(old, append([]byte(nil), key...))
			}
		}
		for _, key := range old {
			if err := tx.delete(bucketRetries, key); err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

func doneAt(tx *bbolt.Tx, slot [32]byte, now time.Time) (act.Done, bool) {
	if d, ok := retryAt(tx.Bucket(bucketRetries), slot, now); ok {
		return d, true
	}
	return parseDone(tx.Bucket(bucketLasting).Get(slot[:]))
}

func retryAt(b *bbolt.Bucket, slot [32]byte, now time.Time) (act.Done, bool) {
	d, ok := parseDone(b.Get(slot[:]))
	if !ok || now.Sub(d.Act.Time()) > act.RetryLife {
		return act.Done{}, false
	}
	return d, true
}

func parseDone(value []byte) (d act.Done, ok bool) {
	if len(value) != len(d.Request)+len(d.Act) {
		return d, false
	}
	copy(d.Request[:], value)
	copy(d.Act[:], value[len(d.Request):])
	return d, true
}

// An act's value: journal index (8), length of the leaf (2), leaf, record.
const actHeader = 10

func splitAct(value []byte) (leaf, record []byte, index uint64, err error) {
	if len(value) < actHeader {
		return nil, nil, 0, ErrCorrupt
	}
	index = binary.BigEndian.Uint64(value)
	n := int(binary.BigEndian.Uint16(value[8:]))
	if len(value) < actHeader+n {
		return nil, nil, 0, ErrCorrupt
	}
	return value[actHeader : actHeader+n], value[actHeader+n:], index, nil
}

// Commit keeps an act that changes nothing but the journal.
func (db *DB) Commit(ctx context.Context, a act.Act) error {
	return db.commit(ctx, func(tx *Tx) error { return tx.act(a) })
}
