package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Packages of the field end with the exit code of what is known of them.
func TestVerifyOFD(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for name, want := range map[string]int{"999.ofd": 2, "v4signed.ofd": 2, "V4RideRight.ofd": 2, "tampered.ofd": 1, "h.ofd": 1, "gen_13_riding_seal.ofd": 1, "hello-integrity.ofd": 3, "helloworld.ofd": 3} {
		b, err := os.ReadFile(filepath.Join("../../seal/ofd/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		m.write(name, b)
		out := m.want(want, "verify", name, "--offline")
		if name == "hello-integrity.ofd" && !strings.Contains(out, "companion by C=CN") {
			t.Errorf("the integrity file is not told: %s", out)
		}
	}
}
