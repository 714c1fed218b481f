package pdf

import "testing"

func TestSealTwiceAndRead(t *testing.T) {
	for _, n := range sealable(t) {
		t.Run(n, func(t *testing.T) {
			in := sample(t, n)
			had := len(stamps(t, in))
			one := seal(t, in, options(t, 0))
			two := seal(t, one, options(t, 8))
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
			f := open(t, two)
			for i, seed := range []int{0, 8} {
				if ok, known := f.FaceMatches(had+i, facePNG(t, seed)); !ok || !known {
					t.Errorf("face %d: %v %v", i, ok, known)
				}
				if ok, known := f.FaceMatches(had+i, facePNG(t, 4)); ok || !known {
					t.Errorf("wrong face %d: %v %v", i, ok, known)
				}
			}
		})
	}
}
