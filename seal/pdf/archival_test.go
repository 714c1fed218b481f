package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

// claiming is a page of a file that claims a part of PDF/A, and has an output intent
// of n components, none for 0.
func claiming(t testing.TB, part string, n int) []byte {
	t.Helper()
	xmp := `<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"` + part
	intents, profile := "", ""
	if n > 0 {
		intents = "/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (x) /DestOutputProfile 5 0 R >>]"
		profile = fmt.Sprintf("5 0 obj\n<< /N %d /Length 3 >>\nstream\nicc\nendstream\nendobj\n", n)
	}
	return rebuild(t, fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Metadata 4 0 R %s >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] >>\nendobj\n"+
		"4 0 obj\n<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream\nendobj\n%s", intents, len(xmp), xmp, profile))
}

// A file that claims a part of PDF/A is drawn in as that part allows, and read back so.
func TestPaintedAsTheFileClaims(t *testing.T) {
	element := func(n string) string { return "><pdfaid:part>" + n + "</pdfaid:part>" }
	for name, c := range map[string]struct {
		part              string
		n                 int
		plain, calibrated bool
	}{
		"nothing":                 {">", 0, false, false},
		"A-2 in RGB":              {element("2"), 3, false, false},
		"A-2 as an attribute":     {" pdfaid:part='2'>", 3, false, false},
		"A-1 in RGB":              {element("1"), 3, true, false},
		"A-1 in CMYK":             {` pdfaid:part="1">`, 4, true, true},
		"A-2 in CMYK":             {element("2"), 4, false, true},
		"A-3 without any profile": {element("3"), 0, true, true},
	} {
		in := claiming(t, c.part, c.n)
		o := options(t, 0)
		o.Mark = &Mark{Text: MarkCode("01234-56789-ABCDE-FGHJK-MNPQRS", "seal.example.gov.cn"), Page: 1, X: 58, Y: 5}
		out := seal(t, in, o)
		added := string(out[len(in):])
		for what, want := range map[string]bool{"/BM /Multiply": !c.plain, "/SMask": !c.plain, "/ImageMask true": c.plain, "/CalRGB": c.calibrated, "/DeviceRGB": !c.calibrated, "/CalGray": c.calibrated, "0 g ": !c.calibrated} {
			if strings.Contains(added, what) != want {
				t.Errorf("%s: %s stands there: %v", name, what, !want)
			}
		}
		if ok, known := open(t, out).FaceMatches(0, facePNG(t, 0), nil); !ok || !known {
			t.Errorf("%s: face: %v %v", name, ok, known)
		}
		if ok, _ := open(t, out).FaceMatches(0, facePNG(t, 4), nil); ok {
			t.Errorf("%s: another face is taken for it", name)
		}
	}
	// A picture that lets nothing through would cover the page where nothing blends.
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i := range 400 {
		img.SetNRGBA(i%20, i/20, color.NRGBA{255, 255, 255, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	o := options(t, 0)
	o.Face.PNG = b.Bytes()
	if _, err := open(t, claiming(t, element("1"), 3)).Layout(o); !errors.Is(err, ErrOptions) {
		t.Errorf("an opaque picture in PDF/A-1: %v", err)
	}
}
