package pdf

// evidence judges a revision that adds no signature: the catalog but for its document
// security store and the extensions that announce it.
func (d *diff) evidence() error {
	was, is, err := d.catalogs()
	if err != nil {
		return err
	}
	d.allowed[is.ref.num] = true
	if !sameBut(&was.value, &is.value, "DSS", "Extensions") {
		d.content("the catalog was changed")
	}
	return d.security(was, is)
}

// security: the store may grow, be rewritten or come anew, as long as nothing of it is
// lost and what is new in it is streams that nothing else shows.
func (d *diff) security(was, is *object) error {
	if err := d.extensions(was.get("Extensions"), is.get("Extensions")); err != nil {
		return err
	}
	old, now := was.get("DSS"), is.get("DSS")
	if now.kind == kNull {
		if old.kind != kNull {
			d.content("the evidence was removed")
		}
		return nil
	}
	g := growth{diff: d, inner: make(map[int64]bool), holders: make(map[int64]bool)}
	if err := g.dictionary(old, now); err != nil {
		return err
	}
	return g.exclusive(is)
}

// growth compares two states of the store.
type growth struct {
	*diff
	inner   map[int64]bool // dictionaries and arrays of the store that older revisions had
	root    int64          // the store's dictionary, 0 if it is direct
	holders map[int64]bool // those of them that this revision rewrote
}

// hold follows a dictionary or array of the store, and notes the object it stands in.
func (g *growth) hold(old, now *value) (a, b *value, err error) {
	if a, b, err = g.both(old, now); err != nil || now.kind != kRef {
		return a, b, err
	}
	if _, had := g.f.lookup(now.num, g.rev-1); !had {
		g.own[now.num] = true
		return a, b, nil
	}
	g.inner[now.num] = true
	if o, err := g.f.get(now.ref(), g.rev); err != nil {
		return nil, nil, err
	} else if int(o.where.rev) == g.rev { // rewritten by this revision
		g.holders[now.num] = true
		if !old.isRef(now.ref()) {
			g.content("object %d became evidence and was changed", now.num)
		}
	}
	return a, b, nil
}

func (g *growth) dictionary(old, now *value) error {
	if now.kind == kRef {
		g.root = now.num
	}
	a, b, err := g.hold(old, now)
	if err != nil {
		return err
	}
	if b.kind != kDict {
		g.content("the document security store is no dictionary")
		return nil
	}
	g.keeps(a, b, "the document security store")
	find := a.finder()
	for i, key := range b.keys {
		was, is := find(key), &b.list[i]
		switch {
		case key == "Type":
			if !is.isName("DSS") {
				g.content("the document security store is of another /Type")
			}
		case key == "VRI":
			err = g.validations(was, is)
		case isStoreList(key):
			err = g.list(was, is)
		case !equal(was, is):
			g.content("the document security store holds /%.40s", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keeps wants every key of before.
func (g *growth) keeps(a, b *value, what string) {
	find := b.finder()
	for _, key := range a.keys {
		if find(key) == &null {
			g.content("%s lost /%.40s", what, key)
		}
	}
}

// list is an array of references: those of before, and new streams.
func (g *growth) list(old, now *value) error {
	a, b, err := g.hold(old, now)
	if err != nil {
		return err
	}
	if b.kind != kArray {
		g.content("evidence is no array")
		return nil
	}
	kept := make(map[ref]bool, len(b.list))
	for i := range b.list {
		v := &b.list[i]
		if v.kind != kRef {
			g.content("evidence that is no stream")
			return nil
		}
		kept[v.ref()] = true
		if err := g.piece(v); err != nil {
			return err
		}
	}
	for i := range a.list {
		if a.list[i].kind == kRef && !kept[a.list[i].ref()] {
			g.content("evidence was removed")
		}
	}
	return g.f.left.takeVisits(len(a.list) + len(b.list))
}

// piece is a stream; one that an older revision had stays as it was, which is for
// objects() to see.
func (g *growth) piece(v *value) error {
	o, err := g.f.get(v.ref(), g.rev)
	if err != nil {
		return err
	}
	if !o.stream {
		g.content("evidence that is no stream")
		return nil
	}
	if _, had := g.f.lookup(v.num, g.rev-1); !had {
		g.own[v.num] = true
	}
	return nil
}

// validations is /VRI (ETSI EN 319 142-1 5.4.2.3): for each signature its evidence once
// more, and when it was put together. Nothing is judged by it.
func (g *growth) validations(old, now *value) error {
	a, b, err := g.hold(old, now)
	if err != nil {
		return err
	}
	if b.kind != kDict {
		g.content("/VRI is no dictionary")
		return nil
	}
	g.keeps(a, b, "/VRI")
	find := a.finder()
	for i, key := range b.keys {
		if err := g.validation(find(key), &b.list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (g *growth) validation(old, now *value) error {
	a, b, err := g.hold(old, now)
	if err != nil {
		return err
	}
	if b.kind != kDict {
		g.content("an entry of /VRI is no dictionary")
		return nil
	}
	find := a.finder()
	g.keeps(a, b, "an entry of /VRI")
	for i, key := range b.keys {
		is := &b.list[i]
		switch key {
		case "Cert", "CRL", "OCSP":
			err = g.list(find(key), is)
		case "TS":
			switch was := find(key); {
			case is.kind != kRef:
				g.content("/TS of /VRI is no stream")
			case was.kind != kNull && !equal(was, is):
				g.content("/TS of /VRI is another")
			default:
				err = g.piece(is)
			}
		case "Type", "TU":
			if is.kind != kName && is.kind != kString {
				g.content("an entry of /VRI holds something else")
			}
		default:
			g.content("an entry of /VRI holds /%.40s", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exclusive wants that nothing else points at the objects of a store of which this
// revision rewrote one: a list that was prepared to be a page's /Contents or /Annots too
// would bring in whatever is called evidence, and so would what stands below a /VRI that
// is a page's /Resources.
func (g *growth) exclusive(catalog *object) error {
	if len(g.holders) == 0 {
		return nil
	}
	for i := range catalog.keys {
		if catalog.keys[i] != "DSS" {
			g.pointed(&catalog.list[i], catalog.ref.num)
		}
	}
	for r := range g.rev {
		for i := range g.f.revs[r].trailer.keys {
			g.pointed(&g.f.revs[r].trailer.list[i], 0)
		}
	}
	for i, e := range g.f.index {
		num := int64(e.num)
		if int(e.rev) >= g.rev || e.kind == entryFree || g.holders[num] || num == catalog.ref.num {
			continue
		}
		if i+1 < len(g.f.index) && g.f.index[i+1].num == e.num && int(g.f.index[i+1].rev) < g.rev {
			continue // a later revision has another
		}
		o, err := g.f.entryObject(e)
		if err != nil {
			return err
		}
		for k, key := range o.keys {
			if g.inner[num] && (num != g.root || isStoreList(key) || key == "VRI") {
				continue
			}
			g.pointed(&o.list[k], num)
		}
		if o.kind != kDict && !g.inner[num] {
			g.pointed(&o.value, num)
		}
	}
	for num := range g.holders {
		g.allowed[num] = true
	}
	return nil
}

func (g *growth) pointed(v *value, from int64) {
	if v.kind == kRef && g.inner[v.num] {
		g.content("object %d is evidence and something else, which object %d shows", v.num, from)
	}
	for i := range v.list {
		g.pointed(&v.list[i], from)
	}
}

// extensions announce what a file uses beyond its version of PDF (ISO 32000-1 7.12);
// readers go by them to nothing that shows.
func (d *diff) extensions(old, now *value) error {
	a, b, err := d.both(old, now)
	if err != nil || equal(a, b) && old.kind == now.kind {
		return err
	}
	if now.kind == kRef {
		if _, had := d.f.lookup(now.num, d.rev-1); had {
			d.content("the extensions were changed")
			return nil
		}
		d.own[now.num] = true
	}
	if b.kind != kDict || !sameBut(a, b, "ESIC", "ADBE") && a.kind != kNull {
		d.content("the extensions were changed")
		return nil
	}
	for i, key := range b.keys {
		known := key == "Type" || (key == "ESIC" || key == "ADBE") && onlyKeys(&b.list[i], "Type", "BaseVersion", "ExtensionLevel", "ExtensionRevision", "URL")
		if !known && !equal(a.get(key), &b.list[i]) {
			d.content("the extensions hold /%.40s", key)
		}
	}
	return nil
}

func (d *diff) catalogs() (was, is *object, err error) {
	f := d.f
	if was, err = f.get(f.revs[d.rev-1].root, d.rev-1); err == nil {
		is, err = f.get(f.revs[d.rev].root, d.rev)
	}
	return was, is, err
}
