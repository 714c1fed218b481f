package pdf

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// pagesOf is a document of n blank pages, some turned.
func pagesOf(t testing.TB, n int) []byte {
	t.Helper()
	var b strings.Builder
	var kids []string
	for i := range n {
		kids = append(kids, fmt.Sprintf("%d 0 R", 3+i))
	}
	fmt.Fprintf(&b, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 400 300] >>\nendobj\n", strings.Join(kids, " "), n)
	for i := range n {
		fmt.Fprintf(&b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /Rotate %d >>\nendobj\n", 3+i, i%4*90)
	}
	return rebuild(t, []byte(b.String()))
}

// riding is one face in slices on so many pages from a page on, at its right edge.
func riding(t testing.TB, columns, pages, from int) (out []Spot) {
	for i := range pages {
		a, b := cut(columns, pages, i)
		out = append(out, Spot{Page: from + i, X: 60, Y: 20, From: a, To: b})
	}
	return out
}

const (
	someCode = "验证码 01234-56789-ABCDE-FGHJK-MNPQRS seal.example.gov.cn"
	someQR   = "https://seal.example.gov.cn/v/0123456789ABCDEFGHJKMNPQRS"
)

func spotted(t testing.TB, spots []Spot, mark string) Options {
	o := options(t, 0)
	o.Spots = spots
	if mark != "" {
		o.Mark = &Mark{Text: mark, Page: 1, X: 2, Y: 2}
	}
	return o
}

// One stamp at many spots, whole or in slices, with a mark or without, again and again:
// each is one signature whose face is the seal's.
func TestFacesAtManySpots(t *testing.T) {
	doc := pagesOf(t, 9)
	three := []Spot{{Page: 1, X: 10, Y: 30}, {Page: 1, X: 60, Y: 30}, {Page: 4, X: 20, Y: 20}}
	for name, o := range map[string]Options{
		"one":                    spotted(t, three[:1], ""),
		"three":                  spotted(t, three, ""),
		"one and a code":         spotted(t, three[:1], someCode),
		"three and a QR":         spotted(t, three, someQR),
		"riding":                 spotted(t, riding(t, 200, 9, 1), ""),
		"riding on some":         spotted(t, riding(t, 200, 3, 4), someCode),
		"riding in two runs":     spotted(t, append(riding(t, 200, 4, 1), riding(t, 200, 5, 5)...), ""),
		"riding in runs of pair": spotted(t, append(riding(t, 200, 2, 1), riding(t, 200, 2, 3)...), someQR),
	} {
		t.Run(name, func(t *testing.T) {
			b := seal(t, doc, o)
			b = seal(t, b, o) // and once more, over it
			f := open(t, b)
			all, err := f.Stamps()
			if err != nil || len(all) != 2 {
				t.Fatalf("%v %+v", err, all)
			}
			if s := all[0]; s.ContentAdded || len(s.Problems) > 0 || len(s.Later) != 1 || s.Later[0].Kind != ChangeSignature {
				t.Errorf("%v %v", s.Problems, s.LaterChanges)
			}
			for i := range all {
				if ok, known := f.FaceMatches(i, facePNG(t, 0), nil); !ok || !known {
					t.Errorf("stamp %d: %v %v", i, ok, known)
				}
				if ok, _ := f.FaceMatches(i, facePNG(t, 4), nil); ok {
					t.Errorf("stamp %d shows another's face", i)
				}
			}
		})
	}
}

// Slices that do not make the face, each signed by a seal that says otherwise.
func TestSlicesThatMakeNoFace(t *testing.T) {
	doc := pagesOf(t, 6)
	good := riding(t, 200, 3, 1)
	swap := func(i, j int) []Spot {
		out := append([]Spot(nil), good...)
		out[i].From, out[i].To, out[j].From, out[j].To = out[j].From, out[j].To, out[i].From, out[i].To
		return out
	}
	unequal := append([]Spot(nil), good...)
	unequal[0].To, unequal[1].From = 100, 100
	for name, spots := range map[string][]Spot{
		"the last left out":      good[:2],
		"the first left out":     good[1:],
		"the middle left out":    {good[0], good[2]},
		"in another order":       swap(0, 1),
		"backwards":              swap(0, 2),
		"twice the same":         {good[0], good[0], good[2]},
		"unequal":                unequal,
		"a run and a half":       append(append([]Spot(nil), good...), riding(t, 200, 3, 4)[:2]...),
		"a whole among slices":   append(append([]Spot(nil), good...), Spot{Page: 5, X: 10, Y: 20}),
		"a column more than cut": {{Page: 1, X: 60, Y: 20, From: 0, To: 101}, {Page: 2, X: 60, Y: 20, From: 101, To: 200}},
		"on one page":            {{Page: 1, X: 10, Y: 20, From: 0, To: 100}, {Page: 1, X: 80, Y: 20, From: 100, To: 200}},
		"pages in another order": {{Page: 2, X: 60, Y: 20, From: 0, To: 100}, {Page: 1, X: 60, Y: 20, From: 100, To: 200}},
	} {
		f := open(t, seal(t, doc, spotted(t, spots, "")))
		if ok, _ := f.FaceMatches(0, facePNG(t, 0), nil); ok {
			t.Errorf("%s: passes", name)
		}
	}
}

// Marks and kids that were tampered with as the stamp was made: its signer signs them,
// and still they are not found to be the seal's face and nothing more.
func TestWidgetsThatShowMore(t *testing.T) {
	doc := pagesOf(t, 3)
	b := seal(t, doc, spotted(t, []Spot{{Page: 1, X: 10, Y: 30}, {Page: 2, X: 10, Y: 30}}, someCode))
	f := open(t, b)
	if ok, known := f.FaceMatches(0, facePNG(t, 0), nil); !ok || !known {
		t.Fatal("the stamp is not good")
	}
	contents := "/Contents " + textString(someCode)
	for name, attacked := range map[string][]byte{
		"a mark of another code":     bytes.Replace(b, []byte(contents), []byte("/Contents "+textString(strings.Replace(someCode, "01234", "11234", 1))), 1),
		"a mark of no code":          bytes.Replace(b, []byte(contents), []byte("/Contents "+textString(strings.Replace(someCode, "01234", "01U34", 1))), 1),
		"a mark without its text":    bytes.Replace(b, []byte(contents), []byte(strings.Replace(contents, "/Contents", "/NM      ", 1)), 1),
		"a mark drawn otherwise":     regexp.MustCompile(`( l\n?.*?)( h)`).ReplaceAll(b, []byte(`$1 f`)),
		"another flag on the second": lastReplaced(b, "/F 132", "/F 134"),
		"a face that is moved":       lastReplaced(b, "/Im Do", "/Im  o"),
		"another widget's parent":    lastReplaced(b, " 0 R /Contents <", " 1 R /Contents <"),
		"something that acts":        lastReplaced(b, "/F 132 ", "/OC 132 "),
	} {
		if bytes.Equal(attacked, b) {
			t.Fatalf("%s: nothing changes", name)
		}
		g, err := Open(bytes.NewReader(attacked), int64(len(attacked)))
		if err != nil {
			continue
		}
		if ok, _ := g.FaceMatches(0, facePNG(t, 0), nil); ok {
			t.Errorf("%s: passes", name)
		}
	}
}

func lastReplaced(b []byte, from, to string) []byte {
	i := bytes.LastIndex(b, []byte(from))
	if i < 0 {
		return b
	}
	out := append([]byte(nil), b[:i]...)
	out = append(out, to...)
	return append(out, b[i+len(from):]...)
}

// A memo spares the unpacking, and a picture that differs is never in it.
type memo map[[32]byte]bool

func (m memo) Known(k [32]byte) bool { return m[k] }
func (m memo) Remember(k [32]byte)   { m[k] = true }

func TestMemoOfFaces(t *testing.T) {
	m := memo{}
	one := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	other := seal(t, sample(t, "unsigned/minimal-xref.pdf"), options(t, 0))
	for range 2 {
		for _, b := range [][]byte{one, other} {
			if ok, known := open(t, b).FaceMatches(0, facePNG(t, 0), m); !ok || !known {
				t.Fatal("the face is not found to be the seal's")
			}
			if ok, _ := open(t, b).FaceMatches(0, facePNG(t, 4), m); ok {
				t.Fatal("another picture is")
			}
		}
	}
	if len(m) != 1 {
		t.Errorf("%d entries for one picture", len(m))
	}
	// What decides the pixels is in the key: the palette, the mask, the data.
	for name, attacked := range map[string][]byte{
		"palette": bytes.Replace(one, []byte("<e60012>"), []byte("<0000ff>"), 1),
		"data":    flipped(one, "/BitsPerComponent 1 /SMask"),
		"mask":    flipped(one, "/ColorSpace /DeviceGray"),
	} {
		if bytes.Equal(attacked, one) {
			t.Fatalf("%s: nothing changes", name)
		}
		f, err := Open(bytes.NewReader(attacked), int64(len(attacked)))
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := f.FaceMatches(0, facePNG(t, 0), m); ok {
			t.Errorf("%s: passes by the memo", name)
		}
	}
}

// flipped changes a byte in the stream of the object that has a text.
func flipped(b []byte, in string) []byte {
	out := bytes.Clone(b)
	i := bytes.Index(out, []byte(in))
	if i < 0 {
		return b
	}
	i += bytes.Index(out[i:], []byte("stream\n")) + 12
	out[i] ^= 0x40
	return out
}
