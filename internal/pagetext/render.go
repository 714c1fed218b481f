package pagetext

import (
	"context"
	"fmt"
	"image"
	"io"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/requests"
)

// maxPicture bounds a page's picture in pixels, of four octets each: a page of five
// metres at 600 dpi.
const maxPicture = 25_000_000

// Render draws a page, from 1, on white, with its seals.
func (e *Engine) Render(ctx context.Context, r io.ReaderAt, size int64, number int, dpi float64) (image.Image, error) {
	var out *image.RGBA
	err := e.with(ctx, func(ctx context.Context, p pdfium.Pdfium) error {
		d, done, err := open(ctx, p, r, size)
		if err != nil {
			return err
		}
		defer done()
		if number < 1 || number > d.pages {
			return fmt.Errorf("%w: no page %d of %d", ErrDocument, number, d.pages)
		}
		g, err := d.load(number)
		if err == nil {
			err = g.measure()
		}
		if err != nil {
			return err
		}
		out, err = g.picture(dpi)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (g *page) picture(dpi float64) (*image.RGBA, error) {
	w, h := g.w/25.4*dpi, g.h/25.4*dpi
	if !(w >= 1 && h >= 1 && w*h <= maxPicture) {
		return nil, fmt.Errorf("%w: a picture of %.0f by %.0f pixels", ErrTooLarge, w, h)
	}
	drawn, err := g.d.p.RenderPageInPixels(&requests.RenderPageInPixels{Page: g.ref, Width: int(w + 0.5), Height: int(h + 0.5),
		RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT, RenderForm: true, Document: &g.d.ref})
	if err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	defer drawn.Cleanup()
	// The picture stands in the instance's memory, which ends with it.
	in, ok := drawn.Result.RenderedImage.(*image.RGBA)
	if !ok {
		return nil, fmt.Errorf("%w: page %d: a picture of another kind", ErrDocument, g.number)
	}
	out := image.NewRGBA(image.Rect(0, 0, in.Rect.Dx(), in.Rect.Dy()))
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], in.Pix[y*in.Stride:])
	}
	return out, nil
}
