package seal

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"

	"yinxin/seal/jsondoc"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// Stamped is a stamp that was committed, with the bytes it made.
type Stamped struct {
	Stamp
	Token []byte // the SES_Signature, DER
	// Document is the sealed JSON; nil for PDF, whose Layout streams it.
	Document []byte
	layout   *pdf.Layout
	tail     []byte // what follows the stamp in a PDF
}

// WriteTo streams the sealed document.
func (s *Stamped) WriteTo(w io.Writer) (int64, error) {
	if s.layout != nil {
		n, err := s.layout.WriteTo(w, s.Token)
		if err != nil || len(s.tail) == 0 {
			return n, err
		}
		m, err := w.Write(s.tail)
		return n + int64(m), err
	}
	n, err := w.Write(s.Document)
	return int64(n), err
}

// Size of the sealed document.
func (s *Stamped) Size() int64 {
	if s.layout != nil {
		return s.layout.Size() + int64(len(s.tail))
	}
	return int64(len(s.Document))
}

// restore gives the token of an earlier stamp, byte for byte.
func (o *Office) restore(ctx context.Context, s *Stamp) ([]byte, error) {
	der, err := o.c.Store.SealDER(ctx, s.SealSM3)
	if err != nil {
		return nil, err
	}
	sealed, err := ses.ParseSeal(der)
	if err != nil {
		return nil, err
	}
	var tokenCerts []byte
	if s.TokenCerts != ([32]byte{}) {
		if tokenCerts, err = o.c.Store.SealDER(ctx, s.TokenCerts); err != nil {
			return nil, err
		}
	}
	return ses.Restore(s.Stripped, s.Order.parts(der, sealed.Certs[0], tokenCerts)...)
}

// StampJSON seals a JSON document.
func (o *Office) StampJSON(ctx context.Context, r StampRequest, doc []byte) (Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry, formatJSON)
	if err != nil {
		return Stamped{}, err
	}
	defer release()
	parsed, err := jsondoc.Parse(doc)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if earlier != nil {
		return o.again(ctx, earlier, parsed)
	}
	return o.stampParsed(ctx, r, parsed, o.commitStamp)
}

func (o *Office) stampParsed(ctx context.Context, r StampRequest, doc *jsondoc.Document, commit committer) (Stamped, error) {
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return Stamped{}, err
	}
	digest, err := doc.Digest(len(doc.Stamps()))
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatJSON, DataHash: digest}, ses.PropertyJSON, commit)
	if err != nil {
		return Stamped{}, err
	}
	out.Document, err = doc.Append(out.Token)
	return out, err
}

// JoinJSON seals a JSON document as part of another office's act: join is given
// the sealed document and must commit c together with what is its own, whole or
// not at all. A retry is the other office's to know, so r carries none.
func (o *Office) JoinJSON(ctx context.Context, r StampRequest, doc []byte, join func(ctx context.Context, c Commit, sealed []byte) error) (Stamped, error) {
	if r.Retry != nil {
		return Stamped{}, errors.New("seal: a joined stamp has no idempotency key of its own")
	}
	parsed, err := jsondoc.Parse(doc)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return o.stampParsed(ctx, r, parsed, func(ctx context.Context, c Commit, token []byte) error {
		sealed, err := parsed.Append(token)
		if err != nil {
			return err
		}
		return join(ctx, c, sealed)
	})
}

func (o *Office) again(ctx context.Context, earlier *Stamp, doc *jsondoc.Document) (Stamped, error) {
	token, err := o.restore(ctx, earlier)
	if err != nil {
		return Stamped{}, err
	}
	out := Stamped{Stamp: *earlier, Token: token}
	out.Document, err = doc.Append(token)
	return out, err
}

// StampPDF seals a PDF. prefix is an SM3 state that has hashed the whole input,
// or nil. The result streams from in, which must stay open.
func (o *Office) StampPDF(ctx context.Context, r StampRequest, in io.ReaderAt, size int64, prefix hash.Hash) (*Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry, formatPDF)
	if err != nil {
		return nil, err
	}
	defer release()
	file, err := pdf.Open(in, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if earlier != nil && !earlier.order().alike(r.Order) {
		return nil, ErrRetryMismatch
	}
	if earlier != nil {
		return o.againPDF(ctx, earlier, file, in, size)
	}
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	options := o.pdfOptions(rd, d, r.Placement, r.Order)
	d.room = options.TokenSize
	layout, err := file.Layout(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	digest, err := layout.Digest(prefix)
	if err != nil {
		return nil, err
	}
	var tail []byte
	if r.Order.Companion {
		d.finish = func(token []byte, s *Stamp) error {
			sealed, err := sealedFile(in, size, layout, token)
			if err == nil {
				tail, err = o.accompany(ctx, sealed, token, s)
			}
			return err
		}
	}
	place := r.Placement
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatPDF, DataHash: digest, Placement: &place, Pages: file.PageCount()}, ses.PropertyPDF, o.commitStamp)
	if err != nil {
		return nil, err
	}
	out.layout, out.tail = layout, tail
	return &out, nil
}

// pdfOptions depend on nothing that a retry does not know.
func (o *Office) pdfOptions(rd *ready, d draft, p Place, order Order) pdf.Options {
	return pdf.Options{CMS: order.Profile == ProfileCMS, Placement: pdf.Placement{Page: p.Page, X: p.X, Y: p.Y}, Prepared: rd.face, FieldName: "印章", SignerName: rd.seal.Name,
		Time: d.now, TokenSize: len(rd.der) + len(rd.cert) + tokenReserve}
}

func (o *Office) againPDF(ctx context.Context, s *Stamp, file *pdf.File, in io.ReaderAt, size int64) (*Stamped, error) {
	now, err := o.c.Store.Seal(ctx, s.SealID)
	if err != nil {
		return nil, err
	}
	// The seal may have changed its state since; its name, face and key have not.
	now.SM3 = s.SealSM3
	rd, err := o.prepare(ctx, now)
	if err != nil {
		return nil, err
	}
	layout, err := file.Layout(o.pdfOptions(rd, draft{id: s.ID, now: s.Claimed}, *s.Placement, s.order()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	token, err := o.restore(ctx, s)
	if err != nil {
		return nil, err
	}
	out := &Stamped{Stamp: *s, Token: token, layout: layout}
	if s.Companion == nil {
		return out, nil
	}
	sealed, err := sealedFile(in, size, layout, token)
	if err != nil {
		return nil, err
	}
	beside, err := companionLayout(sealed, s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	out.tail, err = beside.Increment(s.Companion)
	return out, err
}

// StampDetached seals any file by its SM3; the stamp is a file of its own.
func (o *Office) StampDetached(ctx context.Context, r StampRequest, digest [32]byte) (Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry, formatFile)
	if err != nil {
		return Stamped{}, err
	}
	defer release()
	if earlier != nil {
		token, err := o.restore(ctx, earlier)
		return Stamped{Stamp: *earlier, Token: token, Document: token}, err
	}
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return Stamped{}, err
	}
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatFile, DataHash: digest}, ses.PropertyFile, o.commitStamp)
	out.Document = out.Token
	return out, err
}
