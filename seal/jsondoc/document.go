// Package jsondoc reads and extends sealed JSON documents (protocol.md 2).
//
// Call Parse first. It refuses every document whose meaning two readers could
// take differently, and gives a Document: Stamps are the seals on it, Digest(n)
// is what stamp n covers, Append puts one more stamp in and leaves every other
// byte as it was.
//
// Stamp n covers the RFC 8785 form of the document with the member `_seals`
// holding exactly the n entries before it, and without the member when n is 0.
package jsondoc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/sm3"
)

const (
	// MaxSize bounds a document: the whole of it is held in memory, twice.
	MaxSize = 10 << 20
	// MaxDepth is how many arrays and objects may stand in one another; a
	// reader that recurses runs out of stack on deeper ones.
	MaxDepth = 100
	// MaxStamps bounds the entries of `_seals`: verifying n of them hashes the
	// document n times, so a small file with many would cost minutes.
	MaxStamps = 100
	// MaxHashed bounds their product: 100 stamps on a document of 10 MB would
	// take seconds of hashing to verify.
	MaxHashed = 512 << 20
)

// Member is the root member that holds the stamps.
const Member = "_seals"

// ErrTooLarge is a document over MaxSize, with more than MaxStamps stamps, or
// with too many for its size.
var ErrTooLarge = errors.New("the JSON document is too large")

// SyntaxError is a document that is refused, and where.
type SyntaxError struct {
	Offset int    // in octets from the document's start
	Reason string // what is wrong, a sentence without a full stop
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JSON document refused at octet %d: %s", e.Offset, e.Reason)
}

// Document is one that Parse found sound. It keeps the octets it was parsed
// from, which must not be changed while it is in use.
type Document struct {
	raw []byte
	// before and after are the root's other members in canonical form, on
	// either side of where `_seals` sorts, joined by commas, without braces.
	before, after []byte
	encoded       [][]byte // the stamps as they stand: base64
	stamps        [][]byte // the same, decoded
	insert        int      // offset in raw of the closing bracket or last brace
}

// Parse reads a document. Its errors are *SyntaxError or wrap ErrTooLarge.
func Parse(doc []byte) (*Document, error) {
	if len(doc) > MaxSize {
		return nil, fmt.Errorf("%w: %d octets, at most %d", ErrTooLarge, len(doc), MaxSize)
	}
	d, err := parse(doc)
	if err != nil {
		return nil, err
	}
	if err := hashable(len(doc), len(d.stamps)); err != nil {
		return nil, err
	}
	return d, nil
}

func hashable(size, stamps int) error {
	if size*stamps > MaxHashed {
		return fmt.Errorf("%w: %d octets with %d stamps", ErrTooLarge, size, stamps)
	}
	return nil
}

// Stamps gives the DER of each entry of `_seals`, oldest first.
func (d *Document) Stamps() [][]byte { return d.stamps }

// Digest is the SM3 of what stamp n covers; n counts from 0, and
// Digest(len(Stamps())) is what the next stamp will cover.
func (d *Document) Digest(n int) ([32]byte, error) {
	var sum [32]byte
	h := sm3.New()
	if err := d.WriteCanonical(h, n); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// WriteCanonical writes the RFC 8785 form of the document with its first n
// stamps, the octets that Digest is over.
func (d *Document) WriteCanonical(w io.Writer, n int) error {
	if n < 0 || n > len(d.encoded) {
		return fmt.Errorf("the document has %d stamps: none numbered %d", len(d.encoded), n)
	}
	parts := make([][]byte, 0, 2*n+6)
	parts = append(parts, []byte("{"), d.before)
	filled := len(d.before) > 0
	if n > 0 {
		opening := `"` + Member + `":["`
		if filled {
			opening = "," + opening
		}
		filled = true
		parts = append(parts, []byte(opening), d.encoded[0])
		for _, e := range d.encoded[1:n] {
			parts = append(parts, []byte(`","`), e)
		}
		parts = append(parts, []byte(`"]`))
	}
	if filled && len(d.after) > 0 {
		parts = append(parts, []byte(","))
	}
	parts = append(parts, d.after, []byte("}"))
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// Append gives the document with one more stamp. The text goes before the
// closing bracket of `_seals`, or, on the first stamp, before the last brace;
// every other octet stays.
func (d *Document) Append(stampDER []byte) ([]byte, error) {
	if len(stampDER) == 0 {
		return nil, errors.New("an empty stamp cannot be put into a document")
	}
	if len(d.stamps) >= MaxStamps {
		return nil, fmt.Errorf("%w: it has %d stamps already", ErrTooLarge, len(d.stamps))
	}
	opening, closing := `,"`, `"`
	if len(d.stamps) == 0 {
		opening, closing = `"`+Member+`":["`, `"]`
		if len(d.before)+len(d.after) > 0 {
			opening = "," + opening
		}
	}
	size := len(d.raw) + len(opening) + base64.StdEncoding.EncodedLen(len(stampDER)) + len(closing)
	if size > MaxSize {
		return nil, fmt.Errorf("%w: %d octets with this stamp, at most %d", ErrTooLarge, size, MaxSize)
	}
	if err := hashable(size, len(d.stamps)+1); err != nil {
		return nil, err
	}
	out := make([]byte, 0, size)
	out = append(out, d.raw[:d.insert]...)
	out = append(out, opening...)
	out = base64.StdEncoding.AppendEncode(out, stampDER)
	out = append(out, closing...)
	return append(out, d.raw[d.insert:]...), nil
}
