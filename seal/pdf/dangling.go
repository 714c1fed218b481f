package pdf

import "sort"

// findDangling reads every object once and notes each reference to an object
// that did not exist: "hide and replace" shadow attacks fill such gaps after
// the seal.
func (f *File) findDangling() error {
	if f.dangle != nil {
		return nil
	}
	f.dangle = make(map[int32]int16)
	order := make([]int32, len(f.index))
	for i := range order {
		order[i] = int32(i)
	}
	sort.Slice(order, func(i, j int) bool { // as they lie in the file and in object streams
		a, b := &f.index[order[i]], &f.index[order[j]]
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		if a.off != b.off {
			return a.off < b.off
		}
		return a.gen < b.gen
	})
	for _, i := range order {
		e := f.index[i]
		if e.kind == entryFree {
			continue
		}
		o, err := f.entryObject(e)
		if err != nil {
			return err
		}
		f.dangling(&o.value, e.rev)
	}
	for r := range f.revs {
		f.dangling(&f.revs[r].trailer, int16(r))
	}
	return nil
}

func (f *File) dangling(v *value, rev int16) {
	if v.kind == kRef {
		num := int32(v.num)
		if _, ok := f.lookup(v.num, int(rev)); !ok {
			if r, known := f.dangle[num]; !known || rev < r {
				f.dangle[num] = rev
			}
		}
	}
	for i := range v.list {
		f.dangling(&v.list[i], rev)
	}
}
