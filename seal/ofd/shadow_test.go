package ofd

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/emmansun/gmsm/sm3"
)

// Ways in which a file leads to another that some readers follow and a plain search for
// the location does not find: a package prepared so could be given the file after its
// seal.
func TestLocationsInDisguise(t *testing.T) {
	const name = "Doc_0/Res/x.bin"
	long := strings.Repeat("./", 2*maxName)
	inXML := func(content string) string { return xmlOf("Res", content) }
	for what, res := range map[string]string{
		"long in an attribute":      inXML(`<o:Any Loc="` + long + `Res/x.bin"/>`),
		"long in a text":            inXML("<o:MediaFile>" + long + "Res/x.bin</o:MediaFile>"),
		"interrupted":               inXML("<o:MediaFile>Res/x<o:Y/>.bin</o:MediaFile>"),
		"interrupted by a text":     inXML("<o:MediaFile>Res/<v:y xmlns:v='u'>nothing</v:y>x.bin</o:MediaFile>"),
		"in parts":                  inXML("<o:MediaFile><o:a>Res/x</o:a><o:b>.bin</o:b></o:MediaFile>"),
		"in parts, deep":            inXML("<o:MediaFile><o:a><o:c>Re</o:c>s/x</o:a>.<o:b>bin</o:b></o:MediaFile>"),
		"in long parts":             inXML("<o:MediaFile><o:a>" + long + long + "Res/</o:a><o:b>x.bin</o:b></o:MediaFile>"),
		"in sections":               inXML("<o:MediaFile><![CDATA[Res/]]><![CDATA[x.bin]]></o:MediaFile>"),
		"escaped as in a URI":       inXML("<o:MediaFile>Res/%78.bin</o:MediaFile>"),
		"escaped as in XML":         inXML("<o:MediaFile>Res/&#120;.bin</o:MediaFile>"),
		"UTF-16 without a mark":     utf16BE(inXML("<o:MediaFile>Res/x.bin</o:MediaFile>")),
		"EBCDIC":                    "\x4c\x6f\xa7\x94\x93",
		"a style sheet makes it":    `<?xml-stylesheet href="y.xsl"?>` + inXML(""),
		"an encoding of its own":    `<?xml version="1.0" encoding="GBK"?><o:Res xmlns:o="http://www.ofdspec.org/2016"/>`,
		"a mark of UTF-16 in front": "\xfe\xff" + utf16BE(inXML("")),
	} {
		parts := []part{
			{name: "OFD.xml", content: xmlOf("OFD", "<o:DocBody><o:DocRoot>Doc_0/Document.xml</o:DocRoot></o:DocBody>")},
			{name: "Doc_0/Document.xml", content: xmlOf("Document", "<o:CommonData><o:DocumentRes>Res.xml</o:DocumentRes></o:CommonData>")},
			{name: "Doc_0/Res.xml", content: res}, {name: name, content: "\x89"}, {name: "Doc_0/idle.bin", content: "x"},
		}
		p := open(t, archive(parts...))
		bodies, err := p.readRoot()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.reach(signatureLayerOf(bodies, nil)); err != nil || !got[name] {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func utf16BE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

// What is below an element is looked at once for each that is open, and paid for.
func TestWorkOfDisguises(t *testing.T) {
	deep := strings.Repeat("<o:a>", maxDepth-2) + strings.Repeat("x", maxTail) + strings.Repeat("</o:a>", maxDepth-2)
	res := xmlOf("Res", strings.Repeat(deep, 100))
	p := open(t, archive(
		part{name: "OFD.xml", content: xmlOf("OFD", "<o:DocBody><o:DocRoot>Doc_0/Document.xml</o:DocRoot></o:DocBody>")},
		part{name: "Doc_0/Document.xml", content: xmlOf("Document", "<o:CommonData><o:DocumentRes>Res.xml</o:DocumentRes></o:CommonData>")},
		part{name: "Doc_0/Res.xml", content: res}, part{name: "Doc_0/idle.bin", content: "x"}))
	bodies, err := p.readRoot()
	if err != nil {
		t.Fatal(err)
	}
	r := reacher{p: p, seen: map[string]bool{}, byBase: map[string][]string{}, left: 1 << 20}
	if err := r.follow("Doc_0/Res.xml"); err != nil || !r.everywhere {
		t.Errorf("not counted: %v, %d left", err, r.left)
	}
	if got, err := p.reach(signatureLayerOf(bodies, nil)); err != nil || got["Doc_0/idle.bin"] {
		t.Error(got, err)
	}
}

// Names that are one place where a reader unpacks to a file system.
func TestNamesThatAreOnePlace(t *testing.T) {
	for what, names := range map[string][2]string{
		"composed":               {"Doc_0/\u00e9.xml", "Doc_0/e\u0301.xml"},
		"compatibility of Han":   {"Doc_0/\u8c48.xml", "Doc_0/\uf900.xml"},
		"not seen":               {"Doc_0/Document.xml", "Doc_0/Docu\u200cment.xml"},
		"a byte-order mark":      {"Doc_0/Document.xml", "\ufeffDoc_0/Document.xml"},
		"a folder, composed":     {"\u00e9/a", "e\u0301/A"},
		"a file and a folder of": {"\u00e9", "e\u0301/a"},
	} {
		b := archive(part{name: names[0], flags: flagUTF8}, part{name: names[1], flags: flagUTF8})
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Attributes that no stamp covers must not make another file of an entry.
func TestAttributesOfEntries(t *testing.T) {
	good := archive(part{name: "a.xml", content: "<a/>"}, part{name: "b/"})
	dir := int(le.Uint32(good[len(good)-6:]))
	second := dir + lenCentral + len("a.xml")
	for what, c := range map[string]struct {
		at         int
		host       byte
		attributes uint32
		refused    bool
	}{
		"none":                    {dir, 3, 0, false},
		"a file":                  {dir, 3, 0o100644 << 16, false},
		"a link":                  {dir, 3, 0o120777 << 16, true},
		"a link of Darwin":        {dir, 19, 0o120777 << 16, true},
		"a device":                {dir, 3, 0o060777 << 16, true},
		"a folder of Unix":        {dir, 3, 0o040755 << 16, true},
		"a folder of MS-DOS":      {dir, 0, 0x10, true},
		"archived, read only":     {dir, 0, 0x21, false},
		"another system's":        {dir, 7, 0o120777 << 16, false},
		"a true folder":           {second, 3, 0o040755<<16 | 0x10, false},
		"a folder that is a file": {second, 3, 0o100644 << 16, true},
	} {
		b := bytes.Clone(good)
		b[c.at+5] = c.host
		le.PutUint32(b[c.at+38:], c.attributes)
		if _, err := Open(bytes.NewReader(b), int64(len(b))); errors.Is(err, ErrAmbiguous) != c.refused {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// prepared is a package with one signature, which names what it is told to.
func prepared(t testing.TB, root, list string, named []string, more ...part) []*Stamp {
	t.Helper()
	parts := append([]part{
		{name: "OFD.xml", content: xmlOf("OFD", root)},
		{name: "L.xml", content: xmlOf("Signatures", list+`<o:Signature ID="1" BaseLoc="/S/Signature.xml"/>`)},
		{name: "S/V.dat", content: "0"},
	}, more...)
	var refs strings.Builder
	for _, name := range named {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		sum := sm3.Sum([]byte(parts[i].content))
		fmt.Fprintf(&refs, `<o:Reference FileRef="/%s"><o:CheckValue>%s</o:CheckValue></o:Reference>`, name, base64.StdEncoding.EncodeToString(sum[:]))
	}
	parts = append(parts, part{name: "S/Signature.xml", content: xmlOf("Signature",
		`<o:SignedInfo><o:References CheckMethod="SM3">`+refs.String()+`</o:References></o:SignedInfo><o:SignedValue>V.dat</o:SignedValue>`)})
	p := open(t, archive(parts...))
	all, err := p.Stamps()
	if err != nil || len(all) != 1 || len(all[0].Problems) > 0 || len(all[0].Altered) > 0 {
		t.Fatalf("%v: %+v", err, all)
	}
	return all
}

// A stamp that more may follow leaves the list of signatures open: it must not be a page
// too, or text could be added to it.
func TestAListThatIsAPage(t *testing.T) {
	root := "<o:DocBody><o:DocRoot>D.xml</o:DocRoot><o:Signatures>/L.xml</o:Signatures></o:DocBody>"
	doc := part{name: "D.xml", content: xmlOf("Document", `<o:Pages><o:Page ID="1" BaseLoc="L.xml"/></o:Pages>`)}
	for what, c := range map[string]struct {
		list    string
		covered bool
	}{
		"signatures alone":      {"<o:MaxSignId>1</o:MaxSignId>", true},
		"a layer":               {"<o:Content><o:Layer/></o:Content>", false},
		"in another namespace":  {`<v:Content xmlns:v="u"/>`, false},
		"text":                  {"granted", false},
		"within MaxSignId":      {"<o:MaxSignId>1<o:Layer/></o:MaxSignId>", false},
		"foreign, in MaxSignId": {`<o:MaxSignId>1<v:x xmlns:v="u"/></o:MaxSignId>`, false},
	} {
		s := prepared(t, root, c.list, []string{"OFD.xml", "D.xml"}, doc)[0]
		if (len(s.Uncovered) == 0) != c.covered {
			t.Errorf("%s: %v", what, s.Uncovered)
		}
	}
	// A list that says more and is shown nowhere is idle.
	apart := part{name: "D.xml", content: xmlOf("Document", "")}
	if s := prepared(t, root, "<o:Vendor/>", []string{"OFD.xml", "D.xml"}, apart)[0]; len(s.Uncovered) > 0 {
		t.Error(s.Uncovered)
	}
}

// Who does not name OFD.xml leaves open to which document it leads.
func TestWhichDocumentIsOpened(t *testing.T) {
	doc := func(name string) part { return part{name: name, content: xmlOf("Document", "")} }
	lists := "<o:Signatures>/L.xml</o:Signatures>"
	hidden := part{name: "E.dat", content: "<!--" + strings.Repeat("x", headLength) + "-->" + xmlOf("Document", "")}
	for what, c := range map[string]struct {
		body    string
		more    []part
		covered bool
	}{
		"one":                  {"", []part{doc("D.xml")}, true},
		"two were sealed":      {"", []part{doc("D.xml"), doc("E.xml")}, false},
		"one of another name":  {"", []part{doc("D.xml"), hidden}, false},
		"of several versions":  {"<o:Versions><o:Version ID='1' Current='true' BaseLoc='D.xml'/></o:Versions>", []part{doc("D.xml")}, false},
		"a picture beside one": {"", []part{doc("D.xml"), {name: "P", content: "\x89PNG"}}, true},
	} {
		var named []string
		for _, p := range c.more {
			named = append(named, p.name)
		}
		s := prepared(t, "<o:DocBody><o:DocRoot>D.xml</o:DocRoot>"+c.body+lists+"</o:DocBody>", "", named, c.more...)[0]
		if (len(s.Uncovered) == 0) != c.covered || len(s.Unnamed) == 1 != c.covered {
			t.Errorf("%s: %v, %v", what, s.Uncovered, s.Unnamed)
		}
	}
}

// PUBLIC~1.XML is PublicRes.xml to Windows.
func TestShortNamesAreNotIdle(t *testing.T) {
	root := "<o:DocBody><o:DocRoot>D.xml</o:DocRoot><o:Signatures>/L.xml</o:Signatures></o:DocBody>"
	for name, idle := range map[string]bool{"PUBLIC~1.XML": false, "DOC_0~1/x": false, "notes.txt": true, "a~.bak": true, "~1": true} {
		s := prepared(t, root, "", []string{"OFD.xml", "D.xml"}, part{name: "D.xml", content: xmlOf("Document", "")}, part{name: name, content: "x"})[0]
		if slices.Contains(s.Idle, name) != idle || slices.Contains(s.Uncovered, name) == idle {
			t.Errorf("%s: %v, %v", name, s.Idle, s.Uncovered)
		}
	}
}
