package interop

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yinxin/internal/testlong"
	"yinxin/seal"
)

// companionRoot is the root as a file that readers abroad take. It is made with the
// first companion.
func (h *house) companionRoot(t testing.TB) string {
	t.Helper()
	h.accompanied(t, read(t, "../cmd/yinxin/decisions/decision.pdf"), seal.ProfileSES)
	roots, err := h.Companion.Root(t.Context())
	if err != nil || len(roots) != 1 {
		t.Fatalf("%d roots, %v", len(roots), err)
	}
	return write(t, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots[0].DER}))
}

// accompaniedSamples are samples of several makes in each profile: tagged, with a form,
// with cross-reference streams, and the decision.
func (h *house) accompaniedSamples(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"decision.pdf", "minimal-pdf-ua-and-a.pdf", "minimal-with-simple-form.pdf", "minimal-xref.pdf"}[:testlong.Count(2, 4)] {
		for _, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
			out[name+" "+string(profile)] = h.accompanied(t, read(t, filepath.Join("../seal/pdf/testdata/unsigned", name)), profile)
		}
	}
	return out
}

// inThePage changes an octet that a companion covers and no reader's parser minds: the
// second line of a PDF, which is a comment.
func inThePage(t testing.TB, doc []byte) []byte {
	t.Helper()
	i := bytes.Index(doc, []byte("\n%"))
	if i < 0 || i > 40 {
		t.Fatal("the file begins otherwise")
	}
	out := bytes.Clone(doc)
	out[i+3] ^= 1
	return out
}

// pyHanko says of a companion that it is valid, with our root as the one anchor; not so
// under another house's, nor over another octet.
func TestPyHankoFindsCompanionsValid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root, stranger := h.companionRoot(t), newHouse(t).companionRoot(t)
	// One Python for all: it takes a second to start.
	args, want := []string{"valid"}, []string{}
	for _, doc := range h.accompaniedSamples(t) {
		whole, altered := write(t, "x.pdf", doc), write(t, "x.pdf", inThePage(t, doc))
		args, want = append(args, whole, root, whole, stranger, altered, root), append(want, "good", "refused: INTACT:UNTRUSTED,UNTOUCHED", "refused: INVALID")
	}
	if d := cmp.Diff(want, strings.Split(pyHanko(t, args...), "\n")); d != "" {
		t.Error(d)
	}
}

// OpenSSL checks a companion's SignedData and chain over the octets that PDFBox says
// are signed.
func TestOpenSSLChecksCompanions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.companionRoot(t)
	for name, doc := range h.accompaniedSamples(t) {
		said := pdfbox(t, doc)
		fields := strings.Split(said[len(said)-1], "\t")
		var r [4]int
		if _, err := fmt.Sscanf(fields[4], "[%d, %d, %d, %d]", &r[0], &r[1], &r[2], &r[3]); err != nil || fields[3] != "ETSI.CAdES.detached" || r[0] != 0 || r[2]+r[3] != len(doc) {
			t.Fatalf("%s: %q %v", name, fields, err)
		}
		token := der(t, unhex(t, doc[r[1]+1:r[2]-1]))
		data := append(bytes.Clone(doc[:r[1]]), doc[r[2]:]...)
		check := func(token, data []byte) (string, bool) {
			return run(t, openssl(t), "cms", "-verify", "-binary", "-inform", "DER", "-in", file(t, token), "-content", file(t, data), "-CAfile", root, "-purpose", "any", "-out", filepath.Join(t.TempDir(), "content"))
		}
		if out, ok := check(token, data); !ok {
			t.Errorf("%s: %s", name, out)
		}
		if out, ok := check(token, blank(data)); ok || !strings.Contains(out, "verification failure") {
			t.Errorf("%s, altered: %s", name, out)
		}
	}
}

// What readers abroad say of the seal itself, whose SM2 they do not know: nothing good,
// of either profile. pdfsig and pyHanko find the field and its ranges, and stop at SM3.
func TestReadersAbroadOfTheSealItself(t *testing.T) {
	t.Parallel()
	pdfsig := testlong.Tool(t, "pdfsig", "poppler-utils")
	h := newHouse(t)
	root := h.companionRoot(t)
	decision := read(t, "../cmd/yinxin/decisions/decision.pdf")
	for profile, c := range map[seal.Profile]struct{ poppler, hanko string }{
		seal.ProfileSES: {"Signature has not yet been verified", "cannot: no companion"},
		seal.ProfileCMS: {"Unknown Validation Failure", "cannot: module 'cryptography.hazmat.primitives.hashes' has no attribute '1.2.156.10197.1.401'"},
	} {
		path := write(t, "x.pdf", h.sealAs(t, decision, places[0], seal.Order{Profile: profile}))
		said, _ := run(t, pdfsig, path)
		for _, want := range []string{"Signature Field Name: 印章", "Total document signed", c.poppler} {
			if !strings.Contains(said, want) {
				t.Errorf("pdfsig of %s does not say %q:\n%s", profile, want, said)
			}
		}
		if said := pyHanko(t, "valid", path, root); said != c.hanko {
			t.Errorf("pyHanko of %s: %s", profile, said)
		}
	}
}
