package pdf

// spotShown is where a widget can be seen in the last revision.
type spotShown struct {
	page int // 1-based, 0 for nowhere
	rect [4]float64
}

// locate finds the pages that show the signature in the last revision.
func (f *File) locate(s *found) error {
	for _, w := range s.widgets {
		at, err := f.locateWidget(s, w)
		if err != nil {
			return err
		}
		s.spots = append(s.spots, at)
	}
	s.Page, s.Rect = s.spots[0].page, s.spots[0].rect
	return nil
}

func (f *File) locateWidget(s *found, w *object) (spotShown, error) {
	r, err := f.rect(w.get("Rect"), s.rev)
	if err != nil {
		return spotShown{}, nil // what has no place is shown nowhere
	}
	at, err := f.shownOn(w)
	if err != nil || at < 0 {
		return spotShown{}, err
	}
	page, err := f.get(f.pages[at], f.last())
	if err != nil {
		return spotShown{}, err
	}
	g, err := f.geometry(page, f.last())
	if err != nil {
		return spotShown{}, err
	}
	return spotShown{at + 1, g.shown(*r)}, nil
}

// shownOn is the index of the page whose /Annots hold the widget, -1 if none.
func (f *File) shownOn(w *object) (int, error) {
	p := w.get("P")
	if p.kind != kRef {
		if err := f.mapAnnots(); err != nil {
			return -1, err
		}
		if at, ok := f.annots[w.ref.num]; ok {
			return at, nil
		}
		return -1, nil
	}
	at, ok := f.pageAt(p.ref())
	if !ok {
		return -1, nil
	}
	list, err := f.annotsOf(at)
	if err != nil || !contains(list, w.ref) {
		return -1, err
	}
	return at, nil
}

// pageAt finds a page by its object: a thousand widgets stand on as many pages.
func (f *File) pageAt(r ref) (int, bool) {
	if f.pageOf == nil {
		f.pageOf = make(map[ref]int, len(f.pages))
		for i, p := range f.pages {
			f.pageOf[p] = i
		}
	}
	at, ok := f.pageOf[r]
	return at, ok
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
