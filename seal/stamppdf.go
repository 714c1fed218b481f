package seal

import (
	"context"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/code"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// Finder looks for a text on the pages of a PDF, to place a seal there; never for a
// verdict.
type Finder interface {
	// Find gives at most limit places in the order of the document: pages from 1, and
	// rectangles in millimetres from the top left of the page as displayed.
	Find(ctx context.Context, in io.ReaderAt, size int64, text string, limit int) ([]Hit, error)
}

// Hit is a place where a text stands.
type Hit struct {
	Page       int
	X, Y, W, H float64
}

// maxHits bounds what a finder is asked for: a single letter stands everywhere, and
// each place of it would be held.
const maxHits = 1000

// StampPDF seals a PDF. prefix is an SM3 state that has hashed the whole input,
// or nil. The result streams from in, which must stay open.
func (o *Office) StampPDF(ctx context.Context, r StampRequest, in io.ReaderAt, size int64, prefix hash.Hash) (*Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry, formatPDF)
	if err != nil {
		return nil, err
	}
	defer release()
	doc, err := openPDF(in, size)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		if !earlier.order().alike(r.Order) {
			return nil, ErrRetryMismatch
		}
		again, err := o.againPDF(ctx, earlier, doc, prefix)
		if err == nil {
			err = o.archive(ctx, again, doc)
		}
		if err != nil {
			return nil, err
		}
		return again, nil
	}
	if err := r.fits(formatPDF); err != nil {
		return nil, err
	}
	if err := o.archivable(ctx, doc, r.Order.Level); err != nil {
		return nil, err
	}
	r.input = Document{ReaderAt: in, Size: size, Prefix: prefix}.Sum
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	s, err := o.orderedPDF(ctx, r, rd, d, doc)
	if err != nil {
		return nil, err
	}
	layout, err := o.layOutPDF(rd, &d, s, doc, false)
	if err != nil {
		return nil, err
	}
	if s.DataHash, err = layout.Digest(prefix); err != nil {
		return nil, err
	}
	var companion []byte
	if r.Order.Companion {
		o.beside(ctx, &d, doc, layout, &companion)
	}
	out, err := o.sign(ctx, r, rd, d, s, ses.PropertyPDF, o.commitStamp)
	if err != nil {
		return nil, err
	}
	out.layout, out.companion = layout, companion
	if err := o.archive(ctx, &out, doc); err != nil {
		return nil, err
	}
	return &out, nil
}

// pdfDocument is an input with what was read of it.
type pdfDocument struct {
	*pdf.File
	in   io.ReaderAt
	size int64
}

func openPDF(in io.ReaderAt, size int64) (pdfDocument, error) {
	file, err := pdf.Open(in, size)
	if err != nil {
		return pdfDocument{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return pdfDocument{file, in, size}, nil
}

// PageSize fails for a document that cannot be sealed.
func (d pdfDocument) PageSize(n int) (width, height float64, err error) {
	if width, height, err = d.File.PageSize(n); err != nil {
		err = fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return width, height, err
}

// orderedPDF is what the register will hold of the order, found out once: a retry
// lays out the same without looking for anything again.
func (o *Office) orderedPDF(ctx context.Context, r StampRequest, rd *ready, d draft, doc pdfDocument) (Stamp, error) {
	s := Stamp{Format: formatPDF, Pages: doc.PageCount(), Placement: &r.Placement, Order: r.Order.kept(), Code: d.code}
	if r.Order.Mark != nil {
		if o.c.URL == "" {
			return s, fmt.Errorf("%w: this house has no address that a printed code could name", ErrRefused)
		}
		s.Base = o.c.URL
	}
	if r.Placement.fixed() {
		return s, nil
	}
	f, err := rd.shape()
	if err != nil {
		return s, err
	}
	s.Spots, err = r.Placement.spots(doc, f, func(k Keyword) ([]point, error) { return o.find(ctx, k, doc) })
	return s, err
}

// find asks the finder for a keyword.
func (o *Office) find(ctx context.Context, k Keyword, doc pdfDocument) ([]point, error) {
	if o.c.Finder == nil {
		return nil, fmt.Errorf("%w: keywords in PDF files are not looked for here", ErrRefused)
	}
	if k.Page > doc.PageCount() {
		return nil, fmt.Errorf("%w: no page %d in a document of %d", ErrDocument, k.Page, doc.PageCount())
	}
	hits, err := o.c.Finder.Find(ctx, doc.in, doc.size, k.Text, maxHits)
	if err != nil {
		return nil, fmt.Errorf("look for the keyword: %w", err)
	}
	if len(hits) >= maxHits {
		return nil, fmt.Errorf("%w: the keyword %q stands in %d places or more", ErrDocument, k.Text, maxHits)
	}
	var found []point
	for _, h := range hits {
		if k.Page == 0 || h.Page == k.Page {
			found = append(found, point{h.Page, h.X + h.W/2, h.Y + h.H/2})
		}
	}
	return found, nil
}

// layOutPDF depends on nothing that a retry does not know; first is pdf.Options.First.
func (o *Office) layOutPDF(rd *ready, d *draft, s Stamp, doc pdfDocument, first bool) (*pdf.Layout, error) {
	order := s.order()
	options := pdf.Options{CMS: order.Profile == ProfileCMS, Prepared: rd.face, FieldName: "印章", SignerName: rd.seal.Name,
		Time: d.now, TokenSize: len(rd.der) + len(rd.cert) + tokenReserve, Certify: order.Certify, Lock: order.Lock.pdf(), First: first}
	spots := s.Spots
	if s.Placement.fixed() {
		spots = []Spot{{Page: s.Placement.Page, X: s.Placement.X, Y: s.Placement.Y}}
	}
	for _, at := range spots {
		options.Spots = append(options.Spots, pdf.Spot(at))
	}
	if order.Mark != nil {
		f, err := rd.shape()
		if err != nil {
			return nil, err
		}
		if options.Mark, err = order.Mark.pdf(s, doc, f, spots); err != nil {
			return nil, err
		}
	}
	d.room = options.TokenSize
	layout, err := doc.Layout(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return layout, nil
}

func (o *Office) againPDF(ctx context.Context, s *Stamp, doc pdfDocument, prefix hash.Hash) (*Stamped, error) {
	rd, err := o.prepareAgain(ctx, s)
	if err != nil {
		return nil, err
	}
	layout, err := o.laidOutAgain(rd, s, doc, prefix)
	if err != nil {
		return nil, err
	}
	token, err := o.restore(ctx, s)
	if err != nil {
		return nil, err
	}
	out := &Stamped{Stamp: *s, Token: token, layout: layout}
	return out, companionAgain(out, doc)
}

// laidOutAgain finds the layout that the stamp covers: a register may be older than the
// program, and what the key did not sign is not given out under its signature.
func (o *Office) laidOutAgain(rd *ready, s *Stamp, doc pdfDocument, prefix hash.Hash) (*pdf.Layout, error) {
	if prefix == nil {
		prefix = sm3.New()
		if _, err := io.Copy(prefix, io.NewSectionReader(doc.in, 0, doc.size)); err != nil {
			return nil, err
		}
	}
	for _, first := range []bool{false, true} {
		fork := sm3.New()
		if err := copyState(fork, prefix); err != nil {
			return nil, err
		}
		layout, err := o.layOutPDF(rd, &draft{id: s.ID, now: s.Claimed}, *s, doc, first)
		if err != nil && !first {
			continue // it may be refused by a rule that is younger than the stamp
		}
		if err != nil {
			return nil, err
		}
		digest, err := layout.Digest(fork)
		if err != nil || digest == s.DataHash {
			return layout, err
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNotAgain, s.ID)
}

// pdf gives the lock in the words of the format.
func (l *Lock) pdf() *pdf.Lock {
	if l == nil {
		return nil
	}
	action := map[LockAction]string{LockAll: "All", LockInclude: "Include", LockExclude: "Exclude"}
	return &pdf.Lock{Action: action[l.Action], Fields: l.Fields}
}

// text is what a mark says (protocol.md 2).
func (m *Mark) text(s Stamp) string {
	if m.Kind == MarkQR {
		return pdf.MarkQR(s.Base, s.Code)
	}
	_, host, _ := strings.Cut(s.Base, "://")
	return pdf.MarkCode(code.Group(s.Code), host)
}
