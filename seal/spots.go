package seal

import (
	"fmt"

	"yinxin/seal/face"
)

// pages is what placing asks of a document. Pages count from 1, or from the end if
// negative; sizes are in millimetres as displayed.
type pages interface {
	PageCount() int
	PageSize(n int) (width, height float64, err error)
}

// point is the middle of a keyword, in millimetres from the top left of its page.
type point struct {
	page int
	x, y float64
}

// finder looks for a keyword; the points are in the order of the document.
type finder func(k Keyword) ([]point, error)

// shape is a face: its size in millimetres, its columns of pixels.
type shape struct {
	widthMM, heightMM, columns int
}

// maxSlices is how many pages show one face of a riding seal. 40 slices of a seal of
// 42 mm are about a millimetre each; of thinner ones nothing could be seen.
const maxSlices = 40

// maxKeywordSpots bounds the seals that stand at every place of one keyword.
const maxKeywordSpots = 200

// spots is what a placement comes to.
func (p Place) spots(doc pages, f shape, find finder) ([]Spot, error) {
	switch {
	case p.Riding != nil:
		return p.Riding.spots(doc, f)
	case p.Keyword != nil:
		return p.Keyword.spots(doc, f, find)
	}
	return []Spot{{Page: p.Page, X: p.X, Y: p.Y}}, nil
}

// fixed tells a placement that is itself the spot, so that the register needs none.
func (p Place) fixed() bool { return p.Keyword == nil && p.Riding == nil }

func (k *Keyword) spots(doc pages, f shape, find finder) ([]Spot, error) {
	found, err := find(*k)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: the keyword %q does not stand in it", ErrDocument, k.Text)
	}
	switch k.Which {
	case First:
		found = found[:1]
	case Last, "":
		found = found[len(found)-1:]
	}
	if len(found) > maxKeywordSpots {
		return nil, fmt.Errorf("%w: the keyword %q stands in %d places, a seal at most in %d", ErrDocument, k.Text, len(found), maxKeywordSpots)
	}
	var out []Spot
	for _, at := range found {
		w, h, err := doc.PageSize(at.page)
		if err != nil {
			return nil, err
		}
		out = append(out, Spot{Page: at.page, X: within(at.x+k.DX, float64(f.widthMM), w), Y: within(at.y+k.DY, float64(f.heightMM), h)})
	}
	return out, nil
}

// within gives where a seal begins whose middle is wanted at some place: near the
// edge of the page it is moved in, as a hand would set it. One that is larger than
// the page is refused by whoever lays it out.
func within(middle, size, room float64) float64 {
	return max(0, min(middle-size/2, room-size))
}

// spots cuts the face for the pages of a riding seal, in runs of at most maxSlices
// pages, as equal as can be (protocol.md 2).
func (r *Riding) spots(doc pages, f shape) ([]Spot, error) {
	var chosen []int
	for n := 1; n <= doc.PageCount(); n++ {
		if r.Pages == OddPages && n%2 == 0 || r.Pages == EvenPages && n%2 == 1 {
			continue
		}
		chosen = append(chosen, n)
	}
	if len(chosen) < 2 {
		return nil, fmt.Errorf("%w: a riding seal needs two pages, and there is %d", ErrDocument, len(chosen))
	}
	most := min(maxSlices, f.widthMM)
	runs := (len(chosen) + most - 1) / most
	var out []Spot
	for k := range runs {
		run := chosen[k*len(chosen)/runs : (k+1)*len(chosen)/runs]
		for i, page := range run {
			s := Spot{Page: page}
			s.From, s.To = face.Cut(f.columns, len(run), i)
			if err := r.place(&s, doc, f); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func (r *Riding) place(s *Spot, doc pages, f shape) error {
	w, h, err := doc.PageSize(s.Page)
	if err != nil {
		return err
	}
	if r.Side != Left {
		s.X = w - float64(f.widthMM)*float64(s.To-s.From)/float64(f.columns)
	}
	if s.Y = r.At; r.At == 0 {
		s.Y = (h - float64(f.heightMM)) / 2
	}
	if s.Y+float64(f.heightMM) > h {
		return fmt.Errorf("%w: a riding seal of %d mm at %g mm leaves page %d, which is %.1f mm high", ErrDocument, f.heightMM, r.At, s.Page, h)
	}
	return nil
}
