package verify_test

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"yinxin/verify"
	"yinxin/verify/status"
)

// scene is one judgement: the usual one is a stamp claimed at noon, proven a
// minute later, judged an hour later with evidence of ten minutes ago, and valid.
// A case changes what it is about.
type scene struct {
	testing.TB
	*world
	order     order
	at, known time.Time    // of the judgement, of the evidence
	listed    time.Time    // when the trust lists were made
	gone      []revocation // in the CRL of whoever issued it
	history   []status.Interval
	more      []verify.Item
	// evidence, if set, is given instead of the usual.
	evidence []verify.Item
	noTrust  bool
}

const gap = time.Minute // between claimed and proven time

func newScene(t testing.TB) *scene {
	s := &scene{TB: t, world: newWorld(t), at: noon.Add(time.Hour), known: noon.Add(50 * time.Minute), listed: noon.Add(-time.Hour)}
	s.order.claimed, s.order.proven = noon, noon.Add(gap)
	return s
}

// usual is every CRL and seal list of both regions.
func (s *scene) usual() []verify.Item {
	var out []verify.Item
	for _, r := range []*region{s.r, s.far} {
		for _, issuer := range []*party{r.root, r.issuing} {
			var gone []revocation
			for _, g := range s.gone {
				if bytes.Equal(g.who.cert.RawIssuer, issuer.cert.RawSubject) {
					gone = append(gone, g)
				}
			}
			out = append(out, issuer.list(s, s.known, gone...))
		}
		var history []status.Interval
		if r == s.r {
			history = s.history
		}
		out = append(out, r.sealList(s, r.status, s.known, s.r.seal, history...))
	}
	return out
}

func (s *scene) input() verify.Input {
	in := verify.Input{At: s.at, Evidence: &verify.Evidence{Items: s.evidence}}
	if s.evidence == nil {
		in.Evidence.Items = append(s.usual(), s.more...)
	}
	if !s.noTrust {
		in.Trust = s.trust(s, s.listed, s.at)
	}
	return in
}

var decision = []byte(`{"决定": "准予许可", "金额": 128.50, "_note": "made up"}`)

func (s *scene) judge() verify.Report {
	s.Helper()
	return judge(s.r.sealJSON(s, s.order, decision), nil, s.input())
}

func judge(doc, stamp []byte, in verify.Input) verify.Report {
	return verify.Open(bytes.NewReader(doc), int64(len(doc)), "", stamp).Judge(in)
}

func good(r verify.Report) bool {
	return r.Verdict == verify.Valid || r.Verdict == verify.ValidWithNotice
}

// expect wants a verdict and, among its reasons, a code.
func expect(t testing.TB, r verify.Report, v verify.Verdict, code verify.Code) {
	t.Helper()
	found := code == "" && len(r.Reasons) == 0 || code != "" && slices.ContainsFunc(r.Reasons, func(x verify.Reason) bool { return x.Code == code })
	if r.Verdict == v && found {
		return
	}
	t.Errorf("%s %v, want %s %s", r.Verdict, codes(r), v, code)
	for _, s := range r.Stamps {
		for _, c := range s.Checks {
			if c.Result != verify.Pass {
				t.Logf("stamp %d: %s %s %s", s.Index, c.ID, c.Result, c.Detail)
			}
		}
	}
}

func codes(r verify.Report) []verify.Code {
	var out []verify.Code
	for _, x := range r.Reasons {
		out = append(out, x.Code)
	}
	return out
}

// sample reads a file of another room's testdata.
func sample(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
