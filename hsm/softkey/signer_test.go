package softkey

import (
	"crypto"
	"errors"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

// A library that hashed the message itself would get a signature over something
// else than it says.
func TestTheAdapterSignsWholeMessagesAlone(t *testing.T) {
	s, _ := create(t)
	k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	signer := hsm.Signer(t.Context(), k)
	for name, opts := range map[string]crypto.SignerOpts{"nothing": nil, "a digest of SHA-256": crypto.SHA256, "a digest without a name": crypto.Hash(0)} {
		if _, err := signer.Sign(nil, make([]byte, 32), opts); !errors.Is(err, hsm.ErrWrongUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sig, err := signer.Sign(nil, []byte("x"), sm2.DefaultSM2SignerOpts)
	if err != nil || !sm2.VerifyASN1WithSM2(k.Public(), nil, []byte("x"), sig) {
		t.Fatal(err)
	}
}

// A key is destroyed under load: what was signed is good, and after the return
// of SetState nothing is signed.
func TestDestroyedUnderLoad(t *testing.T) {
	s, _ := create(t)
	k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for first := true; ; first = false {
				sig, err := k.SignMessage(t.Context(), []byte("x"))
				if first {
					begun <- struct{}{}
				}
				if errors.Is(err, hsm.ErrDestroyed) {
					return
				}
				if err != nil || !sm2.VerifyASN1WithSM2(k.Public(), nil, []byte("x"), sig) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		<-begun
	}
	if err := s.SetState(t.Context(), k.Info().ID, hsm.Destroyed); err != nil {
		t.Fatal(err)
	}
	if _, err := k.SignMessage(t.Context(), []byte("x")); !errors.Is(err, hsm.ErrDestroyed) {
		t.Fatal(err)
	}
	wg.Wait()
}
