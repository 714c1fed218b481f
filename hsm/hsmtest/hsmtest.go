// Package hsmtest is the conformance suite that every back end of hsm passes.
package hsmtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

// Run checks a back end; open gives a fresh, empty key store.
func Run(t *testing.T, open func(t *testing.T) hsm.Keystore) {
	for name, test := range map[string]func(*testing.T, hsm.Keystore){
		"signs what others verify": signs, "decrypts what others encrypt": decrypts, "usages are apart": usages,
		"states": states, "states of an encryption key": encryptionStates, "labels": labels, "unknown key": unknown, "ended context": ended, "concurrent use": concurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func generate(t *testing.T, s hsm.Keystore, u hsm.Usage) hsm.Key {
	t.Helper()
	k, err := s.Generate(t.Context(), "label", u)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signs(t *testing.T, s hsm.Keystore) {
	k := generate(t, s, hsm.UsageSign)
	message := []byte("准予行政许可")
	sig, err := k.SignMessage(t.Context(), message)
	if err != nil || !sm2.VerifyASN1WithSM2(k.Public(), nil, message, sig) {
		t.Fatal("signature over a message:", err)
	}
	if sm2.VerifyASN1WithSM2(k.Public(), nil, append(message, 0), sig) {
		t.Fatal("the signature is good for another message")
	}
	e := bytes.Repeat([]byte{7}, 32)
	if sig, err = k.SignDigest(t.Context(), e); err != nil || !sm2.VerifyASN1(k.Public(), e, sig) {
		t.Fatal("signature over a digest:", err)
	}
	if _, err := k.SignDigest(t.Context(), e[:31]); err == nil {
		t.Fatal("a digest of 31 octets was signed")
	}
	if k.Info().Uses < 2 {
		t.Fatalf("%d uses counted", k.Info().Uses)
	}
	again, err := s.Key(t.Context(), k.Info().ID)
	if err != nil || !again.Public().Equal(k.Public()) {
		t.Fatal("not found again:", err)
	}
}

func decrypts(t *testing.T, s hsm.Keystore) {
	k := generate(t, s, hsm.UsageEncrypt)
	secret := []byte("会话密钥")
	c, err := sm2.EncryptASN1(rand.Reader, k.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := k.Decrypt(t.Context(), c); err != nil || !bytes.Equal(plain, secret) {
		t.Fatal(err)
	}
	c[len(c)-1] ^= 1
	if _, err := k.Decrypt(t.Context(), c); err == nil {
		t.Fatal("an altered ciphertext was opened")
	}
}

func usages(t *testing.T, s hsm.Keystore) {
	if _, err := generate(t, s, hsm.UsageEncrypt).SignMessage(t.Context(), []byte("x")); !errors.Is(err, hsm.ErrWrongUsage) {
		t.Fatal(err)
	}
	if _, err := generate(t, s, hsm.UsageSign).Decrypt(t.Context(), []byte("x")); !errors.Is(err, hsm.ErrWrongUsage) {
		t.Fatal(err)
	}
	if _, err := s.Generate(t.Context(), "x", "both"); !errors.Is(err, hsm.ErrWrongUsage) {
		t.Fatal(err)
	}
}

func states(t *testing.T, s hsm.Keystore) {
	ctx := t.Context()
	k := generate(t, s, hsm.UsageSign)
	id := k.Info().ID
	for _, step := range []struct {
		to   hsm.State
		want error
	}{{hsm.Suspended, hsm.ErrSuspended}, {hsm.Active, nil}, {hsm.Destroyed, hsm.ErrDestroyed}} {
		if err := s.SetState(ctx, id, step.to); err != nil {
			t.Fatal(err)
		}
		if _, err := k.SignMessage(ctx, []byte("x")); !errors.Is(err, step.want) {
			t.Fatalf("%s: %v", step.to, err)
		}
	}
	if err := s.SetState(ctx, id, hsm.Active); !errors.Is(err, hsm.ErrDestroyed) {
		t.Fatal("a destroyed key came back:", err)
	}
	list, err := s.List(ctx)
	if err != nil || len(list) != 1 || list[0].State != hsm.Destroyed {
		t.Fatal(list, err)
	}
}

func unknown(t *testing.T, s hsm.Keystore) {
	if _, err := s.Key(t.Context(), "none"); !errors.Is(err, hsm.ErrNotFound) {
		t.Fatal(err)
	}
	if err := s.SetState(t.Context(), "none", hsm.Active); !errors.Is(err, hsm.ErrNotFound) {
		t.Fatal(err)
	}
}

func ended(t *testing.T, s hsm.Keystore) {
	k, e := generate(t, s, hsm.UsageSign), generate(t, s, hsm.UsageEncrypt)
	id := k.Info().ID
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"SignMessage": func() error { _, err := k.SignMessage(ctx, []byte("x")); return err },
		"SignDigest":  func() error { _, err := k.SignDigest(ctx, make([]byte, 32)); return err },
		"Decrypt":     func() error { _, err := e.Decrypt(ctx, []byte("x")); return err },
		"Generate":    func() error { _, err := s.Generate(ctx, "x", hsm.UsageSign); return err },
		"Key":         func() error { _, err := s.Key(ctx, id); return err },
		"List":        func() error { _, err := s.List(ctx); return err },
		"SetState":    func() error { return s.SetState(ctx, id, hsm.Destroyed) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if i := k.Info(); i.State != hsm.Active || i.Uses != 0 {
		t.Fatalf("something was done all the same: %+v", i)
	}
}

func labels(t *testing.T, s hsm.Keystore) {
	for _, label := range []string{"", "印章 52010000000001", strings.Repeat("x", hsm.MaxLabel)} {
		if k, err := s.Generate(t.Context(), label, hsm.UsageSign); err != nil || k.Info().Label != label {
			t.Errorf("%.20q: %v", label, err)
		}
	}
	for _, label := range []string{"\xff", strings.Repeat("x", hsm.MaxLabel+1), strings.Repeat("x", 1<<20)} {
		if _, err := s.Generate(t.Context(), label, hsm.UsageSign); !errors.Is(err, hsm.ErrLabel) {
			t.Errorf("%.20q: %v", label, err)
		}
	}
}

func encryptionStates(t *testing.T, s hsm.Keystore) {
	k := generate(t, s, hsm.UsageEncrypt)
	public := k.Public()
	c, err := sm2.EncryptASN1(rand.Reader, public, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range map[hsm.State]error{hsm.Suspended: hsm.ErrSuspended, hsm.Active: nil} {
		if err := s.SetState(t.Context(), k.Info().ID, state); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Decrypt(t.Context(), c); !errors.Is(err, want) {
			t.Fatalf("%s: %v", state, err)
		}
	}
	if err := s.SetState(t.Context(), k.Info().ID, "sleeping"); err == nil {
		t.Fatal("a state that is none")
	}
	if err := s.SetState(t.Context(), k.Info().ID, hsm.Destroyed); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Decrypt(t.Context(), c); !errors.Is(err, hsm.ErrDestroyed) {
		t.Fatal(err)
	}
	// What it signed or was sent must still be told apart from others'.
	if again, err := s.Key(t.Context(), k.Info().ID); err != nil || !again.Public().Equal(public) || again.Info().State != hsm.Destroyed {
		t.Fatal("a destroyed key's public half is gone:", err)
	}
}

func concurrent(t *testing.T, s hsm.Keystore) {
	k := generate(t, s, hsm.UsageSign)
	const each, workers = 400, 8
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				sig, err := k.SignMessage(t.Context(), []byte("x"))
				if err != nil || !sm2.VerifyASN1WithSM2(k.Public(), nil, []byte("x"), sig) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := k.Info().Uses; n != each*workers {
		t.Fatalf("%d uses counted of %d", n, each*workers)
	}
}
