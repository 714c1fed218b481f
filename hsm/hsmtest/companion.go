package hsmtest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"yinxin/hsm"
)

// RunCompanion checks a back end that keeps companion keys; open gives a fresh, empty
// key store that is an hsm.CompanionStore too.
func RunCompanion(t *testing.T, open func(t *testing.T) hsm.Keystore) {
	for name, test := range map[string]func(*testing.T, hsm.Keystore, hsm.CompanionStore){
		"signs what the standard library verifies": companionSigns, "apart from SM2": companionApart, "states": companionStates,
		"as a crypto.Signer": companionAsSigner, "concurrent use": companionConcurrent,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			c, ok := s.(hsm.CompanionStore)
			if !ok {
				t.Fatal("it is no hsm.CompanionStore")
			}
			test(t, s, c)
		})
	}
}

func companion(t *testing.T, c hsm.CompanionStore) hsm.CompanionKey {
	t.Helper()
	k, err := c.GenerateCompanion(t.Context(), "label")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func companionSigns(t *testing.T, s hsm.Keystore, c hsm.CompanionStore) {
	k := companion(t, c)
	if k.Public().Curve != elliptic.P256() {
		t.Fatal("a key of another curve")
	}
	digest := sha256.Sum256([]byte("准予行政许可"))
	sig, err := k.SignDigest(t.Context(), digest[:])
	if err != nil || !ecdsa.VerifyASN1(k.Public(), digest[:], sig) {
		t.Fatal("signature over a digest:", err)
	}
	other := sha256.Sum256(nil)
	if ecdsa.VerifyASN1(k.Public(), other[:], sig) {
		t.Fatal("the signature is good for another digest")
	}
	for _, n := range []int{0, 20, 31, 33} {
		if _, err := k.SignDigest(t.Context(), make([]byte, n)); !errors.Is(err, hsm.ErrWrongUsage) {
			t.Errorf("a digest of %d octets: %v", n, err)
		}
	}
	if n := k.Info().Uses; n != 1 {
		t.Errorf("%d uses counted of one signature", n)
	}
	again, err := c.CompanionKey(t.Context(), k.Info().ID)
	if err != nil || !again.Public().Equal(k.Public()) {
		t.Fatal("not found again:", err)
	}
	if all, err := s.List(t.Context()); err != nil || !slices.ContainsFunc(all, func(i hsm.Info) bool { return i.ID == k.Info().ID && i.Usage == hsm.UsageCompanion }) {
		t.Fatal("not in the list:", err)
	}
	if _, err := c.GenerateCompanion(t.Context(), strings.Repeat("x", hsm.MaxLabel+1)); !errors.Is(err, hsm.ErrLabel) {
		t.Fatal("a label too long:", err)
	}
	if _, err := c.CompanionKey(t.Context(), "none"); !errors.Is(err, hsm.ErrNotFound) {
		t.Fatal(err)
	}
}

// companionApart: the key of one kind does nothing of the other's.
func companionApart(t *testing.T, s hsm.Keystore, c hsm.CompanionStore) {
	if _, err := s.Key(t.Context(), companion(t, c).Info().ID); !errors.Is(err, hsm.ErrWrongUsage) {
		t.Error("a P-256 key as one of SM2:", err)
	}
	for _, u := range []hsm.Usage{hsm.UsageSign, hsm.UsageEncrypt} {
		if _, err := c.CompanionKey(t.Context(), generate(t, s, u).Info().ID); !errors.Is(err, hsm.ErrWrongUsage) {
			t.Errorf("a key to %s as a companion: %v", u, err)
		}
	}
	if _, err := s.Generate(t.Context(), "label", hsm.UsageCompanion); !errors.Is(err, hsm.ErrWrongUsage) {
		t.Error("a SM2 key of the companion's usage:", err)
	}
}

func companionStates(t *testing.T, s hsm.Keystore, c hsm.CompanionStore) {
	k := companion(t, c)
	id, public, digest := k.Info().ID, *k.Public(), make([]byte, 32)
	set := func(state hsm.State) {
		t.Helper()
		if err := s.SetState(t.Context(), id, state); err != nil {
			t.Fatal(err)
		}
	}
	set(hsm.Suspended)
	if _, err := k.SignDigest(t.Context(), digest); !errors.Is(err, hsm.ErrSuspended) {
		t.Error("suspended:", err)
	}
	set(hsm.Active)
	if _, err := k.SignDigest(t.Context(), digest); err != nil {
		t.Error("active again:", err)
	}
	set(hsm.Destroyed)
	if _, err := k.SignDigest(t.Context(), digest); !errors.Is(err, hsm.ErrDestroyed) {
		t.Error("destroyed:", err)
	}
	if !k.Public().Equal(&public) {
		t.Error("its public half is gone")
	}
	if err := s.SetState(t.Context(), id, hsm.Active); !errors.Is(err, hsm.ErrDestroyed) {
		t.Error("back from destruction:", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := companion(t, c).SignDigest(ended, digest); !errors.Is(err, context.Canceled) {
		t.Error("an ended context:", err)
	}
}

func companionAsSigner(t *testing.T, _ hsm.Keystore, c hsm.CompanionStore) {
	k := companion(t, c)
	signer, digest := hsm.CompanionSigner(t.Context(), k), sha256.Sum256([]byte("x"))
	sig, err := signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || !ecdsa.VerifyASN1(k.Public(), digest[:], sig) {
		t.Fatal(err)
	}
	for _, o := range []crypto.SignerOpts{nil, crypto.Hash(0), crypto.SHA384, crypto.SHA1} {
		if _, err := signer.Sign(nil, digest[:], o); !errors.Is(err, hsm.ErrWrongUsage) {
			t.Errorf("%v: %v", o, err)
		}
	}
}

func companionConcurrent(t *testing.T, _ hsm.Keystore, c hsm.CompanionStore) {
	k := companion(t, c)
	const each = 300 // over a block of reserved uses together
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range each {
				digest := sha256.Sum256([]byte("x"))
				if sig, err := k.SignDigest(t.Context(), digest[:]); err != nil || !ecdsa.VerifyASN1(k.Public(), digest[:], sig) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := k.Info().Uses; n != 4*each {
		t.Errorf("%d uses counted of %d", n, 4*each)
	}
}
