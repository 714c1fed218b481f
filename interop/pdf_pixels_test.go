package interop

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"

	"yinxin/internal/testlong"
	"yinxin/seal/pdf"
)

// picture is one page as pdftoppm shows it.
type picture struct {
	w, h int
	rgb  []byte
}

// pictures gives the last pages of a file, all of them under -long.
func pictures(t testing.TB, b []byte) []picture {
	t.Helper()
	n, err := pdf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	first := max(1, n.PageCount()-testlong.Count(2, n.PageCount())+1)
	out, err := exec.Command(testlong.Tool(t, "pdftoppm", "poppler-utils"), "-cropbox", "-r", fmt.Sprint(dpi), "-f", fmt.Sprint(first), write(t, "x.pdf", b)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var pages []picture
	for len(out) > 0 {
		var p picture
		var depth int
		if _, err := fmt.Sscanf(string(out[:min(len(out), 40)]), "P6\n%d %d\n%d", &p.w, &p.h, &depth); err != nil {
			t.Fatal(err)
		}
		head := len(fmt.Sprintf("P6\n%d %d\n%d\n", p.w, p.h, depth))
		p.rgb, out = out[head:head+3*p.w*p.h], out[head+3*p.w*p.h:]
		pages = append(pages, p)
	}
	return pages
}

// onlyTheSealsAreDrawn: every pixel outside the two rectangles is equal, inside
// nothing got lighter, and the ink fills the ordered rectangles to 0.3 mm.
func onlyTheSealsAreDrawn(t *testing.T, in, out []byte) {
	before, after := pictures(t, in), pictures(t, out)
	if len(before) != len(after) {
		t.Fatalf("%d pages became %d", len(before), len(after))
	}
	last := len(before) - 1
	for i := range last {
		if !bytes.Equal(before[i].rgb, after[i].rgb) {
			t.Errorf("page %d before the last, which bears no seal, is drawn otherwise", last-i)
		}
	}
	a, b := before[last], after[last]
	if a.w != b.w || a.h != b.h {
		t.Fatal("the page has another size")
	}
	const px = dpi / 25.4
	slack := 0.3*px + 0.5
	in2 := func(x, y int) bool {
		for _, p := range places {
			if fx, fy := float64(x), float64(y); fx >= p.X*px-slack && fy >= p.Y*px-slack && fx <= (p.X+sealMM)*px-1+slack && fy <= (p.Y+sealMM)*px-1+slack {
				return true
			}
		}
		return false
	}
	left, top, right, bottom := a.w, a.h, -1, -1
	for i := range a.w * a.h {
		was, is := a.rgb[3*i:3*i+3], b.rgb[3*i:3*i+3]
		if bytes.Equal(was, is) {
			continue
		}
		x, y := i%a.w, i/a.w
		if !in2(x, y) {
			t.Fatalf("pixel %d,%d outside the seals changed", x, y)
		}
		for c := range 3 {
			if int(is[c]) > int(was[c])+2 {
				t.Fatalf("pixel %d,%d got lighter: %v to %v", x, y, was, is)
			}
		}
		left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
	}
	want := []float64{places[0].X * px, places[0].Y * px, (places[1].X+sealMM)*px - 1, (places[1].Y+sealMM)*px - 1}
	for i, got := range []int{left, top, right, bottom} {
		if d := float64(got) - want[i]; d > slack || d < -slack {
			t.Errorf("edge %d of the ink is at pixel %d, ordered %.1f", i, got, want[i])
		}
	}
}
