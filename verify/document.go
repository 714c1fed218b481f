package verify

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal/jsondoc"
	"yinxin/seal/ofd"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// Document is an opened file: which format it is, the stamps in it, what each
// covers and what came after. It is not changed by judging it, and may be judged
// many times.
type Document struct {
	format  string // "pdf", "json", "ofd", "detached" or ""
	none    Code   // why there is nothing to judge
	why     string
	digest  string
	marks   []mark
	json    []byte    // the text of a JSON document, for its licence
	brought []brought // by the marks, in their order
	kept    []kept    // evidence that the document holds
}

// What a signature in a document is (interface.md).
const (
	roleSeal      = "seal"
	roleTimestamp = "timestamp"
)

// mark is one stamp as the format's craft found it.
type mark struct {
	der      []byte
	kind     string // what TBS_Sign.propertyInfo must be
	digest   func() ([32]byte, error)
	hashes   int64    // octets that digest hashes; 0 where the craft has done it
	partial  bool     // does not cover its revision
	whole    bool     // covers the whole document as it stood when sealed
	problems []string // anything here: never good
	later    []string // further stamps and other changes, in words
	added    bool     // something else than further stamps came after
	role     string
	revision int                                                  // of a PDF
	face     func(picture []byte, seen pdf.Memo) (ok, known bool) // nil: nothing is shown
	made     time.Time                                            // as the document says beside it, zero if it does not
	covered  func(hash.Hash) error                                // what a companion is over; nil where there is none
	unseen   bool                                                 // shows nothing on any page
	ofd      *ofd.Stamp                                           // nil elsewhere than in an OFD package
	plain    *plain                                               // nil for what may be a stamp
}

// Open reads a file of the given size. The hint, a file name or media type, only
// chooses the words for what cannot be read. With a detached stamp the file may be
// anything. Open never fails: what is malformed is judged so.
func Open(r io.ReaderAt, size int64, hint string, detached []byte) *Document {
	d := &Document{}
	head := make([]byte, min(max(size, 0), pdf.HeaderWithin))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return d.refuse(Malformed, err)
	}
	switch {
	case detached != nil:
		d.openDetached(r, size, detached)
	case pdf.Looks(head):
		d.openPDF(r, size)
	case ofd.Looks(head):
		d.openOFD(r, size)
	case looksJSON(head, hint):
		d.openJSON(r, size)
	case size == 0:
		d.refuse(Malformed, errors.New("the file is empty"))
	default:
		d.refuse(FormatUnsupported, nil)
	}
	if d.digest == "" {
		d.sumFile(r, size)
	}
	d.brought = make([]brought, len(d.marks))
	return d
}

func (d *Document) refuse(c Code, why error) *Document {
	d.none = c
	if why != nil {
		d.why = why.Error()
	}
	return d
}

func (d *Document) sumFile(r io.ReaderAt, size int64) {
	h := sm3.New()
	n, err := io.CopyBuffer(h, io.NewSectionReader(r, 0, size), make([]byte, 256<<10))
	if err != nil || n != size {
		d.refuse(Malformed, errors.New("the file cannot be read to its end"))
		return
	}
	d.digest = hex.EncodeToString(h.Sum(nil))
}

func looksJSON(head []byte, hint string) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(text, []byte("{")) {
		return true
	}
	hint = strings.ToLower(hint)
	return strings.HasSuffix(hint, ".json") || strings.Contains(hint, "application/json") || strings.Contains(hint, "+json")
}

func (d *Document) openDetached(r io.ReaderAt, size int64, stamp []byte) {
	d.format = "detached"
	if len(stamp) > MaxDetached {
		d.refuse(TooLarge, errors.New("the detached stamp is too long"))
		return
	}
	d.sumFile(r, size)
	if d.none != "" {
		return
	}
	sum, _ := hex.DecodeString(d.digest)
	d.marks = []mark{{
		der: bytes.Clone(stamp), kind: ses.PropertyFile, role: roleSeal, whole: true,
		digest: func() ([32]byte, error) { return [32]byte(sum), nil },
	}}
}

func (d *Document) openJSON(r io.ReaderAt, size int64) {
	d.format = "json"
	if size > jsondoc.MaxSize {
		d.refuse(TooLarge, fmt.Errorf("a JSON document may have %d bytes", jsondoc.MaxSize))
		return
	}
	text := make([]byte, size)
	if _, err := r.ReadAt(text, 0); err != nil && err != io.EOF {
		d.refuse(Malformed, err)
		return
	}
	doc, err := jsondoc.Parse(text)
	switch {
	case errors.Is(err, jsondoc.ErrTooLarge):
		d.refuse(TooLarge, err)
		return
	case err != nil:
		d.refuse(Malformed, err)
		return
	}
	d.json = text
	stamps := doc.Stamps()
	if len(stamps) == 0 {
		d.refuse(NotSealed, nil)
		return
	}
	for n, der := range stamps {
		m := mark{
			der: der, kind: ses.PropertyJSON, role: roleSeal, whole: true, hashes: size,
			digest: func() ([32]byte, error) { return doc.Digest(n) },
		}
		for k := n + 1; k < len(stamps); k++ {
			m.later = append(m.later, fmt.Sprintf("stamp %d was added", k+1))
		}
		d.marks = append(d.marks, m)
	}
}

func (d *Document) openPDF(r io.ReaderAt, size int64) {
	d.format = "pdf"
	f, err := pdf.Open(r, size)
	var found []pdf.Signature
	if err == nil {
		found, err = f.Stamps()
	}
	switch {
	case errors.Is(err, pdf.ErrTooLarge):
		d.refuse(TooLarge, err)
		return
	case errors.Is(err, pdf.ErrEncrypted):
		d.refuse(FormatUnsupported, err)
		return
	case err != nil:
		d.refuse(Malformed, err)
		return
	case len(found) == 0:
		d.refuse(NotSealed, nil)
		return
	}
	var one sync.Mutex // f is for one at a time
	for n, s := range found {
		var made bool
		var ok, known bool
		m := mark{
			der: s.Contents, kind: ses.PropertyPDF, role: roleSeal, partial: !s.CoversRevision, whole: s.CoversRevision,
			problems: s.Problems, later: s.LaterChanges, added: s.ContentAdded, revision: s.Revision,
			digest: func() ([32]byte, error) { return s.Digest, nil },
			// Asked once: f has a budget of its own, and a document that is judged
			// again must not come to its end. A stamp has one picture.
			face: func(picture []byte, seen pdf.Memo) (bool, bool) {
				one.Lock()
				defer one.Unlock()
				if !made {
					ok, known = f.FaceMatches(n, picture, seen)
					made = true
				}
				return ok, known
			},
		}
		if s.DocTimeStamp {
			m.role, m.face = roleTimestamp, nil
		}
		m.takeCompanion(f, &one, n, s)
		d.marks = append(d.marks, m)
	}
	if !slices.ContainsFunc(d.marks, func(m mark) bool { return m.role != roleTimestamp }) {
		d.refuse(NotSealed, nil)
		return
	}
	d.kept = readKept(f.Evidence())
}
