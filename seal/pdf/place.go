package pdf

import "fmt"

// shown is one widget of the stamp: a place on a page, and what stands there.
type shown struct {
	page ref
	spot
	mark *drawnMark // nil where it is the seal
}

// placeAll finds the page and the rectangle of every widget.
func (f *File) placeAll(o Options, face *PreparedFace) ([]shown, error) {
	if len(o.Spots) == 0 || len(o.Spots) > maxSpots {
		return nil, fmt.Errorf("%w: at %d spots; at most %d are shown", ErrOptions, len(o.Spots), maxSpots)
	}
	how := paint{first: o.First}
	if !o.First {
		var err error
		if how, err = f.paint(f.last()); err != nil {
			return nil, err
		}
	}
	if how.plain && face.mask == nil {
		return nil, fmt.Errorf("%w: a file of this PDF/A level must not blend, and a seal whose picture has no transparency would cover what stands under it", ErrOptions)
	}
	out := make([]shown, 0, len(o.Spots)+1)
	for _, s := range o.Spots {
		page, g, err := f.orderedPage(s.Page)
		if err != nil {
			return nil, err
		}
		one := shown{page: page.ref}
		if one.spot, err = g.placeSpot(s, face); err != nil {
			return nil, err
		}
		one.paint = how
		out = append(out, one)
	}
	if o.Mark == nil {
		return out, nil
	}
	page, g, err := f.orderedPage(o.Mark.Page)
	if err != nil {
		return nil, err
	}
	mark, err := drawMark(o.Mark.Text)
	if err != nil {
		return nil, err
	}
	one := shown{page: page.ref, mark: mark}
	if one.spot, err = g.place(o.Mark.X, o.Mark.Y, mark.widthMM, mark.heightMM); err != nil {
		return nil, fmt.Errorf("its mark: %w", err)
	}
	one.paint = how
	return append(out, one), nil
}

// placeSpot places the whole face or a slice of it.
func (g geometry) placeSpot(s Spot, face *PreparedFace) (spot, error) {
	if s.From == 0 && s.To == 0 {
		return g.place(s.X, s.Y, face.widthMM, face.heightMM)
	}
	if s.From < 0 || s.To <= s.From || s.To > face.w {
		return spot{}, fmt.Errorf("%w: columns %d to %d of a picture that has %d", ErrOptions, s.From, s.To, face.w)
	}
	perColumn := face.widthMM / float64(face.w)
	out, err := g.place(s.X, s.Y, perColumn*float64(s.To-s.From), face.heightMM)
	k := pointsPerMM / g.unit
	out.full, out.off = face.widthMM*k, perColumn*float64(s.From)*k
	return out, err
}

func (f *File) orderedPage(n int) (*object, geometry, error) {
	i := n - 1
	if n < 0 {
		i = len(f.pages) + n
	}
	if n == 0 {
		return nil, geometry{}, fmt.Errorf("%w: pages count from 1, or from the end: -1 is the last", ErrOptions)
	}
	if i < 0 || i >= len(f.pages) {
		return nil, geometry{}, fmt.Errorf("%w: no page %d in a document of %d", ErrOptions, n, len(f.pages))
	}
	page, err := f.get(f.pages[i], f.last())
	if err != nil {
		return nil, geometry{}, err
	}
	g, err := f.geometry(page, f.last())
	return page, g, err
}

// PageSize is the size in mm of a page as it is displayed. Pages count as in Spot.
func (f *File) PageSize(n int) (width, height float64, err error) {
	_, g, err := f.orderedPage(n)
	if err != nil {
		return 0, 0, err
	}
	width, height = g.size()
	return width, height, nil
}

// Columns is how many columns of pixels the picture has: what Spot.From and To
// count.
func (p *PreparedFace) Columns() int { return p.w }
