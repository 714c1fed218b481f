package pdf

// tags: to a tagged file's structure a further signature adds what tags its widgets
// (protocol.md 2, Tags), and nothing else. A structure is read aloud to those who do
// not see the page: a later one must not say more.
func (d *diff) tags() error {
	t := tagDiff{diff: d}
	if err := t.widgets(); err != nil || len(t.wanted) == 0 {
		return err
	}
	cat, err := d.f.get(d.f.revs[d.rev].root, d.rev)
	if err != nil {
		return err
	}
	at := cat.get("StructTreeRoot")
	if at.kind != kRef {
		return nil // then a widget's key leads nowhere
	}
	if t.was, err = d.f.get(at.ref(), d.rev-1); err != nil {
		return err
	}
	if t.is, err = d.f.get(at.ref(), d.rev); err != nil {
		return err
	}
	for _, step := range []func() (bool, error){t.elements, t.parentTree, t.root} {
		if ok, err := step(); err != nil {
			return err
		} else if !ok {
			d.content("the structure of the tagged file was changed by more than the tags of signature field %s", d.sig.FieldName)
			return nil
		}
	}
	for num := range t.changed {
		d.allowed[num] = true
	}
	for num := range t.added {
		d.own[num] = true
	}
	return nil
}

type tagDiff struct {
	*diff
	was, is        *object // the root
	top            ref     // whose kids the tags become
	wanted         []tagged
	changed, added map[int64]bool
}

// tagged is a widget with its key, and its tag once that is found.
type tagged struct {
	key    int64
	widget *object
	elem   ref
}

// widgets are those that are new in this revision and have a key.
func (t *tagDiff) widgets() error {
	t.changed, t.added = map[int64]bool{}, map[int64]bool{}
	all := []value{{kind: kRef, num: t.sig.widget.ref.num, gen: t.sig.widget.ref.gen}}
	if up := t.sig.widget.get("Parent"); up.kind == kRef && t.sig.widget.get("T") == &null {
		field, err := t.f.get(up.ref(), t.rev)
		if err != nil {
			return err
		}
		kids, err := t.f.deref(field.get("Kids"), t.rev)
		if err != nil {
			return err
		}
		all = kids.list
	}
	for i := range all {
		if _, had := t.f.lookup(all[i].num, t.rev-1); had || all[i].kind != kRef {
			continue
		}
		w, err := t.f.get(all[i].ref(), t.rev)
		if err != nil {
			return err
		}
		if key := w.get("StructParent"); key.kind == kInt {
			t.wanted = append(t.wanted, tagged{key: key.num, widget: w})
		}
	}
	return nil
}

// elements wants the old kids of the element at the top, and one /Form for each
// widget.
func (t *tagDiff) elements() (bool, error) {
	top, err := t.f.structTop(t.was, t.rev-1)
	if err != nil {
		return false, err
	}
	now, err := t.f.get(top.ref, t.rev)
	if err != nil {
		return false, err
	}
	t.top = top.ref
	if t.top != t.was.ref && !sameBut(&top.value, &now.value, "K") {
		return false, nil
	}
	t.changed[top.ref.num] = true
	more, ok, err := t.appended(top.get("K"), now.get("K"), len(t.wanted))
	if err != nil || !ok {
		return false, err
	}
	for i := range more {
		if ok, err := t.element(&more[i], &t.wanted[i], top.ref); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (t *tagDiff) element(v *value, w *tagged, top ref) (bool, error) {
	e, ok, err := t.brought(v)
	if err != nil || !ok {
		return false, err
	}
	k := e.get("K")
	w.elem = e.ref
	return !e.stream && onlyKeys(&e.value, "Type", "S", "P", "Pg", "Alt", "K") && e.get("Type").isName("StructElem") && e.get("S").isName("Form") &&
		e.get("P").isRef(top) && onlyKeys(k, "Type", "Obj", "Pg") && k.get("Type").isName("OBJR") && k.get("Obj").isRef(w.widget.ref) &&
		equal(k.get("Pg"), w.widget.get("P")), nil
}

// brought is a new object that a reference leads to.
func (t *tagDiff) brought(v *value) (*object, bool, error) {
	if v.kind != kRef || t.added[v.num] {
		return nil, false, nil
	}
	if _, had := t.f.lookup(v.num, t.rev-1); had {
		return nil, false, nil
	}
	t.added[v.num] = true
	o, err := t.f.get(v.ref(), t.rev)
	return o, err == nil && o.kind == kDict, err
}

// appended wants a list, or the one thing in its place, to be the old one and n more,
// and gives those.
func (t *tagDiff) appended(old, now *value, n int) ([]value, bool, error) {
	a, err := t.f.deref(old, t.rev-1)
	if err != nil {
		return nil, false, err
	}
	b, err := t.f.deref(now, t.rev)
	if err != nil || b.kind != kArray {
		return nil, false, err
	}
	before := a.list
	switch a.kind {
	case kArray:
		if old.kind == kRef {
			if !now.isRef(old.ref()) {
				return nil, false, nil
			}
			t.changed[now.num] = true
		}
	case kNull:
		before = nil
	default:
		before = []value{*old}
	}
	if now.kind == kRef && a.kind != kArray || len(b.list) != len(before)+n {
		return nil, false, nil
	}
	for i := range before {
		if !equal(&before[i], &b.list[i]) {
			return nil, false, nil
		}
	}
	return b.list[len(before):], true, nil
}

// parentTree wants the new keys at its end, or in one more leaf.
func (t *tagDiff) parentTree() (bool, error) {
	old, now := t.was.get("ParentTree"), t.is.get("ParentTree")
	if old.kind == kRef || now.kind == kRef {
		if !equal(old, now) {
			return false, nil
		}
		t.changed[now.num] = true
	}
	a, b, err := t.both(old, now)
	if err != nil {
		return false, err
	}
	if a.kind == kNull {
		a = &value{kind: kDict}
	}
	highest := int64(-1)
	if err := t.f.highestKey(a, t.rev-1, 0, &highest); err != nil {
		return false, err
	}
	if !a.has("Kids") {
		more, ok, err := t.appended(a.get("Nums"), b.get("Nums"), 2*len(t.wanted))
		return ok && sameBut(a, b, "Nums") && t.numbers(highest, more), err
	}
	more, ok, err := t.appended(a.get("Kids"), b.get("Kids"), 1)
	if err != nil || !ok || !sameBut(a, b, "Kids") {
		return false, err
	}
	leaf, ok, err := t.brought(&more[0])
	if err != nil || !ok {
		return false, err
	}
	nums := leaf.get("Nums")
	return !leaf.stream && onlyKeys(&leaf.value, "Limits", "Nums") && nums.kind == kArray && t.numbers(highest, nums.list), nil
}

// numbers are the widgets' keys, each with its tag, rising above those of before: a key
// that stands twice would give a page the tag in the place of its own.
func (t *tagDiff) numbers(last int64, more []value) bool {
	if len(more) != 2*len(t.wanted) {
		return false
	}
	for i, w := range t.wanted {
		if k := more[2*i]; k.kind != kInt || k.num != w.key || k.num <= last || !more[2*i+1].isRef(w.elem) {
			return false
		}
		last = w.key
	}
	return true
}

// root may have changed by that alone.
func (t *tagDiff) root() (bool, error) {
	t.changed[t.is.ref.num] = true
	but := []string{"ParentTree", "ParentTreeNextKey"}
	if t.top == t.was.ref {
		but = append(but, "K")
	}
	next := t.is.get("ParentTreeNextKey")
	return sameBut(&t.was.value, &t.is.value, but...) && t.was.has("ParentTreeNextKey") == t.is.has("ParentTreeNextKey") &&
		(next.kind == kNull || next.kind == kInt && next.num == t.wanted[len(t.wanted)-1].key+1), nil
}

// tabsAlone: a page may be told to follow its structure, which a file's first
// annotation makes it need, if nothing else was said.
func tabsAlone(was, is *object) bool {
	a, b := was.get("Tabs"), is.get("Tabs")
	return equal(a, b) || a.kind == kNull && b.isName("S")
}
