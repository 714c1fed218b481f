package main

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"yinxin/seal"
)

// Several seals in one act, by flags and by a file.
func TestSeveralSealsAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	second := o.makeSeal()
	o.stamp("decision.pdf", "two.pdf", "--page", "1", "--x", "20", "--y", "100", "--also", second+"@1,80,100", "--reason", "联合行文")
	o.write("order.json", fmt.Appendf(nil, `[{"sealId":%q,"placement":{"page":1,"x":20,"y":20}},{"sealId":%q,"placement":{"page":2,"x":20,"y":20},"mark":{"kind":"code"}},{"sealId":%q,"placement":{"page":1,"riding":{"side":"left"}}}]`,
		o.seal, second, o.seal))
	out := o.want(exitOK, "seal", "stamp", "--order", "order.json", "--json", "decision.pdf", "-o", "three.pdf")
	var rows []seal.Stamp
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 3 || len(rows[0].With) != 2 || rows[1].Order == nil || len(rows[2].Spots) != 2 {
		t.Fatalf("%+v %v", rows, err)
	}
	o.want(exitOK, "seal", "stamp", "--order", "order.json", "decision.pdf", "-o", "-")
	for file, want := range map[string]int{"two.pdf": 2, "three.pdf": 3} {
		report := judge(o.machine, 2, file, o.trusted()...)
		if len(report.Stamps) != want {
			t.Errorf("%s bears %d stamps", file, len(report.Stamps))
		}
	}
	// Nothing is made where one cannot be.
	o.write("bad.json", fmt.Appendf(nil, `[{"sealId":%q,"placement":{"page":1}},{"sealId":%q,"placement":{"page":9}}]`, o.seal, second))
	o.write("odd.json", []byte(`[{"seal":"x"}]`))
	o.write("none.json", []byte(`[]`))
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitBadInput, []string{"--order", "bad.json"}},
		{exitBadInput, []string{"--order", "odd.json"}},
		{exitBadInput, []string{"--order", "none.json"}},
		{exitBadInput, []string{"--order", "missing.json"}},
		{exitUsage, []string{"--order", "order.json", "--seal", o.seal}},
		{exitUsage, []string{"--seal", o.seal, "--also", second}},
		{exitUsage, []string{"--seal", o.seal, "--also", second + "@1,2,x"}},
		{exitUsage, []string{"--seal", o.seal, "--also", second + "@1,2,3", "--detached"}},
		{exitUsage, nil},
	} {
		o.want(c.code, append(append([]string{"seal", "stamp"}, c.args...), "decision.pdf", "-o", "no.pdf")...)
		if _, err := os.Stat(o.path("no.pdf")); err == nil {
			t.Errorf("%q: a document was written", c.args)
		}
	}
}
