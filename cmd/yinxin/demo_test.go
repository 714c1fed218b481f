package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/verify"
)

// TestDemoLeavesWhatItPromises: interface.md, Command line.
func TestDemoLeavesWhatItPromises(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.want(0, "demo", "--dir", "d")
	for _, name := range []string{"data/province.json", "demo.json", "trust.json", "decision.pdf", "decision.ofd", "decision.json", "decision.sealed.pdf", "decision.sealed.ofd", "decision.sealed.json", "licence.json", "licence-qr.png"} {
		if _, err := os.Stat(m.path(filepath.Join("d", name))); err != nil {
			t.Error(err)
		}
	}
	var left struct{ URL, AgencyKey, OperatorKey, SealID, LicenceIdentifier, PassphraseFile, TrustAnchor string }
	if err := json.Unmarshal(m.read("d/demo.json"), &left); err != nil {
		t.Fatal(err)
	}
	if left.URL == "" || left.AgencyKey == "" || left.OperatorKey == "" || left.SealID == "" || left.LicenceIdentifier == "" || !filepath.IsAbs(left.PassphraseFile) || left.TrustAnchor == "" {
		t.Fatalf("demo.json lacks something: %+v", left)
	}
	// What it left verifies without its data folder. Nobody serves the province,
	// so its status cannot be asked, and that is said.
	for _, name := range []string{"d/decision.sealed.pdf", "d/decision.sealed.ofd", "d/decision.sealed.json"} {
		r := judge(m, 2, name, "--trust", "d/trust.json", "--trust-anchor", left.TrustAnchor)
		wantCodes(t, r, verify.StatusUnavailable)
		if r.Stamps[0].Seal.ID != left.SealID || r.Stamps[0].TimeSource != "timestamp" {
			t.Errorf("%s: %+v", name, r.Stamps[0])
		}
	}
	// The folder works on: its passphrase opens it.
	m.set("YINXIN_DATA", "d/data")
	m.set("YINXIN_PASSPHRASE_FILE", left.PassphraseFile)
	m.want(0, "journal", "verify")
	m.want(0, "seal", "stamp", "--seal", left.SealID, "d/decision.sealed.pdf", "-o", "twice.pdf")
	// A second run touches nothing that is there.
	before := contents(t, m.path("d"))
	m.want(exitRefused, "demo", "--dir", "d")
	sameContents(t, before, contents(t, m.path("d")))
	m.want(exitNoWrite, "demo", "--dir", "twice.pdf")
}

func TestDemoInJSON(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var said struct {
		Dir     string
		Rows    []demoRow
		Journal struct{ Leaves, Signed uint64 }
	}
	out := m.want(0, "demo", "--json")
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatal(err, out)
	}
	if !strings.HasPrefix(said.Dir, m.path("tmp")) || len(said.Rows) < 7 || said.Journal.Leaves == 0 || said.Journal.Leaves != said.Journal.Signed {
		t.Fatalf("%+v", said)
	}
	for _, r := range said.Rows {
		if r.Got != r.Want {
			t.Errorf("%s: %s, not %s", r.What, r.Got, r.Want)
		}
	}
}

// judge verifies files that must end with a code and gives the one's report.
func judge(m *machine, code int, file string, flags ...string) verify.Report {
	m.t.Helper()
	out := m.want(code, append([]string{"verify", "--json", file}, flags...)...)
	var r verify.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		m.t.Fatal(err, out)
	}
	return r
}

// wantCodes checks that the report gives these reasons and no others.
func wantCodes(t *testing.T, r verify.Report, codes ...verify.Code) {
	t.Helper()
	same := len(r.Reasons) == len(codes)
	for i := range min(len(r.Reasons), len(codes)) {
		same = same && r.Reasons[i].Code == codes[i]
	}
	if !same {
		t.Fatalf("%s %v, not for %v", r.Verdict, r.Reasons, codes)
	}
}

func sameContents(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, b := range before {
		if after[name] != b {
			t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s was added", name)
		}
	}
}
