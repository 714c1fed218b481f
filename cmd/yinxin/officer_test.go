package main

import (
	"bytes"
	"strings"
	"testing"
)

// A command that takes the grounds of an act takes whose act it is.
func TestWhoActsCanSayWho(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(strings.Fields(c.name), "-h"), stdio{strings.NewReader(""), &out, &errs}); code != exitOK {
			t.Errorf("%s -h: %d %s", c.name, code, &errs)
		}
		if strings.Contains(out.String(), "\n  -why ") && !strings.Contains(out.String(), "\n  -officer-key-file ") {
			t.Errorf("%s takes --why and no --officer-key-file", c.name)
		}
	}
}
