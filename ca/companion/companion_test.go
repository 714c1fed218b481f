package companion_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"

	"yinxin/ca/companion"
	"yinxin/certs"
	"yinxin/hsm"
)

var document = []byte("准予行政许可")

// signed makes a signature and checks it by two readers, ours and one by others.
func (h *house) signed(t testing.TB) *certs.SignedData {
	t.Helper()
	der, err := h.Sign(t.Context(), sha256.Sum256(document))
	if err != nil {
		t.Fatal(err)
	}
	s, err := certs.ParseAnySignedData(der)
	if err != nil || s.Signer == nil || !s.AsBuilt() {
		t.Fatalf("%v %+v", err, s)
	}
	if err := s.Verify(s.Signer, document); err != nil {
		t.Fatal(err)
	}
	if named, err := s.NamesSigner(); !named || err != nil {
		t.Error("its certificate is not under the signature:", err)
	}
	if _, ok := s.Attribute(certs.OIDSigningTime); ok {
		t.Error("a signing-time, which PAdES forbids")
	}
	p, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	p.Content = document
	roots, err := h.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for _, r := range roots {
		c, err := x509.ParseCertificate(r.DER)
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(c)
	}
	if err := p.VerifyWithChainAtTime(pool, h.clock.now()); err != nil {
		t.Error("digitorus/pkcs7:", err)
	}
	p.Content = append(bytes.Clone(document), 0)
	if p.Verify() == nil {
		t.Error("digitorus/pkcs7 verified another content")
	}
	return s
}

func TestTheFirstSignatureMakesTheAuthority(t *testing.T) {
	h := newHouse(t)
	first := h.signed(t)
	if again := h.signed(t); !again.Signer.Equal(first.Signer) {
		t.Error("each signature makes a certificate")
	}
	h.restart(t)
	if again := h.signed(t); !again.Signer.Equal(first.Signer) {
		t.Error("each start makes a certificate")
	}
	above, signer := h.two(t)
	if signer.Issuer != above.Serial || above.Issuer != above.Serial {
		t.Errorf("%+v %+v", above, signer)
	}
	if n, err := h.db.Journal().JournalSize(t.Context()); err != nil || n != 2 {
		t.Errorf("%d leaves, %v", n, err)
	}
	root, err := certs.ParseAnyCertificate(above.DER)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certs.BuildPath(first.Signer, certs.PathOptions{Roots: []*certs.Certificate{root}, At: h.clock.now()}); err != nil {
		t.Error(err)
	}
}

// two gives the only root and the only signer; within a millisecond acts have no order.
func (h *house) two(t testing.TB) (root, signer companion.Row) {
	t.Helper()
	all, err := h.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Role == all[1].Role {
		t.Fatalf("%+v %v", all, err)
	}
	if all[0].Role == companion.Root {
		return all[0], all[1]
	}
	return all[1], all[0]
}

func TestManyAtOnceMakeOneAuthority(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := h.Sign(t.Context(), sha256.Sum256(document)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := h.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d certificates, %v", len(all), err)
	}
}

// The certificates are renewed in time, and no signer outlives its root.
func TestRenewal(t *testing.T) {
	h := newHouse(t)
	h.signed(t)
	for range 20 {
		h.clock.move(365 * 24 * time.Hour)
		s := h.signed(t)
		if now := h.clock.now(); now.After(s.Signer.NotAfter) {
			t.Fatalf("at %s a certificate signs that ended at %s", now, s.Signer.NotAfter)
		}
	}
	all, err := h.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]time.Time{}
	roots := 0
	for _, r := range all {
		ends[r.Serial] = r.NotAfter
		if r.Role == companion.Root {
			roots++
		}
	}
	for _, r := range all {
		if r.NotAfter.After(ends[r.Issuer]) {
			t.Errorf("%s outlives its issuer", r.Serial)
		}
	}
	if roots < 3 || len(all) < 12 {
		t.Errorf("%d certificates, %d roots in twenty years", len(all), roots)
	}
}

// Each write fails, once as if nothing had been kept and once though it was. The next
// try, and the next start, make an authority that is whole.
func TestFaults(t *testing.T) {
	for _, kept := range []bool{false, true} {
		for left := range 4 {
			h := newHouse(t)
			h.config.Store = &faults{Store: h.db.Companions(), left: left, kept: kept}
			h.restart(t)
			if _, err := h.Sign(t.Context(), sha256.Sum256(document)); !errors.Is(err, errFault) {
				t.Fatalf("write %d: %v", left, err)
			}
			h.config.Store = h.db.Companions()
			h.restart(t)
			h.signed(t)
			intents, err := h.config.Store.Intents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range intents {
				if i.Abandoned.IsZero() {
					t.Errorf("write %d, kept %t: %s %s is still waited for", left, kept, i.Role, i.Serial)
				}
			}
			all, err := h.List(t.Context())
			if err != nil || len(all) != 2 {
				t.Errorf("write %d, kept %t: %d certificates, %v", left, kept, len(all), err)
			}
		}
	}
}

// No certificate is signed of which nothing is known.
func TestTheIntentComesBeforeTheSignature(t *testing.T) {
	h := newHouse(t)
	checks := 0
	h.config.Keys = ordered{h.keys, func() {
		checks++
		intents, err := h.db.Companions().Intents(t.Context())
		all, errAll := h.List(t.Context())
		if err != nil || errAll != nil || len(all) < 2 && len(intents) != 1 {
			t.Errorf("a signature with %d intents and %d certificates: %v %v", len(intents), len(all), err, errAll)
		}
	}}
	h.restart(t)
	h.signed(t)
	if checks != 3 { // two certificates and the signature
		t.Errorf("%d signatures", checks)
	}
}

func TestAKeyThatMayNotSign(t *testing.T) {
	h := newHouse(t)
	h.signed(t)
	_, signer := h.two(t)
	if err := h.keys.SetState(t.Context(), signer.KeyID, hsm.Suspended); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Sign(t.Context(), sha256.Sum256(document)); !errors.Is(err, hsm.ErrSuspended) {
		t.Error(err)
	}
}
