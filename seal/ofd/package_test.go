package ofd

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
)

// sample is a package by another hand (testdata/README.md).
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) *Package {
	t.Helper()
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var allSamples = []string{"999.ofd", "v4signed.ofd", "tampered.ofd", "h.ofd", "V4RideRight.ofd", "hello-integrity.ofd", "helloworld.ofd", "gen_13_riding_seal.ofd"}

// What the library unpacks of a package of the field is what we unpack, and the
// entries lie side by side.
func TestPackagesOfTheField(t *testing.T) {
	for _, name := range allSamples {
		t.Run(name, func(t *testing.T) {
			b := sample(t, name)
			p := open(t, b)
			z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			for _, f := range z.File {
				if strings.HasSuffix(f.Name, "/") {
					continue
				}
				files++
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				want, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.Read(f.Name)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s: %v", f.Name, err)
				}
				if sum, err := p.Hash(f.Name); err != nil || sum != sm3.Sum(want) {
					t.Fatalf("%s: hash, %v", f.Name, err)
				}
			}
			if files != len(p.Names()) {
				t.Fatalf("%d files of %d", len(p.Names()), files)
			}
			var whole []byte
			for _, e := range p.Entries() {
				raw, err := io.ReadAll(p.Raw(e))
				if err != nil {
					t.Fatal(err)
				}
				whole = append(whole, raw...)
			}
			if !bytes.Equal(whole, b[:p.CentralOffset()]) {
				t.Fatal("the entries' bytes, side by side, are not the file's")
			}
		})
	}
}

// part is one entry for a package made by hand, so that its headers can lie.
type part struct {
	name, content string
	localName     string // "": as name
	flags         uint16
	localSize     uint32 // added to what the local header says
	extra         []byte
}

// archive makes a zip archive of stored entries.
func archive(parts ...part) []byte {
	var out, dir []byte
	for _, p := range parts {
		at := len(out)
		sum := crc32.ChecksumIEEE([]byte(p.content))
		header := func(b []byte, size uint32, name string) []byte {
			b = le.AppendUint16(le.AppendUint16(le.AppendUint16(b, 20), p.flags), 0)
			b = le.AppendUint32(le.AppendUint32(b, 0), sum)
			b = le.AppendUint32(le.AppendUint32(b, size), size)
			return le.AppendUint16(le.AppendUint16(b, uint16(len(name))), uint16(len(p.extra)))
		}
		local := p.localName
		if local == "" {
			local = p.name
		}
		out = le.AppendUint32(out, sigLocal)
		out = header(out, uint32(len(p.content))+p.localSize, local)
		out = append(append(append(out, local...), p.extra...), p.content...)
		dir = le.AppendUint16(le.AppendUint32(dir, sigCentral), 20)
		dir = header(dir, uint32(len(p.content)), p.name)
		dir = append(dir, make([]byte, 10)...)
		dir = append(append(le.AppendUint32(dir, uint32(at)), p.name...), p.extra...)
	}
	return finish(out, dir, len(parts))
}

func finish(out, dir []byte, n int) []byte {
	at := len(out)
	out = le.AppendUint32(append(out, dir...), sigEnd)
	out = le.AppendUint32(out, 0)
	out = le.AppendUint16(le.AppendUint16(out, uint16(n)), uint16(n))
	return le.AppendUint16(le.AppendUint32(le.AppendUint32(out, uint32(len(dir))), uint32(at)), 0)
}

func TestAnHonestArchiveOpens(t *testing.T) {
	p := open(t, archive(part{name: "OFD.xml", content: "<a/>"}, part{name: "文.xml", content: "b", flags: flagUTF8}, part{name: "Doc_0/"}))
	if got := p.Names(); len(got) != 2 || !p.Has("文.xml") || p.Has("Doc_0/") {
		t.Fatal(got)
	}
	if _, err := p.Read("no"); !errors.Is(err, ErrNoEntry) {
		t.Fatal(err)
	}
}

func TestArchivesThatTwoReadersCouldReadDifferently(t *testing.T) {
	a, b := part{name: "OFD.xml", content: "<a/>"}, part{name: "b", content: "b"}
	good := archive(a, b)
	patch := func(at int, v ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], v)
		return c
	}
	end := len(good) - lenEnd
	dir := int(le.Uint32(good[end+16:]))
	for name, c := range map[string]struct {
		archive []byte
		want    error
	}{
		"twice":                {archive(a, a), ErrAmbiguous},
		"twice by case":        {archive(a, part{name: "ofd.XML"}), ErrAmbiguous},
		"twice by Kelvin sign": {archive(part{name: "k"}, part{name: "\u212a", flags: flagUTF8}), ErrAmbiguous},
		"in a file":            {archive(part{name: "a"}, part{name: "a/b"}), ErrAmbiguous},
		"file that is folder":  {archive(part{name: "a/b"}, part{name: "A"}), ErrAmbiguous},
		"climbs":               {archive(a, part{name: "../b"}), ErrAmbiguous},
		"climbs inside":        {archive(a, part{name: "a/../OFD.xml"}), ErrAmbiguous},
		"dot":                  {archive(a, part{name: "./OFD.xml"}), ErrAmbiguous},
		"absolute":             {archive(a, part{name: "/OFD.xml"}), ErrAmbiguous},
		"empty part":           {archive(a, part{name: "a//b"}), ErrAmbiguous},
		"drive":                {archive(a, part{name: "C:b"}), ErrAmbiguous},
		"backslash":            {archive(a, part{name: `Doc_0\b`}), ErrAmbiguous},
		"dot at the end":       {archive(a, part{name: "OFD.xml."}), ErrAmbiguous},
		"control character":    {archive(a, part{name: "OFD.xml\x00"}), ErrAmbiguous},
		"not said to be UTF-8": {archive(a, part{name: "文"}), ErrAmbiguous},
		"not UTF-8":            {archive(a, part{name: "\xff", flags: flagUTF8}), ErrAmbiguous},
		"folder with content":  {archive(a, part{name: "b/", content: "x"}), ErrAmbiguous},
		"another local name":   {archive(a, part{name: "b", localName: "c"}), ErrAmbiguous},
		"another local length": {archive(a, part{name: "b", content: "bb", localSize: 1}), ErrAmbiguous},
		"stored, descriptor":   {archive(a, part{name: "b", content: "b", flags: flagDescriptor}), ErrAmbiguous},
		"another name beside":  {archive(a, part{name: "b", extra: []byte{0x75, 0x70, 1, 0, 1}}), ErrAmbiguous},
		"idle zip64":           {archive(a, part{name: "b", extra: []byte{1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}}), ErrAmbiguous},
		"extra field cut":      {archive(a, part{name: "b", extra: []byte{9, 9, 9, 9}}), ErrMalformed},
		"encrypted":            {archive(a, part{name: "b", flags: flagEncrypted}), ErrEncrypted},
		"AES":                  {archive(a, part{name: "b", extra: []byte{1, 0x99, 0, 0}}), ErrEncrypted},
		"directory encrypted":  {archive(a, part{name: "b", flags: flagMasked}), ErrEncrypted},
		"before":               {append([]byte("x"), good...), ErrAmbiguous},
		"behind":               {append(bytes.Clone(good), 0), ErrAmbiguous},
		"comment":              {append(patch(len(good)-2, 1), 'c'), ErrAmbiguous},
		"two archives":         {append(bytes.Clone(good), good...), ErrAmbiguous},
		"several parts":        {patch(end+4, 1), ErrMalformed},
		"one entry untold":     {patch(end+8, 1, 0, 1, 0), ErrAmbiguous},
		"one entry too many":   {patch(end+8, 3, 0, 3, 0), ErrMalformed},
		"overlap":              {patch(dir+lenCentral+7+42, 0), ErrAmbiguous},
		"method":               {patch(dir+10, 12), ErrMalformed},
		"empty":                {nil, ErrMalformed},
		"end alone":            {good[end:], ErrAmbiguous},
		"cut":                  {good[:len(good)-1], ErrAmbiguous},
		"gap":                  {gap(), ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(bytes.NewReader(c.archive), int64(len(c.archive))); !errors.Is(err, c.want) {
				t.Fatalf("%v, not %v", err, c.want)
			}
		})
	}
}

// gap is an archive with bytes between the entries and the directory.
func gap() []byte {
	good := archive(part{name: "OFD.xml", content: "<a/>"})
	end := len(good) - lenEnd
	dir := int(le.Uint32(good[end+16:]))
	return finish(append(bytes.Clone(good[:dir]), "hidden"...), good[dir:end], 1)
}

// deflated makes an archive with the library.
func deflated(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLimitsOfAnArchive(t *testing.T) {
	bomb := deflated(t, map[string][]byte{"OFD.xml": make([]byte, 20<<20)})
	if _, err := Open(bytes.NewReader(bomb), int64(len(bomb))); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	var parts []part
	for n := range MaxEntries + 1 {
		parts = append(parts, part{name: "f" + string(rune('a'+n%26)) + strings.Repeat("x", n/26%20) + strings.Repeat("y", n/520)})
	}
	many := archive(parts...)
	if _, err := Open(bytes.NewReader(many), int64(len(many))); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	open(t, archive(parts[:MaxEntries]...))

	p := open(t, archive(part{name: "a", content: strings.Repeat("x", 1000)}))
	p.left.inflate = 1500
	if _, err := p.Read("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read("a"); !errors.Is(err, ErrTooLarge) {
		t.Fatal("the work of reading again is not counted")
	}
}

func TestContentIsHeldAgainstItsHeaders(t *testing.T) {
	b := deflated(t, map[string][]byte{"OFD.xml": []byte(strings.Repeat("content ", 50))})
	p := open(t, b)
	e := p.Entry("OFD.xml")
	changed := 0
	for at := e.DataOffset; at < e.DataOffset+e.CompressedSize; at++ {
		for bit := range 8 {
			c := bytes.Clone(b)
			c[at] ^= 1 << bit
			got, err := open(t, c).Read("OFD.xml")
			if err == nil && string(got) != strings.Repeat("content ", 50) {
				t.Fatalf("byte %d bit %d: changed content was read", at, bit)
			}
			if err != nil {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Fatal("no change was seen")
	}
}

// archive64 is an archive of one stored entry that leaves all numbers to its zip64
// records, as writers do that do not know in advance how long it will be.
func archive64(content string) []byte {
	sum := crc32.ChecksumIEEE([]byte(content))
	n := uint64(len(content))
	both := le.AppendUint64(le.AppendUint64([]byte{1, 0, 16, 0}, n), n)
	all := le.AppendUint64(append([]byte{1, 0, 24, 0}, both[4:]...), 0)
	fields := func(b []byte, extra []byte) []byte {
		b = append(b, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		b = le.AppendUint32(b, sum)
		b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
		return le.AppendUint16(le.AppendUint16(b, 7), uint16(len(extra)))
	}
	out := append(append(fields(le.AppendUint32(nil, sigLocal), both), "OFD.xml"...), both...)
	out = append(out, content...)
	at := uint64(len(out))
	dir := fields(append(le.AppendUint32(nil, sigCentral), 45, 0), all)
	dir = append(append(dir, make([]byte, 10)...), 0xff, 0xff, 0xff, 0xff)
	dir = append(append(dir, "OFD.xml"...), all...)
	out = append(out, dir...)
	end := uint64(len(out))
	out = le.AppendUint64(le.AppendUint32(out, sigEnd64), lenEnd64-12)
	out = append(out, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, v := range []uint64{1, 1, uint64(len(dir)), at} {
		out = le.AppendUint64(out, v)
	}
	out = le.AppendUint32(le.AppendUint64(le.AppendUint32(le.AppendUint32(out, sigLocator64), 0), end), 1)
	out = append(le.AppendUint32(out, sigEnd), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	return append(out, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)
}

// Archives of the zip64 form are read, and no number in them can be changed.
func TestZip64(t *testing.T) {
	b := archive64("<a/>")
	if got, err := open(t, b).Read("OFD.xml"); err != nil || string(got) != "<a/>" {
		t.Fatal(string(got), err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(z.File) != 1 || z.File[0].UncompressedSize64 != 4 {
		t.Fatal("the library reads it otherwise", err)
	}
	free := 0
	for i := range b {
		for bit := range 8 {
			c := bytes.Clone(b)
			c[i] ^= 1 << bit
			p, err := Open(bytes.NewReader(c), int64(len(c)))
			if err != nil {
				continue
			}
			got, err := p.Read("OFD.xml")
			if err == nil && string(got) != "<a/>" {
				t.Fatalf("byte %d bit %d: %q", i, bit, got)
			}
			if err == nil {
				free++
			}
		}
	}
	// Two versions of two bytes each, times, attributes, and who made the records.
	if most := 8 * (2 + 4 + 2 + 2 + 4 + 6 + 4); free > most {
		t.Errorf("%d bits are free, of %d that mean nothing to a reader", free, most)
	}
}

// A descriptor may stand in each of its four forms (APPNOTE 4.3.9), and says what the
// directory says.
func TestDescriptors(t *testing.T) {
	content := []byte(strings.Repeat("content ", 30))
	whole := deflated(t, map[string][]byte{"OFD.xml": content})
	p := open(t, whole)
	e := p.Entry("OFD.xml")
	head, dir := whole[:e.DataOffset+e.CompressedSize], whole[p.CentralOffset():len(whole)-lenEnd]
	sum, packed, size := e.CRC32, uint64(e.CompressedSize), uint64(e.Size)
	short := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, sum), uint32(packed)), uint32(size))
	long := le.AppendUint64(le.AppendUint64(le.AppendUint32(nil, sum), packed), size)
	mark := le.AppendUint32(nil, sigDescriptor)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		descriptor []byte
		good       bool
	}{
		"short": {short, true}, "short, marked": {join(mark, short), true}, "long": {long, true}, "long, marked": {join(mark, long), true},
		"none": {nil, false}, "cut": {short[:8], false}, "sizes turned round": {join(short[:4], short[8:], short[4:8]), false},
		"another mark": {join(le.AppendUint32(nil, sigEnd), short), false}, "bytes behind": {join(short, []byte{0}), false}, "two": {join(mark, short, mark, short), false},
	} {
		b := finish(join(head, c.descriptor), dir, 1)
		if _, err := Open(bytes.NewReader(b), int64(len(b))); (err == nil) != c.good || err != nil && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
