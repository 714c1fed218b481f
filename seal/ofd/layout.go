package ofd

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

var (
	// ErrOptions: the package is good, the order is not (no such page, ...).
	ErrOptions = errors.New("the seal cannot be placed as ordered")
	// ErrFinal: an earlier signature lets no further one be added.
	ErrFinal = errors.New("the OFD package can be sealed no further")
)

// Spot is where the seal shows: its page, from 1, or from the end if negative, and
// its top left corner in millimetres from that of the page. From and To are the
// columns of pixels of a slice, both 0 for the whole.
type Spot struct {
	Page     int
	X, Y     float64
	From, To int
}

// Options is the whole order for one stamp. The same input and the same options give
// the same bytes.
type Options struct {
	Spots             []Spot
	WidthMM, HeightMM float64 // of the seal
	Columns           int     // of its picture, in pixels
	Seal              []byte  // the SESeal, DER
	Time              time.Time
	Whole             bool // nothing may be added afterwards
}

const (
	maxSpots = maxAnnots
	minFace  = 1   // mm; smaller is a dot: a stamp that shows no seal
	maxFace  = 500 // mm; no seal is half a metre wide
	maxSeal  = 4 << 20
)

// Layout is a package with room for one stamp. It holds the new entries, never the
// package.
type Layout struct {
	p         *Package
	replaced  map[string]bool
	added     []addition // the signed value last, its content not known yet
	property  string
	signature [32]byte
	time      time.Time
}

// addition is an entry that the stamp adds, or puts in the place of one.
type addition struct {
	name    string
	content []byte
}

// Layout lays out one further stamp. Of what is there it changes the list of
// signatures, and OFD.xml where there was none.
func (d *Document) Layout(o Options) (*Layout, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	earlier, err := d.earlier()
	if err != nil {
		return nil, err
	}
	l := &Layout{p: d.p, replaced: map[string]bool{}, time: o.Time}
	s, err := d.plan(o, earlier)
	if err != nil {
		return nil, err
	}
	if s.annots, err = d.annots(o, &s.ids); err != nil {
		return nil, err
	}
	l.add(s.file("Seal.esl"), o.Seal)
	if err := l.enlist(d, s); err != nil {
		return nil, err
	}
	text, err := l.signatureXML(s, o)
	if err != nil {
		return nil, err
	}
	l.add(s.file("Signature.xml"), text)
	l.add(s.file("SignedValue.dat"), nil)
	l.property, l.signature = "/"+s.file("Signature.xml"), sm3.Sum(text)
	return l, l.checkNames()
}

func (o *Options) check() error {
	if !(o.WidthMM >= minFace && o.WidthMM <= maxFace && o.HeightMM >= minFace && o.HeightMM <= maxFace) {
		return fmt.Errorf("%w: a seal of %g by %g mm", ErrOptions, o.WidthMM, o.HeightMM)
	}
	if len(o.Spots) == 0 || len(o.Spots) > maxSpots {
		return fmt.Errorf("%w: %d spots; a stamp shows in 1 to %d", ErrOptions, len(o.Spots), maxSpots)
	}
	for _, s := range o.Spots {
		if s.From < 0 || s.To < s.From || s.To > o.Columns || s.To == s.From && s.To != 0 {
			return fmt.Errorf("%w: a slice of the columns %d to %d of %d", ErrOptions, s.From, s.To, o.Columns)
		}
	}
	if len(o.Seal) == 0 || len(o.Seal) > maxSeal {
		return fmt.Errorf("%w: a seal of %d bytes", ErrOptions, len(o.Seal))
	}
	return nil
}

// earlier reads the signatures that are there. Each is held against the files that it
// names, digest by digest: a stamp of ours names the same files, and what an earlier
// signature says of them is the word of whoever wrote that file. On a document whose
// signature is broken none is added: it would lend it credit, and the whole would
// never be valid.
func (d *Document) earlier() ([]*Stamp, error) {
	if d.p.Has(integrityFile) {
		return nil, fmt.Errorf("%w: its integrity file (GM/T 0099) lists all files that it may have", ErrFinal)
	}
	all, err := d.p.Stamps()
	if err != nil {
		return nil, err
	}
	if len(all) >= maxSignatures {
		return nil, tooLarge("%d signatures", len(all))
	}
	for _, s := range all {
		switch {
		case len(s.Problems) > 0:
			return nil, fmt.Errorf("%w: its signature %s is broken: %s", ErrFinal, s.Path, s.Problems[0])
		case s.Whole:
			return nil, fmt.Errorf("%w: its signature %s protects the list of signatures", ErrFinal, s.Path)
		case len(s.Altered) > 0:
			return nil, fmt.Errorf("%w: it was altered since its signature %s: %s", ErrFinal, s.Path, s.Altered[0])
		case len(s.Removed) > 0:
			return nil, fmt.Errorf("%w: since its signature %s another was taken off the list: %s", ErrFinal, s.Path, s.Removed[0])
		}
	}
	return all, nil
}

// annots checks that each spot is on its page, and writes it as the field does: the
// Boundary is that of the whole face, a slice is what its Clip shows of it.
func (d *Document) annots(o Options, ids *idMaker) ([]annot, error) {
	var out []annot
	for _, s := range o.Spots {
		i, err := d.page(s.Page)
		if err != nil {
			return nil, err
		}
		w, h, err := d.PageSize(s.Page)
		if err != nil {
			return nil, err
		}
		shown := box{s.X, s.Y, o.WidthMM, o.HeightMM}
		a := annot{id: ids.next(), page: d.ids[i], boundary: shown}
		if s.To > 0 {
			mm := o.WidthMM / float64(o.Columns)
			from := float64(s.From) * mm
			shown.w = float64(s.To-s.From) * mm
			a.boundary.x -= from
			a.clip = &box{from, 0, shown.w, o.HeightMM}
		}
		const slack = 0.01 // mm, of rounding
		if !(shown.x >= -slack && shown.y >= -slack && shown.x+shown.w <= w+slack && shown.y+shown.h <= h+slack) {
			return nil, fmt.Errorf("%w: it would leave page %d, which is %.1f by %.1f mm", ErrOptions, i+1, w, h)
		}
		out = append(out, a)
	}
	return out, nil
}

func (l *Layout) add(name string, content []byte) { l.added = append(l.added, addition{name, content}) }

// checkNames: the new names are held against all that are there, as a reader does.
func (l *Layout) checkNames() error {
	taken := places{}
	n := 0
	for _, e := range l.p.entries {
		if l.replaced[e.Name] {
			continue
		}
		n++
		if err := taken.take(e.Name, e.IsDir()); err != nil {
			return err
		}
	}
	if n+len(l.added) > MaxEntries {
		return tooLarge("%d entries", n+len(l.added))
	}
	for _, a := range l.added {
		if err := taken.take(a.name, false); err != nil {
			return err
		}
		if err := checkName(a.name, true); err != nil {
			return err
		}
	}
	return nil
}

// Property is the absolute path of the Signature.xml: what propertyInfo must be.
func (l *Layout) Property() string { return l.property }

// Digest is the SM3 of Signature.xml, which holds those of all that is covered.
func (l *Layout) Digest() [32]byte { return l.signature }

// Size is the length of the sealed package with a signed value of so many octets.
func (l *Layout) Size(token int) int64 {
	z := l.rewrite(make([]byte, token))
	return z.size()
}

// WriteTo writes the sealed package: what is kept as it stands in the file, byte for
// byte, then the new entries, then the directory of all.
func (l *Layout) WriteTo(w io.Writer, token []byte) (int64, error) {
	if len(token) == 0 || len(token) > maxSignedValue {
		return 0, fmt.Errorf("%w: a signed value of %d octets", ErrOptions, len(token))
	}
	return l.rewrite(token).writeTo(w)
}

func (l *Layout) rewrite(token []byte) *rewrite {
	z := &rewrite{r: l.p.r, time: l.time}
	for _, e := range l.p.entries {
		if !l.replaced[e.Name] {
			z.kept = append(z.kept, e)
		}
	}
	z.added = append(z.added, l.added...)
	z.added[len(z.added)-1].content = token
	return z
}

// plan decides where the new files lie and how they are numbered.
func (d *Document) plan(o Options, earlier []*Stamp) (*plan, error) {
	s := &plan{list: d.body.signatures}
	signs := path.Join(path.Dir(d.body.root), "Signs")
	if s.list == "" {
		s.list = path.Join(signs, "Signatures.xml")
		if d.p.Has(s.list) {
			return nil, ambiguous("%q is there, and OFD.xml does not lead to it", s.list)
		}
	}
	n, err := d.freeFolder(signs)
	if err != nil {
		return nil, err
	}
	s.folder = fmt.Sprintf("%s/Sign_%d", signs, n)
	if d.body.signatures != "" {
		if s.listed, err = d.p.readUpTo(s.list, maxXML); err != nil {
			return nil, err
		}
	}
	if s.ids, err = newIDs(s.listed, earlier); err != nil {
		return nil, err
	}
	s.id = s.ids.next()
	return s, nil
}

// freeFolder gives the number after those of the folders Sign_n, whichever are left.
func (d *Document) freeFolder(signs string) (int, error) {
	n := 0
	prefix := fold(signs + "/sign_")
	for _, e := range d.p.entries {
		rest, found := strings.CutPrefix(fold(e.Name), prefix)
		if !found {
			continue
		}
		rest, _, _ = strings.Cut(rest, "/")
		if k, ok := serial(rest); ok {
			n = max(n, k+1)
		}
	}
	if n > math.MaxInt32 {
		return 0, tooLarge("a folder Sign_%d", n-1)
	}
	return n, nil
}

// plan is where one signature goes.
type plan struct {
	list   string // Signatures.xml
	listed []byte // as it is, nil for none
	folder string
	id     string
	ids    idMaker
	annots []annot
}

func (s *plan) file(name string) string { return s.folder + "/" + name }
