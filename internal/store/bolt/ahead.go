package bolt

import (
	"math"
	"os"

	"go.etcd.io/bbolt"
)

// bbolt lengthens its file by holes. Writing into one makes the file system
// allocate, and journal that it did, within the very sync that acts wait for:
// four times the cost of one over blocks that are there. So the committer fills
// the pages that will be needed next with zeros, between two commits.
const (
	ahead  = 1 << 20   // kept filled beyond the pages in use
	stride = 256 << 10 // filled at once: the next commit syncs it too
)

var zeros [stride]byte

// filler knows how far a file is filled. It belongs to the committer.
type filler struct {
	file   *os.File
	filled int64
}

// open lets bbolt open its file and keeps it.
func (f *filler) open(name string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(name, flag, mode)
	f.file = file
	return file, err
}

// fill writes zeros where nothing is yet. used is the length of the file that
// pages are in; only the committer writes, so nobody else writes beyond it.
func (f *filler) fill(used int64) {
	f.filled = max(f.filled, used)
	if f.filled >= used+ahead {
		return
	}
	info, err := f.file.Stat()
	if err != nil {
		return
	}
	end := min(f.filled+stride, info.Size())
	if end <= f.filled {
		return // bbolt has not lengthened the file yet
	}
	if _, err := f.file.WriteAt(zeros[:end-f.filled], f.filled); err != nil {
		f.filled = math.MaxInt64 - ahead // a full disk is for the commits to tell
		return
	}
	f.filled = end
}

// fillAhead fills after a commit. Whoever waits for it has been answered.
func (db *DB) fillAhead() {
	var used int64
	if err := db.view(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err == nil {
		db.filler.fill(used)
	}
}
