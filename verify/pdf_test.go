package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"sync"
	"testing"

	"yinxin/seal/face"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// sealedPage is a small page under one good stamp.
func sealedPage(t testing.TB) (*scene, []byte) {
	s := newScene(t)
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	return s, s.r.sealPDF(t, s.order, sample(t, pdfSamples+"/unsigned/minimal.pdf"))
}

func TestPDFUnderThreeStamps(t *testing.T) {
	s, one := sealedPage(t)
	two := s.r.sealPDF(t, s.order, one)
	three := s.r.sealPDF(t, s.order, two)
	r := judge(three, nil, s.input())
	expect(t, r, verify.Valid, "")
	for n, later := range []int{2, 1, 0} {
		if len(r.Stamps) != 3 || len(r.Stamps[n].LaterChanges) != later || !r.Stamps[n].CoversWholeDocument {
			t.Fatalf("%+v", r.Stamps)
		}
	}
	// Taking the last ones off leaves honest earlier documents.
	expect(t, judge(three[:len(two)], nil, s.input()), verify.Valid, "")
	expect(t, judge(three[:len(one)], nil, s.input()), verify.Valid, "")
}

// What comes after a stamp, or shows another face than its seal's.
func TestPDFChangedAfterItsStamp(t *testing.T) {
	s, one := sealedPage(t)
	start := bytes.LastIndex(one, []byte("startxref"))
	var xref int
	if _, err := fmt.Sscanf(string(one[start:]), "startxref\n%d", &xref); err != nil {
		t.Fatal(err)
	}
	object := len(one)
	update := fmt.Appendf(bytes.Clone(one), "900 0 obj\n<< /Anything (at all) >>\nendobj\n")
	table := len(update)
	update = fmt.Appendf(update, "xref\n0 0\n900 1\n%010d 00000 n \ntrailer\n<< /Size 901 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n", object, xref, table)
	unproven := s.order
	unproven.unproven = true
	forged := s.order
	forged.signer = s.far.signer
	for name, c := range map[string]struct {
		doc  []byte
		want []verify.Verdict
	}{
		"text at its end":                       {append(bytes.Clone(one), "% one more remark"...), []verify.Verdict{verify.NotValid, verify.None}},
		"a further revision":                    {update, []verify.Verdict{verify.NotValid, verify.None}},
		"a further stamp, unproven":             {s.r.sealPDF(t, unproven, one), []verify.Verdict{verify.CannotConfirm}},
		"a further stamp, forged":               {s.r.sealPDF(t, forged, one), []verify.Verdict{verify.NotValid}},
		"a stamp over a revision nobody sealed": {s.r.sealPDF(t, s.order, update), []verify.Verdict{verify.NotValid, verify.None}},
		"cut short":                             {one[:len(one)-9], []verify.Verdict{verify.NotValid, verify.None}},
		"another kind's stamp": {func() []byte {
			_, at := contents(t, one)
			o := s.order
			o.property = ses.PropertyJSON
			doc := bytes.Clone(one)
			der, _ := contents(t, one)
			read, err := ses.ParseStamp(der)
			if err != nil {
				t.Fatal(err)
			}
			copy(doc[at:], fmt.Appendf(nil, "%x", s.r.stamp(t, o, [32]byte(read.DataHash))))
			return doc
		}(), []verify.Verdict{verify.NotValid}},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(c.doc, nil, s.input())
			for _, v := range c.want {
				if r.Verdict == v {
					return
				}
			}
			t.Errorf("%s %v", r.Verdict, codes(r))
		})
	}
}

// Judging a document does not change it, however often and by how many at once.
func TestPDFJudgedAgain(t *testing.T) {
	s, one := sealedPage(t)
	in, engine := s.input(), &verify.Engine{}
	two := s.r.sealPDF(t, s.order, one)
	d := verify.Open(bytes.NewReader(two), int64(len(two)), "", nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				expect(t, engine.Judge(d, in), verify.Valid, "")
			}
		})
	}
	all.Wait()
}

// Faces that are large unpacked cost what they are, not what they are packed to.
func TestLargeFaces(t *testing.T) {
	s := newScene(t)
	img := image.NewPaletted(image.Rect(0, 0, 2048, 2048), color.Palette{color.White, color.NRGBA{230, 0, 18, 255}})
	var picture bytes.Buffer
	if err := png.Encode(&picture, img); err != nil {
		t.Fatal(err)
	}
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: picture.Bytes()})
	doc := sample(t, pdfSamples+"/unsigned/minimal.pdf")
	for range 5 {
		doc = s.r.sealPDF(t, s.order, doc)
	}
	within(t, func() { expect(t, judge(doc, nil, s.input()), verify.CannotConfirm, verify.WorkLimit) })
}

// An agency could show another's face under its own good stamp: protocol.md 2, Face.
func TestPDFWithAnothersFace(t *testing.T) {
	s, one := sealedPage(t)
	own := s.r.makeSeal(t, sealOrder{picture: otherFace(t)})
	der, at := contents(t, one)
	read, err := ses.ParseStamp(der)
	if err != nil {
		t.Fatal(err)
	}
	o := s.order
	o.seal, o.property = own, ses.PropertyPDF
	stamp := s.r.stamp(t, o, [32]byte(read.DataHash))
	doc := bytes.Clone(one)
	pad := max(0, len(der)-len(stamp))
	copy(doc[at:], fmt.Appendf(nil, "%x", append(stamp, make([]byte, pad)...)))
	expect(t, judge(doc, nil, s.input()), verify.NotValid, verify.SealFaceMismatch)
}

// plainFace is a picture that can stand on a page.
func plainFace(t testing.TB) []byte {
	t.Helper()
	png, err := face.Default(42, 100)
	if err != nil {
		t.Fatal(err)
	}
	return png
}

// otherFace is another picture, of the size of the plain one.
func otherFace(t testing.TB) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(plainFace(t)))
	if err != nil {
		t.Fatal(err)
	}
	turned := image.NewNRGBA(img.Bounds())
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			turned.Set(x, y, img.At(y, x))
		}
	}
	turned.Set(img.Bounds().Dx()/2, img.Bounds().Dy()/2, color.NRGBA{200, 0, 0, 255})
	var out bytes.Buffer
	if err := png.Encode(&out, turned); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
