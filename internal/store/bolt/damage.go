package bolt

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
)

// bbolt asserts while it walks pages, and a damaged page may point outside of
// the mapping. Either would end the process, which serves everyone; view and
// update make it the error of who asked.

func (db *DB) view(fn func(tx *bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = caught(p)
		}
	}()
	return db.bolt.View(fn)
}

// update is for the committer alone. What a panic inside bbolt's own commit left
// in memory is not known, so nothing is written after it: the meta page, which
// is written last, still shows the last good commit.
func (db *DB) update(fn func(tx *bbolt.Tx) error) (err error) {
	if db.broken != nil {
		return db.broken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db.broken = caught(p)
			err = db.broken
		}
	}()
	return db.bolt.Update(fn)
}

// caught tells a damaged file from a fault of an act's own.
func caught(p any) error {
	if _, outside := p.(interface{ Addr() uintptr }); outside || raisedByBolt() {
		return fmt.Errorf("%w: a page makes no sense (%s); restore it from a backup", ErrCorrupt, strings.TrimPrefix(fmt.Sprint(p), "runtime error: "))
	}
	return fmt.Errorf("act failed: %v", p)
}

// raisedByBolt tells whether the panic being recovered began in bbolt.
func raisedByBolt() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			return strings.HasPrefix(f.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}
