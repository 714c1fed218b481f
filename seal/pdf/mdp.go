package pdf

import "fmt"

// permission is what a signature says of later changes (ISO 32000-1 12.8.2.2 to
// 12.8.2.4).
type permission struct {
	level int64    // of DocMDP: 1 to 3, 0 where it does not certify
	locks []*value // parameters of its FieldMDPs
}

// maxReferences bounds the transforms of one signature; a good one has two.
const maxReferences = 16

// permissions reads what each signature says, and holds against it what came later.
func (f *File) permissions() error {
	said := make([]permission, len(f.found))
	certifier := -1
	for i := range f.found {
		s := &f.found[i]
		p, err := f.permissionOf(s)
		if err != nil {
			return err
		}
		said[i] = p
		if p.level == 0 {
			continue
		}
		s.Certifies = int(p.level)
		switch {
		case certifier >= 0:
			s.problem("a second signature certifies the document")
		case i > 0:
			s.problem("it certifies the document, and is not its first signature")
		}
		if certifier < 0 {
			certifier = i
		}
	}
	if err := f.namedCertifier(certifier); err != nil {
		return err
	}
	for i := range f.found {
		if err := f.holdAgainst(&f.found[i], said[i]); err != nil {
			return err
		}
	}
	return nil
}

// permissionOf reads the transforms. What cannot be read is a problem of the signature:
// one reader would find a permission that another does not.
func (f *File) permissionOf(s *found) (p permission, err error) {
	if s.dict == nil || s.dict.kind != kDict {
		return p, nil
	}
	list, err := f.deref(s.dict.get("Reference"), s.rev)
	if err != nil {
		return p, err
	}
	if list.kind == kNull {
		return p, nil
	}
	if list.kind != kArray || len(list.list) > maxReferences {
		s.problem("its /Reference is no array of transforms")
		return p, nil
	}
	for i := range list.list {
		r, err := f.deref(&list.list[i], s.rev)
		if err != nil {
			return p, err
		}
		params, err := f.deref(r.get("TransformParams"), s.rev)
		if err != nil {
			return p, err
		}
		level, err := f.deref(params.get("P"), s.rev)
		if err != nil {
			return p, err
		}
		switch method := r.get("TransformMethod"); {
		case method.isName(docMDP):
			s.takeLevel(&p, level)
		case method.isName(fieldMDP):
			p.locks = append(p.locks, params)
			if level.kind == kInt && level.num == 1 { // ISO 32000-2 table 236
				p.locks = append(p.locks, everything)
			}
		}
	}
	return p, nil
}

// everything is a lock of all fields.
var everything = &value{kind: kDict}

// takeLevel: 2 where none is told (ISO 32000-1 table 254).
func (s *found) takeLevel(p *permission, level *value) {
	switch {
	case p.level != 0:
		s.problem("it certifies the document twice")
	case level.kind == kNull:
		p.level = 2
	case level.kind != kInt || level.num < 1 || level.num > 3:
		s.problem("it certifies the document with a permission that nobody defined")
		p.level = 1
	default:
		p.level = level.num
	}
}

// namedCertifier: the catalog names the signature that certifies, if it names any (ISO
// 32000-1 12.8.4), in every revision alike.
func (f *File) namedCertifier(certifier int) error {
	for r := range f.revs {
		if r > 0 && f.revs[r].root == f.revs[r-1].root {
			if e, ok := f.lookup(f.revs[r].root.num, r); ok && int(e.rev) != r {
				continue // the catalog of the revision before
			}
		}
		cat, err := f.get(f.revs[r].root, r)
		if err != nil {
			return err
		}
		perms, err := f.deref(cat.get("Perms"), r)
		if err != nil {
			return err
		}
		v := perms.get(docMDP)
		if v.kind == kNull {
			continue
		}
		if certifier < 0 || f.found[certifier].dict == nil || !v.isRef(f.found[certifier].dict.ref) {
			f.found[max(certifier, 0)].problem("the catalog names another signature as the one that certifies the document")
			return nil
		}
	}
	return nil
}

// holdAgainst: after a certification that permits nothing, and for a field that was
// locked, only evidence and document time-stamps may come (ISO 32000-2 12.8.2.2.2).
// That forms are filled in, which a certification may permit, is content to a seal.
func (f *File) holdAgainst(s *found, p permission) error {
	for _, l := range s.Later {
		if l.Kind == ChangeContent && p.level > 1 {
			s.tell("revision %d: the certification may permit this, a seal does not", l.Revision)
		}
		if l.Kind != ChangeSignature || f.found[l.Signature].DocTimeStamp {
			continue
		}
		if p.level == 1 {
			s.ContentAdded = true
			s.tell("revision %d: a further signature, which the certification forbids", l.Revision)
			continue
		}
		for _, params := range p.locks {
			locked, err := f.locks(params, f.found[l.Signature].FieldName)
			if err != nil {
				return err
			}
			if locked {
				s.ContentAdded = true
				s.tell("revision %d: the further signature's field is one that this signature locked", l.Revision)
				break
			}
		}
	}
	return nil
}

func (s *found) tell(format string, args ...any) {
	if len(s.LaterChanges) < maxListed {
		s.LaterChanges = append(s.LaterChanges, fmt.Sprintf(format, args...))
	}
}
