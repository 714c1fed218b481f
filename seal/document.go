package seal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/seal/jsondoc"
	"yinxin/seal/ofd"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// Stamped is a stamp that was committed, with the bytes it made.
type Stamped struct {
	Stamp
	Token []byte // the SES_Signature, DER
	// Document is the sealed JSON; nil for PDF and OFD, whose Layout streams it.
	Document  []byte
	layout    *pdf.Layout
	companion []byte // the signature for readers abroad, as it follows the stamp
	evidence  []byte // levels LT and LTA: what follows
	ofd       *ofd.Layout
}

// WriteTo streams the sealed document.
func (s *Stamped) WriteTo(w io.Writer) (int64, error) {
	if s.layout != nil {
		n, err := s.layout.WriteTo(w, s.Token)
		for _, more := range [][]byte{s.companion, s.evidence} {
			if err != nil || more == nil {
				continue
			}
			var m int
			m, err = w.Write(more)
			n += int64(m)
		}
		return n, err
	}
	if s.ofd != nil {
		return s.ofd.WriteTo(w, s.Token)
	}
	n, err := w.Write(s.Document)
	return int64(n), err
}

// Size of the sealed document.
func (s *Stamped) Size() int64 {
	if s.layout != nil {
		return s.layout.Size() + int64(len(s.companion)+len(s.evidence))
	}
	if s.ofd != nil {
		return s.ofd.Size(len(s.Token))
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
	if err := r.fits(formatJSON); err != nil {
		return Stamped{}, err
	}
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
	if err := r.fits(formatFile); err != nil {
		return Stamped{}, err
	}
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return Stamped{}, err
	}
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatFile, DataHash: digest}, ses.PropertyFile, o.commitStamp)
	out.Document = out.Token
	return out, err
}
