package verify_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"yinxin/verify"
)

// damaged reads like its bytes up to an offset, where the disk fails.
type damaged struct {
	b  []byte
	at int64
}

func (d damaged) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(d.b).ReadAt(p, off)
	if off+int64(n) > d.at {
		return max(0, int(d.at-off)), errors.New("input/output error")
	}
	return n, err
}

// Open never fails: what cannot be read, or is not what its size says, is judged
// so, and is never good.
func TestWhatCannotBeRead(t *testing.T) {
	s, page := sealedPage(t)
	in := s.input()
	s.order.seal = nil
	text := s.r.sealJSON(t, s.order, decision)
	stamp := s.r.sealFile(t, s.order, text)
	for name, b := range map[string][]byte{"json": text, "pdf": page, "any": []byte("anything")} {
		for _, detached := range [][]byte{nil, stamp} {
			for _, at := range []int64{0, 3, int64(len(b)) / 2, int64(len(b)) - 1} {
				r := verify.Open(damaged{b, at}, int64(len(b)), "", detached).Judge(in)
				if r.Verdict != verify.None || r.Reasons[0].Code != verify.Malformed && r.Reasons[0].Code != verify.FormatUnsupported {
					t.Errorf("%s damaged at %d: %s %v", name, at, r.Verdict, codes(r))
				}
			}
			for _, size := range []int64{-1, 0, int64(len(b)) / 2, int64(len(b)) + 1, 1 << 40} {
				if size > 1<<30 && (name == "any" || detached != nil) {
					continue // a terabyte is hashed to the first octet that is not there
				}
				r := verify.Open(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), size, "", detached).Judge(in)
				if good(r) {
					t.Errorf("%s said to be of %d octets: %s", name, size, r.Verdict)
				}
			}
		}
	}
}

// The name of a file chooses words alone.
func TestHints(t *testing.T) {
	s, page := sealedPage(t)
	in := s.input()
	for _, hint := range []string{"", "a.json", "a.ofd", "application/json", "application/pdf", "../../x\x00"} {
		expect(t, verify.Open(bytes.NewReader(page), int64(len(page)), hint, nil).Judge(in), verify.Valid, "")
	}
	for text, want := range map[string]verify.Code{
		"": verify.Malformed, "{": verify.Malformed, "{}": verify.NotSealed, "[]": verify.FormatUnsupported, "PK\x03\x04": verify.Malformed,
		"%PDF-1.7": verify.Malformed, `{"a":"%PDF-"}`: verify.Malformed, "\xef\xbb\xbf{}": verify.Malformed,
	} {
		expect(t, judge([]byte(text), nil, in), verify.None, want)
	}
}
