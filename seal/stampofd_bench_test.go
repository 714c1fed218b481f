package seal_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal"
)

// megabyte is an OFD package of 1 MB, as a report has it: forty pages of text, and
// scanned pictures that do not compress.
func megabyte(t testing.TB) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(decisionOFD(t)), int64(len(decisionOFD(t))))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, content []byte) {
		e, err := w.Create(name)
		if err == nil {
			_, err = e.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var page []byte
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch f.Name {
		case "Doc_0/Document.xml":
			var pages bytes.Buffer
			for n := range 40 {
				fmt.Fprintf(&pages, `<ofd:Page ID="%d" BaseLoc="Pages/Page_%[1]d.xml"/>`, 1000+n)
			}
			b = bytes.Replace(b, []byte(`</ofd:Pages>`), append(pages.Bytes(), `</ofd:Pages>`...), 1)
		case "Doc_0/Pages/Page_0/Content.xml":
			page = b
		}
		put(f.Name, b)
	}
	for n := range 40 {
		put(fmt.Sprintf("Doc_0/Pages/Page_%d.xml", 1000+n), page)
	}
	noise := rand.NewChaCha8([32]byte{1})
	for n := range 8 {
		picture := make([]byte, 118<<10)
		noise.Read(picture)
		put(fmt.Sprintf("Doc_0/Res/scan_%d.jpg", n), picture)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func benchmarkOFD(b *testing.B, place seal.Place) {
	h := newHouse(b)
	doc := megabyte(b)
	r := request(h.seal)
	r.Placement = place
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := h.StampOFD(b.Context(), r, bytes.NewReader(doc), int64(len(doc)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// These three beside BenchmarkStampOFDRaw: what is done beyond the work that nobody
// can leave out, the commit to the store included.
func BenchmarkStampOFD(b *testing.B) { benchmarkOFD(b, seal.Place{Page: 1, X: 100, Y: 100}) }

func BenchmarkStampOFDRiding(b *testing.B) { benchmarkOFD(b, seal.Place{Riding: &seal.Riding{}}) }

func BenchmarkStampOFDKeyword(b *testing.B) {
	benchmarkOFD(b, seal.Place{Keyword: &seal.Keyword{Text: "盖章"}})
}

// BenchmarkStampOFDRaw copies the package, hashes what is in it, and signs twice: the
// stamp and its time-stamp.
func BenchmarkStampOFDRaw(b *testing.B) {
	h := newHouse(b)
	doc := megabyte(b)
	key, err := h.keys.Key(b.Context(), h.seal.KeyID)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		z, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
		if err != nil {
			b.Fatal(err)
		}
		sum := sm3.New()
		for _, f := range z.File {
			r, err := f.Open()
			if err == nil {
				_, err = io.Copy(sum, r)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if _, err := io.Copy(io.Discard, bytes.NewReader(doc)); err != nil {
			b.Fatal(err)
		}
		for range 2 {
			if _, err := key.SignMessage(b.Context(), sum.Sum(nil)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
