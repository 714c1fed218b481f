package batch_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"yinxin/seal/batch"
)

func TestDocumentsAreTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	j := b.job(t, greedy, 3)
	f, err := b.Feed(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Feed(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Feed(t.Context(), j.ID); !errors.Is(err, batch.ErrState) {
		t.Errorf("a third call at once: %v", err)
	}
	broken := errors.New("the line broke")
	for _, c := range []struct {
		name string
		body io.Reader
		want error
	}{
		{"a.pdf", strings.NewReader("a"), nil}, {"a.pdf", strings.NewReader("a"), nil}, {"a.pdf", strings.NewReader("b"), batch.ErrNameTaken},
		{"2.pdf", strings.NewReader("xx"), nil}, {"2.pdf", strings.NewReader("yy"), batch.ErrNameTaken},
		{"long.pdf", strings.NewReader("12345678901"), batch.ErrTooLong}, {"long.pdf", strings.NewReader("1234567890"), nil},
		{"broken.pdf", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken}, {"empty.pdf", strings.NewReader(""), nil},
		{"", strings.NewReader("x"), batch.ErrRefused}, {"..", strings.NewReader("x"), batch.ErrRefused}, {"a/b", strings.NewReader("x"), batch.ErrRefused}, {`a\b`, strings.NewReader("x"), batch.ErrRefused},
		{"a\nb", strings.NewReader("x"), batch.ErrRefused}, {"\xff", strings.NewReader("x"), batch.ErrRefused}, {"\u202efdp.exe", strings.NewReader("x"), batch.ErrRefused}, {strings.Repeat("x", batch.MaxName+1), strings.NewReader("x"), batch.ErrRefused},
	} {
		if err := f.Add(t.Context(), c.name, c.body, 10); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.name, err, c.want)
		}
	}
	if j, err = f.Close(t.Context()); err != nil || j.Items != 6 || f.Known != 2 || j.Bytes != 0+1+2+1+10 {
		t.Fatalf("%v %d known, %+v", err, f.Known, j)
	}
	if _, err := second.Close(t.Context()); err != nil {
		t.Error(err)
	}
	b.start(t, j)
	if _, err := b.Feed(t.Context(), j.ID); !errors.Is(err, batch.ErrState) {
		t.Errorf("a job that runs: %v", err)
	}
	b.run(t)
	b.wait(t, j.ID, over)
	for n, want := range map[int]string{2: "x", 3: "xx", 4: "a", 5: "1234567890", 6: ""} {
		item, err := b.Item(t.Context(), j.ID, n)
		if err != nil {
			t.Fatal(err)
		}
		s, closed, err := b.Document(t.Context(), j, item)
		if err != nil || string(s.Document) != "sealed "+want {
			t.Errorf("%s: %v", item.Name, err)
			continue
		}
		if err := closed(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzGoodName: what is taken for a name is one file's in any folder.
func FuzzGoodName(f *testing.F) {
	for _, s := range []string{"决定.pdf", "..", "a/../b", "C:x", "a\x00b", "\u202e", strings.Repeat("长", 70)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if batch.GoodName(s) && (s == "" || len(s) > batch.MaxName || s == "." || s == ".." || strings.ContainsAny(s, "/\\:\x00\r\n")) {
			t.Errorf("%q", s)
		}
	})
}
