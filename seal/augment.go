package seal

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"yinxin/internal/act"
	"yinxin/seal/pdf"
)

const (
	// timestampRoom is what is kept for the token of a document time-stamp: with a
	// chain of three it takes some 4 KB.
	timestampRoom = 8 << 10
	// maxIncrement bounds an increment of evidence once it is unpacked again: the
	// store of a document holds 8 MB (seal/pdf), and a time-stamp comes beside it.
	maxIncrement = 10 << 20
)

// Archivist judges a document and finds the evidence that it should keep.
type Archivist interface {
	Findings(ctx context.Context, doc io.ReaderAt, size int64) (Findings, error)
}

// Findings of an Archivist. Reasons are sentences for whoever asked, and the codes
// before them; none of a document that is plainly good.
type Findings struct {
	Good    bool
	Reasons []string
	Pieces  []pdf.Evidence
}

// ErrNotGood: only what a verifier finds good is worth keeping evidence of.
var ErrNotGood = fmt.Errorf("%w: the document is not found good", ErrRefused)

var errNoArchivist = fmt.Errorf("%w: this office keeps no evidence", ErrRefused)

// archived tells whether a level has evidence in the document.
func (l Level) archived() bool { return l == LevelLT || l == LevelLTA }

// Augmented is a document with an increment of evidence.
type Augmented struct {
	doc       io.ReaderAt
	size      int64
	increment []byte
}

// Size of the document with it.
func (a *Augmented) Size() int64 { return a.size + int64(len(a.increment)) }

// WriteTo streams the document and the increment.
func (a *Augmented) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(a.doc, 0, a.size))
	if err != nil {
		return n, err
	}
	m, err := w.Write(a.increment)
	return n + int64(m), err
}

// Augment adds the evidence to a sealed PDF by which it can be judged when those who
// vouch for it now are gone (level LT), and a document time-stamp over all of it (LTA).
// Done again, before the certificate behind the last time-stamp ends, it renews. It is
// no act of a seal. The result streams from doc, which must stay open.
func (o *Office) Augment(ctx context.Context, doc io.ReaderAt, size int64, level Level) (*Augmented, error) {
	if !level.archived() {
		return nil, fmt.Errorf("%w: level %q; a document is augmented to LT or LTA", ErrOrder, level)
	}
	increment, err := o.evidence(ctx, doc, size, level)
	if err != nil {
		return nil, err
	}
	return &Augmented{doc, size, increment}, nil
}

// evidence makes the increment.
func (o *Office) evidence(ctx context.Context, doc io.ReaderAt, size int64, level Level) ([]byte, error) {
	if o.c.Archivist == nil {
		return nil, errNoArchivist
	}
	found, err := o.findings(ctx, doc, size)
	if err != nil {
		return nil, err
	}
	file, err := pdf.Open(doc, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	addition := pdf.Addition{Evidence: found.Pieces}
	if level == LevelLTA {
		addition.TokenSize = timestampRoom
	}
	layout, err := file.LayoutEvidence(addition)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if level != LevelLTA {
		return layout.Increment(nil)
	}
	digest, err := layout.Digest(nil)
	if err != nil {
		return nil, err
	}
	token, _, err := o.c.TSA.Stamp(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("document time-stamp: %w", err)
	}
	return layout.Increment(token)
}

// archivable refuses, before a seal is used, what could not be archived afterwards: a
// document whose earlier stamps are not good.
func (o *Office) archivable(ctx context.Context, doc pdfDocument, level Level) error {
	if !level.archived() {
		return nil
	}
	if o.c.Archivist == nil {
		return errNoArchivist
	}
	stamps, err := doc.Stamps()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if len(stamps) == 0 {
		return nil
	}
	_, err = o.findings(ctx, doc.in, doc.size)
	return err
}

func (o *Office) findings(ctx context.Context, doc io.ReaderAt, size int64) (Findings, error) {
	found, err := o.c.Archivist.Findings(ctx, doc, size)
	if err == nil && !found.Good {
		err = fmt.Errorf("%w: %s", ErrNotGood, strings.Join(found.Reasons, " "))
	}
	return found, err
}

// archive adds the evidence that a stamp was ordered with. The stamp stands in the
// register by now; a retry finds it there, and gets the increment that was kept, or one
// made now where none was.
func (o *Office) archive(ctx context.Context, s *Stamped, doc pdfDocument) error {
	if !s.order().Level.archived() {
		return nil
	}
	packed, err := o.c.Store.Increment(ctx, s.ID)
	if errors.Is(err, ErrNotFound) {
		packed, err = o.makeIncrement(ctx, s, doc)
	}
	if err != nil {
		return err
	}
	s.evidence, err = unpack(packed)
	return err
}

func (o *Office) makeIncrement(ctx context.Context, s *Stamped, in pdfDocument) ([]byte, error) {
	stamp, err := s.layout.Increment(s.Token)
	if err != nil {
		return nil, err
	}
	doc := &appended{in.in, in.size, append(stamp, s.companion...)}
	increment, err := o.evidence(ctx, doc, doc.Size(), s.order().Level)
	if err != nil {
		return nil, fmt.Errorf("%w: stamp %s: %w", ErrEvidence, s.ID, err)
	}
	packed, err := pack(increment)
	if err != nil {
		return nil, err
	}
	return o.c.Store.KeepIncrement(ctx, s.ID, packed)
}

// pack makes an increment small for the register: half of it is the room that a token
// left, in hexadecimal zeros.
func pack(increment []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(increment); err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func unpack(packed []byte) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxIncrement+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("evidence in the register: %w", err)
	case len(b) > maxIncrement:
		return nil, errors.New("evidence in the register is longer than any that was made")
	}
	return b, nil
}

// appended is a document with what is to follow it.
type appended struct {
	doc  io.ReaderAt
	size int64
	tail []byte
}

func (a *appended) ReadAt(b []byte, off int64) (n int, err error) {
	if off < a.size {
		n, err = a.doc.ReadAt(b[:min(int64(len(b)), a.size-off)], off)
		if err != nil && !errors.Is(err, io.EOF) || n == len(b) {
			return n, err
		}
		if off+int64(n) < a.size {
			return n, io.ErrUnexpectedEOF // the document is shorter than it was
		}
	}
	at := off + int64(n) - a.size
	if at > int64(len(a.tail)) {
		return n, io.EOF
	}
	m := copy(b[n:], a.tail[at:])
	if n += m; n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Increments of evidence are kept beside the register, whose entries never change.
type incrementStore interface {
	// KeepIncrement keeps the evidence of a stamp's document, once: of two that are
	// brought the first stays, and is what both get. ErrNotFound if there is no such
	// stamp.
	KeepIncrement(ctx context.Context, stamp act.ID, increment []byte) (kept []byte, err error)
	// Increment gives it, ErrNotFound if there is none.
	Increment(ctx context.Context, stamp act.ID) ([]byte, error)
}
