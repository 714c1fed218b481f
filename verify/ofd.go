package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"yinxin/seal/ofd"
	"yinxin/seal/ses"
)

func (d *Document) openOFD(r io.ReaderAt, size int64) {
	d.format = "ofd"
	p, err := ofd.Open(r, size)
	if err == nil && !p.Has("OFD.xml") {
		d.refuse(FormatUnsupported, errors.New("the archive holds no OFD.xml"))
		return
	}
	var found []*ofd.Stamp
	var integrity *ofd.Integrity
	if err == nil {
		found, err = p.Stamps()
	}
	if err == nil {
		integrity, err = p.Integrity()
	}
	switch {
	case errors.Is(err, ofd.ErrTooLarge):
		d.refuse(TooLarge, err)
		return
	case errors.Is(err, ofd.ErrEncrypted):
		d.refuse(FormatUnsupported, err)
		return
	case err != nil:
		d.refuse(Malformed, err)
		return
	}
	for _, s := range found {
		d.marks = append(d.marks, markOfOFD(s))
	}
	if integrity != nil {
		d.marks = append(d.marks, markOfIntegrity(integrity))
	}
	if len(d.marks) == 0 {
		d.refuse(NotSealed, nil)
	}
}

func markOfOFD(s *ofd.Stamp) mark {
	m := mark{
		der: s.SignedValue, kind: s.Path, role: "seal", problems: s.Problems, ofd: s,
		whole: len(s.Uncovered) == 0 && len(s.Unnamed) == 0 && len(s.Idle) == 0,
	}
	m.digest = func() ([32]byte, error) {
		if len(s.Altered) > 0 {
			return [32]byte{}, fmt.Errorf("not what was sealed: %s", some(s.Altered))
		}
		return s.Digest, nil
	}
	for _, k := range s.Later {
		m.later = append(m.later, fmt.Sprintf("signature %d was added", k+1))
	}
	for _, name := range s.Removed {
		m.later = append(m.later, fmt.Sprintf("the signature %s was taken out of the list", clip(name)))
		m.added = true
	}
	if s.Type == ofd.TypeSign {
		m.role = "companion"
		m.plain = &plain{standard: "GB/T 35275-2017", original: s.Text}
	}
	return m
}

// some gives the first of many names, and how many there are.
func some(names []string) string {
	if len(names) == 1 {
		return clip(names[0])
	}
	return fmt.Sprintf("%s and %d more", clip(names[0]), len(names)-1)
}

// ofdDigests: a digest that can be forged shows that a file was altered, and never
// that it was not.
func (t *trial) ofdDigests() outcome {
	if s := t.mark.ofd; s != nil && len(s.Weak) > 0 {
		return unknown(WeakDigest, some(s.Weak))
	}
	return passed
}

// ofdCoverage: protocol.md 2, OFD. Ours names every file; others' are laxer.
func (t *trial) ofdCoverage() outcome {
	s := t.mark.ofd
	ours := t.stamp != nil && t.stamp.Seal.Vendor == ses.VendorID
	switch {
	case ours && len(s.Uncovered) > 0:
		return failed(PartialCoverage, some(s.Uncovered))
	case ours && len(s.Unnamed) > 0:
		return failed(PartialCoverage, some(s.Unnamed))
	case len(s.Uncovered) > 0:
		return unknown(EntryNotCovered, some(s.Uncovered))
	case len(s.Unnamed) > 0:
		return noticed(EntryUnlisted, some(s.Unnamed))
	case len(s.Idle) > 0:
		return noticed(EntryUnlisted, some(s.Idle))
	}
	return passed
}

// ofdProperty takes the other ways in which the field writes the one path.
func (t *trial) ofdProperty() (outcome, bool) {
	if p := t.stamp.PropertyInfo; t.mark.ofd != nil && t.stamp.Seal.Vendor != ses.VendorID && "/"+strings.TrimPrefix(p, "/") == t.mark.kind {
		return noticed(FormatNotice, fmt.Sprintf("propertyInfo is %q", clip(p))), true
	}
	return outcome{}, false
}

// ofdFace: protocol.md 2, Face. Readers show Seal.esl where there is one, so it must
// be the seal that was signed; and the places must show all of its face.
func (t *trial) ofdFace() outcome {
	if t.stamp == nil {
		return notMade
	}
	s, seal := t.mark.ofd, t.stamp.Seal
	switch {
	case s.SealFile != nil && !bytes.Equal(s.SealFile, seal.Raw):
		return failed(SealFaceMismatch, "the seal's file is not the seal that was signed")
	case s.SealImage != nil && !bytes.Equal(s.SealImage, seal.Picture.Data):
		return unknown(FaceUnknown, "the picture beside the seal is not its own")
	}
	switch ok, known := s.ShowsFace(seal.Picture.Width, seal.Picture.Height); {
	case !known:
		return unknown(FaceUnknown, "")
	case !ok:
		return failed(SealFaceMismatch, "the pages do not show all of the face")
	}
	return passed
}
