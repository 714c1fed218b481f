package ofd

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// Kinds of a signature (GM/T 0099-2020 7.2).
const (
	TypeSeal = "Seal" // SignedValue holds a SES_Signature
	TypeSign = "Sign" // SignedValue holds a GB/T 35275 SignedData
)

// Stamp is one signature of the package, a seal's or a plain one. It is sound only
// if Problems, Altered and Weak are empty.
type Stamp struct {
	ID, Type string
	// Path is the absolute path of its Signature.xml: what propertyInfo must be.
	Path        string
	SignedValue []byte
	Digest      [32]byte // SM3 of Signature.xml
	Text        []byte   // Signature.xml itself, of a signature without a seal
	DateTime    string   // as it stands; no reader can rely on its zone
	// SealFile is Seal.esl and SealImage the picture beside it, where they are named:
	// readers show these, so they must be what the signed value holds.
	SealFile, SealImage []byte

	Problems  []string // breaks the format: never good
	Altered   []string // files that are not as it names them, or are gone
	Weak      []string // files that it names by a digest that can be forged
	Uncovered []string // files that it does not name and a page can reach
	Idle      []string // files that it does not name and nothing reaches
	Unnamed   []string // earlier stamps' files, and OFD.xml, that it does not name
	Removed   []string // signatures that are in the package and no longer in the list

	Whole bool  // it names Signatures.xml: nothing may be added
	Later []int // the stamps added after it, by index

	Annots []Annot

	dir        *listed
	named      map[string]bool
	wantsAfter string // the ID of the signature that it says to follow (OFD 2.0, Relative)
}

// listed is a signature as Signatures.xml has it.
type listed struct {
	body     *body
	list     string // the Signatures.xml
	id, kind string
	relative string
	file     string // its Signature.xml
	value    string // its SignedValue
	seal     string // its Seal.esl
	image    string
}

// files are those that make the signature itself.
func (l *listed) files() []string { return []string{l.file, l.value, l.seal, l.image} }

var listGrammar = grammar{"Signatures": {""}, "Signature": {"Signatures"}, "MaxSignId": {"Signatures"}}

// Stamps finds every signature in the order of the lists, and checks what each
// says of the package. An error means that the package cannot be judged at all.
func (p *Package) Stamps() ([]*Stamp, error) {
	bodies, err := p.readRoot()
	if err != nil {
		return nil, err
	}
	var all []*Stamp
	files := map[string]bool{}
	for i := range bodies {
		found, err := p.readList(&bodies[i])
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			if files[l.file] {
				return nil, ambiguous("two signatures have the same Signature.xml")
			}
			files[l.file] = true
			s, err := p.readSignature(l)
			if err != nil {
				return nil, err
			}
			if all = append(all, s); len(all) > maxSignatures {
				return nil, tooLarge("more than %d signatures", maxSignatures)
			}
		}
	}
	return all, p.judge(bodies, all)
}

func (p *Package) readList(b *body) ([]*listed, error) {
	if b.signatures == "" {
		return nil, nil
	}
	root, err := p.xml(b.signatures, listGrammar)
	if err != nil {
		return nil, err
	}
	b.more = holdsMore(root)
	var all []*listed
	ids := map[string]bool{}
	err = root.each("Signature", func(n *node) error {
		l := &listed{body: b, list: b.signatures, id: n.attr("ID"), kind: n.attr("Type"), relative: n.attr("Relative")}
		if l.kind == "" {
			l.kind = TypeSeal
		}
		if ids[l.id] {
			return ambiguous("two signatures have the ID %.40q", l.id)
		}
		ids[l.id] = true
		var err error
		l.file, err = p.resolve(n.attr("BaseLoc"), b.signatures)
		all = append(all, l)
		if err != nil {
			return whole(err)
		}
		return nil
	})
	return all, err
}

// holdsMore tells whether a list of signatures says anything else: a file that stamps
// leave open must not be a page's too.
func holdsMore(root *node) bool {
	if root.pieces > 0 || root.others > 0 {
		return true
	}
	return slices.ContainsFunc(root.kids, func(k *node) bool {
		return k.name != "Signature" && k.name != "MaxSignId" || len(k.kids) > 0 || k.others > 0 || k.name == "Signature" && k.pieces > 0
	})
}

var signatureGrammar = grammar{
	"Signature": {""}, "SignedInfo": {"Signature"}, "SignedValue": {"Signature"}, "References": {"SignedInfo"}, "Reference": {"References"},
	"CheckValue": {"Reference"}, "StampAnnot": {"SignedInfo"}, "Seal": {"SignedInfo"}, "BaseLoc": {"Seal"}, "ImageLoc": {"Seal"},
}

// readSignature reads one Signature.xml. What is wrong with it is a problem of this
// stamp; only work that runs out is an error.
func (p *Package) readSignature(l *listed) (*Stamp, error) {
	s := &Stamp{ID: l.id, Type: l.kind, Path: "/" + l.file, dir: l, named: map[string]bool{}, wantsAfter: l.relative}
	if l.kind != TypeSeal && l.kind != TypeSign {
		s.Problems = append(s.Problems, "its Type is neither Seal nor Sign")
	}
	err := p.fillSignature(s, l)
	if unreadable(err) {
		s.Problems = append(s.Problems, err.Error())
		err = nil
	}
	return s, err
}

func (p *Package) fillSignature(s *Stamp, l *listed) error {
	text, err := p.readUpTo(l.file, maxXML)
	if err != nil {
		return err
	}
	if s.Digest, err = p.Hash(l.file); err != nil {
		return err
	}
	if s.Type == TypeSign {
		s.Text = text
	}
	root, err := p.parse(text, signatureGrammar)
	if err != nil {
		return err
	}
	if l.value, s.SignedValue, err = p.attached(root, "SignedValue", l.file, maxSignedValue); err != nil {
		return err
	}
	if s.SignedValue == nil {
		return malformed("Signature.xml names no SignedValue")
	}
	info, err := root.one("SignedInfo")
	if err != nil || info == nil {
		return malformed("Signature.xml has not one SignedInfo")
	}
	s.DateTime, _ = info.only("SignatureDateTime")
	if err := p.readSeal(s, l, info); err != nil {
		return err
	}
	if err := p.readAnnots(s, l.body, info); err != nil {
		return err
	}
	if s.Type == TypeSign && (len(s.Annots) > 0 || l.seal != "" || l.image != "") {
		return malformed("a signature without a seal shows one")
	}
	return p.readReferences(s, l, info)
}

// readSeal reads the files by which a reader may show the seal.
func (p *Package) readSeal(s *Stamp, l *listed, info *node) error {
	seal, err := info.one("Seal")
	if err != nil || seal == nil {
		return err
	}
	if l.seal, s.SealFile, err = p.attached(seal, "BaseLoc", l.file, maxSignedValue); err != nil {
		return err
	}
	l.image, s.SealImage, err = p.attached(seal, "ImageLoc", l.file, maxSignedValue)
	return err
}

// attached reads the file that a child element names.
func (p *Package) attached(n *node, name, from string, limit int64) (string, []byte, error) {
	loc, err := n.only(name)
	if err != nil || loc == "" {
		return "", nil, err
	}
	file, err := p.resolve(loc, from)
	if err != nil {
		return "", nil, err
	}
	b, err := p.readUpTo(file, limit)
	if errors.Is(err, ErrTooLarge) && p.left.inflate >= 0 {
		err = malformed("%q is too long", file)
	}
	return file, b, err
}

// mayBeSignature tells the names that signatures have in the field, by their last
// part or their folder.
func mayBeSignature(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, ".xml") && (strings.Contains(path.Base(lower), "sign") || strings.Contains(path.Base(path.Dir(lower)), "sign"))
}
