package interop

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"yinxin/seal"
)

// perMM makes the edges of the spots and slices below lie between pixels.
const perMM = 4

var ofdPages = sync.OnceValues(func() (*javaWitness, error) { return mavenWitness("ofdpages") })

// ofdPictures are the pages of an OFD as ofdrw's converter draws them.
func ofdPictures(t testing.TB, doc []byte) []image.Image {
	t.Helper()
	needsMaven(t)
	w, err := ofdPages()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	said, err := w.judge([]string{write(t, "x.ofd", doc), dir, strconv.Itoa(perMM)})
	if err != nil || said[len(said)-1] != "good" {
		t.Fatal(strings.Join(said, "\n"), err)
	}
	n, err := strconv.Atoi(said[len(said)-2])
	if err != nil {
		t.Fatal(err)
	}
	var all []image.Image
	for i := range n {
		f, err := os.Open(filepath.Join(dir, strconv.Itoa(i)+".png"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		all = append(all, img)
	}
	return all
}

// mm is a rectangle of millimetres, in pixels.
func mm(x, y, w, h int) image.Rectangle {
	return image.Rect(x*perMM, y*perMM, (x+w)*perMM, (y+h)*perMM)
}

// A seal changes no pixel outside its spot; a riding seal's slices, side by side, are
// the face that a spot shows whole, pixel for pixel.
func TestOFDPagesShowTheSeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	decision := read(t, "../cmd/yinxin/decisions/decision.ofd")
	before := ofdPictures(t, decision)
	const size, x, y, top = 42, 150, 240, 100 // where both pages are blank
	spot := ofdPictures(t, h.sealOFD(t, decision, seal.Place{Page: 1, X: x, Y: y}, ""))
	riding := ofdPictures(t, h.sealOFD(t, decision, seal.Place{Riding: &seal.Riding{At: top}}, ""))
	if len(before) != 2 || len(spot) != 2 || len(riding) != 2 {
		t.Fatalf("%d, %d and %d pages", len(before), len(spot), len(riding))
	}
	if inside, outside := differing(t, before[0], spot[0], mm(x, y, size, size)); outside > 0 || inside < size*size {
		t.Errorf("the spot: %d pixels changed in it, %d outside", inside, outside)
	}
	if inside, outside := differing(t, before[1], spot[1], image.Rectangle{}); inside+outside > 0 {
		t.Errorf("the page without a seal: %d pixels changed", outside)
	}
	const slice = size / 2
	for i := range riding {
		edge := mm(210-slice, top, slice, size)
		if inside, outside := differing(t, before[i], riding[i], edge); outside > 0 || inside < size*size/4 {
			t.Errorf("slice %d: %d pixels changed in it, %d outside", i, inside, outside)
		}
		for py := range size * perMM {
			for px := range slice * perMM {
				if !alike(riding[i].At(edge.Min.X+px, edge.Min.Y+py), spot[0].At((x+i*slice)*perMM+px, y*perMM+py)) {
					t.Fatalf("slice %d differs from the whole face at %d, %d", i, px, py)
				}
			}
		}
	}
}

// differing counts the pixels that two pictures have differently, within a rectangle
// and outside.
func differing(t testing.TB, a, b image.Image, in image.Rectangle) (inside, outside int) {
	t.Helper()
	if a.Bounds() != b.Bounds() {
		t.Fatal("the page has another size")
	}
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			switch {
			case a.At(x, y) == b.At(x, y):
			case (image.Point{x, y}).In(in):
				inside++
			default:
				outside++
			}
		}
	}
	return inside, outside
}

// alike tells colours that differ by no more than the rounding of a blend.
func alike(a, b interface {
	RGBA() (r, g, b, a uint32)
}) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	near := func(x, y uint32) bool { return max(x, y)-min(x, y) <= 0x0400 }
	return near(ar, br) && near(ag, bg) && near(ab, bb)
}
