package ofd

import (
	"strconv"
	"strings"
)

// body is one DocBody of OFD.xml: a document and its list of signatures.
type body struct {
	root       string // its Document.xml
	signatures string // its Signatures.xml, "" for none
	more       bool   // that list holds more than signatures
	versions   bool   // it has versions, of which OFD.xml says which is shown
	base       box
	pages      []page
	byID       map[string]int
	templates  map[string]string // the file of each TemplatePage by its ID
}

// page is one page of a document; what its own Area says is read when asked for.
type page struct{ file string }

// box is x, y, width and height in millimetres.
type box struct{ x, y, w, h float64 }

const rootFile = "OFD.xml"

var rootGrammar = grammar{"OFD": {""}, "DocBody": {"OFD"}, "DocRoot": {"DocBody", "DocVersion"}, "Signatures": {"DocBody"}, "Encryptions": {"DocBody", "OFD"}}

// readRoot reads OFD.xml, which leads to the documents of the package.
func (p *Package) readRoot() ([]body, error) {
	if !p.Has(rootFile) {
		return nil, malformed("there is no OFD.xml")
	}
	// GM/T 0099: the entries of an encrypted package are listed here.
	if p.Has("Encryptions.xml") {
		return nil, ErrEncrypted
	}
	root, err := p.xml(rootFile, rootGrammar)
	if err != nil {
		return nil, err
	}
	var all []body
	err = root.each("DocBody", func(n *node) error {
		b, err := p.readBody(n)
		if all = append(all, b); len(all) > maxBodies {
			return tooLarge("more than %d documents", maxBodies)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = malformed("OFD.xml leads to no document")
	}
	return all, err
}

func (p *Package) readBody(n *node) (body, error) {
	var b body
	var err error
	if b.root, err = p.leads(n, "DocRoot"); err != nil {
		return b, err
	}
	if b.signatures, err = p.leads(n, "Signatures"); err != nil {
		return b, err
	}
	if k, err := n.one("Encryptions"); err != nil || k != nil {
		return b, ErrEncrypted
	}
	versions, err := n.one("Versions")
	if err != nil {
		return b, err
	}
	b.versions = versions != nil
	if b.root == "" {
		return b, malformed("a DocBody without DocRoot")
	}
	return b, p.readDocument(&b)
}

// leads gives the entry to which an element of OFD.xml leads, "" without one.
func (p *Package) leads(n *node, name string) (string, error) {
	loc, err := n.only(name)
	if err != nil || loc == "" {
		return "", err
	}
	file, err := p.resolve(loc, rootFile)
	if err != nil {
		return "", whole(err)
	}
	return file, nil
}

// whole makes of a location that leads nowhere a fault of the whole package.
func whole(err error) error { return malformed("%v", err) }

var documentGrammar = grammar{"Document": {""}, "CommonData": {"Document"}, "Pages": {"Document"}, "Page": {"Pages"}, "TemplatePage": {"CommonData"}, "PageArea": {"CommonData"}, "PhysicalBox": {"PageArea"}}

// readTemplates: one that leads nowhere is shown nowhere.
func (p *Package) readTemplates(b *body, common *node) error {
	return common.each("TemplatePage", func(n *node) error {
		id := n.attr("ID")
		if _, twice := b.templates[id]; twice {
			return ambiguous("two templates have the ID %.40q", id)
		}
		file, err := p.resolve(n.attr("BaseLoc"), b.root)
		if err == nil {
			b.templates[id] = file
		}
		return nil
	})
}

// readDocument reads of Document.xml which pages there are.
func (p *Package) readDocument(b *body) error {
	doc, err := p.xml(b.root, documentGrammar)
	if err != nil {
		return err
	}
	b.byID, b.templates = map[string]int{}, map[string]string{}
	if common, err := doc.one("CommonData"); err != nil {
		return err
	} else if common != nil {
		if area, err := common.one("PageArea"); err != nil {
			return err
		} else if area != nil {
			b.base, _ = boxOf(area)
		}
		if err := p.readTemplates(b, common); err != nil {
			return err
		}
	}
	pages, err := doc.one("Pages")
	if err != nil || pages == nil {
		return err
	}
	return pages.each("Page", func(n *node) error {
		file, err := p.resolve(n.attr("BaseLoc"), b.root)
		if err != nil {
			return whole(err)
		}
		id := n.attr("ID")
		if _, twice := b.byID[id]; twice || id == "" {
			return ambiguous("two pages have the ID %.40q", id)
		}
		b.byID[id] = len(b.pages)
		b.pages = append(b.pages, page{file: file})
		return nil
	})
}

// boxOf reads the PhysicalBox of a CT_PageArea.
func boxOf(area *node) (box, bool) {
	text, err := area.only("PhysicalBox")
	if err != nil {
		return box{}, false
	}
	return parseBox(text)
}

// parseBox reads a ST_Box (GB/T 33190 7.3).
func parseBox(text string) (box, bool) {
	// Not all that ParseFloat knows (Inf, 0x1p4) is a number to other readers.
	if len(text) > maxBoxText || strings.Trim(text, "0123456789+-.eE \t\r\n") != "" {
		return box{}, false
	}
	fields := strings.Fields(text)
	if len(fields) != 4 {
		return box{}, false
	}
	var v [4]float64
	for i, f := range fields {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil || !(n > -maxMillimetre && n < maxMillimetre) { // NaN is neither
			return box{}, false
		}
		v[i] = n
	}
	return box{v[0], v[1], v[2], v[3]}, v[2] > 0 && v[3] > 0
}

func (p *Package) xml(name string, g grammar) (*node, error) {
	b, err := p.readUpTo(name, maxXML)
	if err != nil {
		return nil, err
	}
	return p.parse(b, g)
}

// parse is parseXML, paid for.
func (p *Package) parse(b []byte, g grammar) (*node, error) {
	if err := p.left.takeXML(len(b)); err != nil {
		return nil, err
	}
	return parseXML(b, g)
}
