package interop

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	digitorus "github.com/digitorus/pdfsign/verify"

	"yinxin/internal/testlong"
	"yinxin/seal"
	"yinxin/verify"
)

// accompanied seals a document in a profile, with a companion.
func (h *house) accompanied(t testing.TB, doc []byte, profile seal.Profile) []byte {
	t.Helper()
	r := h.request()
	r.Placement = places[0]
	r.Order = seal.Order{Profile: profile, Companion: true}
	s, err := h.Seals.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// nssTrusting is a folder of certificates, as readers with NSS keep them, in which the
// companion's root is trusted.
func (h *house) nssTrusting(t testing.TB) string {
	t.Helper()
	certutil := testlong.Tool(t, "certutil", "libnss3-tools")
	roots, err := h.Companion.Root(t.Context())
	if err != nil || len(roots) != 1 {
		t.Fatalf("%d roots, %v", len(roots), err)
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots[0].DER}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "-d", "sql:" + dir, "--empty-password"}, {"-A", "-d", "sql:" + dir, "-n", "companion", "-t", "CT,CT,CT", "-a", "-i", root}} {
		if out, err := exec.Command(certutil, args...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// poppler's pdfsig says of a companion that it is valid, over the whole document, and
// from an issuer that is trusted once its root is; and of a broken one that it is not.
func TestPopplerFindsCompanionsValid(t *testing.T) {
	t.Parallel()
	pdfsig := testlong.Tool(t, "pdfsig", "poppler-utils")
	h := newHouse(t)
	first := h.accompanied(t, read(t, unsignedPDFs(t)[0]), seal.ProfileSES)
	nss := h.nssTrusting(t)
	ask := func(doc []byte) string {
		t.Helper()
		name := filepath.Join(t.TempDir(), "in.pdf")
		if err := os.WriteFile(name, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(pdfsig, "-nssdir", "sql:"+nss, name).CombinedOutput()
		parts := strings.Split(string(out), "Signature #")
		return parts[len(parts)-1]
	}
	for _, name := range unsignedPDFs(t) {
		for _, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
			doc := h.accompanied(t, read(t, name), profile)
			if r := h.judge(t, doc); r.Stamps[len(r.Stamps)-1].Role != "companion" || r.Stamps[len(r.Stamps)-2].Verdict != verify.Valid {
				t.Errorf("%s: ours: %s", name, r.Verdict)
			}
			said := ask(doc)
			for _, want := range []string{"Total document signed", "Signature is Valid", "Certificate is Trusted", "ETSI.CAdES.detached", "SHA-256"} {
				if !strings.Contains(said, want) {
					t.Errorf("%s, %q: pdfsig does not say %q:\n%s", name, profile, want, said)
				}
			}
			if profile == seal.ProfileCMS {
				continue // digitorus/pdfsign gives up at a SignedData of SM2 that comes before
			}
			report, err := digitorus.Verify(bytes.NewReader(doc), int64(len(doc)))
			if err != nil || len(report.Signers) == 0 || !report.Signers[len(report.Signers)-1].ValidSignature {
				t.Errorf("%s, %q: digitorus/pdfsign: %v", name, profile, err)
			}
		}
	}
	bad := bytes.Clone(first)
	bad[bytes.Index(bad, []byte("%PDF-"))+40] ^= 1
	if said := ask(bad); strings.Contains(said, "Signature is Valid") {
		t.Errorf("a changed document: %s", said)
	}
}
