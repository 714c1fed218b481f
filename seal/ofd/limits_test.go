package ofd

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// crowd makes a package of so many signatures, each naming so many files and shown in
// so many places, over so many files that no signature names.
func crowd(signatures, references, places, idle int) []byte {
	parts := []part{
		{name: "OFD.xml", content: xmlOf("OFD", "<o:DocBody><o:DocRoot>D.xml</o:DocRoot><o:Signatures>S.xml</o:Signatures></o:DocBody>")},
		{name: "D.xml", content: xmlOf("Document", `<o:Pages><o:Page ID="1" BaseLoc="P.xml"/></o:Pages>`)},
		{name: "P.xml", content: xmlOf("Page", "")}, {name: "v", content: "0"},
	}
	var list strings.Builder
	refs := strings.Repeat(`<o:Reference FileRef="/P.xml"><o:CheckValue>AA==</o:CheckValue></o:Reference>`, references)
	annots := strings.Repeat(`<o:StampAnnot ID="1" PageRef="1" Boundary="0 0 1 1"/>`, places)
	for i := range signatures {
		fmt.Fprintf(&list, `<o:Signature ID="%d" BaseLoc="s%d.xml"/>`, i, i)
		parts = append(parts, part{name: fmt.Sprintf("s%d.xml", i), content: xmlOf("Signature", `<o:SignedInfo><o:References CheckMethod="MD5">`+refs+`</o:References>`+annots+`</o:SignedInfo><o:SignedValue>v</o:SignedValue>`)})
	}
	parts = append(parts, part{name: "S.xml", content: xmlOf("Signatures", list.String())})
	for i := range idle {
		parts = append(parts, part{name: fmt.Sprintf("idle/%d", i)})
	}
	return archive(parts...)
}

// held is how much memory is in use.
func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Each attack on time or memory ends, and small: what is told of a package is bounded
// however many signatures tell it.
func TestCrowdsOfSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"signatures, all idle files": {crowd(900, 1, 1, 9000), nil},
		"too many signatures":        {crowd(maxSignatures+1, 1, 0, 0), ErrTooLarge},
		"too many references":        {crowd(300, 700, 0, 0), ErrTooLarge},
		"places of one":              {crowd(1, 1, maxAnnots+1, 0), ErrTooLarge},
		"places of all":              {crowd(11, 1, 1000, 0), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			before := held()
			p := open(t, c.b)
			all, err := p.Stamps()
			if !errors.Is(err, c.want) {
				t.Fatal(err)
			}
			for _, s := range all {
				s.ShowsFace(1, 1)
				if len(s.Idle) > maxTold || len(s.Later) > maxSignatures {
					t.Fatal("it tells too much")
				}
			}
			if used := held() - before; used > 64<<20 {
				t.Errorf("%d MB are held of a package of %d KB", used>>20, len(c.b)>>10)
			}
			runtime.KeepAlive(all)
		})
	}
}

// XML is paid for by what is read of it, and not by how often it is asked for.
func TestWorkOfXML(t *testing.T) {
	long := strings.Repeat(" ", 1<<20)
	parts := []part{{name: "OFD.xml", content: xmlOf("OFD", strings.Repeat("<o:DocBody><o:DocRoot>D.xml</o:DocRoot></o:DocBody>", 8))}, {name: "D.xml", content: xmlOf("Document", long)}}
	b := archive(parts...)
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p.left.xml = 6 << 20
	if _, err := p.Stamps(); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
}
