package ofd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"
)

// theTime of the stamps in these tests; in Beijing it is another day.
var theTime = time.Date(2026, 11, 26, 18, 0, 1, 0, time.UTC)

func order(spots ...Spot) Options {
	return Options{Spots: spots, WidthMM: 40, HeightMM: 40, Columns: 400, Seal: []byte("a seal"), Time: theTime}
}

func document(t testing.TB, b []byte) *Document {
	t.Helper()
	d, err := open(t, b).Document()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func layOut(t testing.TB, b []byte, o Options) *Layout {
	t.Helper()
	l, err := document(t, b).Layout(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// stamped puts a stamp whose signed value is a few octets on a package.
func stamped(t testing.TB, b []byte, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	l := layOut(t, b, o)
	n, err := l.WriteTo(&out, []byte("token"))
	if err != nil || n != int64(out.Len()) || n != l.Size(len("token")) {
		t.Fatal(n, out.Len(), l.Size(len("token")), err)
	}
	return out.Bytes()
}

func read(t testing.TB, p *Package, name string) string {
	t.Helper()
	b, err := p.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// small is a package of one page, as deployed ones are, with a list of signatures if
// list is not "".
func small(ofdBody, list string, more ...part) []byte {
	parts := []part{
		{name: "OFD.xml", content: `<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>` + ofdBody + `</ofd:DocBody></ofd:OFD>`},
		{name: "Doc_0/"},
		{name: "Doc_0/Document.xml", content: `<ofd:Document xmlns:ofd="http://www.ofdspec.org/2016"><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData>` +
			`<ofd:Pages><ofd:Page ID="7" BaseLoc="P.xml"/></ofd:Pages></ofd:Document>`},
		{name: "Doc_0/P.xml", content: `<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content/></ofd:Page>`},
	}
	if list != "" {
		parts = append(parts, part{name: "Doc_0/Signs/Signatures.xml", content: list})
	}
	return archive(append(parts, more...)...)
}

const leadsToList = `<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>`

// What a stamp does not need is copied byte for byte, in the same order, and the
// reader finds the new stamp sound and covering all.
func TestTheOldEntriesAreCopiedAsTheyAre(t *testing.T) {
	for _, name := range []string{"999.ofd", "v4signed.ofd", "helloworld.ofd"} {
		before := sample(t, name)
		p := open(t, before)
		after := stamped(t, before, order(Spot{Page: 1, X: 10, Y: 10}))
		q := open(t, after)
		var at int64
		copied := 0
		for _, e := range p.Entries() {
			now := q.byName[e.Name]
			if e.Name == "OFD.xml" && name == "helloworld.ofd" || e.Name == "Doc_0/Signs/Signatures.xml" {
				continue
			}
			copied++
			was, err := io.ReadAll(p.Raw(e))
			if err != nil {
				t.Fatal(err)
			}
			is, err := io.ReadAll(q.Raw(now))
			if err != nil || !bytes.Equal(was, is) || now.Offset != at {
				t.Errorf("%s: %s is not as it was, or elsewhere: %v", name, e.Name, err)
			}
			at = now.End
			if !bytes.Equal(e.Central[:lenOffset], now.Central[:lenOffset]) || !bytes.Equal(e.Central[lenCentral:], now.Central[lenCentral:]) {
				t.Errorf("%s: the directory says something else of %s", name, e.Name)
			}
		}
		if copied+5 < len(q.Entries()) {
			t.Errorf("%s: %d entries, %d of them copied", name, len(q.Entries()), copied)
		}
		all, err := q.Stamps()
		if err != nil {
			t.Fatal(err)
		}
		last := all[len(all)-1]
		if len(last.Problems)+len(last.Altered)+len(last.Weak)+len(last.Uncovered)+len(last.Idle)+len(last.Unnamed)+len(last.Removed) > 0 || last.Whole {
			t.Errorf("%s: %+v", name, last)
		}
	}
}

// The same input and the same order give the same bytes, in another process and from
// another version of the library too: the hash is what it was when this was written.
func TestALayoutIsTheSameEachTime(t *testing.T) {
	in := small("", "")
	one := stamped(t, in, order(Spot{Page: 1, X: 10, Y: 10.5}, Spot{Page: -1, X: 210 - 4, Y: 50, From: 0, To: 40}))
	if two := stamped(t, in, order(Spot{Page: 1, X: 10, Y: 10.5}, Spot{Page: -1, X: 210 - 4, Y: 50, From: 0, To: 40})); !bytes.Equal(one, two) {
		t.Error("twice the same is not the same")
	}
	sum := sm3.Sum(one)
	const want = "2ccb24ee507e91031889e6079cbd545503f93e2fe7bd7c37dbfff013f8b6254a"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	p := open(t, one)
	e := p.Entry("Doc_0/Signs/Sign_0/Signature.xml")
	clock, date := le.Uint16(e.Central[12:]), le.Uint16(e.Central[14:])
	if clock != 2<<11 || date != 46<<9|11<<5|27 {
		t.Errorf("its time is %d, %d", clock, date)
	}
}

// The worked example of docs/protocol.md is what is written.
func TestSignatureXML(t *testing.T) {
	p := open(t, stamped(t, small("", ""), order(Spot{Page: 1, X: 10, Y: 10.5}, Spot{Page: 1, X: 206, Y: 50, From: 40, To: 80})))
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, p, "Doc_0/Signs/Sign_0/Signature.xml"); !strings.Contains(string(page), "```xml\n"+got+"\n```\n") {
		t.Errorf("docs/protocol.md does not hold what is written:\n%s", got)
	}
	if got := read(t, p, "Doc_0/Signs/Signatures.xml"); !strings.HasSuffix(got, `<ofd:MaxSignId>s003</ofd:MaxSignId><ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`) {
		t.Error(got)
	}
	if got := read(t, p, "OFD.xml"); !strings.HasSuffix(got, `<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot><ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody></ofd:OFD>`) {
		t.Error(got)
	}
}

// A list of signatures is changed where it must be, whatever its hand.
func TestListsOfOthers(t *testing.T) {
	const ns = ` xmlns:ofd="http://www.ofdspec.org/2016"`
	for name, c := range map[string]struct{ before, after string }{
		"empty":    {`<ofd:Signatures` + ns + `/>`, `<ofd:Signatures` + ns + `><ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`},
		"prefix":   {`<Signatures xmlns="http://www.ofdspec.org/2016"></Signatures>`, `<Signatures xmlns="http://www.ofdspec.org/2016"><Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></Signatures>`},
		"greatest": {`<ofd:Signatures` + ns + `><ofd:MaxSignId>s041</ofd:MaxSignId></ofd:Signatures>`, `<ofd:Signatures` + ns + `><ofd:MaxSignId>s043</ofd:MaxSignId><ofd:Signature ID="s042" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`},
		"numbers":  {`<ofd:Signatures` + ns + `><ofd:MaxSignId> 12 </ofd:MaxSignId></ofd:Signatures>`, `<ofd:Signatures` + ns + `><ofd:MaxSignId>14</ofd:MaxSignId><ofd:Signature ID="13" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`},
		"two":      {`<ofd:Signatures` + ns + `><ofd:MaxSignId>s006</ofd:MaxSignId><!-- of two --><ofd:MaxSignId/></ofd:Signatures>`, `<ofd:Signatures` + ns + `><ofd:MaxSignId>s008</ofd:MaxSignId><!-- of two --><ofd:MaxSignId>s008</ofd:MaxSignId><ofd:Signature ID="s007" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`},
		"BOM":      {"\ufeff" + `<ofd:Signatures` + ns + `></ofd:Signatures>` + "\r\n", "\ufeff" + `<ofd:Signatures` + ns + `><ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>` + "\r\n"},
		"old":      {`<ofd:Signatures xmlns:ofd="http://www.ofdspec.org"/>`, `<ofd:Signatures xmlns:ofd="http://www.ofdspec.org"><ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>`},
	} {
		p := open(t, stamped(t, small(leadsToList, c.before), order(Spot{Page: 1, X: 10, Y: 10})))
		if diff := cmp.Diff(c.after, read(t, p, "Doc_0/Signs/Signatures.xml")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if all, err := p.Stamps(); err != nil || len(all) != 1 || len(all[0].Problems) > 0 {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
}

// Ten stamps, one after another: each covers those before it, none breaks them, and no
// identifier stands twice. The eleventh, of the whole, is the last.
func TestManyStamps(t *testing.T) {
	b := small("", "")
	for range 10 {
		b = stamped(t, b, order(Spot{Page: 1, X: 10, Y: 10}, Spot{Page: 1, X: 60, Y: 10}))
	}
	o := order(Spot{Page: 1, X: 10, Y: 10})
	o.Whole = true
	b = stamped(t, b, o)
	p := open(t, b)
	all, err := p.Stamps()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i, s := range all {
		if len(s.Problems)+len(s.Altered)+len(s.Uncovered)+len(s.Idle)+len(s.Unnamed)+len(s.Removed) > 0 || len(s.Later) != 10-i || s.Whole != (i == 10) {
			t.Errorf("%d: %+v", i, s)
		}
		for _, id := range append([]string{s.ID}, func() (ids []string) {
			for _, a := range s.Annots {
				ids = append(ids, a.ID)
			}
			return ids
		}()...) {
			if ids[id] {
				t.Errorf("%s stands twice", id)
			}
			ids[id] = true
		}
	}
	if len(all) != 11 || len(ids) != 10*3+2 {
		t.Errorf("%d stamps, %d identifiers", len(all), len(ids))
	}
	if _, err := document(t, b).Layout(order(Spot{Page: 1})); !errors.Is(err, ErrFinal) {
		t.Error(err)
	}
}

func TestPackagesThatAreNotSealed(t *testing.T) {
	const ns = ` xmlns:ofd="http://www.ofdspec.org/2016"`
	good := stamped(t, small("", ""), order(Spot{Page: 1, X: 10, Y: 10}))
	twiceStamped := stamped(t, good, order(Spot{Page: 1, X: 10, Y: 10}))
	for name, c := range map[string]struct {
		doc  []byte
		want error
	}{
		"a byte changed":           {repack(t, good, "Doc_0/P.xml", func(b []byte) []byte { return append(b, ' ') }), ErrFinal},
		"an entry gone":            {repack(t, good, "Doc_0/P.xml", nil), ErrMalformed},
		"a signature not read":     {repack(t, good, "Doc_0/Signs/Sign_0/Signature.xml", func([]byte) []byte { return []byte("<a/>") }), ErrFinal},
		"list out of the way":      {small("", `<ofd:Signatures`+ns+`/>`), ErrAmbiguous},
		"Signatures leads nowhere": {small("<ofd:Signatures/>", ""), ErrAmbiguous},
		"Signs is a file":          {small("", "", part{name: "Doc_0/Signs", content: "x"}), ErrAmbiguous},
		"name that XML drops":      {small("", "", part{name: "Doc_0/a\u3000", flags: flagUTF8}), ErrAmbiguous},
		"name that XML has not":    {small("", "", part{name: "Doc_0/\uffff", flags: flagUTF8}), ErrAmbiguous},
		"a signature taken off":    {repack(t, twiceStamped, "Doc_0/Signs/Signatures.xml", func(b []byte) []byte { return regexp.MustCompile(`<ofd:Signature ID="s001"[^>]*>`).ReplaceAll(b, nil) }), ErrFinal},
		"integrity file":           {small("", "", part{name: "OFDEntries.xml", content: "x"}), ErrFinal},
	} {
		p, err := Open(bytes.NewReader(c.doc), int64(len(c.doc)))
		if err != nil {
			t.Fatal(name, err)
		}
		d, err := p.Document()
		if err == nil {
			_, err = d.Layout(order(Spot{Page: 1, X: 10, Y: 10}))
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := repack(t, small("", ""), "OFD.xml", func(b []byte) []byte {
		return bytes.Replace(b, []byte("</ofd:OFD>"), []byte("<ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"), 1)
	})
	if _, err := open(t, twice).Document(); !errors.Is(err, ErrOptions) {
		t.Errorf("two documents: %v", err)
	}
}

// repack packs a package anew with one entry changed, or for nil left out.
func repack(t testing.TB, doc []byte, name string, change func([]byte) []byte) []byte {
	t.Helper()
	p := open(t, doc)
	var parts []part
	for _, e := range p.Entries() {
		pt := part{name: e.Name, flags: e.Flags &^ flagDescriptor}
		if !e.IsDir() {
			pt.content = read(t, p, e.Name)
		}
		if e.Name == name {
			if change == nil {
				continue
			}
			pt.content = string(change([]byte(pt.content)))
		}
		parts = append(parts, pt)
	}
	return archive(parts...)
}

func TestOrdersThatCannotBeDone(t *testing.T) {
	d := document(t, small("", ""))
	good := order(Spot{Page: 1, X: 170, Y: 257})
	if _, err := d.Layout(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"page 0":          func(o *Options) { o.Spots[0].Page = 0 },
		"page 2":          func(o *Options) { o.Spots[0].Page = 2 },
		"page -2":         func(o *Options) { o.Spots[0].Page = -2 },
		"over the edge":   func(o *Options) { o.Spots[0].X = 170.1 },
		"below":           func(o *Options) { o.Spots[0].Y = 257.1 },
		"left of it":      func(o *Options) { o.Spots[0].X = -0.1 },
		"nowhere":         func(o *Options) { o.Spots = nil },
		"everywhere":      func(o *Options) { o.Spots = make([]Spot, maxSpots+1) },
		"no seal":         func(o *Options) { o.Seal = nil },
		"a dot":           func(o *Options) { o.WidthMM = 0.5 },
		"no number":       func(o *Options) { o.HeightMM = -1 },
		"slice backwards": func(o *Options) { o.Spots[0].From, o.Spots[0].To = 10, 9 },
		"slice of none":   func(o *Options) { o.Spots[0].From, o.Spots[0].To = 10, 10 },
		"slice too far":   func(o *Options) { o.Spots[0].From, o.Spots[0].To = 10, 401 },
	} {
		o := order(Spot{Page: 1, X: 170, Y: 257})
		change(&o)
		if _, err := d.Layout(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := d.Layout(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.WriteTo(io.Discard, nil); !errors.Is(err, ErrOptions) {
		t.Errorf("no token: %v", err)
	}
}

// A writer that fails stops the work, wherever.
func TestAWriterThatFails(t *testing.T) {
	l := layOut(t, small("", ""), order(Spot{Page: 1, X: 10, Y: 10}))
	size := l.Size(5)
	for room := int64(0); room < size; room += 7 {
		if n, err := l.WriteTo(&full{room}, []byte("token")); !errors.Is(err, errFull) || n > room {
			t.Fatalf("%d written of %d: %v", n, room, err)
		}
	}
}

var errFull = errors.New("full")

type full struct{ room int64 }

func (f *full) Write(b []byte) (int, error) {
	if int64(len(b)) > f.room {
		return 0, errFull
	}
	f.room -= int64(len(b))
	return len(b), nil
}

// Folders keep their numbers: one that was taken away is not filled again.
func TestFolders(t *testing.T) {
	for taken, want := range map[string]string{"Doc_0/Signs/Sign_4/x": "Sign_5", "Doc_0/signs/SIGN_2": "Sign_3", "Doc_0/Signs/Sign_x/y": "Sign_0", "Doc_0/Signs/Sign_007/": "Sign_8"} {
		d := document(t, small("", "", part{name: taken}))
		l, err := d.Layout(order(Spot{Page: 1, X: 10, Y: 10}))
		if err != nil || l.Property() != fmt.Sprintf("/Doc_0/Signs/%s/Signature.xml", want) {
			t.Errorf("%s: %v, %v", taken, l, err)
		}
	}
}

// An entry whose place stands in a zip64 field moves as the others do.
func TestZip64Offsets(t *testing.T) {
	b := small("", "")
	end := len(b) - lenEnd
	dir := int(le.Uint32(b[end+16:]))
	// The last entry's header in the directory gives its place in the field.
	central := bytes.Clone(b[dir:end])
	last := bytes.LastIndex(central, le.AppendUint32(nil, sigCentral))
	off := le.Uint32(central[last+lenOffset:])
	le.PutUint32(central[last+lenOffset:], not32)
	le.PutUint16(central[last+30:], 4+5+12)
	central = append(central, 9, 9, 1, 0, 'x', 1, 0, 8, 0)
	central = le.AppendUint64(central, uint64(off))
	central = append(central, 8, 8, 0, 0)
	in := finish(bytes.Clone(b[:dir]), central, 4)
	// The entry before it is replaced, so that it moves.
	p := open(t, stamped(t, in, order(Spot{Page: 1, X: 10, Y: 10})))
	e := p.Entry("Doc_0/P.xml")
	if e == nil || e.Offset == int64(off) || le.Uint32(e.Central[lenOffset:]) != not32 {
		t.Fatalf("%+v", e)
	}
	if all, err := p.Stamps(); err != nil || len(all) != 1 || len(all[0].Altered) > 0 {
		t.Fatal(all, err)
	}
}

// A package of any size is sealed in the memory of a small one.
func TestSealingStreams(t *testing.T) {
	b := small("", "", part{name: "Doc_0/scan.bin", content: strings.Repeat("scan ", 4<<20)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := layOut(t, b, order(Spot{Page: 1, X: 10, Y: 10})).WriteTo(io.Discard, []byte("token")); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("%d octets of memory for a package of %d", used, len(b))
	}
}

// A document at the root of the package has its signatures there.
func TestADocumentAtTheRoot(t *testing.T) {
	const ns = ` xmlns:ofd="http://www.ofdspec.org/2016"`
	b := archive(part{name: "OFD.xml", content: `<ofd:OFD` + ns + `><ofd:DocBody><ofd:DocRoot>/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`},
		part{name: "Document.xml", content: `<ofd:Document` + ns + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="文 件.xml"/></ofd:Pages></ofd:Document>`},
		part{name: "文 件.xml", content: `<ofd:Page` + ns + `/>`, flags: flagUTF8})
	p := open(t, stamped(t, b, order(Spot{Page: 1, X: 10, Y: 10})))
	if all, err := p.Stamps(); err != nil || len(all) != 1 || all[0].Path != "/Signs/Sign_0/Signature.xml" || len(all[0].Altered)+len(all[0].Uncovered)+len(all[0].Idle) > 0 {
		t.Fatal(all, err)
	}
}
