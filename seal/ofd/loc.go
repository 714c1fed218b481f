package ofd

import (
	"errors"
	"path"
	"strings"
)

// resolve finds the entry that a ST_Loc means (GB/T 33190 7.3): from the root with
// a leading slash, else from the folder of the file that it stands in. Some writers
// leave the slash out, so a location that leads nowhere is tried from the root; one
// that leads to two entries is refused.
func (p *Package) resolve(loc, from string) (string, error) {
	if loc == "" || len(loc) > maxName || strings.ContainsAny(loc, "\\\x00") {
		return "", malformed("the location %.80q", loc)
	}
	rooted, err := inside(loc)
	if strings.HasPrefix(loc, "/") {
		return rooted, p.there(rooted, err)
	}
	beside, besideErr := inside(path.Join(path.Dir(from), loc))
	if besideErr != nil {
		return "", besideErr
	}
	if !p.Has(beside) && err == nil && p.Has(rooted) {
		return rooted, nil
	}
	if p.Has(beside) && err == nil && p.Has(rooted) && beside != rooted {
		return "", ambiguous("the location %q in %q leads to %q and to %q", loc, from, beside, rooted)
	}
	return beside, p.there(beside, nil)
}

func (p *Package) there(name string, err error) error {
	if err == nil && !p.Has(name) {
		return noEntry(name)
	}
	return err
}

// inside cleans a path, which must not climb out of the package.
func inside(loc string) (string, error) {
	name := path.Clean(strings.TrimPrefix(loc, "/"))
	if name == "." || name == ".." || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") {
		return "", ambiguous("the location %q leads out of the package", loc)
	}
	return name, nil
}

// unreadable tells whether an error is of the package and not of the work: then the
// one stamp is bad, and not everything.
func unreadable(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrNoEntry)
}
