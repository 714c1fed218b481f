package pdf

import (
	"fmt"
	"io"
)

// objStm is an object stream, inflated.
type objStm struct {
	where entry // of the container
	data  []byte
	head  stmHead
}

type stmHead struct {
	first     int64
	nums, off []int32
}

// heldStms is how many inflated object streams are kept, and no more than one
// beyond heldData bytes.
const (
	heldStms = 4
	heldData = 8 << 20
)

func (f *File) container(e entry) (*object, error) {
	c, ok := f.lookup(e.off, int(e.rev))
	if !ok || c.kind != entryInFile || c.gen != 0 {
		return nil, malformed(f.revs[e.rev].off, "object %d is in object stream %d, which is none", e.num, e.off)
	}
	o, err := f.entryObject(c)
	if err != nil {
		return nil, err
	}
	if !o.stream || !o.get("Type").isName("ObjStm") {
		return nil, malformed(o.objStart, "not an object stream")
	}
	if l := o.get("Length"); l.kind == kRef {
		was, _ := f.lookup(l.num, int(c.rev))
		if now, _ := f.lookup(l.num, f.last()); was != now {
			return nil, ambiguous(o.objStart, "the length of object stream %d was replaced", e.off)
		}
	}
	return o, nil
}

// stmHead reads the pairs at the start of an object stream.
func (f *File) stmHead(o *object, r io.Reader) (stmHead, []byte, error) {
	n, first := o.get("N"), o.get("First")
	if n.kind != kInt || first.kind != kInt || n.num < 0 || n.num > maxEntries || first.num < 0 || first.num > maxObject {
		return stmHead{}, nil, malformed(o.objStart, "an object stream without good /N and /First")
	}
	data, err := io.ReadAll(io.LimitReader(r, first.num))
	if err != nil {
		return stmHead{}, nil, err
	}
	if int64(len(data)) < first.num || n.num*4-1 > first.num && n.num > 0 {
		return stmHead{}, nil, malformed(o.objStart, "an object stream that is too short")
	}
	h := stmHead{first: first.num, nums: make([]int32, n.num), off: make([]int32, n.num)}
	p := parser{b: data, last: true}
	for i := range h.nums {
		num, err := p.natural()
		off, err2 := p.natural()
		if err != nil || err2 != nil || num < 1 || num > maxObjectNum || off > maxObjStm {
			return h, nil, malformed(o.objStart, "the head of an object stream is broken")
		}
		if i > 0 && int32(off) <= h.off[i-1] {
			return h, nil, ambiguous(o.objStart, "the objects of an object stream overlap")
		}
		h.nums[i], h.off[i] = int32(num), int32(off)
	}
	return h, data, nil
}

// checkStms makes sure that each compressed object is where its entry says,
// some readers go by the index, some by the number in the stream's head, and
// that it can be read in one way only.
func (f *File) checkStms() error {
	var open entry
	var head stmHead
	heads := make(map[cacheKey]stmHead)
	held := 0
	for _, e := range f.index {
		if e.kind != entryInStm {
			continue
		}
		c, ok := f.lookup(e.off, int(e.rev))
		if !ok {
			return malformed(f.revs[e.rev].off, "object %d is in object stream %d, which is none", e.num, e.off)
		}
		// Readers look an object stream up in the newest table: one that was
		// replaced would give them another object than its revision had.
		if now, _ := f.lookup(e.off, f.last()); now != c {
			return ambiguous(f.revs[now.rev].off, "object stream %d was replaced", e.off)
		}
		if c != open {
			key := cacheKey{c.num, c.rev}
			if head, ok = heads[key]; !ok {
				s, err := f.stm(e)
				if err != nil {
					return err
				}
				if err := s.skim(); err != nil {
					return err
				}
				head = s.head
				if held += len(head.nums); held > maxEntries {
					return fmt.Errorf("%w: more than %d objects in object streams", ErrTooLarge, maxEntries)
				}
				heads[key] = head
			}
			open = c
		}
		if int(e.gen) >= len(head.nums) || head.nums[e.gen] != e.num {
			return ambiguous(f.revs[e.rev].off, "object %d is not number %d of object stream %d", e.num, e.gen, e.off)
		}
	}
	return nil
}

func (f *File) stm(e entry) (*objStm, error) {
	c, _ := f.lookup(e.off, int(e.rev))
	for i, s := range f.stms {
		if s.where == c {
			copy(f.stms[1:i+1], f.stms[:i]) // the last used comes first
			f.stms[0] = s
			return s, nil
		}
	}
	o, err := f.container(e)
	if err != nil {
		return nil, err
	}
	r, err := f.open(o, maxObjStm)
	if err != nil {
		return nil, err
	}
	s := &objStm{where: c}
	var head []byte
	if s.head, head, err = f.stmHead(o, r); err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s.data = append(head, rest...)
	s.data = append(s.data, "\n\n\n"...) // so that the last value ends before the data
	kept, held := []*objStm{s}, len(s.data)
	for _, k := range f.stms {
		if held += len(k.data); len(kept) < heldStms && held <= heldData {
			kept = append(kept, k)
		}
	}
	f.stms = kept
	return s, nil
}

// source gives where object i lies in the data, and the bytes of it. The three
// bytes after it let an escape at its end be read.
func (s *objStm) source(i int) (from, to int64, b []byte, err error) {
	from, to = s.head.first+int64(s.head.off[i]), int64(len(s.data))
	if i+1 < len(s.head.off) {
		to = s.head.first + int64(s.head.off[i+1])
	}
	if from > to || to > int64(len(s.data)) {
		return 0, 0, nil, malformed(s.where.off, "object %d lies outside its object stream", s.head.nums[i])
	}
	return from, to, s.data[from:min(to+3, int64(len(s.data)))], nil
}

// skim walks over all objects of the stream, as skimObject does in the file.
func (s *objStm) skim() error {
	for i := range s.head.nums {
		from, to, b, err := s.source(i)
		if err != nil {
			return err
		}
		p := parser{b: b, base: from, last: true, refs: true}
		if err := p.skim(); err != nil {
			return fmt.Errorf("object stream %d: %w", s.where.num, err)
		}
		if p.offset() > to {
			return malformed(s.where.off, "object %d of an object stream is no object", s.head.nums[i])
		}
	}
	return nil
}

func (f *File) stmObject(e entry) (*object, error) {
	if err := f.left.takeObject(); err != nil {
		return nil, err
	}
	s, err := f.stm(e)
	if err != nil {
		return nil, err
	}
	if int(e.gen) >= len(s.head.nums) || s.head.nums[e.gen] != e.num {
		return nil, ambiguous(f.revs[e.rev].off, "object %d is not number %d of object stream %d", e.num, e.gen, e.off)
	}
	from, to, b, err := s.source(int(e.gen))
	if err != nil {
		return nil, err
	}
	p := parser{b: b, base: from, last: true, refs: true}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if v.kind == kRef || v.end > to {
		return nil, malformed(s.where.off, "object %d of an object stream is no object", e.num)
	}
	if err := f.left.takeParse(v.end - from); err != nil {
		return nil, err
	}
	raw := append([]byte(nil), s.data[v.start:v.end]...)
	return &object{ref: ref{int64(e.num), 0}, value: v, raw: raw, weight: weight(&p)}, nil
}
