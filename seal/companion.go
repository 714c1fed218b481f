package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"yinxin/certs"
	"yinxin/seal/pdf"
)

// Companion signs a content of this SHA-256 for readers that know no SM2, as a detached
// SignedData of at most companionRoom octets; ca/companion is one.
type Companion interface {
	Sign(ctx context.Context, digest [32]byte) ([]byte, error)
}

// ErrCompanion: the companion signature could not be made, or did not read as it
// should; nothing was sealed.
var ErrCompanion = errors.New("the companion signature could not be made; nothing was sealed")

const companionRoom = 4 << 10

// sealedFile is the document of a stamp as a file that nobody holds.
func sealedFile(doc pdfDocument, layout *pdf.Layout, token []byte) (*appended, error) {
	increment, err := layout.Increment(token)
	return &appended{doc.in, doc.size, increment}, err
}

func (a *appended) Size() int64 { return a.size + int64(len(a.tail)) }

// companionLayout depends on nothing that a retry does not know.
func companionLayout(sealed *appended, s *Stamp) (*pdf.Layout, error) {
	f, err := pdf.Open(sealed, sealed.Size())
	if err != nil {
		return nil, err
	}
	return f.LayoutUnseen(pdf.Options{CMS: true, FieldName: "Companion", Time: s.Claimed, TokenSize: companionRoom})
}

// accompany signs the sealed document once more and gives what is appended to it. The
// signature stands in the register: with a random nonce it could not be made again.
func (o *Office) accompany(ctx context.Context, sealed *appended, token []byte, s *Stamp) (tail []byte, err error) {
	if o.c.Companion == nil {
		return nil, fmt.Errorf("%w: no companion authority signs here", ErrRefused)
	}
	layout, err := companionLayout(sealed, s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	h := sha256.New()
	if err := layout.Covered(h); err != nil {
		return nil, err
	}
	if s.Companion, err = o.c.Companion.Sign(ctx, [32]byte(h.Sum(nil))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompanion, err)
	}
	if tail, err = layout.Increment(s.Companion); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompanion, err)
	}
	whole := &appended{sealed, sealed.Size(), tail}
	if err := companionReads(whole, token, s.Companion); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompanion, err)
	}
	return tail, nil
}

// beside orders the companion of a stamp that is to be made; tail is what follows the
// stamp once it was.
func (o *Office) beside(ctx context.Context, d *draft, doc pdfDocument, layout *pdf.Layout, tail *[]byte) {
	d.finish = func(token []byte, s *Stamp) error {
		sealed, err := sealedFile(doc, layout, token)
		if err == nil {
			*tail, err = o.accompany(ctx, sealed, token, s)
		}
		return err
	}
}

// companionAgain gives what followed an earlier stamp, byte for byte.
func companionAgain(s *Stamped, doc pdfDocument) error {
	if s.Companion == nil {
		return nil
	}
	sealed, err := sealedFile(doc, s.layout, s.Token)
	if err != nil {
		return err
	}
	layout, err := companionLayout(sealed, &s.Stamp)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDocument, err)
	}
	s.companion, err = layout.Increment(s.Stamp.Companion)
	return err
}

// companionReads reads the finished document as whoever gets it will: the stamp is
// there, one further signature came after it, which shows nothing and covers all, and
// nothing else changed. What does not read so does not leave.
func companionReads(whole *appended, token, companion []byte) error {
	f, err := pdf.Open(whole, whole.Size())
	if err != nil {
		return err
	}
	all, err := f.Stamps()
	if err != nil {
		return err
	}
	n := len(all) - 1
	if n < 1 || !bytes.Equal(all[n-1].Contents, token) || !bytes.Equal(all[n].Contents, companion) {
		return errors.New("the document does not bear the stamp and the companion")
	}
	stamp, last := &all[n-1], &all[n]
	if later := stamp.Later; !stamp.CoversRevision || len(later) != 1 || later[0].Kind != pdf.ChangeSignature || later[0].Signature != n {
		return fmt.Errorf("the companion changed the sealed document: %q", stamp.LaterChanges)
	}
	if !last.CoversFile || len(last.Problems) > 0 || !f.Invisible(n) {
		return fmt.Errorf("the companion does not cover the document unseen: %q", last.Problems)
	}
	sd, err := certs.ParseAnySignedData(companion)
	if err != nil {
		return err
	}
	if sd.Signer == nil {
		return errors.New("the companion lacks its certificate")
	}
	h, err := sd.Hash(sd.Signer)
	if err != nil {
		return err
	}
	if err := f.Covered(n, h); err != nil {
		return err
	}
	return sd.VerifySum(sd.Signer, h.Sum(nil))
}
