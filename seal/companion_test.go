package seal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	digitorus "github.com/digitorus/pdfsign/verify"

	"yinxin/certs"
	"yinxin/seal"
	"yinxin/seal/pdf"
)

// Every file that can be sealed can be accompanied, and then it reads as the stamp left
// it, with one signature more that shows nothing.
func TestCompanionOnSamples(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	names, err := filepath.Glob("pdf/testdata/unsigned/*.pdf")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range append(names, "../cmd/yinxin/decisions/decision.pdf") {
		for _, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
			in, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r := request(h.seal)
			r.Placement = seal.Place{Page: 1, X: 10, Y: 10}
			r.Order.Profile = profile
			if _, err := h.StampPDF(t.Context(), r, bytes.NewReader(in), int64(len(in)), nil); err != nil {
				if !errors.Is(err, seal.ErrDocument) {
					t.Errorf("%s: %v", name, err)
				}
				continue // not to be sealed, with or without
			}
			r.Order.Companion = true
			s, err := h.StampPDF(t.Context(), r, bytes.NewReader(in), int64(len(in)), nil)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var out bytes.Buffer
			if n, err := s.WriteTo(&out); err != nil || n != s.Size() {
				t.Fatal(n, s.Size(), err)
			}
			checkCompanion(t, name, in, out.Bytes())
		}
	}
}

func checkCompanion(t *testing.T, name string, in, out []byte) {
	t.Helper()
	if !bytes.HasPrefix(out, in) {
		t.Errorf("%s: the document was changed", name)
	}
	f, err := pdf.Open(bytes.NewReader(out), int64(len(out)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	all, err := f.Stamps() // some were signed before
	n := len(all) - 1
	if err != nil || n < 1 {
		t.Fatalf("%s: %d signatures, %v", name, len(all), err)
	}
	if stamp, last := &all[n-1], &all[n]; !stamp.CoversRevision || stamp.ContentAdded || !last.CoversFile || !f.Invisible(n) || f.Invisible(n-1) {
		t.Fatalf("%s: after the stamp %q, problems %q", name, stamp.LaterChanges, last.Problems)
	}
	sd, err := certs.ParseAnySignedData(all[n].Contents)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	if err := f.Covered(n, hash); err != nil {
		t.Fatal(err)
	}
	if err := sd.VerifySum(sd.Signer, hash.Sum(nil)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// An independent reader finds the companion good, over the document as it is.
func TestCompanionReadByDigitorus(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc, _, err := kinds["companion"](t, h, request(h.seal))
	if err != nil {
		t.Fatal(err)
	}
	report, err := digitorus.Verify(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, s := range report.Signers {
		if s.ValidSignature {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%+v", report)
	}
}

// witness is a companion authority whose signatures are not what they should be.
type witness func(digest [32]byte) ([]byte, error)

func (w witness) Sign(_ context.Context, digest [32]byte) ([]byte, error) { return w(digest) }

// What is not a good signature over this very document does not leave, and nothing was
// sealed.
func TestABadCompanionDoesNotLeave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	own := h.companion
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(digest [32]byte) []byte {
		der, err := own.Sign(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	sign([32]byte{})
	for name, w := range map[string]witness{
		"another document's": func(digest [32]byte) ([]byte, error) { digest[0] ^= 1; return sign(digest), nil },
		"none":               func([32]byte) ([]byte, error) { return nil, nil },
		"no CMS":             func([32]byte) ([]byte, error) { return []byte{0x30, 3, 2, 1, 1}, nil },
		"no DER":             func([32]byte) ([]byte, error) { return []byte("signature"), nil },
		"too long":           func([32]byte) ([]byte, error) { return make([]byte, 5000), nil },
		"a bare signature":   func(digest [32]byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, key, digest[:]) },
		"altered": func(digest [32]byte) ([]byte, error) {
			der := sign(digest)
			der[len(der)-1] ^= 1
			return der, nil
		},
		"with more behind": func(digest [32]byte) ([]byte, error) { return append(sign(digest), 1), nil },
		"an error":         func([32]byte) ([]byte, error) { return nil, errors.New("no key today") },
	} {
		before := h.count(t)
		h.config.Companion = w
		h.restart(t)
		if _, _, err := kinds["companion"](t, h, request(h.seal)); !errors.Is(err, seal.ErrCompanion) {
			t.Errorf("%s: %v", name, err)
		}
		if after := h.count(t); after != before {
			t.Errorf("%s: it left %v after %v", name, after, before)
		}
	}
	h.config.Companion = nil
	h.restart(t)
	if _, _, err := kinds["companion"](t, h, request(h.seal)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("nobody signs: %v", err)
	}
	r := request(h.seal)
	r.Order.Companion = true
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrOrder) {
		t.Errorf("in JSON: %v", err)
	}
	r.Order.Certify = 1
	if _, _, err := stampPDF(t, h, r); !errors.Is(err, seal.ErrOrder) {
		t.Errorf("after no change is permitted: %v", err)
	}
}
