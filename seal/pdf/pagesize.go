package pdf

import "fmt"

// PageSize is the size in mm of a page as it is displayed. Pages count as in Spot.
func (f *File) PageSize(n int) (width, height float64, err error) {
	if n < 1 || n > len(f.pages) {
		return 0, 0, fmt.Errorf("%w: no page %d", ErrOptions, n)
	}
	page, err := f.get(f.pages[n-1], f.last())
	if err != nil {
		return 0, 0, err
	}
	g, err := f.geometry(page, f.last())
	if err != nil {
		return 0, 0, err
	}
	k := g.unit * 25.4 / 72
	width, height = (g.urx-g.llx)*k, (g.ury-g.lly)*k
	if g.rotate%180 != 0 {
		width, height = height, width
	}
	return width, height, nil
}
