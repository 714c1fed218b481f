package seal

import (
	"bytes"
	"context"
	"encoding"
	"fmt"
	"hash"
	"io"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal/jsondoc"
	"yinxin/seal/ofd"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// pdfSeries is a PDF and the increments of its new stamps, never a copy of it.
type pdfSeries struct {
	o      *Office
	in     Document
	tail   []byte
	hashed hash.Hash // of the input and the tail
	doc    pdfDocument
	layout *pdf.Layout
}

func openPDFSeries(o *Office, d Document) (*pdfSeries, error) {
	p := &pdfSeries{o: o, in: d, hashed: sm3.New()}
	if d.Prefix != nil {
		if err := copyState(p.hashed, d.Prefix); err != nil {
			return nil, err
		}
	} else if _, err := io.Copy(p.hashed, io.NewSectionReader(d, 0, d.Size)); err != nil {
		return nil, err
	}
	var err error
	p.doc, err = openPDF(p, p.Size())
	return p, err
}

// copyState makes one SM3 state another's equal.
func copyState(to, from hash.Hash) error {
	state, err := from.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return err
	}
	return to.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

func (p *pdfSeries) Size() int64 { return p.in.Size + int64(len(p.tail)) }

// ReadAt reads over the seam.
func (p *pdfSeries) ReadAt(b []byte, off int64) (n int, err error) {
	if off < p.in.Size {
		n, err = p.in.ReadAt(b[:min(int64(len(b)), p.in.Size-off)], off)
		if err != nil && err != io.EOF {
			return n, err
		}
	}
	if at := off + int64(n) - p.in.Size; n < len(b) && at >= 0 && at < int64(len(p.tail)) {
		n += copy(b[n:], p.tail[at:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (p *pdfSeries) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(p, 0, p.Size()))
}

func (p *pdfSeries) order(ctx context.Context, r StampRequest, rd *ready, d draft) (Stamp, error) {
	return p.o.orderedPDF(ctx, r, rd, d, p.doc)
}

func (p *pdfSeries) layOut(rd *ready, d *draft, s *Stamp) (string, error) {
	var err error
	if p.layout, err = p.o.layOutPDF(rd, d, *s, p.doc, false); err != nil {
		return "", err
	}
	fork := sm3.New()
	if err := copyState(fork, p.hashed); err != nil {
		return "", err
	}
	s.DataHash, err = p.layout.Digest(fork)
	return ses.PropertyPDF, err
}

func (p *pdfSeries) take(token []byte) error {
	inc, err := p.layout.Increment(token)
	if err != nil {
		return err
	}
	p.tail = append(p.tail, inc...)
	p.hashed.Write(inc)
	p.doc, err = openPDF(p, p.Size())
	return err
}

// jsonSeries is a JSON document, which is held as it stands.
type jsonSeries struct {
	doc *jsondoc.Document
	raw []byte
}

func openJSONSeries(d Document) (*jsonSeries, error) {
	raw, err := d.json()
	if err != nil {
		return nil, err
	}
	j := &jsonSeries{raw: raw}
	return j, j.parse()
}

func (j *jsonSeries) parse() (err error) {
	if j.doc, err = jsondoc.Parse(j.raw); err != nil {
		return fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return nil
}

func (j *jsonSeries) order(context.Context, StampRequest, *ready, draft) (Stamp, error) {
	return Stamp{Format: formatJSON}, nil
}

func (j *jsonSeries) layOut(_ *ready, _ *draft, s *Stamp) (_ string, err error) {
	if s.DataHash, err = j.doc.Digest(len(j.doc.Stamps())); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return ses.PropertyJSON, nil
}

func (j *jsonSeries) take(token []byte) (err error) {
	if j.raw, err = j.doc.Append(token); err != nil {
		return err
	}
	return j.parse()
}

func (j *jsonSeries) Size() int64 { return int64(len(j.raw)) }

func (j *jsonSeries) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(j.raw)
	return int64(n), err
}

// maxOFDSeries bounds a package that takes several stamps: its directory stands at its
// end, so each stamp makes another package, which is held.
const maxOFDSeries = 64 << 20

// ofdSeries is an OFD package as its last stamp left it.
type ofdSeries struct {
	in     io.ReaderAt
	size   int64
	doc    *ofd.Document
	layout *ofd.Layout
}

func openOFDSeries(d Document) (*ofdSeries, error) {
	if d.Size > maxOFDSeries {
		return nil, fmt.Errorf("%w: an OFD package that takes several stamps at once may have %d octets", ErrTooLarge, maxOFDSeries)
	}
	s := &ofdSeries{in: d, size: d.Size}
	var err error
	s.doc, err = openOFD(s.in, s.size)
	return s, err
}

func (s *ofdSeries) order(_ context.Context, r StampRequest, rd *ready, _ draft) (Stamp, error) {
	return orderedOFD(r, rd, s.doc)
}

func (s *ofdSeries) layOut(rd *ready, d *draft, st *Stamp) (_ string, err error) {
	if s.layout, err = layOutOFD(s.doc, rd, *d, *st); err != nil {
		return "", err
	}
	st.DataHash = s.layout.Digest()
	return s.layout.Property(), nil
}

func (s *ofdSeries) take(token []byte) error {
	var out bytes.Buffer
	out.Grow(int(s.layout.Size(len(token))))
	if _, err := s.layout.WriteTo(&out, token); err != nil {
		return err
	}
	s.in, s.size = bytes.NewReader(out.Bytes()), int64(out.Len())
	var err error
	s.doc, err = openOFD(s.in, s.size)
	return err
}

func (s *ofdSeries) Size() int64 { return s.size }

func (s *ofdSeries) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(s.in, 0, s.size))
}
