package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

// 60 characters, no two alike.
const manyCharacters = "贵州省黔东南苗族侗自治公共资源交易中心综合管理办室行政审批服务局第一分驻凯里市厅窗口国家税总档案馆发展改革委员会教育"

// specs gives a face of each kind with each number of characters that it takes.
func specs() map[string]Spec {
	all := map[string]Spec{}
	for n, name := range names() {
		all["round "+n] = Spec{Shape: Round, Name: name}
		all["round, all of it "+n] = Spec{Shape: Round, Name: name, Second: "行政审批专用章", Code: "52010000000001", Borders: 2}
		all["round, no star "+n] = Spec{Shape: Round, Name: name, Centre: NoStar, Second: "财务章", WidthMM: 50, HeightMM: 50, Weight: Regular}
		all["oval "+n] = Spec{Shape: Oval, Name: name, Second: "发票专用章", Code: "5201000000001"}
		all["oval with a star "+n] = Spec{Shape: Oval, Name: name, Centre: Star, WidthMM: 45, HeightMM: 30}
		all["square "+n] = Spec{Shape: Square, Name: name, WidthMM: 30, HeightMM: 30}
		all["square and a second line "+n] = Spec{Shape: Square, Name: name, Second: "合同专用章", WidthMM: 40, HeightMM: 30, Borders: 2}
		if len([]rune(name)) < maxPerson-1 {
			all["person "+n] = Spec{Shape: Person, Name: name, Suffix: "之印"}
			all["person, narrow "+n] = Spec{Shape: Person, Name: name, WidthMM: 15, HeightMM: 30}
		}
	}
	all["letters"] = Spec{Shape: Round, Name: "贵州Yinxin（A1）公司", Second: "合同专用章(2)"}
	all["dots"] = Spec{Shape: Person, Name: "阿不都热合曼·买买提"}
	return all
}

func names() map[string]string {
	all, runes := map[string]string{}, []rune(manyCharacters)
	for _, n := range []int{2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 35, MaxName} {
		all[string(rune('0'+n/10))+string(rune('0'+n%10))] = string(runes[:n])
	}
	return all
}

func laid(t testing.TB, s Spec) *drawing {
	t.Helper()
	d, err := s.lay()
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return d
}

// apart tells whether some edge of either has the other on its far side.
func apart(a, b cell) bool {
	for _, pair := range [][2]cell{{a, b}, {b, a}} {
		for i, p := range pair[0] {
			q := pair[0][(i+1)%4]
			nx, ny := q.y-p.y, p.x-q.x // out of a cell whose corners run clockwise
			beyond := true
			for _, r := range pair[1] {
				beyond = beyond && (r.x-p.x)*nx+(r.y-p.y)*ny > 1e-9
			}
			if beyond {
				return true
			}
		}
	}
	return false
}

func TestCharactersNeverOverlap(t *testing.T) {
	for name, s := range specs() {
		d := laid(t, s)
		for i, a := range d.cells {
			for k, b := range d.cells[:i] {
				if !apart(a, b) {
					t.Errorf("%s: characters %d and %d overlap: %v %v", name, k, i, b, a)
				}
			}
		}
	}
}

// Where the characters are there is no border and no star.
func TestCharactersStayClear(t *testing.T) {
	for name, s := range specs() {
		d, s := laid(t, s), must(s.complete())
		for i, c := range d.cells {
			for _, p := range c {
				x, y := p.x-d.w/2, p.y-d.h/2
				switch s.Shape {
				case Round, Oval:
					in := edgeShare * min(d.w, d.h)
					if out := math.Hypot(x/(d.w/2-in), y/(d.h/2-in)); out > 1 {
						t.Errorf("%s: character %d reaches the border (%.3f)", name, i, out)
					}
					if s.Centre == Star && math.Hypot(x, y) < starShare*min(d.w, d.h)*0.7 {
						t.Errorf("%s: character %d reaches the star", name, i)
					}
				default:
					in := frameShare * min(d.w, d.h)
					if math.Abs(x) > d.w/2-in || math.Abs(y) > d.h/2-in {
						t.Errorf("%s: character %d reaches the frame", name, i)
					}
				}
			}
		}
	}
}

// The name's first character is as far to the left as its last to the right.
func TestFacesAreSymmetric(t *testing.T) {
	for n, name := range names() {
		for _, s := range []Spec{{Shape: Round, Name: name}, {Shape: Oval, Name: name, Centre: Star}} {
			d := laid(t, s)
			for i, c := range d.cells {
				m := d.cells[len(d.cells)-1-i]
				for k, p := range c {
					if q := m[[]int{1, 0, 3, 2}[k]]; math.Abs(p.x+q.x-d.w) > 1e-6 || math.Abs(p.y-q.y) > 1e-6 {
						t.Fatalf("%s %s: character %d at %v, its mirror at %v", s.Shape, n, i, p, q)
					}
				}
			}
		}
	}
}

// Another character in one place changes the picture there, and nowhere else: every
// character of the text is on the face, where it belongs.
func TestEachCharacterIsInItsPlace(t *testing.T) {
	name := []rune("贵州省大数据发展管理局")
	base := Spec{Shape: Round, Name: string(name), Second: "电子证照专用章", Code: "52010000000001"}
	d := laid(t, base)
	was := d.mask(DPI)
	texts := []*string{&base.Code, &base.Name, &base.Second}
	for cellAt, text := 0, 0; text < len(texts); text++ {
		whole := []rune(*texts[text])
		for i, r := range whole {
			other := '鑫'
			if text == 0 {
				other = '0' + (r-'0'+3)%10
			}
			whole[i] = other
			*texts[text] = string(whole)
			changed := 0
			now := laid(t, base).mask(DPI)
			for at := range was.Pix {
				if diff := int(was.Pix[at]) - int(now.Pix[at]); diff > -4 && diff < 4 { // a rasterizer's rounding runs on along its row
					continue
				}
				changed++
				x, y := at%was.Stride, at/was.Stride
				if p := (point{(float64(x) + 0.5) * 42 / 496, (float64(y) + 0.5) * 42 / 496}); !d.cells[cellAt].has(p, 0.1) {
					t.Fatalf("character %d %c: the pixel %d,%d changed too", cellAt, r, x, y)
				}
			}
			if changed < 20 {
				t.Errorf("character %d %c: %d pixels changed", cellAt, r, changed)
			}
			whole[i] = r
			*texts[text] = string(whole)
			cellAt++
		}
	}
}

// has tells whether a point is in a cell or nearer to it than d.
func (c cell) has(p point, d float64) bool {
	for i, a := range c {
		b := c[(i+1)%4]
		if nx, ny := b.y-a.y, a.x-b.x; ((p.x-a.x)*nx+(p.y-a.y)*ny)/math.Hypot(nx, ny) > d {
			return false
		}
	}
	return true
}

func decode(t testing.TB, b []byte) *image.Paletted {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img.(*image.Paletted)
}

// The measures of an agency's seal, on the pixels of its picture.
func TestARoundFaceIsOfItsSize(t *testing.T) {
	for _, mm := range []int{30, 38, 40, 42, 45, 50, 60} {
		b := must(Draw(Spec{Shape: Round, Name: "贵州省档案馆", WidthMM: mm, HeightMM: mm}))
		img := decode(t, b)
		side := int(math.Round(float64(mm) / 25.4 * DPI))
		if img.Rect.Dx() != side || img.Rect.Dy() != side {
			t.Fatalf("%d mm are %v", mm, img.Rect)
		}
		at := bytes.Index(b, []byte("pHYs"))
		if at < 0 || b[at+12] != 1 {
			t.Fatalf("%d mm: no resolution in metres", mm)
		}
		if ppm := binary.BigEndian.Uint32(b[at+4:]); math.Abs(float64(side)/float64(ppm)*1000-float64(mm)) > 0.005 {
			t.Errorf("%d mm: %d pixels at %d a metre", mm, side, ppm)
		}
		alpha := func(x, y float64) float64 {
			if p := image.Pt(int(math.Floor(x)), int(math.Floor(y))); p.In(img.Rect) {
				return float64(color.AlphaModel.Convert(img.At(p.X, p.Y)).(color.Alpha).A) / 255
			}
			return 0
		}
		c := float64(side) / 2
		for i := range 360 {
			sin, cos := math.Sincos(float64(i) * math.Pi / 180)
			along := func(r float64) float64 { return alpha(c+r*cos, c+r*sin) }
			if along(c+1.5) != 0 {
				t.Errorf("%d mm: ink outside at %d°", mm, i)
			}
			ink := 0. // along the ray through the border
			for r := c * 0.94; r < c+1; r += 0.05 {
				ink += along(r) * 0.05
			}
			if edge := edgeShare * float64(side); math.Abs(ink-edge) > 0.6 || along(c-1.5) < 0.99 {
				t.Errorf("%d mm: the border is %.2f pixels thick at %d°, not %.2f", mm, ink, i, edge)
			}
			// The star's five points, one upwards, and between them nothing.
			if r := starShare * float64(side); i%36 == 18 {
				point := i%72 == 54
				if got := along(r * 0.8); (got == 1) != point || along(r*1.05) != 0 || along(r*0.3) != 1 {
					t.Errorf("%d mm: the star at %d°: %.2f", mm, i, got)
				}
			}
		}
	}
}

func TestWhatIsDrawnIsAdmitted(t *testing.T) {
	for name, s := range specs() {
		b, err := Draw(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		info, err := Check(b)
		s = must(s.complete())
		if err == nil {
			err = info.Fits(s.WidthMM, s.HeightMM)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again := must(Draw(s)); !bytes.Equal(b, again) {
			t.Errorf("%s: the same face is other bytes", name)
		}
	}
}

func TestColours(t *testing.T) {
	for colour, want := range inks {
		img := decode(t, must(Draw(Spec{Shape: Person, Name: "王小明", Colour: colour})))
		if got := color.NRGBAModel.Convert(img.Palette[len(img.Palette)-1]); got != want {
			t.Errorf("%s: %v", colour, got)
		}
	}
	if got, want := must(Draw(Spec{Shape: Person, Name: "王小明"})), must(Draw(Spec{Shape: Person, Name: "王小明", Colour: Red})); !bytes.Equal(got, want) {
		t.Error("red is not the default")
	}
}

func TestBoldHasMoreInk(t *testing.T) {
	s := Spec{Shape: Round, Name: manyCharacters[:3*12]}
	bold := laid(t, s).mask(DPI)
	s.Weight = Regular
	regular := laid(t, s).mask(DPI)
	if b, r := inked(bold), inked(regular); b < r*1.05 {
		t.Errorf("%.4f bold, %.4f regular", b, r)
	}
}

func TestDrawRefuses(t *testing.T) {
	good := Spec{Shape: Round, Name: "贵州省档案馆"}
	for name, c := range map[string]struct {
		spoil func(s *Spec)
		why   string
	}{
		"no shape":              {func(s *Spec) { s.Shape = "" }, "shape"},
		"an unknown shape":      {func(s *Spec) { s.Shape = "star" }, "shape"},
		"no name":               {func(s *Spec) { s.Name = "" }, "a name of 0"},
		"a name too long":       {func(s *Spec) { s.Name = strings.Repeat("长", MaxName+1) }, "41"},
		"a name too long to go": {func(s *Spec) { s.Name, s.WidthMM, s.HeightMM = manyCharacters[:120], 15, 15 }, "too many"},
		"a broken name":         {func(s *Spec) { s.Name = "贵\xff" }, "characters"},
		"a space":               {func(s *Spec) { s.Name = "贵州 省" }, "space"},
		"lines":                 {func(s *Spec) { s.Second = "a\nb" }, "line break"},
		"a wide space":          {func(s *Spec) { s.Second = "合　同" }, "space"},
		"a second line":         {func(s *Spec) { s.Second = strings.Repeat("章", maxSecond+1) }, "second line of 17"},
		"no room for it":        {func(s *Spec) { s.Second, s.WidthMM, s.HeightMM = strings.Repeat("章", maxSecond), 20, 20 }, "second line"},
		"a code of letters":     {func(s *Spec) { s.Code = "52A" }, "digits"},
		"a code too long":       {func(s *Spec) { s.Code = strings.Repeat("1", maxCode+1) }, "code of 21"},
		"an emblem":             {func(s *Spec) { s.Centre = "emblem" }, "uploaded"},
		"a colour":              {func(s *Spec) { s.Colour = "green" }, "colour"},
		"a weight":              {func(s *Spec) { s.Weight = "black" }, "weight"},
		"three borders":         {func(s *Spec) { s.Borders = 3 }, "borders"},
		"fewer than none":       {func(s *Spec) { s.Borders = -1 }, "borders"},
		"too small":             {func(s *Spec) { s.WidthMM, s.HeightMM = 9, 9 }, "9 by 9"},
		"too large":             {func(s *Spec) { s.WidthMM, s.HeightMM = 61, 61 }, "61 by 61"},
		"one side":              {func(s *Spec) { s.WidthMM = 42 }, "42 by 0"},
		"round and not":         {func(s *Spec) { s.WidthMM, s.HeightMM = 42, 41 }, "round"},
		"an upright oval":       {func(s *Spec) { s.Shape, s.WidthMM, s.HeightMM = Oval, 30, 40 }, "wider"},
		"a flat oval":           {func(s *Spec) { s.Shape, s.WidthMM, s.HeightMM = Oval, 41, 20 }, "flat"},
		"a star in a square":    {func(s *Spec) { s.Shape, s.Centre = Square, Star }, "star"},
		"a code in a square":    {func(s *Spec) { s.Shape, s.Code = Square, "1" }, "code"},
		"a body's 印":            {func(s *Spec) { s.Suffix = "印" }, "印"},
		"a person's two lines":  {func(s *Spec) { s.Shape, s.Second = Person, "章" }, "second line"},
		"another suffix":        {func(s *Spec) { s.Shape, s.Suffix = Person, "章" }, "印"},
		"a person too long":     {func(s *Spec) { s.Shape, s.Name = Person, manyCharacters[:3*21] }, "21"},
		"a square too full": {func(s *Spec) {
			s.Shape, s.Name, s.Second, s.WidthMM, s.HeightMM = Square, manyCharacters[:120], strings.Repeat("章", maxSecond), 10, 10
		}, "too long"},
	} {
		s := good
		c.spoil(&s)
		for kind, draw := range map[string]func(Spec) ([]byte, error){"PNG": Draw, "SVG": SVG} {
			if b, err := draw(s); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), c.why) || b != nil {
				t.Errorf("%s, %s: %v, want %q", name, kind, err, c.why)
			}
		}
	}
}

func TestACharacterThatTheFontLacksIsTold(t *testing.T) {
	for _, s := range []Spec{{Shape: Round, Name: "𬭎利局"}, {Shape: Round, Name: "利局", Second: "𬭎章"}, {Shape: Person, Name: "王𬭎"}} {
		for _, draw := range []func(Spec) ([]byte, error){Draw, SVG} {
			if _, err := draw(s); !errors.Is(err, ErrGlyph) || !strings.Contains(err.Error(), "𬭎 (U+2CB4E)") {
				t.Errorf("%+v: %v", s, err)
			}
		}
	}
	if got := string(Missing("中😀𬭎国😀")); got != "😀𬭎" {
		t.Errorf("missing %q", got)
	}
}

// A seal without its name on it is nobody's: what cannot be drawn is said, and never
// left out.
func TestUsual(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		want Spec
		err  error
	}{
		{"示例局", 42, 42, Spec{Shape: Round, Name: "示例局"}, nil},
		{"示例局", 40, 30, Spec{Shape: Oval, Name: "示例局", Centre: Star}, nil},
		{"示例局", 30, 40, Spec{}, ErrSpec},
		{"示例局", 8, 8, Spec{}, ErrSpec},
		{"𬭎利局", 42, 42, Spec{}, ErrGlyph},
		{strings.Repeat("长", MaxName+1), 45, 45, Spec{}, ErrSpec},
	} {
		got, err := Usual(c.name, c.w, c.h)
		if !errors.Is(err, c.err) {
			t.Errorf("%s, %d by %d mm: %v, want %v", c.name, c.w, c.h, err, c.err)
		}
		if c.err == nil && !bytes.Equal(got, must(Draw(c.want))) {
			t.Errorf("%s, %d by %d mm: it is not the face of %+v", c.name, c.w, c.h, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, width := range []int{1, 7, 40, 496, 709} {
		for n := 1; n <= 40; n++ {
			at := 0
			for i := range n {
				from, to := Cut(width, n, i)
				if exact := float64(width) / float64(n); from != at || math.Abs(float64(to-from)-exact) > 1 {
					t.Fatalf("slice %d of %d of %d pixels: %d to %d", i, n, width, from, to)
				}
				at = to
			}
			if at != width {
				t.Fatalf("%d slices of %d pixels end at %d", n, width, at)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever is asked for, a face comes that may become a seal's, or an error that says
// why not.
func FuzzDraw(f *testing.F) {
	f.Add("round", "贵州省大数据发展管理局", "电子证照专用章", "52010000000001", "star", "", 42, 42, 1)
	f.Add("oval", "某某公司", "", "", "none", "", 40, 30, 2)
	f.Add("square", "贵州省档案馆", "财务章", "", "", "", 25, 25, 1)
	f.Add("name", "阿不都·热合曼", "", "", "", "之印", 20, 20, 1)
	f.Fuzz(func(t *testing.T, shape, name, second, code, centre, suffix string, w, h, borders int) {
		s := Spec{Shape: Shape(shape), Name: name, Second: second, Code: code, Centre: Centre(centre), Suffix: suffix, WidthMM: w, HeightMM: h, Borders: borders}
		b, err := Draw(s)
		if err != nil {
			if !errors.Is(err, ErrSpec) && !errors.Is(err, ErrGlyph) {
				t.Fatal(err)
			}
			return
		}
		if _, err := Check(b); err != nil {
			t.Fatal(err)
		}
		d := laid(t, s)
		for i := range d.ink {
			for _, p := range d.ink[i].points() {
				if !(p.x > -1e-6 && p.y > -1e-6 && p.x < d.w+1e-6 && p.y < d.h+1e-6) {
					t.Fatalf("ink at %v of %g by %g mm", p, d.w, d.h)
				}
			}
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	s := Spec{Shape: Round, Name: "贵州省大数据发展管理局", Second: "电子证照专用章", Code: "52010000000001"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Draw(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSVG(b *testing.B) {
	s := Spec{Shape: Round, Name: "贵州省大数据发展管理局", Second: "电子证照专用章", Code: "52010000000001"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SVG(s); err != nil {
			b.Fatal(err)
		}
	}
}
