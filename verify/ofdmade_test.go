package verify_test

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal/ses"
)

// entry is a file of a package that is made by hand, so that it can be wrong.
type entry struct{ name, content string }

// pack is an OFD package before it is zipped.
type pack []entry

const ofdHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func ofdElement(name, content string) string {
	return ofdHead + `<ofd:` + name + ` xmlns:ofd="http://www.ofdspec.org/2016">` + content + `</ofd:` + name + `>`
}

// plainPack is a document of two pages with a resource, an attachment and an
// annotation.
func plainPack() pack {
	return pack{
		{"OFD.xml", ofdElement("OFD", `<ofd:DocBody><ofd:DocInfo><ofd:DocID>1</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody>`)},
		{"Doc_0/Document.xml", ofdElement("Document", `<ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>`+
			`<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>`+
			`<ofd:Page ID="2" BaseLoc="Pages/Page_1/Content.xml"/></ofd:Pages><ofd:Annotations>Annots/Annotations.xml</ofd:Annotations>`)},
		{"Doc_0/DocumentRes.xml", ofdElement("Res", `<ofd:MultiMedias><ofd:MultiMedia ID="9" Type="Image"><ofd:MediaFile>Res/map.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>`)},
		{"Doc_0/Res/map.png", "\x89PNG map"},
		{"Doc_0/Annots/Annotations.xml", ofdElement("Annotations", `<ofd:Page PageID="1"><ofd:FileLoc>Page_0.xml</ofd:FileLoc></ofd:Page>`)},
		{"Doc_0/Annots/Page_0.xml", ofdElement("PageAnnot", "")},
		{"Doc_0/Pages/Page_0/Content.xml", ofdElement("Page", `<ofd:Content><ofd:Layer ID="3"><ofd:TextObject ID="4" Boundary="10 10 50 5"><ofd:TextCode>准予行政许可</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content>`)},
		{"Doc_0/Pages/Page_1/Content.xml", ofdElement("Page", `<ofd:Area><ofd:PhysicalBox>0 0 297 210</ofd:PhysicalBox></ofd:Area><ofd:Content/>`)},
	}
}

func (p pack) has(name string) bool { return p.at(name) >= 0 }

func (p pack) at(name string) int {
	return slices.IndexFunc(p, func(e entry) bool { return e.name == name })
}

// with gives a copy in which one file is another, or is there.
func (p pack) with(name, content string) pack {
	out := slices.Clone(p)
	if i := out.at(name); i >= 0 {
		out[i].content = content
		return out
	}
	return append(out, entry{name, content})
}

func (p pack) without(name string) pack {
	return slices.DeleteFunc(slices.Clone(p), func(e entry) bool { return e.name == name })
}

// replace changes a text in one file, which must be there.
func (p pack) replace(t testing.TB, name, from, to string) pack {
	t.Helper()
	i := p.at(name)
	if i < 0 || !strings.Contains(p[i].content, from) {
		t.Fatalf("%s does not hold %q", name, from)
	}
	return p.with(name, strings.Replace(p[i].content, from, to, 1))
}

func (p pack) zip(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range p {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ofdOrder is what a signature of a package is asked to be; zero members are the
// usual: one place, every file named by SM3, further stamps may follow.
type ofdOrder struct {
	whole  bool
	annots string
	sign   func(t testing.TB, xml []byte) []byte // Type=Sign: makes the signed value
	method string                                // "MD5"
	omit   []string                              // files that are not named
	noSeal bool                                  // no Seal.esl
	seal   string                                // Seal.esl is this instead
	info   string                                // more of SignedInfo
	attr   string                                // more attributes of the entry in the list
}

const usualAnnot = `<ofd:StampAnnot ID="101" PageRef="1" Boundary="120 200 42 42"/>`

const signatureList = "Doc_0/Signs/Signatures.xml"

func signDir(n int) string { return fmt.Sprintf("Doc_0/Signs/Sign_%d/", n) }

// sealOFD adds a signature to a package as protocol.md 2 has it.
func (r *region) sealOFD(t testing.TB, o order, x ofdOrder, p pack) pack {
	t.Helper()
	n := 0
	for p.has(signDir(n) + "Signature.xml") {
		n++
	}
	dir := signDir(n)
	seal := o.seal
	if seal == nil {
		seal = r.seal
	}
	kind := "Seal"
	if x.sign != nil {
		kind, x.noSeal = "Sign", true
	}
	p = p.listed(t, n, kind, x.attr)
	if !x.noSeal {
		if x.seal == "" {
			x.seal = string(seal)
		}
		p = p.with(dir+"Seal.esl", x.seal)
	}
	text := ofdElement("Signature", x.signature(dir, p))
	p = p.with(dir+"Signature.xml", text)
	if x.sign != nil {
		return p.with(dir+"SignedValue.dat", string(x.sign(t, []byte(text))))
	}
	if o.property == "" {
		o.property = "/" + dir + "Signature.xml"
	}
	return p.with(dir+"SignedValue.dat", string(r.stamp(t, o, sm3.Sum([]byte(text)))))
}

// listed puts an entry into Signatures.xml, and that file into OFD.xml.
func (p pack) listed(t testing.TB, n int, kind, attr string) pack {
	t.Helper()
	line := fmt.Sprintf(`<ofd:Signature ID="%d" Type="%s" BaseLoc="/%sSignature.xml"%s/>`, n+1, kind, signDir(n), attr)
	if p.has(signatureList) {
		return p.replace(t, signatureList, "</ofd:Signatures>", line+"</ofd:Signatures>")
	}
	p = p.replace(t, "OFD.xml", "</ofd:DocBody>", "<ofd:Signatures>/"+signatureList+"</ofd:Signatures></ofd:DocBody>")
	return p.with(signatureList, ofdElement("Signatures", "<ofd:MaxSignId>1</ofd:MaxSignId>"+line))
}

func (x ofdOrder) signature(dir string, p pack) string {
	method := x.method
	if method == "" {
		method = "SM3"
	}
	var b strings.Builder
	b.WriteString(`<ofd:SignedInfo><ofd:Provider ProviderName="made"/><ofd:References CheckMethod="` + method + `">`)
	for _, e := range p {
		if e.name == signatureList && !x.whole || slices.Contains(x.omit, e.name) {
			continue
		}
		sum := sm3.Sum([]byte(e.content))
		digest := sum[:]
		if method == "MD5" {
			sum := md5.Sum([]byte(e.content))
			digest = sum[:]
		}
		fmt.Fprintf(&b, `<ofd:Reference FileRef="/%s"><ofd:CheckValue>%s</ofd:CheckValue></ofd:Reference>`, e.name, base64.StdEncoding.EncodeToString(digest))
	}
	b.WriteString(`</ofd:References>` + x.info)
	annots := x.annots
	if annots == "" && x.sign == nil {
		annots = usualAnnot
	}
	b.WriteString(annots)
	if !x.noSeal {
		b.WriteString(`<ofd:Seal><ofd:BaseLoc>/` + dir + `Seal.esl</ofd:BaseLoc></ofd:Seal>`)
	}
	b.WriteString(`</ofd:SignedInfo><ofd:SignedValue>/` + dir + `SignedValue.dat</ofd:SignedValue>`)
	return b.String()
}

// stampOf is the stamp of a package's n-th signature.
func (p pack) stampOf(t testing.TB, n int) *ses.Stamp {
	t.Helper()
	s, err := ses.ParseStamp([]byte(p[p.at(signDir(n)+"SignedValue.dat")].content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
