package pdf

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"
)

func TestSealTwiceAndRead(t *testing.T) {
	for _, n := range sealable(t) {
		t.Run(n, func(t *testing.T) {
			in := sample(t, n)
			had := len(stamps(t, in))
			one := seal(t, in, options(t, 0))
			two := seal(t, one, options(t, 8))
			if !bytes.HasPrefix(two, one) || !bytes.HasPrefix(one, in) {
				t.Fatal("sealing changed what was there")
			}
			got := stamps(t, two)
			if len(got) != had+2 {
				t.Fatalf("%d stamps, want %d", len(got), had+2)
			}
			a, b := got[had], got[had+1]
			if len(a.Problems)+len(b.Problems) > 0 || !a.CoversRevision || !b.CoversRevision || a.CoversFile || !b.CoversFile {
				t.Errorf("a %+v\nb %+v", a, b)
			}
			if a.ContentAdded || b.ContentAdded || len(a.Later) != 1 || a.Later[0].Kind != ChangeSignature || a.Later[0].Signature != had+1 {
				t.Errorf("later: %+v %v", a.Later, a.LaterChanges)
			}
			if a.FieldName != "印章" || b.FieldName != "印章 2" || a.Filter != "GM.PKILite" || a.SubFilter != "GM.sm2seal" {
				t.Errorf("names: %q %q %q %q", a.FieldName, b.FieldName, a.Filter, a.SubFilter)
			}
			if !bytes.Equal(a.Contents, token(1500)) || !bytes.Equal(b.Contents, token(1500)) {
				t.Error("another token came back")
			}
			checkFaces(t, two, had)
		})
	}
}

func checkFaces(t *testing.T, b []byte, had int) {
	t.Helper()
	f := open(t, b)
	s, _ := f.Stamps()
	for i, seed := range []int{0, 8} {
		if ok, known := f.FaceMatches(had+i, facePNG(t, seed), nil); !ok || !known {
			t.Errorf("face %d: %v %v", i, ok, known)
		}
		if ok, known := f.FaceMatches(had+i, facePNG(t, 4), nil); ok || !known {
			t.Errorf("wrong face %d: %v %v", i, ok, known)
		}
		r := s[had+i].Rect
		o := options(t, seed).Spots[0]
		if s[had+i].Page != f.PageCount() || !near(r[0], o.X, .01) || !near(r[1], o.Y, .01) || !near(r[2], 36, .01) || !near(r[3], 36, .01) {
			t.Errorf("stamp %d is on page %d at %v", i, s[had+i].Page, r)
		}
	}
}

func TestDigest(t *testing.T) {
	in := sample(t, "unsigned/decision.pdf")
	lay := func() *Layout {
		l, err := open(t, in).Layout(options(t, 0))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	alone, err := lay().Digest(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := sm3.New()
	h.Write(in)
	l := lay()
	with, err := l.Digest(h)
	if err != nil || alone != with {
		t.Fatalf("digest with and without a prefix differ: %x %x %v", alone, with, err)
	}
	out := seal(t, in, options(t, 0))
	r := l.ByteRange()
	plain := sm3.Sum(append(append([]byte(nil), out[:r[1]]...), out[r[2]:r[2]+r[3]]...))
	s := stamps(t, out)[0]
	if plain != alone || s.Digest != alone || s.ByteRange != r {
		t.Errorf("digests %x %x %x, ranges %v %v", plain, alone, s.Digest, r, s.ByteRange)
	}
	if out[r[1]] != '<' || out[r[2]-1] != '>' || r[2]+r[3] != int64(len(out)) {
		t.Error("the hole is not the token")
	}
}

// The same order on the same file gives the same file; another gives another.
func TestDeterministic(t *testing.T) {
	for _, n := range sealable(t) {
		in := sample(t, n)
		a, b := seal(t, in, options(t, 0)), seal(t, in, options(t, 0))
		if d := cmp.Diff(len(a), len(b)); d != "" || !bytes.Equal(a, b) {
			t.Errorf("%s: sealed twice, two files: %s", n, d)
		}
		face := options(t, 0)
		var err error
		if face.Prepared, err = NewFace(face.Face.PNG, 36, 36); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, seal(t, in, face)) {
			t.Errorf("%s: a prepared face gives another file", n)
		}
	}
}

func TestOrdersRefused(t *testing.T) {
	in := sample(t, "unsigned/decision.pdf")
	for name, change := range map[string]func(*Options){
		"page 0":        func(o *Options) { o.Spots[0].Page = 0 },
		"page 3 of 2":   func(o *Options) { o.Spots[0].Page = 3 },
		"page -3 of 2":  func(o *Options) { o.Spots[0].Page = -3 },
		"off the page":  func(o *Options) { o.Spots[0].X = 190 },
		"above it":      func(o *Options) { o.Spots[0].Y = -1 },
		"no picture":    func(o *Options) { o.Face.PNG = []byte("GIF89a") },
		"no size":       func(o *Options) { o.Face.WidthMM = 0 },
		"no room":       func(o *Options) { o.TokenSize = 0 },
		"a dotted name": func(o *Options) { o.FieldName = "a.b" },
	} {
		o := options(t, 0)
		change(&o)
		if _, err := open(t, in).Layout(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := open(t, in).Layout(options(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Increment(make([]byte, 2049)); !errors.Is(err, ErrOptions) {
		t.Errorf("a token too long: %v", err)
	}
}

// What others broke or signed wrongly never passes and never crashes.
func TestOthersFiles(t *testing.T) {
	refused := map[string]error{
		"unsigned/minimal-aes256.pdf":           ErrEncrypted,
		"malformed/malformed-encrypt-dict1.pdf": ErrEncrypted,
		"malformed/broken-objstream1.pdf":       ErrAmbiguous,
		"malformed/circular-page-tree.pdf":      ErrMalformed,
		"malformed/minimal-illegal-header.pdf":  ErrMalformed,
		"malformed/minimal-startxref-obo1.pdf":  ErrMalformed,
	}
	for n, want := range refused {
		b := sample(t, n)
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", n, err, want)
		}
	}
	for _, n := range []string{"signed/one-byterange.pdf", "signed/weird-byterange.pdf"} {
		for _, s := range stamps(t, sample(t, n)) {
			if s.CoversRevision || len(s.Problems) == 0 || s.Digest != [32]byte{} {
				t.Errorf("%s passes: %+v", n, s)
			}
		}
	}
	twice := stamps(t, sample(t, "signed/minimal-two-fields-signed-twice.pdf"))
	if len(twice) != 2 || !twice[0].CoversRevision || !twice[1].CoversRevision || len(twice[0].Problems)+len(twice[1].Problems) > 0 {
		t.Errorf("signed twice by pyHanko: %+v", twice)
	}
	compact := filepath.Join("testdata", "malformed", "CompactedPDFSyntaxTest.pdf")
	if b, err := os.ReadFile(compact); err != nil || len(stamps(t, b)) != 0 {
		t.Errorf("%s: %v", compact, err)
	}
}
