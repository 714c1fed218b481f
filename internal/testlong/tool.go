package testlong

import (
	"os"
	"os/exec"
	"testing"
)

// Tool finds a program that a test needs. Where it is missing the test is
// skipped aloud; where all are meant to be there (YINXIN_REQUIRE_TOOLS, as in
// .ci/run) it fails.
func Tool(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("YINXIN_REQUIRE_TOOLS") != "" {
		t.Fatalf("%s is missing: install %s", name, debianPackage)
	}
	t.Skipf("SKIPPED: %s is missing (apt-get install %s)", name, debianPackage)
	return ""
}
