package ofd

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// paged is a package of pages with this content, drawn upon templates.
func paged(common string, pages ...string) []byte {
	const ns = ` xmlns:ofd="http://www.ofdspec.org/2016"`
	var list strings.Builder
	parts := []part{{name: "OFD.xml", content: `<ofd:OFD` + ns + `><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`}}
	for i, p := range pages {
		fmt.Fprintf(&list, `<ofd:Page ID="%d" BaseLoc="P%d.xml"/>`, i+1, i)
		parts = append(parts, part{name: fmt.Sprintf("Doc_0/P%d.xml", i), content: `<ofd:Page` + ns + `>` + p + `</ofd:Page>`})
	}
	parts = append(parts,
		part{name: "Doc_0/Document.xml", content: `<ofd:Document` + ns + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>` + common + `</ofd:CommonData><ofd:Pages>` + list.String() + `</ofd:Pages></ofd:Document>`},
		part{name: "Doc_0/T.xml", content: `<ofd:Page` + ns + `><ofd:Area><ofd:PhysicalBox>0 0 100 200</ofd:PhysicalBox></ofd:Area><ofd:Content><ofd:Layer>` + text("10 10 50 5", "", `X="0" Y="4" DeltaX="5"`, "底稿") + `</ofd:Layer></ofd:Content></ofd:Page>`})
	return archive(parts...)
}

func layer(objects ...string) string {
	return `<ofd:Content><ofd:Layer ID="9">` + strings.Join(objects, "") + `</ofd:Layer></ofd:Content>`
}

// text is a TextObject of size 5.
func text(boundary, more, code, chars string) string {
	return `<ofd:TextObject ID="1" Boundary="` + boundary + `" Font="3" Size="5" ` + more + `><ofd:TextCode ` + code + `>` + chars + `</ofd:TextCode></ofd:TextObject>`
}

func TestSizesOfPages(t *testing.T) {
	template := `<ofd:TemplatePage ID="8" BaseLoc="T.xml"/>`
	d := document(t, paged(template,
		layer(),
		`<ofd:Area><ofd:PhysicalBox>0 0 297 210</ofd:PhysicalBox><ofd:ApplicationBox>5 5 280 200</ofd:ApplicationBox></ofd:Area>`+layer(),
		`<ofd:Template TemplateID="8"/>`+layer(),
		`<ofd:Area><ofd:PhysicalBox>0 0 50 60</ofd:PhysicalBox></ofd:Area><ofd:Template TemplateID="8"/>`+layer(),
		`<ofd:Template TemplateID="nobody"/>`+layer(),
		`<ofd:Area><ofd:PhysicalBox>0 0 0 60</ofd:PhysicalBox></ofd:Area>`+layer(),
	))
	for i, want := range [][2]float64{{210, 297}, {297, 210}, {100, 200}, {50, 60}, {210, 297}} {
		if w, h, err := d.PageSize(i + 1); err != nil || w != want[0] || h != want[1] {
			t.Errorf("page %d: %g by %g, %v", i+1, w, h, err)
		}
	}
	if _, _, err := d.PageSize(6); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if w, _, err := d.PageSize(-5); err != nil || w != 297 {
		t.Error(w, err)
	}
}

// What the samples print, and where: measured on their pages.
func TestKeywordsOfTheField(t *testing.T) {
	for _, c := range []struct {
		file, word string
		page       int
		want       []Found
	}{
		// 31.7 + 3 to 31.7 + 15: between the boundary and what DeltaX says
		{"helloworld.ofd", "好呀", 1, []Found{{1, 31.7 + 6, 28.4 - 0.38*3}}},
		// 22 124.2, size 3.175, three characters side by side
		{"999.ofd", "张一诺", 1, []Found{{1, 22 + 1.5*3.175, 124.2 + 4.0875 - 0.38*3.175}}},
		{"999.ofd", "没有的字", 0, nil},
	} {
		got, err := document(t, sample(t, c.file)).Find(c.word, c.page)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.file+" "+c.word, got, c.want)
	}
}

func same(t testing.TB, what string, got, want []Found) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if got[i].Page != want[i].Page || math.Abs(got[i].X-want[i].X) > 0.02 || math.Abs(got[i].Y-want[i].Y) > 0.02 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

// A character of size 5 is a square whose middle stands 1.9 mm above its baseline.
func TestWhereTextStands(t *testing.T) {
	const up = 5 * (ascent - descent) / 2
	for name, c := range map[string]struct {
		content, word string
		want          []Found
	}{
		"one":             {layer(text("10 20 50 6", "", `X="1" Y="5" DeltaX="5 5"`, "请盖章")), "盖章", []Found{{1, 10 + 1 + 10, 25 - up}}},
		"groups":          {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="g 2 5 g 1 7 5"`, "在此盖章处")), "章", []Found{{1, 10 + 5 + 5 + 7 + 2.5, 25 - up}}},
		"offsets run out": {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="5"`, "一二盖章")), "盖章", []Found{{1, 10 + 15, 25 - up}}},
		"down":            {layer(text("10 20 6 50", "", `X="0" Y="5" DeltaY="6 6"`, "请盖章")), "盖章", []Found{{1, 12.5, 25 + 9 - up}}},
		"two codes": {layer(`<ofd:TextObject ID="1" Boundary="10 20 50 20" Font="3" Size="5"><ofd:TextCode X="0" Y="5">盖</ofd:TextCode><ofd:TextCode X="5">章</ofd:TextCode></ofd:TextObject>`), "盖章",
			[]Found{{1, 15, 25 - up}}},
		"two objects":                       {layer(text("10 20 5 6", "", `X="0" Y="5"`, "盖"), text("15.5 19.5 5 6", "", `X="0" Y="5.5"`, "章")), "盖章", []Found{{1, 10 + 5.25, 25 - up}}},
		"each its own object, not in order": {layer(text("20 20 5 6", "", `X="0" Y="5"`, "处"), text("15 20 5 6", "", `X="0" Y="5"`, "章"), text("10 20 5 6", "", `X="0" Y="5"`, "盖")), "盖章处", []Found{{1, 17.5, 25 - up}}},
		"far apart":                         {layer(text("10 20 5 6", "", `X="0" Y="5"`, "盖"), text("30 20 5 6", "", `X="0" Y="5"`, "章")), "盖章", nil},
		"on two lines":                      {layer(text("10 20 5 6", "", `X="0" Y="5"`, "盖"), text("15 24 5 6", "", `X="0" Y="5"`, "章")), "盖章", nil},
		"spread":                            {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="5 5"`, "盖　章")), "盖 章", []Found{{1, 10 + 7.5, 25 - up}}},
		"enlarged":                          {layer(text("10 20 50 20", `CTM="2 0 0 2 1 3"`, `X="0" Y="5" DeltaX="5"`, "盖章")), "盖章", []Found{{1, 10 + 1 + 10, 20 + 3 + 10 - 2*up}}},
		"turned":                            {layer(text("50 20 6 50", `CTM="0 1 -1 0 0 0"`, `X="0" Y="5" DeltaX="5"`, "盖章")), "盖章", []Found{{1, 50 - 5 + up, 25}}},
		"characters turned":                 {layer(text("50 20 6 50", `CharDirection="90"`, `X="0" Y="5" DeltaY="5"`, "盖章")), "盖章", []Found{{1, 50 + up, 20 + 5 + 5}}},
		"narrow":                            {layer(text("10 20 50 6", `HScale="0.5"`, `X="0" Y="5" DeltaX="2.5"`, "盖章")), "盖章", []Found{{1, 12.5, 25 - up}}},
		"Latin":                             {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="2.5 2.5"`, "No1")), "No1", []Found{{1, 10 + 3.75, 25 - up}}},
		"in a block":                        {`<ofd:Content><ofd:Layer><ofd:PageBlock>` + text("10 20 50 6", "", `X="0" Y="5"`, "章") + `</ofd:PageBlock></ofd:Layer></ofd:Content>`, "章", []Found{{1, 12.5, 25 - up}}},
		"in a clip":                         {layer(`<ofd:PathObject ID="2"><ofd:Clips><ofd:Clip><ofd:Area>` + text("10 20 50 6", "", `X="0" Y="5"`, "章") + `</ofd:Area></ofd:Clip></ofd:Clips></ofd:PathObject>`), "章", nil},
		"not visible":                       {layer(text("10 20 50 6", `Visible="false"`, `X="0" Y="5"`, "章")), "章", nil},
		"of the template":                   {`<ofd:Template TemplateID="8"/>` + layer(), "底稿", []Found{{1, 15, 14 - up}}},
		"bold by twice":                     {layer(text("10 20 50 6", "", `X="0" Y="5"`, "章"), text("10.2 20 50 6", "", `X="0" Y="5"`, "章")), "章", []Found{{1, 12.5, 25 - up}}},
		"in reading order":                  {layer(text("90 60 50 6", "", `X="0" Y="5"`, "章"), text("60 20 50 6", "", `X="0" Y="5"`, "章"), text("10 20 50 6", "", `X="0" Y="5"`, "章")), "章", []Found{{1, 12.5, 25 - up}, {1, 62.5, 25 - up}, {1, 92.5, 65 - up}}},
		"not over itself":                   {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="g 4 5"`, "章章章章章")), "章章", []Found{{1, 15, 25 - up}, {1, 25, 25 - up}}},
		"another namespace":                 {layer(`<x:TextObject xmlns:x="urn:x" Boundary="10 20 50 6" Size="5"><x:TextCode X="0" Y="5">章</x:TextCode></x:TextObject>`), "章", nil},
		"line breaks around":                {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="5"`, "\n盖章\n")), "盖章", []Found{{1, 15, 25 - up}}},
	} {
		got, err := document(t, paged(`<ofd:TemplatePage ID="8" BaseLoc="T.xml"/>`, c.content)).Find(c.word, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, name, got, c.want)
	}
}

func TestTextThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    error
	}{
		"no numbers":      {layer(text("10 20 x 6", "", `X="0" Y="5"`, "章")), ErrMalformed},
		"not finite":      {layer(text("10 20 50 6", "", `X="NaN" Y="5"`, "章")), ErrMalformed},
		"far off":         {layer(text("10 20 50 6", "", `X="1e300" Y="5"`, "章")), ErrMalformed},
		"half a group":    {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="g 2"`, "盖章")), ErrMalformed},
		"a group of many": {layer(text("10 20 50 6", "", `X="0" Y="5" DeltaX="g 99999999999999999999 1"`, "盖章")), ErrMalformed},
		"CTM":             {layer(text("10 20 50 6", `CTM="1 0 0 1"`, `X="0" Y="5"`, "章")), ErrMalformed},
		"no size":         {layer(`<ofd:TextObject ID="1" Boundary="1 1 1 1"/>`), ErrMalformed},
		"document type":   {`<!DOCTYPE a [<!ENTITY x "章">]>`, ErrMalformed},
		"too long":        {layer(text("10 20 50 6", "", `X="0" Y="5"`, strings.Repeat("章", maxGlyphs+1))), ErrTooLarge},
		"too deep":        {strings.Repeat("<ofd:A>", maxDepth) + strings.Repeat("</ofd:A>", maxDepth), ErrTooLarge},
		"too often":       {layer(spread(maxFound + 1)), ErrTooLarge},
		"on one spot":     {layer(text("10 20 50 6", "", `X="0" Y="5"`, strings.Repeat("章", maxSeen+1))), ErrTooLarge},
	} {
		d := document(t, paged("", c.content))
		if _, err := d.Find("章", 0); !errors.Is(err, c.want) && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := document(t, paged("", layer()))
	for _, word := range []string{"", " 　", "\xff"} {
		if _, err := d.Find(word, 0); !errors.Is(err, ErrOptions) {
			t.Errorf("%q: %v", word, err)
		}
	}
	if _, err := d.Find("章", 2); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
}

// spread is so many characters, each a millimetre below the last.
func spread(n int) string {
	return `<ofd:TextObject ID="1" Boundary="0 0 1 1" Font="3" Size="1"><ofd:TextCode X="0" Y="5" DeltaY="1">` + strings.Repeat("章", n) + `</ofd:TextCode></ofd:TextObject>`
}

// A search of many pages that share a large template reads no more than its budget.
func TestASearchHasItsEnd(t *testing.T) {
	page := layer(`<!--` + strings.Repeat("x", 1<<20) + `-->`)
	pages := make([]string, 65)
	for i := range pages {
		pages[i] = page
	}
	d := document(t, paged("", pages...))
	if _, err := d.Find("章", 0); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := d.Find("章", 65); err != nil {
		t.Error(err)
	}
}

// A package without end or beginning, and pages that were written to harm, end in an
// error or in something sealed that the reader holds for sound.
func FuzzLayout(f *testing.F) {
	for _, name := range []string{"helloworld.ofd"} {
		f.Add(sample(f, name), "呀")
	}
	f.Add(small("", ""), "a")
	f.Add(paged(`<ofd:TemplatePage ID="8" BaseLoc="T.xml"/>`, `<ofd:Template TemplateID="8"/>`+layer(text("10 20 50 6", `CTM="0 1 -1 0 0 0"`, `X="0" Y="5" DeltaX="g 1 5 3"`, "请盖章"))), "盖章")
	f.Fuzz(func(t *testing.T, b []byte, word string) {
		p, err := Open(strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		d, err := p.Document()
		if err != nil {
			return
		}
		found, err := d.Find(word, 0)
		for _, at := range found {
			if math.IsNaN(at.X) || math.IsNaN(at.Y) || at.Page < 1 || at.Page > d.PageCount() {
				t.Fatalf("found at %v", at)
			}
		}
		if err != nil && len(found) > 0 {
			t.Fatal(err)
		}
		l, err := d.Layout(Options{Spots: []Spot{{Page: -1}}, WidthMM: 10, HeightMM: 10, Columns: 10, Seal: []byte("seal"), Time: theTime})
		if err != nil {
			return
		}
		var out strings.Builder
		if n, err := l.WriteTo(&out, []byte("token")); err != nil || n != l.Size(5) {
			t.Fatal(n, err)
		}
		q, err := Open(strings.NewReader(out.String()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		all, err := q.Stamps()
		if err != nil {
			t.Fatal(err)
		}
		s := all[len(all)-1]
		if s.Path != l.Property() || len(s.Problems)+len(s.Altered)+len(s.Uncovered)+len(s.Idle)+len(s.Unnamed) > 0 {
			t.Fatalf("%+v", s)
		}
	})
}

// FuzzText reads a page alone, so that the fuzzer need not pack it.
func FuzzText(f *testing.F) {
	for _, c := range []string{
		layer(text("10 20 50 6", "", `X="1" Y="5" DeltaX="5 5"`, "请盖章")),
		layer(text("10 20 50 6", `CTM="2 0 0 2 1 3" HScale="0.5" CharDirection="90"`, `X="0" Y="5" DeltaX="g 2 5 g 1 7 5" DeltaY="g 3 0 1"`, "在此盖章处")),
		spread(3),
	} {
		f.Add(`<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016">`+c+`</ofd:Page>`, "盖章")
	}
	f.Fuzz(func(t *testing.T, page, word string) {
		left := int64(maxSearch)
		objects, err := textOf("page", []byte(page), &left)
		if err != nil {
			return
		}
		for _, o := range objects {
			if len(o.glyphs) == 0 {
				t.Fatal("an object without glyphs")
			}
		}
		found, err := find(objects, keywordOf(word))
		if err != nil && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		for _, at := range found {
			if math.IsNaN(at.X) || math.IsNaN(at.Y) {
				t.Fatal(at)
			}
		}
	})
}
