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
	Missing(t, name, debianPackage)
	return ""
}

// File is Tool for a file at a fixed place, such as a Java library.
func File(t testing.TB, path, debianPackage string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		Missing(t, path, debianPackage)
	}
	return path
}

// Missing is for what Tool and File cannot look for, such as an algorithm in a program
// that is there.
func Missing(t testing.TB, what, debianPackage string) {
	t.Helper()
	if os.Getenv("YINXIN_REQUIRE_TOOLS") != "" {
		t.Fatalf("%s is missing: install %s", what, debianPackage)
	}
	t.Skipf("SKIPPED: %s is missing (apt-get install %s)", what, debianPackage)
}
