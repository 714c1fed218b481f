package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestHelp asks for help in the ways in which people ask.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    string
		code    int
		out     string // begins a line of it
		without string
		err     string
	}{
		{"", 0, "  seal stamp  ", "", ""},
		{"help", 0, "  journal verify  ", "", ""},
		{"-h", 0, "  demo  ", "", ""},
		{"help seal", 0, "  seal use ask  ", "  agency add", ""},
		{"seal -h", 0, "  seal stamp  ", "  agency add", ""},
		{"seal help", 0, "  seal stamp  ", "  agency add", ""},
		{"seal use --help", 0, "  seal use approve  ", "  seal stamp", ""},
		{"help seal stamp", 0, "  yinxin seal stamp [flags] IN\n", "  seal make", ""},
		{"seal stamp -h", 0, "  yinxin seal stamp [flags] IN\n", "  seal make", ""},
		{"help seal request", 0, "  seal request           make", "  seal stamp", ""},
		{"seal request -h", 0, "  yinxin seal request [flags]\n", "  seal request import", ""},
		{"help version", 0, "  yinxin version [flags]\n", "", ""},
		{"seal", exitUsage, "", "", "yinxin: \"seal\" is not a command; yinxin help seal lists those of seal\n"},
		{"seal melt", exitUsage, "", "", "yinxin: \"seal melt\" is not a command; yinxin help seal lists those of seal\n"},
		{"sael", exitUsage, "", "", "yinxin: \"sael\" is not a command; yinxin help lists them\n"},
		{"help sael", exitUsage, "", "", "yinxin: \"help sael\" is not a command; yinxin help lists them\n"},
		{"seal stamp x.pdf", exitUsage, "", "", "yinxin seal stamp: --seal is missing; yinxin seal stamp -h shows how\n"},
		{"seal stamp --colour", exitUsage, "", "", "yinxin seal stamp: flag provided but not defined: -colour; yinxin seal stamp -h shows how\n"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), stdio{nil, &out, &errs})
		if code != c.code || errs.String() != c.err {
			t.Errorf("%q: exit code %d and %q, want %d and %q", c.args, code, errs.String(), c.code, c.err)
		}
		if !strings.Contains("\n"+out.String(), "\n"+c.out) || c.out == "" && out.Len() > 0 {
			t.Errorf("%q: %q is not told in\n%s", c.args, c.out, out.String())
		}
		if c.without != "" && strings.Contains(out.String(), c.without) {
			t.Errorf("%q tells of %q too", c.args, c.without)
		}
	}
}
