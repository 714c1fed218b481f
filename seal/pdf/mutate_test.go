package pdf

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"yinxin/internal/testlong"
)

// mutate changes a file in one to three places, as damage or malice would.
func mutate(rnd *rand.Rand, in []byte) []byte {
	b := bytes.Clone(in)
	for range 1 + rnd.IntN(3) {
		if len(b) == 0 {
			break
		}
		i, n := rnd.IntN(len(b)), 1+rnd.IntN(8)
		j := min(len(b), i+n)
		switch rnd.IntN(7) {
		case 0:
			b[i] ^= 1 << rnd.IntN(8)
		case 1:
			b[i] = byte(rnd.IntN(256))
		case 2:
			b = append(b[:i:i], b[j:]...)
		case 3:
			b = append(b[:j:j], b[i:]...)
		case 4:
			b = b[:max(1, i)]
		case 5: // a digit is an offset, a length, an object number
			if k := bytes.IndexAny(b[i:], "0123456789"); k >= 0 {
				b[i+k] = '0' + byte(rnd.IntN(10))
			}
		case 6:
			words := []string{"<<", ">>", "obj", "endobj", "stream", "xref", "/Prev", "/Contents", " 0 R", "[", "(", "%%EOF", "-", "99999999"}
			copy(b[i:], words[rnd.IntN(len(words))])
		}
	}
	return b
}

// No mutant panics or takes long, and none that differs in what the stamp
// covers still has a good stamp with the old digest.
func TestMutants(t *testing.T) {
	var sealed [][]byte
	for _, n := range []string{"unsigned/minimal.pdf", "unsigned/minimal-xref.pdf", "unsigned/minimal-with-simple-form.pdf",
		"unsigned/minimal-two-fields-tagged.pdf", "unsigned/minimal-hybrid-xref.pdf", "unsigned/testfile17.pdf"} {
		o := options(t, 0)
		o.TokenSize = 1600
		sealed = append(sealed, seal(t, sample(t, n), o))
	}
	sealed = append(sealed, seal(t, sealed[0], options(t, 8)))
	rnd := rand.New(rand.NewPCG(2026, 11))
	for i := range testlong.Count(500, 20000) {
		from := sealed[i%len(sealed)]
		m := mutate(rnd, from)
		var d time.Duration
		for range 2 { // a machine that does something else meanwhile is no hang
			start := time.Now()
			checkMutant(t, i, from, m)
			if d = time.Since(start); d <= instrumented*2*time.Second {
				break
			}
		}
		if d > instrumented*2*time.Second {
			t.Fatalf("mutant %d took %v", i, d)
		}
	}
}

func checkMutant(t *testing.T, i int, from, m []byte) {
	t.Helper()
	f, err := Open(bytes.NewReader(m), int64(len(m)))
	if err != nil {
		return
	}
	if l, err := f.Layout(options(t, 3)); err == nil {
		if _, err := l.Digest(nil); err != nil {
			t.Errorf("mutant %d: digest: %v", i, err)
		}
	}
	got, err := f.Stamps()
	if err != nil {
		return
	}
	for k, s := range got {
		f.FaceMatches(k, nil, nil)
		if !s.CoversRevision || len(s.Problems) > 0 || s.ContentAdded {
			continue
		}
		for _, was := range stamps(t, from) {
			if s.Digest == was.Digest && !bytes.Equal(covered(m, s), covered(from, was)) {
				t.Errorf("mutant %d: covered bytes changed and the digest did not", i)
			}
		}
	}
}

func covered(b []byte, s Signature) []byte {
	r := s.ByteRange
	return append(bytes.Clone(b[:r[1]]), b[r[2]:r[2]+r[3]]...)
}

// Every single covered bit of a small file counts.
func TestEveryByteCounts(t *testing.T) {
	from := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	was := stamps(t, from)[0]
	step := 7
	if testlong.Enabled() {
		step = 1
	}
	for i := 0; i < len(from); i += step {
		if int64(i) > was.ByteRange[1] && int64(i) < was.ByteRange[2]-1 {
			continue
		}
		m := bytes.Clone(from)
		m[i] ^= 1
		f, err := Open(bytes.NewReader(m), int64(len(m)))
		if err != nil {
			continue
		}
		all, err := f.Stamps()
		if err != nil {
			continue
		}
		for _, s := range all {
			if s.CoversRevision && len(s.Problems) == 0 && !s.ContentAdded && s.Digest == was.Digest {
				t.Fatalf("byte %d changed and the stamp is as before", i)
			}
		}
	}
}
