package lint

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

func linter(t testing.TB) *Linter {
	t.Helper()
	l, err := New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// One check is for one signature, however many ask for it at once.
func TestRedeemOnce(t *testing.T) {
	s := sealSample(t)
	tbs := s.tbs()
	checked, err := linter(t).Check(tbs, s.want)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(tbs)
	clear(tbs)                // what the caller does with its octets later
	clear(checked.Record())   // or with those of the intent
	var redeemed atomic.Int32 // changes nothing
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := checked.Redeem()
			if err == nil && redeemed.Add(1) == 1 && !bytes.Equal(got, want) {
				t.Error("other octets are signed than were looked at")
			}
			if err != nil && !errors.Is(err, ErrRedeemed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if redeemed.Load() != 1 || !bytes.Equal(checked.Record(), want) {
		t.Errorf("redeemed %d times", redeemed.Load())
	}
}

func TestWhatWasNeverChecked(t *testing.T) {
	var none *Checked
	for _, c := range []*Checked{none, {}} {
		if _, err := c.Redeem(); !errors.Is(err, ErrRedeemed) {
			t.Error(err)
		}
	}
	s := sealSample(t)
	s.serial = []byte{1}
	s.drop(idPolicies)
	checked, err := linter(t).Check(s.tbs(), s.want)
	var found Findings
	if checked != nil || !errors.Is(err, ErrFindings) || !errors.As(err, &found) || len(found) < 2 {
		t.Error(checked, err)
	}
	if _, err := linter(t).Check([]byte("no certificate"), s.want); !errors.Is(err, ErrFindings) {
		t.Error(err)
	}
	if _, err := New(bytes.NewReader(nil)); err == nil {
		t.Error("a key of no random source")
	}
}

// The twin is by the throwaway key, over what is linted.
func TestTwin(t *testing.T) {
	s, l := sealSample(t), linter(t)
	der, err := l.twin(s.tbs())
	if err != nil {
		t.Fatal(err)
	}
	v, err := read(der, s.want)
	if err != nil || v.cert == nil || !bytes.Equal(v.cert.RawTBS, s.tbs()) {
		t.Fatal(err)
	}
	if v.cert.CheckSignatureFrom(s.want.Issuer) == nil {
		t.Fatal("the issuer's key signed the twin")
	}
}

var update = flag.Bool("update", false, "write docs/lint.md")

const page = "../../docs/lint.md"

func TestLintPage(t *testing.T) {
	want := printRules()
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/lint.md is not what the rules say; run: go test ./ca/lint -run TestLintPage -update (%v)", err)
	}
}

func printRules() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "# Rules for certificates\n\nPrinted from the rules in `ca/lint` by a test (`go test ./ca/lint -run TestLintPage -update`).\n"+
		"Each certificate is held against all of them before it is signed, on a twin that a throwaway key signed; each rule has a file, a good and a bad sample.\n"+
		"What zlint, which nobody here wrote, says of our certificates is in [zlint.md](zlint.md).\n\n| rule | source | what it asks |\n|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Source, r.Says)
	}
	return b.Bytes()
}

// No TBSCertificate, whatever it is, may stop the linter or pass for what was
// ordered when it is not.
func FuzzExamine(f *testing.F) {
	for _, of := range []func(testing.TB) *sample{rootSample, issuingSample, sealSample, tsaSample, ocspSample} {
		f.Add(of(f).der(f))
	}
	for _, group := range []map[string][]bad{badX690, badRFC, badGM, badCPS} {
		for _, samples := range group {
			s := samples[0].of(f)
			samples[0].spoil(s)
			f.Add(s.der(f))
		}
	}
	want := sealSample(f).want
	f.Fuzz(func(t *testing.T, der []byte) {
		if found := examine(der, want); len(found) == 0 {
			t.Error("a stranger's certificate is the one ordered")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s, l := sealSample(b), linter(b)
	tbs := s.tbs()
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Check(tbs, s.want); err != nil {
				b.Fatal(err)
			}
		}
	})
	der := s.der(b)
	b.Run("rules", func(b *testing.B) {
		for b.Loop() {
			if found := examine(der, s.want); len(found) > 0 {
				b.Fatal(found)
			}
		}
	})
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.twin(tbs); err != nil {
				b.Fatal(err)
			}
		}
	})
}
