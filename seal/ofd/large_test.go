package ofd

import (
	"archive/zip"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/testlong"
)

// signedPackage writes a package with one signature over a picture of so many
// octets, which do not compress, and gives the file.
func signedPackage(t testing.TB, octets int64) (*os.File, int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "a.ofd"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w := zip.NewWriter(f)
	var refs strings.Builder
	put := func(name string, content io.Reader) {
		e, err := w.Create(name)
		h := sm3.New()
		if err == nil {
			_, err = io.Copy(io.MultiWriter(e, h), content)
		}
		if err != nil {
			t.Fatal(err)
		}
		refs.WriteString(`<o:Reference FileRef="/` + name + `"><o:CheckValue>` + base64.StdEncoding.EncodeToString(h.Sum(nil)) + `</o:CheckValue></o:Reference>`)
	}
	text := func(name, content string) { put(name, strings.NewReader(content)) }
	text("OFD.xml", xmlOf("OFD", "<o:DocBody><o:DocRoot>Doc_0/Document.xml</o:DocRoot><o:Signatures>Doc_0/Signs/Signatures.xml</o:Signatures></o:DocBody>"))
	text("Doc_0/Document.xml", xmlOf("Document", `<o:Pages><o:Page ID="1" BaseLoc="Content.xml"/></o:Pages>`))
	text("Doc_0/Content.xml", xmlOf("Page", ""))
	text("Doc_0/Signs/Signatures.xml", xmlOf("Signatures", `<o:Signature ID="1" BaseLoc="Signature.xml"/>`))
	put("Doc_0/Res/scan.jpg", io.LimitReader(rand.NewChaCha8([32]byte{1}), octets))
	text("Doc_0/Signs/Signature.xml", xmlOf("Signature", `<o:SignedInfo><o:References CheckMethod="SM3">`+refs.String()+`</o:References></o:SignedInfo><o:SignedValue>SignedValue.dat</o:SignedValue>`))
	text("Doc_0/Signs/SignedValue.dat", "0")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	return f, size
}

// A large package costs time, not memory.
func TestLargePackageStreams(t *testing.T) {
	f, size := signedPackage(t, int64(testlong.Count(16, 200))<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := Open(f, size)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Stamps()
	if err != nil || len(all) != 1 || len(all[0].Altered)+len(all[0].Problems)+len(all[0].Uncovered) > 0 {
		t.Fatalf("%v, %+v", err, all)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d octets of memory for a package of %d", used, size)
	}
}

// BenchmarkStamps reads a package of 1 MB beside BenchmarkRaw, the SM3 of as much.
func BenchmarkStamps(b *testing.B) {
	f, size := signedPackage(b, 1<<20)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		p, err := Open(f, size)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Stamps(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRaw(b *testing.B) {
	f, size := signedPackage(b, 1<<20)
	b.SetBytes(size)
	for b.Loop() {
		h := sm3.New()
		if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
			b.Fatal(err)
		}
	}
}
