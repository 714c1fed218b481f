package pdf

// locate finds the page that shows the signature in the last revision.
func (f *File) locate(s *found) error {
	r, err := f.rect(s.widget.get("Rect"), s.rev)
	if err != nil {
		return nil // a field without a place is shown nowhere
	}
	at, err := f.shownOn(s)
	if err != nil || at < 0 {
		return err
	}
	page, err := f.get(f.pages[at], f.last())
	if err != nil {
		return err
	}
	g, err := f.geometry(page, f.last())
	if err != nil {
		return err
	}
	s.Page, s.Rect = at+1, g.shown(*r)
	return nil
}

// shownOn is the index of the page whose /Annots hold the widget, -1 if none.
func (f *File) shownOn(s *found) (int, error) {
	p := s.widget.get("P")
	if p.kind != kRef {
		if err := f.mapAnnots(); err != nil {
			return -1, err
		}
		if at, ok := f.annots[s.widget.ref.num]; ok {
			return at, nil
		}
		return -1, nil
	}
	for i := range f.pages {
		if !p.isRef(f.pages[i]) {
			continue
		}
		list, err := f.annotsOf(i)
		if err != nil || !contains(list, s.widget.ref) {
			return -1, err
		}
		return i, nil
	}
	return -1, nil
}

func (f *File) annotsOf(i int) ([]value, error) {
	o, err := f.get(f.pages[i], f.last())
	if err != nil {
		return nil, err
	}
	v, err := f.deref(o.get("Annots"), f.last())
	if err != nil {
		return nil, err
	}
	return v.list, f.left.takeVisits(1 + len(v.list))
}

// mapAnnots reads the annotations of all pages once, for widgets without /P.
func (f *File) mapAnnots() error {
	if f.annots != nil {
		return nil
	}
	f.annots = make(map[int64]int)
	for i := range f.pages {
		list, err := f.annotsOf(i)
		if err != nil {
			return err
		}
		for j := range list {
			if list[j].kind == kRef {
				f.annots[list[j].num] = i
			}
		}
	}
	return nil
}

func contains(list []value, r ref) bool {
	for i := range list {
		if list[i].isRef(r) {
			return true
		}
	}
	return false
}
