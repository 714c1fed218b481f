package face

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"testing"
)

type svgFile struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	Width   string   `xml:"width,attr"`
	Height  string   `xml:"height,attr"`
	ViewBox string   `xml:"viewBox,attr"`
	Paths   []struct {
		Fill string `xml:"fill,attr"`
		D    string `xml:"d,attr"`
	} `xml:"path"`
}

var svgToken = regexp.MustCompile(`[MLQCZ]|-?[0-9.]+`)

// readBack parses the path data of an SVG as a reader of it would.
func readBack(t *testing.T, d string) path {
	t.Helper()
	var out path
	var at segment
	have := 0
	for _, token := range svgToken.FindAllString(d, -1) {
		switch token {
		case "M", "L", "Q", "C":
			at, have = segment{n: map[string]uint8{"M": 0, "L": 1, "Q": 2, "C": 3}[token]}, 0
			continue
		case "Z":
			continue
		}
		v, err := strconv.ParseFloat(token, 64)
		if err != nil {
			t.Fatal(err)
		}
		if p := &at.p[have/2]; have%2 == 0 {
			p.x = v
		} else {
			p.y = v
		}
		if have++; have == 2*len(at.points()) {
			out = append(out, at)
		}
	}
	return out
}

// The outlines, filled, are the picture.
func TestTheSVGIsThePicture(t *testing.T) {
	for _, s := range []Spec{
		{Shape: Round, Name: "贵州省大数据发展管理局", Second: "电子证照专用章", Code: "52010000000001", Borders: 2},
		{Shape: Oval, Name: "贵州某某有限公司", Second: "发票专用章", Colour: Blue, Weight: Regular},
		{Shape: Person, Name: "王小明", Suffix: "印"},
	} {
		b := must(SVG(s))
		var f svgFile
		d := xml.NewDecoder(bytes.NewReader(b))
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		if rest, err := d.Token(); err == nil {
			if text, ok := rest.(xml.CharData); !ok || len(bytes.TrimSpace(text)) > 0 {
				t.Errorf("something follows: %v", rest)
			}
		} else if err != io.EOF {
			t.Fatal(err)
		}
		want := laid(t, s)
		if len(f.Paths) != 1 || f.Width != strconv.Itoa(int(want.w))+"mm" || f.ViewBox != "0 0 "+strconv.Itoa(int(want.w))+" "+strconv.Itoa(int(want.h)) {
			t.Fatalf("%s %s %q, %d paths", f.Width, f.Height, f.ViewBox, len(f.Paths))
		}
		got := &drawing{w: want.w, h: want.h, ink: readBack(t, f.Paths[0].D)}
		one, other := want.mask(DPI), got.mask(DPI)
		for i := range one.Pix {
			if math.Abs(float64(one.Pix[i])-float64(other.Pix[i])) > 32 { // outlines are to a thousandth of a millimetre
				t.Fatalf("%s: pixel %d: %d, in the outlines %d", s.Shape, i, one.Pix[i], other.Pix[i])
			}
		}
		if again := must(SVG(s)); !bytes.Equal(b, again) {
			t.Error("the same face is other bytes")
		}
	}
}
