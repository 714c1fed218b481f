package interop

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"
)

// Each test that docs/interop.md names is there, so that no cell of it stands on
// nothing.
func TestThePageStandsOnTests(t *testing.T) {
	var source []byte
	for _, pattern := range []string{"*_test.go", "../ca/escrow/*_test.go", "../seal/*_test.go", "../seal/pdf/*_test.go", "../verify/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			source = append(source, read(t, f)...)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllSubmatch(read(t, "../docs/interop.md"), -1)
	if len(named) < 30 {
		t.Errorf("the page names %d tests", len(named))
	}
	for _, name := range named {
		if !bytes.Contains(source, append(append([]byte("func "), name[1]...), "(t *testing.T)"...)) {
			t.Errorf("%s is not there", name[1])
		}
	}
}
