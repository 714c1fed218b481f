package pdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Lock ends fields of the form with the stamp (ISO 32000-1 12.7.4.5, table 233).
// Action is All, Include or Exclude.
type Lock struct {
	Action string
	Fields []string
}

// ErrLocked: an earlier signature forbids what the stamp would change.
var ErrLocked = errors.New("an earlier signature of the PDF file forbids a further seal")

const (
	maxLocked = 10_000 // names of fields in the locks of earlier signatures
	docMDP    = "DocMDP"
	fieldMDP  = "FieldMDP"
)

// permitted asks the signatures that are there whether the stamp may join them. name
// is that of its field.
func (f *File) permitted(o Options, name string) error {
	fields, _, err := f.sigFields(f.last())
	if err != nil {
		return err
	}
	signed := false
	for _, fd := range fields {
		if fd.v.kind == kNull {
			continue
		}
		signed = true
		if err := f.permittedBy(fd.v, name); err != nil {
			return err
		}
	}
	cat, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		return err
	}
	perms, err := f.deref(cat.get("Perms"), f.last())
	if err != nil {
		return err
	}
	if v := perms.get(docMDP); v.kind != kNull {
		signed = true
		if err := f.permittedBy(v, name); err != nil {
			return err
		}
	}
	if o.Certify != 0 && signed {
		return fmt.Errorf("%w: only the first signature certifies a document (ISO 32000-1 12.8.2.2.1), and this one has signatures", ErrOptions)
	}
	return nil
}

// permittedBy reads the transforms of one signature.
func (f *File) permittedBy(sig *value, name string) error {
	rev := f.last()
	v, err := f.deref(sig, rev)
	if err != nil {
		return err
	}
	list, err := f.deref(v.get("Reference"), rev)
	if err != nil {
		return err
	}
	for i := range list.list {
		r, err := f.deref(&list.list[i], rev)
		if err != nil {
			return err
		}
		params, err := f.deref(r.get("TransformParams"), rev)
		if err != nil {
			return err
		}
		p, err := f.deref(params.get("P"), rev)
		if err != nil {
			return err
		}
		switch method := r.get("TransformMethod"); {
		case (method.isName(docMDP) || method.isName(fieldMDP)) && p.kind == kInt && p.num == 1:
			// 2 where none is told, ISO 32000-1 table 254; with a lock, ISO 32000-2 table 236.
			return fmt.Errorf("%w: no changes are permitted after it", ErrLocked)
		case method.isName(fieldMDP):
			locked, err := f.locks(params, name)
			if err != nil {
				return err
			}
			if locked {
				return fmt.Errorf("%w: it locks form fields, the one that the seal would add among them", ErrLocked)
			}
		}
	}
	return nil
}

// locks tells whether a lock's parameters (tables 233 and 256) are about a field. A
// name stands for the fields below it too.
func (f *File) locks(params *value, name string) (bool, error) {
	list, err := f.deref(params.get("Fields"), f.last())
	if err != nil {
		return false, err
	}
	if len(list.list) > maxLocked {
		return false, tooMany("fields in a lock", maxLocked)
	}
	named := slices.ContainsFunc(list.list, func(v value) bool {
		n := decodeText(v.text)
		return n == name || strings.HasPrefix(name, n+".")
	})
	switch action := params.get("Action"); {
	case action.isName("Include"):
		return named, nil
	case action.isName("Exclude"):
		return !named, nil
	}
	return true, nil // All, and what nobody defined
}

// transforms are the signature's references: what it says of later changes.
func (n *increment) transforms(o Options) string {
	var refs []string
	if o.Certify != 0 {
		refs = append(refs, fmt.Sprintf("<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P %d /V /1.2 >> >>", o.Certify))
	}
	if o.Lock != nil {
		root := n.f.revs[n.f.last()].root
		refs = append(refs, fmt.Sprintf("<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Type /TransformParams %s /V /1.2 >> /Data %d %d R >>",
			o.Lock.entries(), root.num, root.gen))
	}
	if refs == nil {
		return ""
	}
	return "\n/Reference [" + strings.Join(refs, " ") + "]"
}

func (l *Lock) entries() string {
	if l.Action == "All" {
		return "/Action /All"
	}
	var names []string
	for _, n := range l.Fields {
		names = append(names, textString(n))
	}
	return fmt.Sprintf("/Action /%s /Fields [%s]", l.Action, strings.Join(names, " "))
}

func (o *Options) check() error {
	if o.Certify < 0 || o.Certify > 3 {
		return fmt.Errorf("%w: permission %d", ErrOptions, o.Certify)
	}
	l := o.Lock
	if l == nil {
		return nil
	}
	if l.Action == "All" && len(l.Fields) == 0 || (l.Action == "Include" || l.Action == "Exclude") && len(l.Fields) > 0 {
		return nil
	}
	return fmt.Errorf("%w: a lock of %q over %d fields", ErrOptions, l.Action, len(l.Fields))
}

// certify names the certifying signature in the catalog (ISO 32000-1 12.8.4).
func (n *increment) certify(sig int64) error {
	root, err := n.f.get(n.f.revs[n.f.last()].root, n.f.last())
	if err != nil {
		return err
	}
	refText := fmt.Sprintf("%d 0 R", sig)
	v := root.get("Perms")
	switch v.kind {
	case kNull:
		return n.set(root, &root.value, "Perms", "<< /DocMDP "+refText+" >>")
	case kDict:
		return n.set(root, v, docMDP, refText)
	}
	holder, err := n.f.get(v.ref(), n.f.last())
	if err != nil {
		return err
	}
	if holder.kind != kDict {
		return malformed(root.objStart, "/Perms is no dictionary")
	}
	return n.set(holder, &holder.value, docMDP, refText)
}
