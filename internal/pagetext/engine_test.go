package pagetext_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/internal/pagetext"
)

func word() []byte { return written(sheet{content: run{50, 700, 12, 0, "盖章"}.String()}) }

// doubling is a page whose forms draw each other twice, thirty deep: a billion texts.
func doubling() []byte {
	var out bytes.Buffer
	var offsets []int
	object := func(body string) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	out.WriteString("%PDF-1.7\n")
	object("<</Type /Catalog /Pages 2 0 R>>")
	object("<</Type /Pages /Count 1 /Kids [3 0 R]>>")
	object("<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <</XObject <</X 5 0 R>>>> /Contents 4 0 R>>")
	object("<</Length 5>>\nstream\n/X Do\nendstream")
	const deep = 30
	for i := range deep {
		content := "/X Do /X Do"
		if i == deep-1 {
			content = "BT (x) Tj ET"
		}
		object(fmt.Sprintf("<</Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources <</XObject <</X %d 0 R>>>> /Length %d>>\nstream\n%s\nendstream", 6+i, len(content), content))
	}
	object("null")
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return out.Bytes()
}

// A document that takes for ever ends, by the caller's time or by the work it may
// cost, and harms nobody who comes after it.
func TestADocumentThatTakesForEver(t *testing.T) {
	t.Parallel()
	e := another()
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	good, bad := word(), doubling()
	for _, c := range []struct {
		patience time.Duration
		want     error
	}{{20 * time.Millisecond, context.DeadlineExceeded}, {time.Hour, pagetext.ErrDocument}} {
		ctx, cancel := context.WithTimeout(t.Context(), c.patience)
		_, err := e.Find(ctx, bytes.NewReader(bad), int64(len(bad)), "盖章", 1)
		cancel()
		if !errors.Is(err, c.want) {
			t.Errorf("with %s: %v", c.patience, err)
		}
		if hits, err := e.Find(t.Context(), bytes.NewReader(good), int64(len(good)), "盖章", 1); err != nil || len(hits) != 1 {
			t.Error("the next:", hits, err)
		}
	}
}

func TestACallerWhoDoesNotWait(t *testing.T) {
	t.Parallel()
	e := another()
	doc := word()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Find(ctx, bytes.NewReader(doc), int64(len(doc)), "盖章", 1); !errors.Is(err, context.Canceled) {
		t.Error("cancelled before:", err)
	}
	// A start takes a while; who does not wait for it leaves it to the next.
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := e.Find(ctx, bytes.NewReader(doc), int64(len(doc)), "盖章", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("while it starts:", err)
	}
	if hits, err := e.Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); err != nil || len(hits) != 1 {
		t.Error(hits, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 8 {
		doc := written(sheet{content: strings.Repeat("q Q\n", i) + run{50, 700, 12, 0, "盖章"}.String()})
		wg.Go(func() {
			for range 4 {
				if hits, err := shared().Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); err != nil || len(hits) != 1 {
					t.Error(hits, err)
				}
			}
		})
	}
	wg.Wait()
}

// Compiled code that is kept in a folder is taken from there; what is damaged there
// is not.
func TestTheFolder(t *testing.T) {
	t.Parallel()
	folder, doc := filepath.Join(t.TempDir(), "pdfium"), word()
	shared()
	if err := os.CopyFS(folder, os.DirFS(compiled)); err != nil {
		t.Fatal(err)
	}
	search := func() {
		t.Helper()
		e := pagetext.New(folder)
		if hits, err := e.Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); err != nil || len(hits) != 1 {
			t.Error(hits, err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	files := kept(t, folder)
	if len(files) == 0 {
		t.Fatal("nothing is kept")
	}
	was := modified(t, files)
	search()
	if now := modified(t, files); fmt.Sprint(now) != fmt.Sprint(was) {
		t.Error("it was compiled again")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, b[:len(b)/2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	search()
}

func kept(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func modified(t *testing.T, files []string) (all []time.Time) {
	t.Helper()
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.ModTime())
	}
	return all
}

func TestAClosedEngine(t *testing.T) {
	t.Parallel()
	e, doc := another(), word()
	if err := e.Close(); err != nil {
		t.Fatal("one that never started:", err)
	}
	if _, err := e.Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); !errors.Is(err, pagetext.ErrClosed) {
		t.Error(err)
	}
	// What runs is ended.
	e = another()
	if _, err := e.Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); err != nil {
		t.Fatal(err)
	}
	ended, bad := make(chan error), doubling()
	go func() {
		_, err := e.Find(context.Background(), bytes.NewReader(bad), int64(len(bad)), "盖章", 1)
		ended <- err
	}()
	time.Sleep(100 * time.Millisecond)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, pagetext.ErrClosed) {
		t.Error(err)
	}
}

// A picture that unpacks to gigabytes stays within the instance's memory.
func TestAHugeImage(t *testing.T) {
	t.Parallel()
	const image = "q 595 0 0 842 0 0 cm BI /W 60000 /H 60000 /CS /RGB /BPC 8 /F /A85 ID ~> EI Q\n"
	doc := written(sheet{content: image + run{50, 700, 12, 0, "盖章"}.String()})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := shared().Render(ctx, bytes.NewReader(doc), int64(len(doc)), 1, 72); err != nil && !errors.Is(err, pagetext.ErrDocument) {
		t.Error(err)
	}
	if hits := find(t, word(), "盖章", 1); len(hits) != 1 {
		t.Error("the next is not searched:", hits)
	}
}

// hundredPages are a document of a hundred full pages, the word on the last.
func hundredPages() []byte {
	var page strings.Builder
	for line := range 40 {
		page.WriteString(run{50, 800 - float64(line)*18, 12, 0, "贵州省黔东南苗族侗族自治州公共资源交易中心综合管理办公室行政审批服务局第一分局"}.String())
	}
	sheets := make([]sheet, 100)
	for i := range sheets {
		sheets[i].content = page.String()
	}
	sheets[99].content += run{50, 40, 12, 0, "盖章处"}.String()
	return written(sheets...)
}

// BenchmarkFind searches 100 pages of 1,600 characters, the engine warm.
func BenchmarkFind(b *testing.B) {
	doc := hundredPages()
	if hits := find(b, doc, "盖章处", 1); len(hits) != 1 || hits[0].Page != 100 {
		b.Fatal(hits)
	}
	for b.Loop() {
		find(b, doc, "盖章处", 1)
	}
}

func BenchmarkFindOnePage(b *testing.B) {
	doc := word()
	find(b, doc, "盖章", 1)
	for b.Loop() {
		find(b, doc, "盖章", 1)
	}
}

func BenchmarkRender(b *testing.B) {
	doc := word()
	for b.Loop() {
		draw(b, doc, 1, 100)
	}
}
