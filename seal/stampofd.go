package seal

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"

	"yinxin/seal/ofd"
)

// StampOFD seals an OFD package. The result streams from in, which must stay open.
func (o *Office) StampOFD(ctx context.Context, r StampRequest, in io.ReaderAt, size int64) (*Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry, formatOFD)
	if err != nil {
		return nil, err
	}
	defer release()
	doc, err := openOFD(in, size)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		return o.againOFD(ctx, earlier, doc)
	}
	if err := r.fits(formatOFD); err != nil {
		return nil, err
	}
	r.input = Document{ReaderAt: in, Size: size}.Sum
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	s, err := orderedOFD(r, rd, doc)
	if err != nil {
		return nil, err
	}
	layout, err := layOutOFD(doc, rd, d, s)
	if err != nil {
		return nil, err
	}
	s.DataHash = layout.Digest()
	out, err := o.sign(ctx, r, rd, d, s, layout.Property(), o.commitStamp)
	if err != nil {
		return nil, err
	}
	out.ofd = layout
	return &out, nil
}

// orderedOFD is what the register will hold of the order, found out once.
func orderedOFD(r StampRequest, rd *ready, doc *ofd.Document) (Stamp, error) {
	s := Stamp{Format: formatOFD, Pages: doc.PageCount(), Placement: &r.Placement, Order: r.Order.kept()}
	var err error
	s.Spots, err = r.Placement.spotsOFD(doc, rd)
	return s, err
}

func openOFD(in io.ReaderAt, size int64) (*ofd.Document, error) {
	p, err := ofd.Open(in, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	doc, err := p.Document()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return doc, nil
}

// spotsOFD finds what the register has to keep: what a keyword or a riding seal came
// to, nil where the placement says it itself.
func (p Place) spotsOFD(doc *ofd.Document, rd *ready) ([]Spot, error) {
	if p.fixed() {
		return nil, nil
	}
	f, err := rd.shape()
	if err != nil {
		return nil, err
	}
	spots, err := p.spots(doc, f, func(k Keyword) ([]point, error) {
		found, err := doc.Find(k.Text, k.Page)
		var points []point
		for _, f := range found {
			points = append(points, point{f.Page, f.X, f.Y})
		}
		return points, err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return spots, nil
}

// shape of the seal's picture; it was decoded before it was made ready.
func (rd *ready) shape() (shape, error) {
	c, err := png.DecodeConfig(bytes.NewReader(rd.picture))
	return shape{rd.seal.WidthMM, rd.seal.HeightMM, c.Width}, err
}

// layOutOFD depends on nothing that a retry does not know.
func layOutOFD(doc *ofd.Document, rd *ready, d draft, s Stamp) (*ofd.Layout, error) {
	f, err := rd.shape()
	if err != nil {
		return nil, err
	}
	options := ofd.Options{WidthMM: float64(f.widthMM), HeightMM: float64(f.heightMM), Columns: f.columns, Seal: rd.der, Time: d.now,
		Whole: s.Order != nil && s.Order.Protect == ProtectWhole}
	spots := s.Spots
	if s.Placement.fixed() {
		spots = []Spot{{Page: s.Placement.Page, X: s.Placement.X, Y: s.Placement.Y}}
	}
	for _, s := range spots {
		options.Spots = append(options.Spots, ofd.Spot{Page: s.Page, X: s.X, Y: s.Y, From: s.From, To: s.To})
	}
	layout, err := doc.Layout(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return layout, nil
}

func (o *Office) againOFD(ctx context.Context, s *Stamp, doc *ofd.Document) (*Stamped, error) {
	rd, err := o.prepareAgain(ctx, s)
	if err != nil {
		return nil, err
	}
	layout, err := layOutOFD(doc, rd, draft{id: s.ID, now: s.Claimed}, *s)
	if err == nil && layout.Digest() != s.DataHash {
		err = fmt.Errorf("%w: %s", ErrNotAgain, s.ID)
	}
	if err != nil {
		return nil, err
	}
	token, err := o.restore(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Stamped{Stamp: *s, Token: token, ofd: layout}, nil
}
