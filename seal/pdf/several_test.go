package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/internal/testlong"
)

const (
	testCode = "0123456789ABCDEFGHJKMNPQRS"
	testBase = "https://seal.example.gov.cn"
)

// ridden cuts the face of options for all pages.
func ridden(t testing.TB, f *File, left bool) []Spot {
	t.Helper()
	const columns, mm = 200, 36.0
	n := f.PageCount()
	var out []Spot
	for i := range n {
		w, h, err := f.PageSize(i + 1)
		if err != nil {
			t.Fatal(err)
		}
		s := Spot{Page: i + 1, Y: (h - mm) / 2, From: columns * i / n, To: columns * (i + 1) / n}
		if !left {
			s.X = w - mm*float64(s.To-s.From)/columns
		}
		out = append(out, s)
	}
	return out
}

// severally are ways to show a stamp at more than one spot.
var severally = map[string]func(t testing.TB, f *File, o *Options){
	"two pages": func(_ testing.TB, _ *File, o *Options) {
		o.Spots = []Spot{{Page: 1, X: 8, Y: 4}, {Page: -1, X: 50, Y: 8}}
	},
	"riding":      func(t testing.TB, f *File, o *Options) { o.Spots = ridden(t, f, false) },
	"riding left": func(t testing.TB, f *File, o *Options) { o.Spots = ridden(t, f, true) },
	"code": func(_ testing.TB, _ *File, o *Options) {
		o.Mark = &Mark{Text: MarkCode("01234-56789-ABCDE-FGHJK-MNPQRS", "seal.example.gov.cn"), Page: -1, X: 58, Y: 5}
	},
	"qr": func(_ testing.TB, _ *File, o *Options) {
		o.Mark = &Mark{Text: MarkQR(testBase, testCode), Page: -1, X: 58, Y: 5}
	},
}

// eachSeverally seals every sample in every such way.
func eachSeverally(t *testing.T, do func(t *testing.T, in, out []byte, o Options)) {
	for i, n := range sealable(t) {
		if i >= testlong.Count(8, 15) {
			return
		}
		for name, place := range severally {
			t.Run(filepath.Base(n)+"/"+name, func(t *testing.T) {
				in := sample(t, n)
				o := options(t, 0)
				f := open(t, in)
				place(t, f, &o)
				if strings.HasPrefix(name, "riding") && f.PageCount() < 2 {
					t.Skip("one page")
				}
				do(t, in, seal(t, in, o), o)
			})
		}
	}
}

// One signature, whatever it is shown at; another after it leaves it good.
func TestSeverally(t *testing.T) {
	eachSeverally(t, func(t *testing.T, in, out []byte, o Options) {
		if !bytes.HasPrefix(out, in) || !bytes.Equal(out, seal(t, in, o)) {
			t.Fatal("the input was changed, or two layouts differ")
		}
		had := len(stamps(t, in))
		found := stamps(t, out)
		if len(found) != had+1 || !found[had].CoversFile || len(found[had].Problems) > 0 || found[had].FieldName != "印章" {
			t.Fatalf("%+v", found)
		}
		// The picture stands once.
		if n := bytes.Count(out[len(in):], []byte("/Subtype /Image")); n != 2 {
			t.Errorf("%d images", n)
		}
		twice := stamps(t, seal(t, out, options(t, 8)))
		if len(twice) != had+2 || twice[had].ContentAdded || len(twice[had].Later) != 1 || twice[had].Later[0].Kind != ChangeSignature {
			t.Errorf("after another stamp: %+v %v", twice[had].Later, twice[had].LaterChanges)
		}
		// And it is itself no content to one before it.
		before := seal(t, in, options(t, 8))
		after := stamps(t, seal(t, before, o))
		if after[had].ContentAdded {
			t.Errorf("to a stamp before it: %v", after[had].LaterChanges)
		}
	})
}

func TestSeverallyByQPDF(t *testing.T) {
	qpdf := testlong.Tool(t, "qpdf", "qpdf")
	complaints := func(b []byte) map[string]bool {
		path := write(t, "x.pdf", b)
		out, _ := exec.Command(qpdf, "--check", path).CombinedOutput()
		set := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "WARNING") || strings.HasPrefix(line, "ERROR") {
				set[strings.ReplaceAll(line, path, "")] = true
			}
		}
		return set
	}
	eachSeverally(t, func(t *testing.T, in, out []byte, _ Options) {
		before := complaints(in)
		for line := range complaints(out) {
			if !before[line] {
				t.Error(line)
			}
		}
	})
}

// Outside of what was ordered no pixel changes, and inside none gets lighter.
func TestSeverallyRendered(t *testing.T) {
	testlong.Tool(t, "pdftoppm", "poppler-utils")
	eachSeverally(t, func(t *testing.T, in, out []byte, o Options) {
		f := open(t, in)
		boxes := map[int][][4]float64{}
		add := func(page int, box [4]float64) {
			if page < 0 {
				page += f.PageCount() + 1
			}
			boxes[page] = append(boxes[page], box)
		}
		for _, s := range o.Spots {
			w := 36.0
			if s.To > 0 {
				w *= float64(s.To-s.From) / 200
			}
			add(s.Page, [4]float64{s.X, s.Y, w, 36})
		}
		if o.Mark != nil {
			w, h, err := MarkSize(o.Mark.Text)
			if err != nil {
				t.Fatal(err)
			}
			add(o.Mark.Page, [4]float64{o.Mark.X, o.Mark.Y, w, h})
		}
		looked := map[int]bool{1: true, f.PageCount(): true}
		for page := range looked {
			onlyIn(t, in, out, page, boxes[page])
		}
	})
}

// onlyIn compares a page before and after: each box is inked, and nothing else.
func onlyIn(t *testing.T, in, out []byte, page int, boxes [][4]float64) {
	t.Helper()
	w, h, a := render(t, write(t, "in.pdf", in), page, 1)
	w2, h2, b := render(t, write(t, "out.pdf", out), page, 1)
	if w != w2 || h != h2 {
		t.Fatalf("the page was %d by %d and is %d by %d", w, h, w2, h2)
	}
	const px, slack = dpi / 25.4, 0.3*dpi/25.4 + 0.5
	inked := make([]bool, len(boxes))
	for i := range w * h {
		was, is := a[3*i:3*i+3], b[3*i:3*i+3]
		if string(was) == string(is) {
			continue
		}
		x, y, inside := float64(i%w), float64(i/w), false
		for k, box := range boxes {
			if x >= box[0]*px-slack && y >= box[1]*px-slack && x <= (box[0]+box[2])*px-1+slack && y <= (box[1]+box[3])*px-1+slack {
				inside, inked[k] = true, true
			}
		}
		if !inside {
			t.Fatalf("page %d: pixel %g,%g outside of what was ordered changed", page, x, y)
		}
		for c := range 3 {
			if int(is[c]) > int(was[c])+2 {
				t.Fatalf("page %d: pixel %g,%g got lighter: %v to %v", page, x, y, was, is)
			}
		}
	}
	for k, ok := range inked {
		if !ok {
			t.Errorf("page %d: nothing was drawn in %v", page, boxes[k])
		}
	}
}

// blank gives n empty pages, each with these entries.
func blank(t testing.TB, n int, extra string) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [")
	for i := range n {
		fmt.Fprintf(&b, " %d 0 R", i+3)
	}
	fmt.Fprintf(&b, " ] /Count %d >>\nendobj\n", n)
	for i := range n {
		fmt.Fprintf(&b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] %s >>\nendobj\n", i+3, extra)
	}
	return rebuild(t, b.Bytes())
}

// The slices of a riding seal, cut out of the pages and laid side by side, are the seal
// as it is drawn whole: also on pages that are turned and cropped.
func TestSlicesMeet(t *testing.T) {
	testlong.Tool(t, "pdftoppm", "poppler-utils")
	for _, extra := range []string{"", "/Rotate 90", "/Rotate 180", "/Rotate 270 /CropBox [30 40 330 420]"} {
		for _, left := range []bool{false, true} {
			in := blank(t, 4, extra)
			o := options(t, 0)
			o.Spots = ridden(t, open(t, in), left)
			path := write(t, "riding.pdf", seal(t, in, o))
			o.Spots = []Spot{{Page: 1, X: 20, Y: o.Spots[0].Y}}
			wholeW, _, whole := render(t, write(t, "whole.pdf", seal(t, in, o)), 1, 1)
			top, x := int(o.Spots[0].Y/25.4*dpi+0.5), int(o.Spots[0].X/25.4*dpi+0.5)
			var different, total int
			for page := range 4 {
				w, _, rgb := render(t, path, page+1, 1)
				width := o.Face.WidthMM / 4 / 25.4 * dpi
				at := w - int(width+0.5)
				if left {
					at = 0
				}
				for y := range int(o.Face.HeightMM / 25.4 * dpi) {
					for dx := 1; dx < int(width)-1; dx++ { // the pixel at the cut is shared
						a := rgb[3*((top+y)*w+at+dx)+1]
						b := whole[3*((top+y)*wholeW+x+int(width*float64(page)+0.5)+dx)+1]
						if total++; !near(float64(a), float64(b), 128) {
							different++
						}
					}
				}
			}
			if share := float64(different) / float64(total); share > 0.02 {
				t.Errorf("%q, left %v: %.3f of the pixels differ from the whole seal", extra, left, share)
			}
		}
	}
}

// A phone reads the QR code off the page, and it says what it should.
func TestQRIsReadBack(t *testing.T) {
	testlong.Tool(t, "pdftoppm", "poppler-utils")
	zbar := testlong.Tool(t, "zbarimg", "zbar-tools")
	for _, extra := range []string{"", "/Rotate 90", "/UserUnit 1.5"} {
		unit := 1.0
		fmt.Sscanf(extra, "/UserUnit %g", &unit)
		o := options(t, 0)
		o.Spots = []Spot{{Page: 1, X: 5, Y: 5}}
		o.Mark = &Mark{Text: MarkQR(testBase, testCode), Page: 1, X: 45, Y: 5}
		w, h, rgb := render(t, write(t, "qr.pdf", seal(t, blank(t, 1, extra), o)), 1, unit)
		img := image.NewGray(image.Rect(0, 0, w, h))
		for i := range w * h {
			img.SetGray(i%w, i/w, color.Gray{rgb[3*i+1]})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(zbar, "-q", "--raw", write(t, "qr.png", b.Bytes())).Output()
		if err != nil || strings.TrimSpace(string(out)) != testBase+"/v/"+testCode {
			t.Errorf("%q: zbarimg reads %q, %v", extra, out, err)
		}
	}
}

func TestMarksThatAreNone(t *testing.T) {
	for _, text := range []string{"", "hello", MarkCode("01234-56789-ABCDE-FGHJK-MNPQR", "host"), MarkCode("01234-56789-ABCDE-FGHJK-MNPQRI", "host"), "验证码 01234-56789-ABCDE-FGHJK-MNPQRS 公安部",
		MarkCode("01234-56789-ABCDE-FGHJK-MNPQRS", strings.Repeat("a", 200)), MarkQR("ftp://host", testCode), MarkQR(testBase, testCode+"A"), MarkQR(testBase+"/x?y=", testCode), " " + MarkQR(testBase, testCode)} {
		if _, _, err := MarkSize(text); !errors.Is(err, ErrOptions) {
			t.Errorf("%q is taken for a mark: %v", text, err)
		}
	}
	for r := range glyphs {
		if strings.Count(glyphs[r], " m ") == 0 || !strings.HasSuffix(glyphs[r], "h f") {
			t.Errorf("the glyph of %q is no closed outline", r)
		}
	}
}

func TestSeveralOrdersRefused(t *testing.T) {
	in := blank(t, 2, "")
	for name, change := range map[string]func(*Options){
		"nowhere":               func(o *Options) { o.Spots = nil },
		"at too many spots":     func(o *Options) { o.Spots = make([]Spot, maxSpots+1) },
		"a slice of nothing":    func(o *Options) { o.Spots[0].From, o.Spots[0].To = 5, 5 },
		"a slice before it":     func(o *Options) { o.Spots[0].From, o.Spots[0].To = -1, 5 },
		"a slice behind it":     func(o *Options) { o.Spots[0].From, o.Spots[0].To = 100, 201 },
		"a mark off the page":   func(o *Options) { o.Mark = &Mark{Text: MarkQR(testBase, testCode), Page: 1, X: 130, Y: 5} },
		"a mark on page 3 of 2": func(o *Options) { o.Mark = &Mark{Text: MarkQR(testBase, testCode), Page: 3} },
		"permission 4":          func(o *Options) { o.Certify = 4 },
		"a lock of nothing":     func(o *Options) { o.Lock = &Lock{Action: "Include"} },
		"a lock of some of all": func(o *Options) { o.Lock = &Lock{Action: "All", Fields: []string{"a"}} },
	} {
		o := options(t, 0)
		change(&o)
		if _, err := open(t, in).Layout(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Two pages that hang their annotations on one list would both show each widget.
	shared := rebuild(t, []byte("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>\nendobj\n"+
		"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] /Annots 5 0 R >>\nendobj\n4 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] /Annots 5 0 R >>\nendobj\n5 0 obj\n[]\nendobj\n"))
	o := options(t, 0)
	o.Spots = []Spot{{Page: 1, X: 5, Y: 5}, {Page: 2, X: 5, Y: 5}}
	if _, err := open(t, shared).Layout(o); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("pages with one list of annotations: %v", err)
	}
}

// A signature of Adobe's has locked this one.
func TestLockedSample(t *testing.T) {
	if _, err := open(t, sample(t, "unsigned/testfile30.pdf")).Layout(options(t, 0)); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
}

// A riding seal over 100 pages.
func BenchmarkRiding(b *testing.B) {
	in := blank(b, 100, "")
	o := options(b, 0)
	o.Spots = ridden(b, open(b, in), false)
	var err error
	if o.Prepared, err = NewFace(o.Face.PNG, 36, 36); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(b, in).Layout(o); err != nil {
			b.Fatal(err)
		}
	}
}
