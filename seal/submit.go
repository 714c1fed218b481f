package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal/jsondoc"
	"yinxin/seal/ofd"
	"yinxin/seal/pdf"
)

// Document is what is to be sealed, to be read at any place.
type Document struct {
	io.ReaderAt
	Size     int64
	Prefix   hash.Hash // SM3 state that has hashed the whole of it, nil for none
	Detached bool      // its stamp is a file of its own, whatever it is
}

// Stamp seals a document of any format, as its first octets tell it. The result may
// stream from d, which must stay open.
func (o *Office) Stamp(ctx context.Context, r StampRequest, d Document) (*Stamped, error) {
	if d.Detached {
		sum, err := d.Sum()
		if err != nil {
			return nil, err
		}
		out, err := o.StampDetached(ctx, r, sum)
		return &out, err
	}
	format, err := d.format()
	if err != nil {
		return nil, err
	}
	switch format {
	case formatPDF:
		return o.StampPDF(ctx, r, d, d.Size, d.Prefix)
	case formatOFD:
		return o.StampOFD(ctx, r, d, d.Size)
	}
	doc, err := d.json()
	if err != nil {
		return nil, err
	}
	out, err := o.StampJSON(ctx, r, doc)
	return &out, err
}

// format is told by a document's first octets.
func (d Document) format() (string, error) {
	head := make([]byte, min(d.Size, pdf.HeaderWithin))
	if _, err := d.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	switch {
	case d.Size == 0:
		return "", fmt.Errorf("%w: it is empty", ErrDocument)
	case pdf.Looks(head):
		return formatPDF, nil
	case ofd.Looks(head):
		return formatOFD, nil
	case !bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")):
		return "", fmt.Errorf("%w: it is neither a PDF nor an OFD nor a JSON object; a detached stamp seals any file", ErrDocument)
	}
	return formatJSON, nil
}

// json holds the whole of a JSON document.
func (d Document) json() ([]byte, error) {
	if d.Size > jsondoc.MaxSize {
		return nil, fmt.Errorf("%w: a JSON document may have %d octets", ErrTooLarge, jsondoc.MaxSize)
	}
	doc := make([]byte, d.Size)
	if _, err := d.ReadAt(doc, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return doc, nil
}

// Sum is the SM3 of the document.
func (d Document) Sum() (sum [32]byte, err error) {
	h := d.Prefix
	if h == nil {
		h = sm3.New()
		_, err = io.Copy(h, io.NewSectionReader(d, 0, d.Size))
	}
	h.Sum(sum[:0]) // which leaves the state as it is
	return sum, err
}

// Admissible asks what is asked of every stamp before its document is looked at, for
// whoever is about to send thousands. Each stamp is asked again.
func (o *Office) Admissible(ctx context.Context, r StampRequest) error {
	_, err := o.admit(ctx, r, o.now())
	return err
}
