package seal

import (
	"fmt"

	"yinxin/seal/pdf"
)

const (
	markGap    = 2.0 // mm between the seal and what is printed beside it
	markMargin = 8.0 // mm between a corner of the page and what is printed there: most printers print it
)

// box is a rectangle on a page, in millimetres from its top left.
type box struct{ x, y, w, h float64 }

func (b box) meets(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

// pdf gives the mark its text and its place, on the page of the first spot.
func (m *Mark) pdf(s Stamp, doc pages, f shape, spots []Spot) (*pdf.Mark, error) {
	text := m.text(s)
	w, h, err := pdf.MarkSize(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	page := spots[0].page(doc)
	pageW, pageH, err := doc.PageSize(page)
	if err != nil {
		return nil, err
	}
	var seals []box
	for _, at := range spots {
		if at.page(doc) == page {
			seals = append(seals, at.box(f))
		}
	}
	for _, at := range m.choices(seals[0], pageW, pageH, w, h) {
		free := at.x >= 0 && at.y >= 0 && at.x+w <= pageW && at.y+h <= pageH
		for _, seal := range seals {
			free = free && !at.meets(seal)
		}
		if free {
			return &pdf.Mark{Text: text, Page: page, X: at.x, Y: at.y}, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no room on page %d for a mark of %.0f by %.0f mm: name another place", ErrDocument, page, w, h)
}

// choices are the places for a mark, best first: right of the seal, below it, left of
// it, above it, along its middle as far as the page lets it; or the one corner. Left
// comes late: there stands the name over which the seal is put, and a code printed on
// text is read by nobody.
func (m *Mark) choices(seal box, pageW, pageH, w, h float64) []box {
	left, top, right, bottom := markMargin, markMargin, pageW-markMargin-w, pageH-markMargin-h
	switch m.Where {
	case TopLeft:
		return []box{{left, top, w, h}}
	case TopRight:
		return []box{{right, top, w, h}}
	case BottomLeft:
		return []box{{left, bottom, w, h}}
	case BottomRight:
		return []box{{right, bottom, w, h}}
	}
	x, y := within(seal.x+seal.w/2, w, pageW), within(seal.y+seal.h/2, h, pageH)
	return []box{
		{seal.x + seal.w + markGap, y, w, h}, {x, seal.y + seal.h + markGap, w, h},
		{seal.x - markGap - w, y, w, h}, {x, seal.y - markGap - h, w, h},
	}
}

// page counts from 1.
func (s Spot) page(doc pages) int {
	if s.Page < 0 {
		return doc.PageCount() + 1 + s.Page
	}
	return s.Page
}

func (s Spot) box(f shape) box {
	b := box{s.X, s.Y, float64(f.widthMM), float64(f.heightMM)}
	if s.To > 0 {
		b.w *= float64(s.To-s.From) / float64(f.columns)
	}
	return b
}
