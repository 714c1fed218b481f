package pdf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED ALOUD: %s is not installed, so nothing here was checked against it", name)
	}
	return path
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTmp(t *testing.T) {
	for _, n := range sealable(t) {
		b := seal(t, sample(t, n), options(t, 0))
		os.WriteFile("/tmp/pdfout/"+filepath.Base(n), b, 0o600)
		b = seal(t, b, options(t, 8))
		os.WriteFile("/tmp/pdfout/2-"+filepath.Base(n), b, 0o600)
	}
}
