package verify_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"yinxin/internal/testlong"
	"yinxin/verify"
)

// whereOf names what each octet of an archive is, after PKWARE APPNOTE 4.3.
func whereOf(t testing.TB, b []byte) []string {
	t.Helper()
	le := binary.LittleEndian
	out := make([]string, len(b))
	name := func(from, to int, what string) {
		for i := from; i < to; i++ {
			out[i] = what
		}
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	dir := int(le.Uint32(b[len(b)-6:]))
	name(0, dir, "local header")
	name(dir, len(b), "directory")
	at := dir
	for _, f := range z.File {
		data, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		header := int(le.Uint32(b[at+42:]))
		name(header+4, header+6, "version")
		name(header+10, header+14, "time")
		name(int(data), int(data)+int(f.CompressedSize64), f.Name)
		name(at+4, at+8, "version")
		name(at+12, at+16, "time")
		name(at+36, at+42, "attributes")
		at += 46 + len(f.Name) + len(f.Extra)
	}
	return out
}

// content is what any reader unpacks of an archive.
func content(b []byte) (map[string]string, bool) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, false
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, false
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, false
		}
		all[f.Name] = string(text)
	}
	return all, true
}

// sameOFD tells whether two archives unpack to the same files, octet for octet, the
// list of signatures apart, which a stamp may leave open.
func sameOFD(known, b []byte) bool {
	x, ok := content(known)
	y, ok2 := content(b)
	if !ok || !ok2 || len(x) != len(y) {
		return false
	}
	for name, text := range x {
		if other, there := y[name]; !there || other != text && name != signatureList {
			return false
		}
	}
	return true
}

// One bit anywhere in a sealed package. What is left good unpacks to the very same
// files, and the bit was one that no reader shows: a time, an attribute, the version
// of whoever zipped it, or Deflate's way of writing the same octets.
func TestNoAlteredBitOfAPackageIsGood(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	b := s.r.sealOFD(t, s.order, ofdOrder{whole: true}, plainPack()).zip(t)
	expect(t, c.judge(t, b, nil), verify.Valid, "")
	before, ok := content(b)
	if !ok {
		t.Fatal("it does not unpack")
	}
	where := whereOf(t, b)
	left, tried := map[string]int{}, map[string]int{}
	for i := 0; i < len(b); i++ {
		bits := []int{i % 8}
		if structure := where[i] == "local header" || where[i] == "directory"; testlong.Enabled() && structure {
			bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
		} else if testlong.Enabled() {
			bits = []int{i % 8, (i + 3) % 8}
		} else if i%17 != 0 && (where[i] != "directory" || i%2 != 0) {
			continue
		}
		for _, bit := range bits {
			mutant := bytes.Clone(b)
			mutant[i] ^= 1 << bit
			tried[where[i]]++
			if r := c.judge(t, mutant, nil); !good(r) {
				continue
			}
			after, ok := content(mutant)
			_, file := before[where[i]]
			if !ok || !equalFiles(before, after) || !file && where[i] != "time" && where[i] != "version" && where[i] != "attributes" {
				t.Fatalf("bit %d of octet %d (%s) and it is still good", bit, i, where[i])
			}
			left[where[i]]++
		}
	}
	if tried["local header"] == 0 || tried["directory"] == 0 || tried[signDir(0)+"SignedValue.dat"] == 0 || left["time"] == 0 {
		t.Errorf("tried %v, left good %v", tried, left)
	}
}

func equalFiles(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if b[name] != text {
			return false
		}
	}
	return true
}

// The same octets of each file, zipped otherwise, are the same package: what a stamp
// covers are the files.
func TestAPackageZippedAnew(t *testing.T) {
	s := newScene(t)
	p := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := len(p) - 1; i >= 0; i-- {
		f, err := w.CreateHeader(&zip.FileHeader{Name: p[i].name, Method: zip.Deflate, Modified: noon})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, p[i].content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, judge(b.Bytes(), nil, s.input()), verify.Valid, "")
}

func proofOFD(t testing.TB) *proof {
	s := newScene(t)
	p := &proof{words: []string{"PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x07\x08", "\xff\xff\xff\xff", "\x00\x00", "OFD.xml", "<ofd:", "/>", "../", "\x08\x00"}}
	one := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	p.known = [][]byte{one.zip(t), s.r.sealOFD(t, s.order, ofdOrder{whole: true}, one).zip(t)}
	p.in = s.input()
	p.same = sameOFD
	return p
}

func TestMutantsOfOFD(t *testing.T) { proofOFD(t).mutants(t) }

func FuzzJudgeOFD(f *testing.F) {
	p := proofOFD(f)
	for _, k := range p.known {
		f.Add(k)
	}
	for _, name := range glob(f, ofdSamples, "*.ofd") {
		f.Add(sample(f, name))
	}
	f.Fuzz(p.judged)
}

// Mutants of the files themselves, zipped soundly: a mutated archive mostly fails at
// its checksums and shows little of what lies behind them.
func TestMutantsInsideOFD(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	one := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	known := s.r.sealOFD(t, s.order, ofdOrder{}, one)
	mutants(t, c, known)
}

func mutants(t *testing.T, c *court, known pack) {
	t.Helper()
	rnd := newRand()
	words := []string{"<!-- -->", "<!DOCTYPE a>", "&lt;", "<ofd:Reference/>", `<x:Seal xmlns:x="y"/>`, "</ofd:References>", "Sign_1", "/", "..", `ID="1"`, "SM3", "MD5"}
	for i := range testlong.Count(150, 5000) { // 20,000 of the package as octets are tried beside them
		n := rnd.IntN(len(known))
		text := string(mutate(rnd, []byte(known[n].content), words))
		b := known.with(known[n].name, text).zip(t)
		if r := c.judge(t, b, nil); good(r) && text != known[n].content && known[n].name != signatureList {
			t.Fatalf("mutant %d of %s is %s: %q", i, known[n].name, r.Verdict, clip([]byte(text)))
		}
	}
}
