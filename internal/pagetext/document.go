package pagetext

import (
	"context"
	"fmt"
	"io"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"yinxin/seal/pdf"
)

// document is open in PDFium, which reads it piece by piece, and with us: what is
// displayed in which size is for our own reader to say, that will place the seal.
type document struct {
	p     pdfium.Pdfium
	ref   references.FPDF_DOCUMENT
	pages int
	ours  *pdf.File
}

// source reads for PDFium, as long as the caller waits. The library forgets no reader
// of an instance that ended badly, so it gets one that can be emptied.
type source struct {
	*io.SectionReader
	ctx context.Context
}

func (s *source) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.SectionReader.Read(b)
}

func (s *source) release() { s.SectionReader = io.NewSectionReader(nothing{}, 0, 0) }

type nothing struct{}

func (nothing) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

// open gives the document and what must be called in the end.
func open(ctx context.Context, p pdfium.Pdfium, r io.ReaderAt, size int64) (*document, func(), error) {
	if size <= 0 || size > maxDocument {
		return nil, nil, fmt.Errorf("%w: %d octets", ErrTooLarge, size)
	}
	ours, err := pdf.Open(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	s := &source{io.NewSectionReader(r, 0, size), ctx}
	opened, err := p.FPDF_LoadCustomDocument(&requests.FPDF_LoadCustomDocument{Reader: s, Size: size})
	if err != nil {
		s.release()
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	d := &document{p: p, ref: opened.Document, ours: ours}
	count, err := p.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.ref})
	if err == nil && count.PageCount != ours.PageCount() {
		err = fmt.Errorf("PDFium finds %d pages where we find %d", count.PageCount, ours.PageCount())
	}
	if err != nil {
		s.release()
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	d.pages = count.PageCount
	return d, s.release, nil
}

// page is one that PDFium has loaded.
type page struct {
	d      *document
	number int // from 1
	ref    requests.Page
	handle references.FPDF_PAGE
	w, h   float64 // as displayed, in mm, as our reader has it
	perMM  float64 // PDFium's points a millimetre
}

// load opens a page and holds its size against ours: a seal must not be placed by
// one reader's page on another's.
func (d *document) load(number int) (*page, error) {
	loaded, err := d.p.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: d.ref, Index: number - 1})
	if err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDocument, number, err)
	}
	return &page{d: d, number: number, handle: loaded.Page, ref: requests.Page{ByReference: &loaded.Page}}, nil
}

func (g *page) close() error {
	_, err := g.d.p.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: g.handle})
	return err
}

// slack in points between the two readers' sizes of a page.
const slack = 0.05

// measure finds the page's size. PDFium knows no /UserUnit, so its points are as
// large as our millimetres say.
func (g *page) measure() error {
	var err error
	if g.w, g.h, err = g.d.ours.PageSize(g.number); err != nil {
		return fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	width, err := g.d.p.FPDF_GetPageWidth(&requests.FPDF_GetPageWidth{Page: g.ref})
	if err != nil {
		return fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	height, err := g.d.p.FPDF_GetPageHeight(&requests.FPDF_GetPageHeight{Page: g.ref})
	if err != nil {
		return fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	g.perMM = width.Width / g.w
	if off := height.Height - g.h*g.perMM; !(g.perMM > 0) || off > slack || off < -slack {
		return fmt.Errorf("%w: PDFium's page %d is of another shape than ours", ErrDocument, g.number)
	}
	return nil
}

// steps a millimetre in which PDFium gives places: it counts in whole numbers.
const steps = 1000

// shown turns a point of the page's own coordinates into millimetres from the top
// left of the page as displayed.
func (g *page) shown(x, y float64) (float64, float64, error) {
	at, err := g.d.p.FPDF_PageToDevice(&requests.FPDF_PageToDevice{Page: g.ref, SizeX: int(g.w*steps + 0.5), SizeY: int(g.h*steps + 0.5),
		Rotate: enums.FPDF_PAGE_ROTATION_NONE, PageX: x, PageY: y})
	if err != nil {
		return 0, 0, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	return float64(at.DeviceX) / steps, float64(at.DeviceY) / steps, nil
}
