package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"yinxin/certs"
	"yinxin/verify"
)

// The samples that other rooms keep, and those that lie beside the project.
const (
	pdfSamples = "../seal/pdf/testdata"
	sesSamples = "../seal/ses/testdata"
	allSamples = "../../shared/samples"
)

func glob(t testing.TB, path ...string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(path...))
	if err != nil || len(all) == 0 {
		t.Fatalf("no samples at %s (%v)", filepath.Join(path...), err)
	}
	return all
}

// beside gives a folder of the samples that lie beside the project, and skips aloud
// where they do not.
func beside(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join(allSamples, folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the samples are not at %s", path)
	}
	return path
}

// sampleCourt trusts the usual lists, under which nothing of others is good.
func sampleCourt(t testing.TB) *court {
	return &court{in: newScene(t).input()}
}

// Whatever others signed, broke or left unsigned is read within the limits, and
// nothing of it is good; as a detached stamp no more than as a file.
func TestNoSampleIsGood(t *testing.T) {
	c := sampleCourt(t)
	files := append(glob(t, pdfSamples, "*", "*.pdf"), glob(t, sesSamples, "*")...)
	files = append(files, glob(t, ofdSamples, "*.ofd")...)
	for _, name := range files {
		c.never(t, name)
	}
	if got := c.judge(t, sample(t, filepath.Join(pdfSamples, "unsigned", "minimal.pdf")), nil); got.Verdict != verify.None || got.Reasons[0].Code != verify.NotSealed {
		t.Errorf("an unsigned file: %s %v", got.Verdict, codes(got))
	}
}

func TestNoSampleBesideTheProjectIsGood(t *testing.T) {
	root := beside(t, ".")
	c := sampleCourt(t)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			c.never(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// never judges a file as a document and as a stamp, and wants neither good.
func (c *court) never(t *testing.T, path string) {
	t.Helper()
	b := sample(t, path)
	for _, stamp := range [][]byte{nil, b} {
		r := c.judge(t, b, stamp)
		d := verify.Open(bytes.NewReader(b), int64(len(b)), path, stamp)
		if wants := d.Wants(c.in); len(wants) > 0 {
			t.Errorf("%s: asks a stranger: %v", path, wants)
		}
		if good(r) {
			t.Errorf("%s is %s", path, r.Verdict)
		}
	}
}

// A signature with one byte range, or a strange one, covers not what it should.
func TestStrangeRanges(t *testing.T) {
	c := sampleCourt(t)
	found := 0
	for _, name := range glob(t, pdfSamples, "*", "*byterange*.pdf") {
		found++
		r := c.judge(t, sample(t, name), nil)
		if r.Verdict != verify.NotValid && r.Verdict != verify.None {
			t.Errorf("%s: %s %v", name, r.Verdict, codes(r))
		}
	}
	if found < 2 {
		t.Errorf("%d samples", found)
	}
}

func check(r verify.Report, id string) verify.Result {
	for _, s := range r.Stamps {
		for _, c := range s.Checks {
			if c.ID == id {
				return c.Result
			}
		}
	}
	return ""
}

// The stamp of the field whose signature is good, over 32 octets of nothing: its
// signature passes, its digest fails, and nobody here knows its issuer.
func TestStampOfTheField(t *testing.T) {
	der := sample(t, filepath.Join(sesSamples, "SignedValueV4.dat"))
	r := sampleCourt(t).judge(t, []byte("anything"), der)
	for id, want := range map[string]verify.Result{
		"format": verify.Pass, "sealFormat": verify.Pass, "sealSignature": verify.Pass, "signatureValue": verify.Pass,
		"signerInSeal": verify.Pass, "dataHash": verify.Fail, "signerChain": verify.Unknown, "makerChain": verify.Unknown,
	} {
		if got := check(r, id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if r.Verdict != verify.NotValid || r.Stamps[0].Standard != "GB/T 38540-2020" {
		t.Errorf("%s %v, %s", r.Verdict, codes(r), r.Stamps[0].Standard)
	}
	altered := bytes.Clone(der)
	altered[len(altered)-3] ^= 1
	if got := check(sampleCourt(t).judge(t, nil, altered), "signatureValue"); got != verify.Fail {
		t.Errorf("altered: %s", got)
	}
}

// A certificate is no stamp, and a seal by itself neither.
func TestWhatIsNoStamp(t *testing.T) {
	c := sampleCourt(t)
	for name, b := range map[string][]byte{
		"a certificate": newParty(t, nil, profile{name: "x"}).cert.Raw, "a seal": sample(t, filepath.Join(sesSamples, "UserV4.esl")),
		"nothing": {}, "too long": make([]byte, verify.MaxDetached+1), "certificates": []byte(certs.TypeSealList),
	} {
		if r := c.judge(t, []byte("x"), b); r.Verdict != verify.NotValid && r.Verdict != verify.None {
			t.Errorf("%s: %s %v", name, r.Verdict, codes(r))
		}
	}
}
