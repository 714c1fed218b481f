package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

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

// appended is a file with what was put behind it: a sealed document that nobody holds.
type appended struct {
	in   io.ReaderAt
	size int64
	more []byte
}

func (a appended) Size() int64 { return a.size + int64(len(a.more)) }

func (a appended) ReadAt(p []byte, off int64) (n int, err error) {
	if off < a.size {
		n, err = a.in.ReadAt(p[:min(int64(len(p)), a.size-off)], off)
		if err != nil && !(err == io.EOF && off+int64(n) == a.size) {
			return n, err
		}
	}
	if at := off + int64(n) - a.size; n < len(p) && at <= int64(len(a.more)) {
		n += copy(p[n:], a.more[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// sealedFile is the document of a stamp as a file.
func sealedFile(in io.ReaderAt, size int64, layout *pdf.Layout, token []byte) (appended, error) {
	increment, err := layout.Increment(token)
	return appended{in, size, increment}, err
}

// companionLayout depends on nothing that a retry does not know.
func companionLayout(sealed appended, s *Stamp) (*pdf.Layout, error) {
	f, err := pdf.Open(sealed, sealed.Size())
	if err != nil {
		return nil, err
	}
	return f.LayoutUnseen(pdf.Options{CMS: true, FieldName: "Companion", Time: s.Claimed, TokenSize: companionRoom})
}

// accompany signs the sealed document once more and gives what is appended to it. The
// signature stands in the register: with a random nonce it could not be made again.
func (o *Office) accompany(ctx context.Context, sealed appended, token []byte, s *Stamp) (tail []byte, err error) {
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
	whole := appended{sealed, sealed.Size(), tail}
	if err := companionReads(whole, token, s.Companion); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompanion, err)
	}
	return tail, nil
}

// companionReads reads the finished document as whoever gets it will: the stamp is
// there, one further signature came after it, which shows nothing and covers all, and
// nothing else changed. What does not read so does not leave.
func companionReads(whole appended, token, companion []byte) error {
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
