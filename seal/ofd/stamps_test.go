package ofd

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestStampsOfTheField(t *testing.T) {
	type found struct {
		Altered, Unnamed []string
		Whole            bool
		Later            []int
		Places           int
	}
	for name, want := range map[string][]found{
		"999.ofd":                {{Unnamed: []string{"OFD.xml"}, Places: 1}},
		"v4signed.ofd":           {{Places: 1}},
		"tampered.ofd":           {{Altered: []string{"Doc_0/Document.xml"}, Places: 1}},
		"h.ofd":                  {{Altered: []string{"Doc_0/Signs/Signatures.xml"}, Whole: true, Later: []int{1}, Places: 5}, {Places: 1}},
		"V4RideRight.ofd":        {{Whole: true, Places: 5}},
		"gen_13_riding_seal.ofd": {{Whole: true, Places: 6}},
		"hello-integrity.ofd":    nil,
		"helloworld.ofd":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			all, err := open(t, sample(t, name)).Stamps()
			if err != nil || len(all) != len(want) {
				t.Fatal(err, len(all))
			}
			for i, s := range all {
				got := found{s.Altered, s.Unnamed, s.Whole, s.Later, len(s.Annots)}
				if !reflect.DeepEqual(got, want[i]) || len(s.Problems)+len(s.Weak)+len(s.Uncovered)+len(s.Idle)+len(s.Removed) > 0 || s.Type != TypeSeal {
					t.Errorf("%+v, want %+v (%+v)", got, want[i], s)
				}
			}
		})
	}
}

func TestIntegrityOfTheField(t *testing.T) {
	p := open(t, sample(t, "hello-integrity.ofd"))
	i, err := p.Integrity()
	if err != nil || len(i.Problems)+len(i.Missing)+len(i.Unlisted) > 0 || len(i.SignedValue) != 858 {
		t.Fatalf("%+v, %v", i, err)
	}
	if i, err := open(t, sample(t, "helloworld.ofd")).Integrity(); i != nil || err != nil {
		t.Fatal(i, err)
	}
}

// xmlOf is an element of OFD's namespace.
func xmlOf(name, content string) string {
	return `<o:` + name + ` xmlns:o="http://www.ofdspec.org/2016">` + content + `</o:` + name + `>`
}

func TestStrictXML(t *testing.T) {
	g := signatureGrammar
	root := xmlOf("Signature", "<o:SignedInfo/>")
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"plain":                      {root, nil},
		"with a byte-order mark":     {"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + root, nil},
		"older namespace":            {`<Signature xmlns="http://www.ofdspec.org"><SignedInfo/></Signature>`, nil},
		"foreign element":            {xmlOf("Signature", `<x:Anything xmlns:x="u"><x:Deep a="1"/></x:Anything>`), nil},
		"document type":              {`<!DOCTYPE a [<!ENTITY e "x">]>` + root, ErrAmbiguous},
		"entity":                     {xmlOf("Signature", "<o:SignedValue>&e;</o:SignedValue>"), ErrMalformed},
		"no namespace":               {"<Signature/>", ErrMalformed},
		"another root":               {xmlOf("Seal", ""), ErrAmbiguous},
		"unknown root":               {xmlOf("Other", ""), ErrMalformed},
		"two roots":                  {root + root, ErrMalformed},
		"nothing":                    {"", ErrMalformed},
		"text outside":               {root + "x", ErrMalformed},
		"unclosed":                   {root[:len(root)-3], ErrMalformed},
		"ours under another's":       {xmlOf("Signature", `<x:SignedInfo xmlns:x="u"/>`), ErrAmbiguous},
		"ours inside another's":      {xmlOf("Signature", `<x:Any xmlns:x="u"><o:SignedInfo/></x:Any>`), ErrAmbiguous},
		"ours in the wrong place":    {xmlOf("Signature", `<o:SignedInfo><o:Reference FileRef="a"/></o:SignedInfo>`), ErrAmbiguous},
		"the other namespace within": {xmlOf("Signature", `<SignedInfo xmlns="http://www.ofdspec.org"/>`), ErrAmbiguous},
		"attribute twice":            {xmlOf("Signature", `<o:SignedInfo a="1" a="2"/>`), ErrMalformed},
		"attribute with a prefix":    {xmlOf("Signature", `<o:SignedInfo o:a="1"/>`), ErrAmbiguous},
		"another encoding":           {`<?xml version="1.0" encoding="GBK"?>` + root, ErrMalformed},
		"UTF-16":                     {"\xff\xfe<\x00", ErrMalformed},
		"not UTF-8":                  {xmlOf("Signature", "\xff"), ErrMalformed},
		"second declaration":         {root + `<?xml version="1.0"?>`, ErrMalformed},
		"deep":                       {xmlOf("Signature", strings.Repeat("<o:a>", maxDepth)+strings.Repeat("</o:a>", maxDepth)), ErrTooLarge},
		"wide":                       {xmlOf("Signature", strings.Repeat("<o:a/>", maxNodes)), ErrTooLarge},
		"long":                       {strings.Repeat(" ", maxXML+1), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := parseXML([]byte(c.text), g); !errors.Is(err, c.want) || err == nil && n.name != "Signature" {
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}

// Values that two readers would take differently are not taken.
func TestInterruptedText(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a", " a ": "a", "<![CDATA[a]]>": "a", "<!-- x -->a": "a", "&#97;": "a", "": "",
		"a<!-- x -->b": "!", "a<![CDATA[b]]>": "!", "a<o:x/>": "!", "a<?x y?>b": "!",
	} {
		n, err := parseXML([]byte(xmlOf("Signature", "<o:SignedValue>"+text+"</o:SignedValue>")), signatureGrammar)
		if err != nil {
			t.Fatal(text, err)
		}
		got, err := n.only("SignedValue")
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	n, err := parseXML([]byte(xmlOf("Signature", "<o:SignedValue>a</o:SignedValue><o:SignedValue>b</o:SignedValue>")), signatureGrammar)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.only("SignedValue"); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
}

func TestLocations(t *testing.T) {
	p := open(t, archive(part{name: "OFD.xml"}, part{name: "Doc_0/Signs/a.xml"}, part{name: "Doc_0/b.xml"}, part{name: "Doc_0/Signs/Doc_0/b.xml"}, part{name: "c.xml"}))
	for _, c := range []struct {
		loc, want string
		err       error
	}{
		{"/Doc_0/b.xml", "Doc_0/b.xml", nil},
		{"a.xml", "Doc_0/Signs/a.xml", nil},
		{"./a.xml", "Doc_0/Signs/a.xml", nil},
		{"../b.xml", "Doc_0/b.xml", nil},
		{"c.xml", "c.xml", nil},
		{"Doc_0/Signs/a.xml", "Doc_0/Signs/a.xml", nil},
		{"/Doc_0/Signs/../b.xml", "Doc_0/b.xml", nil},
		{"Doc_0/b.xml", "", ErrAmbiguous}, // beside, and from the root
		{"/a.xml", "", ErrNoEntry},
		{"A.xml", "", ErrNoEntry},
		{"../../../b.xml", "", ErrAmbiguous},
		{"/../OFD.xml", "", ErrAmbiguous},
		{"//c.xml", "", ErrAmbiguous},
		{`Doc_0\b.xml`, "", ErrMalformed},
		{"", "", ErrMalformed},
		{strings.Repeat("a", maxName+1), "", ErrMalformed},
	} {
		got, err := p.resolve(c.loc, "Doc_0/Signs/s.xml")
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%.40q: %q, %v", c.loc, got, err)
		}
	}
}

func TestShowsFace(t *testing.T) {
	paper := box{0, 0, 210, 297}
	slices := func(n, but int) []Annot {
		var all []Annot
		for i := range n {
			if i != but {
				w := 40.0 / float64(n)
				all = append(all, Annot{Page: i + 1, X: 210 - float64(i+1)*w, Y: 40, W: 40, H: 40, Clip: &Clip{float64(i) * w, 0, w, 40}, paper: paper})
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		annots    []Annot
		ok, known bool
	}{
		"whole":             {[]Annot{{Page: 1, X: 10, Y: 10, W: 40, H: 40, paper: paper}}, true, true},
		"no paper is known": {[]Annot{{Page: 1, X: 10, Y: 10, W: 40, H: 40}}, true, true},
		"smaller":           {[]Annot{{Page: 1, X: 10, Y: 10, W: 30, H: 30, paper: paper}}, true, true},
		"40 slices":         {slices(40, -1), true, true},
		"3 slices":          {slices(3, -1), true, true},
		"40, one missing":   {slices(40, 17), false, true},
		"3, one missing":    {slices(3, 2), false, true},
		"many":              {slices(maxAnnots, -1), true, true},
		"top and bottom": {[]Annot{{Page: 1, X: 10, Y: 277, W: 40, H: 40, Clip: &Clip{0, 0, 40, 20}, paper: paper},
			{Page: 2, X: 10, Y: -20, W: 40, H: 40, Clip: &Clip{0, 20, 40, 20}, paper: paper}}, true, true},
		"nowhere":     {nil, false, false},
		"huge":        {[]Annot{{Page: 1, X: 10, Y: 10, W: 180, H: 180, paper: paper}}, false, false},
		"clip beyond": {[]Annot{{Page: 1, X: 10, Y: 10, W: 40, H: 40, Clip: &Clip{50, 0, 40, 40}, paper: paper}}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if ok, known := (&Stamp{Annots: c.annots}).ShowsFace(40, 40); ok != c.ok || known != c.known {
				t.Fatal(ok, known)
			}
		})
	}
	if ok, known := (&Stamp{Annots: slices(3, -1)}).ShowsFace(0, 40); ok || known {
		t.Error("a seal of no size")
	}
}

// reachable makes a package in which one file leads to another in some way.
func TestReach(t *testing.T) {
	for name, c := range map[string]struct{ document, res string }{
		"resource":             {"<o:CommonData><o:DocumentRes>Res.xml</o:DocumentRes></o:CommonData>", "<o:MediaFile>x.bin</o:MediaFile>"},
		"from the root":        {"<o:CommonData><o:DocumentRes>/Doc_0/Res.xml</o:DocumentRes></o:CommonData>", "<o:MediaFile>/Doc_0/Res/x.bin</o:MediaFile>"},
		"a font in an element": {"<o:CommonData><o:PublicRes>Res.xml</o:PublicRes></o:CommonData>", "<o:Fonts><o:Font><o:FontFile>Res/x.bin</o:FontFile></o:Font></o:Fonts>"},
		"attribute":            {`<o:Pages><o:Page ID="1" BaseLoc="Res.xml"/></o:Pages>`, `<o:Any Loc="Res/x.bin"/>`},
		"a vendor's own":       {`<v:Any xmlns:v="u" at="Res.xml"/>`, `<v:Any xmlns:v="u">Res/x.bin</v:Any>`},
		"another case":         {"<o:Attachments>res.XML</o:Attachments>", "<o:FileLoc>RES/X.bin</o:FileLoc>"},
		"backslash":            {"<o:CustomTags>Res.xml</o:CustomTags>", `<o:FileLoc>Res\x.bin</o:FileLoc>`},
		"comment within":       {"<o:CustomTags>Res.xml</o:CustomTags>", "<o:FileLoc>Res/<!-- -->x.bin</o:FileLoc>"},
		"not readable":         {"<o:CustomTags>Res.xml</o:CustomTags>", "<o:FileLoc>&unknown;</o:FileLoc>"},
		"document type":        {"<o:CustomTags>Res.xml</o:CustomTags>", "<!DOCTYPE x>"},
	} {
		t.Run(name, func(t *testing.T) {
			parts := []part{
				{name: "OFD.xml", content: xmlOf("OFD", "<o:DocBody><o:DocRoot>Doc_0/Document.xml</o:DocRoot></o:DocBody>")},
				{name: "Doc_0/Document.xml", content: xmlOf("Document", c.document)}, {name: "Doc_0/Res.xml", content: xmlOf("Res", c.res)}, {name: "Doc_0/Res/x.bin", content: "\x89"},
				{name: "Doc_0/idle.bin", content: "x"},
			}
			p := open(t, archive(parts...))
			bodies, err := p.readRoot()
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.reach(bodies)
			if err != nil || !got["Doc_0/Res/x.bin"] || got["Doc_0/idle.bin"] != (name == "not readable" || name == "document type") {
				t.Fatal(got, err)
			}
		})
	}
}

func TestEncryptedPackages(t *testing.T) {
	doc := part{name: "Doc_0/Document.xml", content: xmlOf("Document", "")}
	body := "<o:DocBody><o:DocRoot>Doc_0/Document.xml</o:DocRoot>"
	for name, parts := range map[string][]part{
		"by a file":     {{name: "OFD.xml", content: xmlOf("OFD", body+"</o:DocBody>")}, doc, {name: "Encryptions.xml", content: "x"}},
		"by an element": {{name: "OFD.xml", content: xmlOf("OFD", body+"<o:Encryptions>e.xml</o:Encryptions></o:DocBody>")}, doc},
	} {
		if _, err := open(t, archive(parts...)).Stamps(); !errors.Is(err, ErrEncrypted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The work of many signatures over a large package is counted.
func TestWorkOfReferences(t *testing.T) {
	p := open(t, sample(t, "v4signed.ofd"))
	p.left.references = 12
	if _, err := p.Stamps(); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	p = open(t, sample(t, "v4signed.ofd"))
	p.left.inflate = 5000
	if _, err := p.Stamps(); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
}

func FuzzPackage(f *testing.F) {
	for _, name := range allSamples {
		f.Add(sample(f, name))
	}
	f.Add(archive(part{name: "OFD.xml", content: "<a/>"}, part{name: "b/"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var at int64
		for _, e := range p.Entries() {
			if e.Offset != at || e.DataOffset+e.CompressedSize > e.End {
				t.Fatal("the entries do not lie side by side")
			}
			at = e.End
		}
		if at != p.CentralOffset() {
			t.Fatal("bytes that belong to nothing")
		}
		if all, err := p.Stamps(); err == nil {
			for _, s := range all {
				s.ShowsFace(42, 42)
			}
		}
		p.Integrity()
	})
}

func FuzzXML(f *testing.F) {
	for _, name := range []string{"999.ofd", "h.ofd", "V4RideRight.ofd"} {
		p := open(f, sample(f, name))
		for _, n := range p.Names() {
			if strings.HasSuffix(n, "Signature.xml") || n == "OFD.xml" {
				b, err := p.Read(n)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, g := range []grammar{signatureGrammar, rootGrammar, listGrammar, documentGrammar, integrityGrammar} {
			if n, err := parseXML(b, g); err == nil && len(g[n.name]) == 0 {
				t.Fatalf("a root %q", n.name)
			}
		}
		ownPaper(b)
	})
}
