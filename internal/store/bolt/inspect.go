package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt's file begins with two meta pages that are written in turn; the valid
// one with the higher transaction id counts. If the newer is destroyed bbolt
// goes on from the older: the last acknowledged commit would be gone without
// a word. And a truncated file is mapped beyond its end, which kills the
// process at the first touch. So both are looked at before bbolt is.
const (
	metaMagic    = 0xED0CDAED
	metaVersion  = 2
	pageHeader   = 16
	metaSize     = 64
	minPageSize  = 512
	maxPageSize  = 1 << 16
	metaChecksum = 56 // offset of the checksum in the meta
)

type meta struct {
	pageSize int64
	pages    int64 // high-water mark
	txid     uint64
}

func inspect(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	first, ok := readMeta(f, 0)
	if !ok {
		return fmt.Errorf("%w: its first meta page does not check; restore it from a backup", ErrCorrupt)
	}
	second, ok := readMeta(f, first.pageSize)
	if !ok || second.pageSize != first.pageSize {
		return fmt.Errorf("%w: its second meta page does not check; restore it from a backup", ErrCorrupt)
	}
	newest := first
	if second.txid > first.txid {
		newest = second
	}
	if want := newest.pages * newest.pageSize; info.Size() < want {
		return fmt.Errorf("%w: it is truncated (%d bytes of at least %d); restore it from a backup", ErrCorrupt, info.Size(), want)
	}
	return nil
}

func readMeta(r io.ReaderAt, at int64) (m meta, ok bool) {
	var page [pageHeader + metaSize]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		return m, false
	}
	b := page[pageHeader:]
	le := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:metaChecksum])
	m = meta{pageSize: int64(le.Uint32(b[8:])), pages: int64(le.Uint64(b[40:])), txid: le.Uint64(b[48:])}
	ok = le.Uint32(b) == metaMagic && le.Uint32(b[4:]) == metaVersion && le.Uint64(b[metaChecksum:]) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pages > 0 && m.pages < 1<<40
	return m, ok
}
