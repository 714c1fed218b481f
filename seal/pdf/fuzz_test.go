package pdf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func seeds(f *testing.F) {
	all, err := filepath.Glob("testdata/*/*.pdf")
	if err != nil || len(all) < 20 {
		f.Fatalf("%d seeds: %v", len(all), err)
	}
	for _, n := range all {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 10000 {
			f.Add(b)
		}
	}
	one := seal(f, sample(f, "unsigned/minimal.pdf"), options(f, 0))
	f.Add(one)
	f.Add(seal(f, sample(f, "unsigned/minimal-xref.pdf"), options(f, 0)))
	f.Add(seal(f, one, options(f, 8)))
	for _, way := range []string{"two pages", "code", "qr"} {
		in := sample(f, "unsigned/minimal-two-pages.pdf")
		o := options(f, 0)
		severally[way](f, open(f, in), &o)
		o.Certify, o.Lock = 2, &Lock{Action: "Include", Fields: []string{"a"}}
		f.Add(seal(f, in, o))
	}
	for _, s := range structures {
		f.Add(taggedFile(f, s[0], s[1]))
	}
	f.Add(claiming(f, "><pdfaid:part>1<", 4))
	kept := augmented(f, one, Addition{Evidence: pieces(1)})
	f.Add(kept)
	f.Add(augmented(f, kept, Addition{Evidence: pieces(2), TokenSize: 256}))
}

func FuzzStamps(f *testing.F) {
	seeds(f)
	face := facePNG(f, 0)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		all, err := file.Stamps()
		if err != nil {
			return
		}
		if kept := file.Evidence(); len(kept) > maxEvidence {
			t.Errorf("%d pieces of evidence", len(kept))
		}
		for i, s := range all {
			if s.CoversFile && (!s.CoversRevision || s.ByteRange[2]+s.ByteRange[3] != int64(len(b)) || s.ContentAdded) {
				t.Errorf("stamp %d: %+v", i, s)
			}
			file.FaceMatches(i, face, nil)
		}
	})
}

// What can be laid out can be sealed, and its stamp is found and good.
func FuzzLayout(f *testing.F) {
	seeds(f)
	o := options(f, 0)
	face, err := NewFace(o.Face.PNG, 36, 36)
	if err != nil {
		f.Fatal(err)
	}
	o.Prepared = face
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		order := o
		if len(b)%2 == 1 {
			order.Spots = append(order.Spots, Spot{Page: 1, X: 5, Y: 5, From: 3, To: 90})
			order.Mark = &Mark{Text: MarkQR(testBase, testCode), Page: 1, X: 50, Y: 5}
		}
		l, err := file.Layout(order)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if _, err := l.WriteTo(&out, token(1500)); err != nil {
			t.Fatal(err)
		}
		all, err := open(t, out.Bytes()).Stamps()
		if err != nil {
			return // the form has a fault that only reading all of it shows
		}
		s := all[len(all)-1]
		if want, err := l.Digest(nil); err != nil || !s.CoversFile || s.Digest != want || len(s.Problems) > 0 {
			t.Errorf("sealed, but %v %+v", err, s)
		}
	})
}
