package pdf

import (
	"fmt"
	"io"
	"time"
)

// Covered writes what the nth of Stamps covers, for whoever hashes it otherwise than
// Stamps did. It spends of the file's budget.
func (f *File) Covered(n int, w io.Writer) error {
	if n < 0 || n >= len(f.found) || !f.found[n].CoversRevision {
		return fmt.Errorf("%w: no signature %d that covers its revision", ErrOptions, n)
	}
	s := &f.found[n]
	from, to := s.ByteRange[1], s.ByteRange[2]
	if err := f.left.takeHash(from + s.end - to); err != nil {
		return err
	}
	if _, err := f.copyTo(w, 0, from); err != nil {
		return err
	}
	_, err := f.copyTo(w, to, s.end)
	return err
}

// Invisible tells that the nth of Stamps shows nothing on any page: its field is its
// one widget, and that is of no size (ISO 32000-1 12.7.4.5). One without an appearance
// alone may be drawn by readers that make one.
func (f *File) Invisible(n int) bool {
	if n < 0 || n >= len(f.found) {
		return false
	}
	w := f.found[n].widget
	if w == nil || w != f.found[n].field || w.get("Kids").kind != kNull {
		return false
	}
	r, err := f.deref(w.get("Rect"), f.found[n].rev)
	if err != nil || r.kind != kArray || len(r.list) != 4 {
		return false
	}
	for i := range 4 {
		if k := r.list[i].kind; k != kInt && k != kReal {
			return false
		}
	}
	return equal(&r.list[0], &r.list[2]) && equal(&r.list[1], &r.list[3])
}

// ParseDate reads a date of ISO 32000-1 7.9.4 that has seconds and a zone: one without
// says no moment.
func ParseDate(s string) (time.Time, bool) {
	for _, layout := range []string{"D:20060102150405Z07'00'", "D:20060102150405Z07'00", "D:20060102150405Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
