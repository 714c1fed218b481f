package pdf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"yinxin/internal/testlong"
)

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// qpdf complains of nothing it did not complain of before.
func TestQPDFCheck(t *testing.T) {
	qpdf := testlong.Tool(t, "qpdf", "qpdf")
	complaints := func(path string) map[string]bool {
		out, _ := exec.Command(qpdf, "--check", path).CombinedOutput()
		set := make(map[string]bool)
		for _, line := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(line, "WARNING") || strings.HasPrefix(line, "ERROR") {
				set[strings.ReplaceAll(line, path, "")] = true
			}
		}
		return set
	}
	for _, n := range sealable(t) {
		in := sample(t, n)
		before := complaints(write(t, "in.pdf", in))
		after := complaints(write(t, "out.pdf", seal(t, seal(t, in, options(t, 0)), options(t, 8))))
		for line := range after {
			if !before[line] {
				t.Errorf("%s: %s", n, line)
			}
		}
	}
}

// pdfsig sees each signature, its field's name and its ranges.
func TestPDFSig(t *testing.T) {
	pdfsig := testlong.Tool(t, "pdfsig", "poppler-utils")
	for _, n := range sealable(t) {
		b := seal(t, sample(t, n), options(t, 0))
		out, _ := exec.Command(pdfsig, write(t, "out.pdf", b)).CombinedOutput()
		s := stamps(t, b)
		r := s[len(s)-1].ByteRange
		for _, want := range []string{
			"Signature Field Name: 印章",
			fmt.Sprintf("Signed Ranges: [0 - %d], [%d - %d]", r[1], r[2], r[2]+r[3]),
			"Total document signed",
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: pdfsig does not say %q:\n%s", n, want, out)
			}
		}
	}
}

const dpi = 150

// render gives one page as shown, 3 octets a pixel. pdftoppm knows nothing of
// /UserUnit, so the resolution is what makes its pixels right.
func render(t *testing.T, path string, page int, unit float64) (w, h int, rgb []byte) {
	t.Helper()
	p := strconv.Itoa(page)
	out, err := exec.Command(testlong.Tool(t, "pdftoppm", "poppler-utils"), "-cropbox", "-r", strconv.FormatFloat(dpi*unit, 'f', -1, 64), "-f", p, "-l", p, path).Output()
	if err != nil {
		t.Fatalf("pdftoppm: %v", err)
	}
	var depth int
	if _, err := fmt.Sscanf(string(out[:min(len(out), 40)]), "P6\n%d %d\n%d", &w, &h, &depth); err != nil || len(out) < 3*w*h {
		t.Fatalf("pdftoppm wrote no picture: %v", err)
	}
	return w, h, out[len(out)-3*w*h:]
}

// compare renders before and after: outside the seal nothing changed, inside
// nothing got lighter, and the seal is where it was ordered, in mm.
func compare(t *testing.T, in, out []byte, page int, unit float64, want [4]float64) {
	t.Helper()
	w, h, a := render(t, write(t, "in.pdf", in), page, unit)
	w2, h2, b := render(t, write(t, "out.pdf", out), page, unit)
	if w != w2 || h != h2 {
		t.Fatalf("the page was %d by %d and is %d by %d", w, h, w2, h2)
	}
	px := func(mm float64) float64 { return mm / 25.4 * dpi }
	box := [4]int{w, h, -1, -1}
	for i := range w * h {
		x, y := i%w, i/w
		was, is := a[3*i:3*i+3], b[3*i:3*i+3]
		if string(was) == string(is) {
			continue
		}
		box = [4]int{min(box[0], x), min(box[1], y), max(box[2], x), max(box[3], y)}
		for c := range 3 {
			if int(is[c]) > int(was[c])+2 {
				t.Fatalf("pixel %d,%d got lighter: %v to %v", x, y, was, is)
			}
		}
	}
	slack := px(0.3)
	for i, edge := range []float64{px(want[0]), px(want[1]), px(want[0]+want[2]) - 1, px(want[1]+want[3]) - 1} {
		if !near(float64(box[i]), edge, slack+0.5) {
			t.Errorf("page %d: the seal is drawn in %v, ordered %v mm: edge %d at %.1f", page, box, want, i, edge)
		}
	}
}

func TestRendered(t *testing.T) {
	testlong.Tool(t, "pdftoppm", "poppler-utils")
	for _, n := range sealable(t) {
		t.Run(n, func(t *testing.T) {
			in := sample(t, n)
			compare(t, in, seal(t, in, options(t, 0)), open(t, in).PageCount(), 1, [4]float64{20, 5, 36, 36})
		})
	}
}

// Turned pages, cropped pages, pages in other units: upright, and where it was
// ordered on the page as displayed.
func TestPlacedOnTurnedPages(t *testing.T) {
	testlong.Tool(t, "pdftoppm", "poppler-utils")
	var upright []byte
	for _, extra := range []string{"", "/Rotate 90", "/Rotate 180", "/Rotate 270", "/Rotate -90",
		"/CropBox [30 40 330 420]", "/CropBox [30 40 330 420] /Rotate 90", "/CropBox [-50 40 330 420] /Rotate 180",
		"/CropBox [30 40 330 420] /Rotate 270", "/UserUnit 2", "/UserUnit 1.5 /CropBox [30 40 330 420] /Rotate 90"} {
		t.Run(extra, func(t *testing.T) {
			unit := 1.0
			fmt.Sscanf(extra, "/UserUnit %g", &unit)
			in := rebuild(t, fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"+
				"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"+
				"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] /Contents 4 0 R %s >>\nendobj\n"+
				"4 0 obj\n%s\nendobj\n", extra, text("0.2 g 100 100 120 40 re f 0.9 g 120 180 99 99 re f")))
			o := options(t, 0)
			o.Spots = []Spot{{Page: 1, X: 31, Y: 42}}
			out := seal(t, in, o)
			compare(t, in, out, 1, unit, [4]float64{31, 42, 36, 36})
			s := stamps(t, out)[0]
			if !near(s.Rect[0], 31, .01) || !near(s.Rect[1], 42, .01) {
				t.Errorf("read back at %v", s.Rect)
			}
			if ok, known := open(t, out).FaceMatches(0, facePNG(t, 0), nil); !ok || !known {
				t.Errorf("face: %v %v", ok, known)
			}
			got := blankSeal(t, extra, unit, o)
			if upright == nil {
				upright = got
			} else if d := difference(upright, got); d > 0.02 {
				t.Errorf("the seal is not drawn upright: %.3f of its pixels differ", d)
			}
		})
	}
}

// blankSeal renders the seal on an empty page and cuts it out, 200 by 200.
func blankSeal(t *testing.T, extra string, unit float64, o Options) []byte {
	t.Helper()
	in := rebuild(t, fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"+
		"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] %s >>\nendobj\n", extra))
	w, _, rgb := render(t, write(t, "blank.pdf", seal(t, in, o)), 1, unit)
	x0, y0 := int(o.Spots[0].X/25.4*dpi+0.5), int(o.Spots[0].Y/25.4*dpi+0.5)
	var cut []byte
	for y := range 200 {
		for x := range 200 {
			cut = append(cut, rgb[3*((y0+y)*w+x0+x)+1])
		}
	}
	return cut
}

func difference(a, b []byte) float64 {
	n := 0
	for i := range a {
		if !near(float64(a[i]), float64(b[i]), 128) {
			n++
		}
	}
	return float64(n) / float64(len(a))
}
