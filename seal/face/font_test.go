package face

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The page about the font tells of the font that is embedded, and its licence is
// with it.
func TestTheFontIsTheOneThatIsTold(t *testing.T) {
	page, err := os.ReadFile("font/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(packed)
	if !strings.Contains(string(page), hex.EncodeToString(sum[:])) {
		t.Errorf("font/README.md does not tell of %x", sum)
	}
	if most := 1200 << 10; len(packed) > most {
		t.Errorf("the font takes %d octets of the binary", len(packed))
	}
	if l := FontLicence(); !strings.Contains(l, "Apache License") || !strings.Contains(l, "Google") {
		t.Error("the licence is not there")
	}
}

// Every Chinese character of the font is ink within its box, with its holes the other
// way round, and bold it stays there: no name can come out garbled.
func TestEveryCharacterCanBeDrawn(t *testing.T) {
	n := 0
	for r := rune(0x3400); r < 0xa000; r++ {
		if len(Missing(string(r))) > 0 {
			continue
		}
		n++
		all, err := glyphs(string(r))
		if err != nil || len(all) != 1 || all[0].share != 1 {
			t.Fatalf("%c: %v", r, err)
		}
		g := all[0]
		for i := range g.path {
			for _, p := range g.path[i].points() {
				if p.x < -1e-9 || p.y < -1e-9 || p.x > 1+1e-9 || p.y > 1+1e-9 {
					t.Fatalf("%c leaves its box: %v", r, p)
				}
			}
		}
		thin := g.path.area()
		g.path.embolden(boldness)
		if bold := g.path.area(); thin < 0.002 || bold <= thin {
			t.Errorf("%c covers %.4f of its box, bold %.4f", r, thin, bold)
		}
	}
	if n < 10_000 {
		t.Errorf("the font has %d characters", n)
	}
}

// area by the shoelace formula over the polygon of all points, positive where the ink
// is on the right of where the contour goes.
func (p path) area() (sum float64) {
	var corners []point
	flush := func() {
		for i, a := range corners {
			b := corners[(i+1)%len(corners)]
			sum += (a.x*b.y - b.x*a.y) / 2
		}
		corners = corners[:0]
	}
	for i := range p {
		if p[i].n == 0 {
			flush()
		}
		corners = append(corners, p[i].points()...)
	}
	flush()
	return sum
}

func TestWhatNamesNeedIsThere(t *testing.T) {
	// 通用规范汉字表's third level, the signs of names, and names as they are written in Taipei and Hong Kong.
	for _, text := range []string{"淼喆甯翀昇昉玥珺堃镕赟怡", "〇（）()·•《》「」、", "0123456789ABCXYZabcxyz-&", "臺灣香港澳門國際貿易龍麗", "贵州省黔东南苗族侗族自治州榕江县"} {
		if lacking := Missing(text); len(lacking) > 0 {
			t.Errorf("missing %c", lacking)
		}
	}
}
