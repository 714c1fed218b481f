package verify_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"yinxin/internal/testlong"
	"yinxin/seal/jsondoc"
	"yinxin/seal/pdf"
	"yinxin/verify"
)

// mutate changes a file in one to three places, as damage or malice would.
func mutate(rnd *rand.Rand, in []byte, words []string) []byte {
	b := bytes.Clone(in)
	for range 1 + rnd.IntN(3) {
		if len(b) == 0 {
			return b
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
			b = b[:i]
		case 5:
			if k := bytes.IndexAny(b[i:], "0123456789"); k >= 0 {
				b[i+k] = '0' + byte(rnd.IntN(10))
			}
		case 6:
			copy(b[i:], words[rnd.IntN(len(words))])
		}
	}
	return b
}

// proof is what a format's mutants are judged by: the files that are good, and what
// of a file its stamps cover.
type proof struct {
	court
	known   [][]byte
	same    func(known, b []byte) bool
	stamped []byte // of detached stamps: the file
	words   []string
}

// judged holds a file to the limits, and to be good only if it is a known one in
// all that is covered.
func (p *proof) judged(t *testing.T, b []byte) {
	t.Helper()
	doc, stamp := b, []byte(nil)
	if p.stamped != nil {
		doc, stamp = p.stamped, b
	}
	if r := p.judge(t, doc, stamp); good(r) {
		for _, k := range p.known {
			if bytes.Equal(k, b) || p.same(k, b) {
				return
			}
		}
		t.Errorf("%s, but it is none of those that were sealed: %q", r.Verdict, clip(b))
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 2000)] }

func (p *proof) mutants(t *testing.T) {
	t.Helper()
	for _, k := range p.known {
		doc, stamp := k, []byte(nil)
		if p.stamped != nil {
			doc, stamp = p.stamped, k
		}
		expect(t, p.judge(t, doc, stamp), verify.Valid, "")
	}
	rnd := newRand()
	for i := range testlong.Count(500, 20000) {
		p.judged(t, mutate(rnd, p.known[i%len(p.known)], p.words))
		if t.Failed() {
			t.Fatalf("mutant %d", i)
		}
	}
}

// newRand gives the same mutants each time.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(2026, 11)) }

func proofJSON(t testing.TB) *proof {
	s := newScene(t)
	one := s.r.sealJSON(t, s.order, decision)
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: []byte("another")})
	p := &proof{known: [][]byte{one, s.r.sealJSON(t, s.order, one)}, words: []string{"{", "}", "[", "]", `"`, ",", ":", "null", `\u0000`, "_seals", " ", "1e9"}}
	p.in = s.input()
	// White space and ways of writing are not covered; the canonical form is.
	p.same = func(known, b []byte) bool {
		x, err := jsondoc.Parse(known)
		y, err2 := jsondoc.Parse(b)
		if err != nil || err2 != nil {
			return false
		}
		dx, err := x.Digest(len(x.Stamps()))
		dy, err2 := y.Digest(len(y.Stamps()))
		return err == nil && err2 == nil && dx == dy
	}
	return p
}

func proofPDF(t testing.TB) *proof {
	s := newScene(t)
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	p := &proof{words: []string{"<<", ">>", "obj", "endobj", "stream", "xref", "/Prev", "/Contents", " 0 R", "[", "(", "%%EOF", "-", "99999999"}}
	for _, name := range []string{"minimal.pdf", "minimal-xref.pdf", "minimal-with-simple-form.pdf"} {
		p.known = append(p.known, s.r.sealPDF(t, s.order, sample(t, filepath.Join(pdfSamples, "unsigned", name))))
	}
	p.known = append(p.known, s.r.sealPDF(t, s.order, p.known[0]))
	p.known = append(p.known, increment(t, p.known[0], s.r.tsa, noon.Add(20*time.Minute), s.r.issuing.list(t, noon.Add(10*time.Minute)), s.r.answer(t, s.r.status, noon.Add(10*time.Minute), s.order.seal)))
	p.in = s.input()
	p.same = samePDF
	return p
}

// samePDF tells whether two files are alike but for the case of hex digits where
// the stamps stand, which no stamp covers and no reader shows. A document time-stamp
// that cannot be read is as if it were of foreign algorithms: it proves nothing.
func samePDF(known, b []byte) bool {
	if len(known) != len(b) {
		return false
	}
	f, err := pdf.Open(bytes.NewReader(known), int64(len(known)))
	if err != nil {
		return false
	}
	all, err := f.Stamps()
	if err != nil {
		return false
	}
	for i := range b {
		if b[i] == known[i] {
			continue
		}
		hole, stamped := false, false
		for _, s := range all {
			within := int64(i) > s.ByteRange[1] && int64(i) < s.ByteRange[2]-1
			hole, stamped = hole || within, stamped || within && s.DocTimeStamp
		}
		if stamped {
			continue
		}
		if !hole || !bytes.EqualFold(b[i:i+1], known[i:i+1]) {
			return false
		}
	}
	return true
}

func proofStamp(t testing.TB) *proof {
	s := newScene(t)
	p := &proof{stamped: []byte("any file at all"), words: []string{"\x30\x80", "\x30\x82", "\x02\x01", "\x04\x82", "\x06\x08", "\x03\x81", "\xff\xff\xff\xff", "\xa0\x82", "\x05\x00"}}
	p.known = [][]byte{s.r.sealFile(t, s.order, p.stamped)}
	p.in = s.input()
	p.same = bytes.Equal
	return p
}

func TestMutantsOfJSON(t *testing.T)   { proofJSON(t).mutants(t) }
func TestMutantsOfPDF(t *testing.T)    { proofPDF(t).mutants(t) }
func TestMutantsOfStamps(t *testing.T) { proofStamp(t).mutants(t) }

func FuzzJudgeJSON(f *testing.F) {
	p := proofJSON(f)
	for _, k := range p.known {
		f.Add(k)
	}
	f.Add(decision)
	f.Fuzz(p.judged)
}

func FuzzJudgePDF(f *testing.F) {
	p := proofPDF(f)
	for _, k := range p.known {
		f.Add(k)
	}
	for _, name := range glob(f, pdfSamples, "malformed", "*.pdf") {
		if b := sample(f, name); len(b) < 10000 {
			f.Add(b)
		}
	}
	f.Fuzz(p.judged)
}

func FuzzJudgeStamp(f *testing.F) {
	p := proofStamp(f)
	f.Add(p.known[0])
	for _, name := range glob(f, sesSamples, "*.dat") {
		f.Add(sample(f, name))
	}
	f.Fuzz(p.judged)
}
