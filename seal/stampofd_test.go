package seal_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/seal"
	"yinxin/seal/ofd"
	"yinxin/seal/ses"
)

func decisionOFD(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("../cmd/yinxin/decisions/decision.ofd")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func stampOFD(t testing.TB, h *house, r seal.StampRequest, doc []byte) ([]byte, seal.Stamp, error) {
	t.Helper()
	s, err := h.StampOFD(t.Context(), r, bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		return nil, seal.Stamp{}, err
	}
	var out bytes.Buffer
	if n, err := s.WriteTo(&out); err != nil || n != s.Size() || n != int64(out.Len()) {
		t.Fatal(n, s.Size(), err)
	}
	return out.Bytes(), s.Stamp, nil
}

// sound reads a sealed package and gives its stamps, which must have no fault, cover
// all, bear the seal's signature and say where they stand.
func sound(t testing.TB, doc []byte) []*ofd.Stamp {
	t.Helper()
	p, err := ofd.Open(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Stamps()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for what, faults := range map[string][]string{"problems": s.Problems, "altered": s.Altered, "removed": s.Removed} {
			if len(faults) > 0 {
				t.Errorf("%s: %s: %q", s.Path, what, faults)
			}
		}
	}
	return all
}

func checkOurs(t testing.TB, s *ofd.Stamp) {
	t.Helper()
	if len(s.Weak)+len(s.Uncovered)+len(s.Idle)+len(s.Unnamed) > 0 {
		t.Errorf("%s: weak %q, uncovered %q, idle %q, unnamed %q", s.Path, s.Weak, s.Uncovered, s.Idle, s.Unnamed)
	}
	mark, err := ses.ParseStamp(s.SignedValue)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mark.DataHash, s.Digest[:]) || mark.PropertyInfo != s.Path || !bytes.Equal(mark.Seal.Raw, s.SealFile) {
		t.Errorf("%s: the stamp is of %x under %q", s.Path, mark.DataHash, mark.PropertyInfo)
	}
	if ok, known := s.ShowsFace(mark.Seal.Picture.Width, mark.Seal.Picture.Height); !ok || !known {
		t.Errorf("%s: the pages do not show the face: %v, %v", s.Path, ok, known)
	}
}

// placings are the ways to place a seal on any document.
var placings = map[string]seal.Place{
	"spot":       {Page: 1, X: 12.5, Y: 20},
	"last page":  {Page: -1, X: 0, Y: 0},
	"first word": {Keyword: &seal.Keyword{Text: "税", Which: seal.First, DX: 3, DY: -2}},
	"last word":  {Keyword: &seal.Keyword{Text: "的"}},
	"each word":  {Keyword: &seal.Keyword{Text: "1", Which: seal.Every}},
	"riding":     {Riding: &seal.Riding{}},
	"left":       {Riding: &seal.Riding{Side: seal.Left, At: 10}},
	"odd":        {Riding: &seal.Riding{Pages: seal.OddPages}},
	"even":       {Riding: &seal.Riding{Pages: seal.EvenPages, At: 30.25}},
}

// Every package of the field that may be sealed is sealed, twice, in each way; the
// seals before stay as good as they were, and after one that closes it nothing more
// is sealed.
func TestPackagesOfTheFieldAreSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files, err := filepath.Glob("ofd/testdata/*.ofd")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../cmd/yinxin/decisions/decision.ofd")
	closed := map[string]string{
		"tampered.ofd": "altered", "h.ofd": "protects the list", "V4RideRight.ofd": "protects the list", "gen_13_riding_seal.ofd": "protects the list",
		"hello-integrity.ofd": "integrity file",
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		for how, place := range placings {
			t.Run(name+"/"+how, func(t *testing.T) {
				r := request(h.seal)
				r.Placement = place
				once, row, err := stampOFD(t, h, r, doc)
				if why, no := closed[name]; no {
					if !errors.Is(err, seal.ErrDocument) || !errors.Is(err, ofd.ErrFinal) && !strings.Contains(err.Error(), "riding seal needs") && !strings.Contains(err.Error(), "does not stand in it") {
						t.Errorf("%v, not %s", err, why)
					}
					return
				}
				if err != nil {
					// A sheet of one page has no edges to ride on; not each has the word.
					if text := err.Error(); !errors.Is(err, seal.ErrDocument) || !strings.Contains(text, "riding seal needs") && !strings.Contains(text, "does not stand in it") {
						t.Error(err)
					}
					return
				}
				stamps := sound(t, once)
				ours := stamps[len(stamps)-1]
				checkOurs(t, ours)
				if row.Format != "ofd" || row.Pages == 0 || row.DataHash != ours.Digest || (row.Spots == nil) != (place.Keyword == nil && place.Riding == nil) {
					t.Errorf("the register says %+v", row)
				}
				r.Order.Protect = seal.ProtectWhole
				twice, _, err := stampOFD(t, h, r, once)
				if err != nil {
					t.Fatal(err)
				}
				stamps = sound(t, twice)
				checkOurs(t, stamps[len(stamps)-1])
				if last := stamps[len(stamps)-1]; !last.Whole || len(stamps[len(stamps)-2].Later) != 1 {
					t.Errorf("whole %v; after the one before: %v", last.Whole, stamps[len(stamps)-2].Later)
				}
				if _, _, err := stampOFD(t, h, r, twice); !errors.Is(err, seal.ErrDocument) || !errors.Is(err, ofd.ErrFinal) {
					t.Errorf("after a seal of the whole: %v", err)
				}
			})
		}
	}
}

// Level B bears no time-stamp, and is given again as the others are.
func TestAnOFDWithoutATimeStamp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := request(h.seal)
	r.Placement, r.Order.Level, r.Retry = seal.Place{Page: 1, X: 20, Y: 20}, seal.LevelB, retry("k", 1)
	h.tsa.during(func() error { return errors.New("it was asked for a time-stamp") })
	one, _, err := stampOFD(t, h, r, decisionOFD(t))
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Hour)
	h.restart(t)
	two, _, err := stampOFD(t, h, r, decisionOFD(t))
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the retry: %v", err)
	}
	stamps := sound(t, one)
	checkOurs(t, stamps[0])
	if mark, err := ses.ParseStamp(stamps[0].SignedValue); err != nil || mark.TimeStamp != nil {
		t.Errorf("a time-stamp of %d octets, %v", len(mark.TimeStamp), err)
	}
}

// A seal of the fifth generation stamps as one of the fourth does.
func TestAnOFDUnderASealOfGeneration5(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	picture, err := smallFace()
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Make(t.Context(), seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "示例局", PNG: picture, Generation: 5, Who: "制章员", Why: "启用"})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	r := request(s)
	r.Placement = seal.Place{Riding: &seal.Riding{}}
	doc, _, err := stampOFD(t, h, r, decisionOFD(t))
	if err != nil {
		t.Fatal(err)
	}
	stamps := sound(t, doc)
	checkOurs(t, stamps[0])
	if mark, err := ses.ParseStamp(stamps[0].SignedValue); err != nil || mark.Generation != ses.V5 {
		t.Errorf("%v, %v", mark.Generation, err)
	}
}

// What a format does not know is refused, and never passed over.
func TestAnOrderFitsItsFormat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.count(t)
	doc := decisionOFD(t)
	for name, change := range map[string]func(*seal.StampRequest){
		"profile":   func(r *seal.StampRequest) { r.Order.Profile = seal.ProfileCMS },
		"level LTA": func(r *seal.StampRequest) { r.Order.Level = seal.LevelLTA }, "certify": func(r *seal.StampRequest) { r.Order.Certify = 2 },
		"lock": func(r *seal.StampRequest) { r.Order.Lock = &seal.Lock{Action: seal.LockAll} }, "companion": func(r *seal.StampRequest) { r.Order.Companion = true },
		"mark": func(r *seal.StampRequest) { r.Order.Mark = &seal.Mark{Kind: seal.MarkQR} },
	} {
		r := request(h.seal)
		r.Placement = seal.Place{Page: 1}
		change(&r)
		if _, _, err := stampOFD(t, h, r, doc); !errors.Is(err, seal.ErrOrder) {
			t.Errorf("ofd, %s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*seal.StampRequest){
		"protect": func(r *seal.StampRequest) { r.Order.Protect = seal.ProtectWhole },
		"keyword": func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{Text: "文号"} },
		"riding":  func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{} },
	} {
		r := request(h.seal)
		change(&r)
		if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrOrder) {
			t.Errorf("json, %s: %v", name, err)
		}
		if _, err := h.StampDetached(t.Context(), r, [32]byte{}); !errors.Is(err, seal.ErrOrder) {
			t.Errorf("detached, %s: %v", name, err)
		}
	}
	if after := h.count(t); after != before {
		t.Errorf("left %v after %v", after, before)
	}
}

// A disk that fails under the document, anywhere, leaves nothing sealed.
func TestAnOFDThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.count(t)
	doc := decisionOFD(t)
	r := request(h.seal)
	r.Placement = seal.Place{Page: 1, X: 20, Y: 20}
	for reads := 0; ; reads++ {
		in := &failing{bytes.NewReader(doc), reads}
		_, err := h.StampOFD(t.Context(), r, in, int64(len(doc)))
		if err == nil {
			if reads < 10 {
				t.Errorf("it was sealed after %d reads", reads)
			}
			break
		}
		if after := h.count(t); after != before {
			t.Fatalf("read %d failed, and left %v after %v", reads, after, before)
		}
	}
}

// failing reads so many times and then no more.
type failing struct {
	io.ReaderAt
	left int
}

func (f *failing) ReadAt(b []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("the disk is gone")
	}
	return f.ReaderAt.ReadAt(b, off)
}
