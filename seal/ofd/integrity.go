package ofd

import (
	"fmt"

	"github.com/emmansun/gmsm/sm3"
)

// Integrity is the integrity file of GM/T 0099-2020: the list of the package's files
// and a GB/T 35275 signature over it. It covers which files there are, and not what
// is in them.
type Integrity struct {
	SignedValue []byte
	Text        []byte   // OFDEntries.xml
	Digest      [32]byte // its SM3
	Problems    []string
	Missing     []string // listed, and not there
	Unlisted    []string // there, and not listed
}

const integrityFile = "OFDEntries.xml"

var integrityGrammar = grammar{"DocEntries": {""}, "SignedValueLoc": {"DocEntries"}, "FileList": {"DocEntries"}, "File": {"FileList"}}

// Integrity reads the integrity file; nil if the package has none.
func (p *Package) Integrity() (*Integrity, error) {
	if !p.Has(integrityFile) {
		return nil, nil
	}
	i := &Integrity{}
	err := p.fillIntegrity(i)
	if unreadable(err) {
		i.Problems = append(i.Problems, err.Error())
		err = nil
	}
	return i, err
}

func (p *Package) fillIntegrity(i *Integrity) error {
	text, err := p.readUpTo(integrityFile, maxXML)
	if err != nil {
		return err
	}
	i.Text, i.Digest = text, sm3.Sum(text)
	root, err := parseXML(text, integrityGrammar)
	if err != nil {
		return err
	}
	value, der, err := p.attached(root, "SignedValueLoc", integrityFile, maxSignedValue)
	if err != nil {
		return err
	}
	if i.SignedValue = der; der == nil {
		return malformed("%s names no signed value", integrityFile)
	}
	list, err := root.one("FileList")
	if err != nil || list == nil {
		return malformed("%s has not one FileList", integrityFile)
	}
	listed := map[string]bool{integrityFile: true, value: true}
	err = list.each("File", func(n *node) error {
		name, err := p.resolve(n.attr("FileLoc"), integrityFile)
		if err != nil {
			i.Missing = append(i.Missing, fmt.Sprintf("%.80s", n.attr("FileLoc")))
			return nil
		}
		listed[name] = true
		return nil
	})
	for _, name := range p.Names() {
		if !listed[name] {
			i.Unlisted = append(i.Unlisted, name)
		}
	}
	return err
}
