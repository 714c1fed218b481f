package ofd

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

const (
	xmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	// providerVersion is that of what is written here, not of the program: a retry after
	// an upgrade must give the same bytes.
	providerName, providerVersion = "Yinxin", "1.0"

	oidSM3        = "1.2.156.10197.1.401"
	oidSM2WithSM3 = "1.2.156.10197.1.501"
)

// annot is one StampAnnot.
type annot struct {
	id, page string
	boundary box
	clip     *box
}

// signatureXML writes Signature.xml in the order of GB/T 33190 18.2: it names every
// file that the finished package will hold but itself and its signed value; one that
// may be followed does not name the list of signatures either (protocol.md 2).
func (l *Layout) signatureXML(s *plan, o Options) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xmlHead + `<ofd:Signature xmlns:ofd="` + namespaces[0] + `"><ofd:SignedInfo>`)
	fmt.Fprintf(&b, `<ofd:Provider ProviderName="%s" Version="%s"/>`, providerName, providerVersion)
	fmt.Fprintf(&b, `<ofd:SignatureMethod>%s</ofd:SignatureMethod>`, oidSM2WithSM3)
	fmt.Fprintf(&b, `<ofd:SignatureDateTime>%s</ofd:SignatureDateTime>`, o.Time.UTC().Format("20060102150405Z"))
	fmt.Fprintf(&b, `<ofd:References CheckMethod="%s">`, oidSM3)
	if err := l.references(&b, s, o.Whole); err != nil {
		return nil, err
	}
	b.WriteString(`</ofd:References>`)
	for _, a := range s.annots {
		clip := ""
		if a.clip != nil {
			clip = ` Clip="` + a.clip.text() + `"`
		}
		fmt.Fprintf(&b, `<ofd:StampAnnot ID="%s" PageRef="%s" Boundary="%s"%s/>`, a.id, escape(a.page), a.boundary.text(), clip)
	}
	fmt.Fprintf(&b, `<ofd:Seal><ofd:BaseLoc>/%s</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>`, escape(s.file("Seal.esl")))
	fmt.Fprintf(&b, `<ofd:SignedValue>/%s</ofd:SignedValue></ofd:Signature>`, escape(s.file("SignedValue.dat")))
	if b.Len() > maxXML {
		return nil, tooLarge("a Signature.xml of %d bytes", b.Len())
	}
	return b.Bytes(), nil
}

// text writes a box to a tenth of a micrometre.
func (b box) text() string {
	var fields []string
	for _, v := range []float64{b.x, b.y, b.w, b.h} {
		fields = append(fields, strconv.FormatFloat(math.Round(v*1e4)/1e4+0, 'f', -1, 64))
	}
	return strings.Join(fields, " ")
}

func (l *Layout) references(b *bytes.Buffer, s *plan, whole bool) error {
	var err error
	reference := func(name string, sum [32]byte) {
		if !writable(name) {
			err = ambiguous("the name %q cannot be written in XML as it is", name)
		}
		fmt.Fprintf(b, `<ofd:Reference FileRef="/%s"><ofd:CheckValue>%s</ofd:CheckValue></ofd:Reference>`, escape(name), base64.StdEncoding.EncodeToString(sum[:]))
	}
	for _, e := range l.p.entries {
		if e.IsDir() || l.replaced[e.Name] || e.Name == s.list && !whole {
			continue
		}
		sum, failed := l.p.Hash(e.Name)
		if failed != nil {
			return failed
		}
		reference(e.Name, sum)
	}
	for _, a := range l.added {
		if a.name != s.list || whole {
			reference(a.name, sm3.Sum(a.content))
		}
	}
	return err
}

// writable tells a name that whoever reads it in XML finds again: white space at its
// end is dropped by some, and two characters XML has not (XML 1.0, 2.2).
func writable(name string) bool {
	return strings.TrimSpace(name) == name && !strings.ContainsAny(name, "\ufffe\uffff")
}

// enlist puts the signature into the list, and the list into OFD.xml where there was
// none.
func (l *Layout) enlist(d *Document, s *plan) error {
	l.replaced[s.list] = true
	entry := func(prefix string) string {
		return fmt.Sprintf(`<%sSignature ID="%s" Type="Seal" BaseLoc="/%s"/>`, prefix, s.id, escape(s.file("Signature.xml")))
	}
	if s.listed == nil {
		l.add(s.list, fmt.Appendf(nil, `%s<ofd:Signatures xmlns:ofd="%s"><ofd:MaxSignId>%s</ofd:MaxSignId>%s</ofd:Signatures>`,
			xmlHead, namespaces[0], s.ids.last(), entry("ofd:")))
		return l.addList(d, s)
	}
	root, err := locate(s.listed, "Signatures")
	if err != nil {
		return err
	}
	if len(root) != 1 {
		return malformed("%q has not one root", s.list)
	}
	edits := []edit{root[0].append(s.listed, "Signatures", entry(root[0].prefix))}
	greatest, err := locate(s.listed, "Signatures", "MaxSignId")
	if err != nil {
		return err
	}
	for _, m := range greatest {
		edits = append(edits, m.fill(s.listed, "MaxSignId", s.ids.last()))
	}
	l.add(s.list, splice(s.listed, edits...))
	return nil
}

// addList leads OFD.xml to the list; by the schema it is the last of a DocBody.
func (l *Layout) addList(d *Document, s *plan) error {
	root, err := d.p.readUpTo(rootFile, maxXML)
	if err != nil {
		return err
	}
	bodies, err := locate(root, "OFD", "DocBody")
	if err != nil {
		return err
	}
	if len(bodies) != 1 {
		return malformed("OFD.xml has not one DocBody")
	}
	// An empty Signatures is an element, and there may be one only.
	if have, err := locate(root, "OFD", "DocBody", "Signatures"); err != nil || len(have) > 0 {
		return ambiguous("OFD.xml has a Signatures that leads nowhere")
	}
	b := bodies[0]
	l.replaced[rootFile] = true
	l.add(rootFile, splice(root, b.append(root, "DocBody", fmt.Sprintf("<%[1]sSignatures>/%[2]s</%[1]sSignatures>", b.prefix, escape(s.list)))))
	return nil
}

// idMaker gives identifiers that are not taken, in the form of those that are there:
// the standard recommends sNNN (GB/T 33190 18.1), some producers write numbers.
type idMaker struct {
	prefix string
	digits int
	n      int
}

func (m *idMaker) next() string {
	m.n++
	return m.last()
}

func (m *idMaker) last() string { return fmt.Sprintf("%s%0*d", m.prefix, m.digits, m.n) }

// serial reads the digits at the end of an identifier.
func serial(id string) (int, bool) {
	digits := id[len(strings.TrimRight(id, "0123456789")):]
	n, err := strconv.Atoi(digits)
	return n, err == nil && n < math.MaxInt32
}

func newIDs(list []byte, earlier []*Stamp) (idMaker, error) {
	m := idMaker{prefix: "s", digits: 3}
	var ids []string
	greatest, err := locate(list, "Signatures", "MaxSignId")
	if err != nil {
		return m, err
	}
	for _, g := range greatest {
		ids = append(ids, string(bytes.TrimSpace(list[g.inner:g.outer])))
	}
	for _, s := range earlier {
		ids = append(ids, s.ID)
		for _, a := range s.Annots {
			ids = append(ids, a.ID)
		}
	}
	plain := func(id string) bool { return strings.Trim(id, "0123456789") == "" }
	if len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !plain(id) }) {
		m.prefix, m.digits = "", 1
	}
	for _, id := range ids {
		if n, ok := serial(id); ok {
			m.n = max(m.n, n)
		}
	}
	return m, nil
}
