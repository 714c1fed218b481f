package pdf

import (
	"encoding"
	"hash"
	"sort"

	"github.com/emmansun/gmsm/sm3"
)

// hashAll hashes the file once up to the last hole; at each hole the state is
// copied and goes on behind it to the end of that signature's revision.
func (f *File) hashAll() error {
	var order []*found
	for i := range f.found {
		if f.found[i].CoversRevision {
			order = append(order, &f.found[i])
		}
	}
	sort.Slice(order, func(i, j int) bool { return order[i].ByteRange[1] < order[j].ByteRange[1] })
	h := sm3.New()
	var pos int64
	for _, s := range order {
		from, to := s.ByteRange[1], s.ByteRange[2]
		if err := f.left.takeHash(from - pos + s.end - to); err != nil {
			return err
		}
		if _, err := f.copyTo(h, pos, from); err != nil {
			return err
		}
		pos = from
		fork, err := forked(h)
		if err != nil {
			return err
		}
		if _, err := f.copyTo(fork, to, s.end); err != nil {
			return err
		}
		fork.Sum(s.Digest[:0])
	}
	return nil
}

func forked(h hash.Hash) (hash.Hash, error) {
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	c := sm3.New()
	return c, c.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}
