package pdf

import "slices"

// What a further signature may bring, in a field merged with its widget, in a field
// with kids, and in a kid: nothing that acts (/A, /AA), and no second appearance.
var (
	widgetKeys = []string{"Type", "Subtype", "FT", "T", "TU", "F", "Ff", "Rect", "P", "V", "AP", "MK", "DA", "BS", "Border", "H", "M", "NM", "StructParent", "Lock"}
	fieldKeys  = []string{"FT", "T", "TU", "Ff", "V", "Kids", "Lock"}
	kidKeys    = []string{"Type", "Subtype", "F", "Rect", "P", "Parent", "AP", "MK", "DA", "BS", "Border", "H", "M", "NM", "StructParent", "Contents"}
)

// field: new, or one that stood empty.
func (d *diff) field() error {
	s := d.sig
	merged := s.widget == s.field
	if e, had := d.f.lookup(s.field.ref.num, d.rev-1); had {
		old, err := d.f.entryObject(e)
		if err != nil {
			return err
		}
		d.allowed[s.field.ref.num] = true
		but := []string{"V"}
		if merged {
			but = append(but, "AP", "M")
		}
		if !sameBut(&old.value, &s.field.value, but...) || old.get("V").kind != kNull {
			d.content("signature field %s was changed", s.FieldName)
		}
		return nil
	}
	d.own[s.field.ref.num] = true
	keys := widgetKeys
	if !merged {
		keys = fieldKeys
		if kids := s.field.get("Kids"); kids.kind == kRef {
			d.brings(kids)
		}
	}
	for _, k := range s.field.keys {
		if !slices.Contains(keys, k) {
			d.content("signature field %s holds /%.40s", s.FieldName, k)
		}
	}
	return d.lock()
}

// brings notes a new object of the signature's; an older one may be anything.
func (d *diff) brings(v *value) {
	if _, had := d.f.lookup(v.num, d.rev-1); had {
		d.content("signature field %s takes object %d, which was there before", d.sig.FieldName, v.num)
		return
	}
	d.own[v.num] = true
}

// kid: a widget of the field. One that was there before gets its appearance.
func (d *diff) kid(w *object) error {
	if e, had := d.f.lookup(w.ref.num, d.rev-1); had {
		old, err := d.f.entryObject(e)
		if err != nil {
			return err
		}
		d.allowed[w.ref.num] = true
		if !sameBut(&old.value, &w.value, "AP", "M") {
			d.content("a widget of signature field %s was changed", d.sig.FieldName)
		}
		return nil
	}
	d.own[w.ref.num] = true
	for _, k := range w.keys {
		if !slices.Contains(kidKeys, k) {
			d.content("a widget of signature field %s holds /%.40s", d.sig.FieldName, k)
		}
	}
	if !w.get("Parent").isRef(d.sig.field.ref) {
		d.content("a widget of signature field %s names another parent", d.sig.FieldName)
	}
	return nil
}

// lock: what ends with the signature (ISO 32000-1 table 233).
func (d *diff) lock() error {
	v := d.sig.field.get("Lock")
	if v.kind == kNull {
		return nil
	}
	if v.kind == kRef {
		d.brings(v)
	}
	lock, err := d.f.deref(v, d.rev)
	if err != nil {
		return err
	}
	if !onlyKeys(lock, "Type", "Action", "Fields", "P") {
		d.content("the lock of signature field %s holds something else", d.sig.FieldName)
	}
	return nil
}
