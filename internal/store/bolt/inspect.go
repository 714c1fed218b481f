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
// process at the first touch. So both are looked at before bbolt is, and the
// list of free pages too: a page in use that stood in it would be written over.
const (
	metaMagic    = 0xED0CDAED
	metaVersion  = 2
	pageHeader   = 16
	metaSize     = 64
	minPageSize  = 512
	maxPageSize  = 1 << 16
	metaChecksum = 56 // offset of the checksum in the meta

	freelistFlag  = 0x10
	freelistMany  = 0xFFFF // then the first element is the count
	noFreelist    = ^uint64(0)
	firstDataPage = 2
)

type meta struct {
	pageSize int64
	freelist uint64
	pages    int64 // high-water mark
	txid     uint64
}

func inspect(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := shareLock(f); err != nil {
		return err
	}
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
	if !freelistWhole(f, newest) {
		return fmt.Errorf("%w: its list of free pages does not check; restore it from a backup", ErrCorrupt)
	}
	return nil
}

// freelistWhole reads the free pages' numbers: each once, rising, and of pages
// that there are.
func freelistWhole(r io.ReaderAt, m meta) bool {
	if m.freelist == noFreelist {
		return true
	}
	if m.freelist < firstDataPage || m.freelist >= uint64(m.pages) {
		return false
	}
	le := binary.NativeEndian
	var head [pageHeader + 8]byte
	at := int64(m.freelist) * m.pageSize
	if _, err := r.ReadAt(head[:], at); err != nil {
		return false
	}
	count, room := uint64(le.Uint16(head[10:])), (int64(le.Uint32(head[12:]))+1)*m.pageSize-pageHeader
	at += pageHeader
	if count == freelistMany {
		count = le.Uint64(head[pageHeader:])
		at, room = at+8, room-8
	}
	if le.Uint64(head[:]) != m.freelist || le.Uint16(head[8:]) != freelistFlag || count > uint64(m.pages) || int64(count)*8 > room {
		return false
	}
	ids := make([]byte, count*8)
	if _, err := r.ReadAt(ids, at); err != nil {
		return false
	}
	last := uint64(firstDataPage - 1)
	for ; len(ids) > 0; ids = ids[8:] {
		id := le.Uint64(ids)
		if id <= last || id >= uint64(m.pages) || id == m.freelist {
			return false
		}
		last = id
	}
	return true
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
	m = meta{pageSize: int64(le.Uint32(b[8:])), freelist: le.Uint64(b[32:]), pages: int64(le.Uint64(b[40:])), txid: le.Uint64(b[48:])}
	ok = le.Uint32(b) == metaMagic && le.Uint32(b[4:]) == metaVersion && le.Uint64(b[metaChecksum:]) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pages > 0 && m.pages < 1<<40
	return m, ok
}
