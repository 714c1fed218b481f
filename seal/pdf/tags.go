package pdf

import (
	"fmt"
	"strings"
)

// structure is the logical structure of a tagged file (ISO 32000-1 14.7), as far as
// a widget's place in it needs (14.7.4.4 and protocol.md 2, Tags).
type structure struct {
	root *object
	top  *object // whose kids the widgets become: the only /Document, or the root
	next int64   // the next free key of the parent tree
}

// maxStructKey is what a reader's 32-bit integer holds.
const maxStructKey = 1<<31 - 1 - maxSpots

// structure is nil where the file is not tagged: then a widget needs no tag.
func (f *File) structure() (*structure, error) {
	rev := f.last()
	cat, err := f.get(f.revs[rev].root, rev)
	if err != nil {
		return nil, err
	}
	info, err := f.deref(cat.get("MarkInfo"), rev)
	if err != nil {
		return nil, err
	}
	marked, at := info.get("Marked"), cat.get("StructTreeRoot")
	if marked.kind != kBool || marked.num == 0 || at.kind != kRef {
		return nil, nil
	}
	s := &structure{}
	if s.root, err = f.get(at.ref(), rev); err != nil || s.root.kind != kDict {
		return nil, err
	}
	if s.top, err = f.structTop(s.root, rev); err != nil {
		return nil, err
	}
	tree, err := f.deref(s.root.get("ParentTree"), rev)
	if err != nil {
		return nil, err
	}
	highest := int64(-1)
	if err := f.highestKey(tree, rev, 0, &highest); err != nil {
		return nil, err
	}
	s.next = highest + 1
	if v := s.root.get("ParentTreeNextKey"); v.kind == kInt {
		s.next = max(s.next, v.num)
	}
	if s.next > maxStructKey {
		return nil, tooMany("keys of a structure's parent tree", maxStructKey)
	}
	return s, nil
}

// structTop is the only child of the root if that is the /Document, else the root.
func (f *File) structTop(root *object, rev int) (*object, error) {
	k := root.get("K")
	if k.kind == kRef {
		v, err := f.deref(k, rev)
		if err != nil {
			return nil, err
		}
		if v.kind == kArray {
			k = v
		}
	}
	if k.kind == kArray {
		if len(k.list) != 1 {
			return root, nil
		}
		k = &k.list[0]
	}
	if k.kind != kRef {
		return root, nil
	}
	o, err := f.get(k.ref(), rev)
	if err != nil {
		return nil, err
	}
	if o.kind == kDict && !o.stream && o.get("S").isName("Document") {
		return o, nil
	}
	return root, nil
}

// highestKey walks a number tree (ISO 32000-1 7.9.7).
func (f *File) highestKey(node *value, rev, depth int, highest *int64) error {
	if depth > maxDepth {
		return malformed(node.start, "a structure's parent tree nested too deep")
	}
	nums, err := f.deref(node.get("Nums"), rev)
	if err != nil {
		return err
	}
	kids, err := f.deref(node.get("Kids"), rev)
	if err != nil {
		return err
	}
	if err := f.left.takeVisits(1 + len(nums.list) + len(kids.list)); err != nil {
		return err
	}
	for i := 0; i < len(nums.list); i += 2 {
		if k := nums.list[i]; k.kind == kInt {
			*highest = max(*highest, k.num)
		}
	}
	for i := range kids.list {
		kid, err := f.deref(&kids.list[i], rev)
		if err != nil {
			return err
		}
		if err := f.highestKey(kid, rev, depth+1, highest); err != nil {
			return err
		}
	}
	return nil
}

// structParent is the entry of widget i that leads to its tag.
func (st *stamping) structParent(i int) string {
	if st.tags == nil {
		return ""
	}
	return fmt.Sprintf(" /StructParent %d", st.tags.next+int64(i))
}

// tag hangs the widgets into the structure, in their order.
func (st *stamping) tag(widgets []int64) error {
	s := st.tags
	if s == nil {
		return nil
	}
	var kids, nums []string
	for i, w := range widgets {
		elem, page := st.newRef(), st.at[i].page
		st.object(elem, fmt.Appendf(nil, "<< /Type /StructElem /S /Form /P %d %d R /Pg %d %d R /Alt %s /K << /Type /OBJR /Obj %d 0 R /Pg %d %d R >> >>",
			s.top.ref.num, s.top.ref.gen, page.num, page.gen, textString(title(st.name, st.options)), w, page.num, page.gen))
		kids = append(kids, fmt.Sprintf("%d 0 R", elem))
		nums = append(nums, fmt.Sprintf("%d %d 0 R", s.next+int64(i), elem))
		if err := st.tabs(page); err != nil {
			return err
		}
	}
	if err := st.moreKids(s.top, strings.Join(kids, " ")); err != nil {
		return err
	}
	last := s.next + int64(len(widgets))
	if err := st.moreNums(s, strings.Join(nums, " "), last-1); err != nil {
		return err
	}
	if s.root.has("ParentTreeNextKey") {
		return st.set(s.root, &s.root.value, "ParentTreeNextKey", fmt.Sprint(last))
	}
	return nil
}

// tabs: the order of a tagged page's annotations is its structure's (ISO 14289-1
// 7.18.3).
func (n *increment) tabs(r ref) error {
	page, err := n.f.get(r, n.f.last())
	if err != nil || page.has("Tabs") {
		return err
	}
	return n.set(page, &page.value, "Tabs", "/S")
}

// moreKids appends to the /K of a structure element, which may be one thing or many.
func (n *increment) moreKids(o *object, refs string) error {
	k := o.get("K")
	v, err := n.f.deref(k, n.f.last())
	if err != nil {
		return err
	}
	if v.kind == kArray || v.kind == kNull {
		return n.addTo(o, &o.value, "K", refs)
	}
	if err := n.change(o, edit{k.start, k.start, "["}); err != nil {
		return err
	}
	return n.change(o, edit{k.end, k.end, " " + refs + "]"})
}

// moreNums appends to the parent tree: to its own numbers, or as one more kid.
func (n *increment) moreNums(s *structure, nums string, last int64) error {
	holder, dict := s.root, s.root.get("ParentTree")
	if dict.kind == kRef {
		o, err := n.f.get(dict.ref(), n.f.last())
		if err != nil {
			return err
		}
		holder, dict = o, &o.value
	}
	switch {
	case dict.kind == kNull:
		return n.set(s.root, &s.root.value, "ParentTree", "<< /Nums ["+nums+"] >>")
	case dict.kind != kDict:
		return malformed(s.root.objStart, "/ParentTree is no dictionary")
	case !dict.has("Kids"):
		return n.addTo(holder, dict, "Nums", nums)
	}
	leaf := n.newRef()
	n.object(leaf, fmt.Appendf(nil, "<< /Limits [%d %d] /Nums [%s] >>", s.next, last, nums))
	return n.addTo(holder, dict, "Kids", fmt.Sprintf("%d 0 R", leaf))
}
