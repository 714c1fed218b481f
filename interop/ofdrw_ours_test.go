package interop

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/internal/testlong"
	"yinxin/seal"
	"yinxin/verify"
)

func (h *house) sealOFD(t testing.TB, doc []byte, place seal.Place, protect seal.Protect) []byte {
	t.Helper()
	r := h.request()
	r.Placement, r.Order.Protect = place, protect
	s, err := h.Seals.StampOFD(t.Context(), r, bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ofdrw holds our stamps for good, at a spot, at a keyword and across the edges, of the
// whole and with more to follow, one after another and after stamps of others; and for
// bad once anything is changed.
func TestOfdrwVerifiesOurStamps(t *testing.T) {
	t.Parallel()
	needsMaven(t)
	h := newHouse(t)
	decision := read(t, "../cmd/yinxin/decisions/decision.ofd")
	word, spot, riding := seal.Place{Keyword: &seal.Keyword{Text: "盖章"}}, seal.Place{Page: -1, X: 20.5, Y: 30}, seal.Place{Riding: &seal.Riding{}}
	once := h.sealOFD(t, decision, word, "")
	invoice := filepath.Join("..", "..", "shared", "samples", "ofd", "v4signed.ofd")
	testlong.File(t, invoice, "the samples")
	for name, doc := range map[string][]byte{
		"a keyword":    once,
		"of the whole": h.sealOFD(t, decision, spot, seal.ProtectWhole),
		"riding":       h.sealOFD(t, decision, riding, seal.ProtectContinuable),
		"three":        h.sealOFD(t, h.sealOFD(t, once, riding, ""), spot, seal.ProtectWhole),
		"on another's": h.sealOFD(t, read(t, invoice), spot, seal.ProtectWhole),
		"every word":   h.sealOFD(t, once, seal.Place{Keyword: &seal.Keyword{Text: "行政许可", Which: seal.Every}}, ""),
	} {
		if said, ok := ofdrw(t, "verify", write(t, "ours.ofd", doc), "4"); !ok {
			t.Errorf("%s: %s", name, said)
		}
		altered := repackOFD(t, doc, "Content.xml", blank)
		if said, ok := ofdrw(t, "verify", write(t, "altered.ofd", altered), "4"); ok {
			t.Errorf("%s, altered: %s", name, said)
		}
	}
}

// ofdrw adds its stamp to ours, and we then add another: each of the three reads as it
// should on both sides.
func TestOfdrwSealsAfterUs(t *testing.T) {
	t.Parallel()
	needsMaven(t)
	h := newHouse(t)
	maker, signer := newStranger(t, "制章者"), newStranger(t, "他人")
	ours := h.sealOFD(t, read(t, "../cmd/yinxin/decisions/decision.ofd"), seal.Place{Page: 1, X: 20, Y: 30}, "")
	theirs := signer.signed(t, write(t, "ours.ofd", ours), "4", "continue", sealOf(t, "4", maker, signer), "1", "100", "50", "40", "40")
	both := h.sealOFD(t, read(t, theirs), seal.Place{Riding: &seal.Riding{}}, seal.ProtectWhole)
	if said, ok := ofdrw(t, "verify", write(t, "both.ofd", both), "4"); !ok {
		t.Error(said)
	}
	r := h.judge(t, both)
	if len(r.Stamps) != 3 || r.Stamps[0].Verdict != verify.Valid || r.Stamps[2].Verdict != verify.Valid || r.Stamps[1].Verdict != verify.CannotConfirm {
		t.Errorf("%+v", r.Stamps)
	}
	for _, s := range r.Stamps {
		for _, c := range s.Checks {
			if c.Result == "fail" && !strings.Contains(c.ID, "hain") {
				t.Errorf("%s: %+v", s.Seal.ID, c)
			}
		}
	}
}

// repackOFD packs a package anew, with the last entry of a name changed.
func repackOFD(t testing.TB, doc []byte, name string, change func([]byte) []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for i, f := range in.File {
		if path.Base(f.Name) == name {
			last = i
		}
	}
	if last < 0 {
		t.Fatalf("the package has no %s", name)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i, f := range in.File {
		b := unpacked(t, f)
		if i == last {
			b = change(b)
		}
		e, err := w.Create(f.Name)
		if err == nil {
			_, err = e.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpacked gives the octets of an entry.
func unpacked(t testing.TB, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

// blank adds white space: nothing that a page shows, everything to a digest.
func blank(b []byte) []byte { return append(b, ' ') }

// flipped changes the last bit: of a SES_Signature it is one of the signature value.
func flipped(b []byte) []byte { b[len(b)-1] ^= 1; return b }
