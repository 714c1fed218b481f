package pdf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTmp(t *testing.T) {
	fs, _ := filepath.Glob("../../../shared/samples/pdf/*/*.pdf")
	for _, n := range fs {
		b, _ := os.ReadFile(n)
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Log(n, err)
			continue
		}
		t.Log(n, f.PageCount(), len(f.revs))
	}
}
