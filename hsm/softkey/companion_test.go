package softkey

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"yinxin/hsm"
)

// A companion key is found again with its counter, and one that was destroyed with its
// public half alone.
func TestCompanionKeysAreFoundAgain(t *testing.T) {
	s, dir := create(t)
	kept, err := s.GenerateCompanion(t.Context(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	gone, err := s.GenerateCompanion(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("x"))
	if _, err := kept.SignDigest(t.Context(), digest[:]); err != nil {
		t.Fatal(err)
	}
	if err := s.SetState(t.Context(), gone.Info().ID, hsm.Destroyed); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after := open(t, dir)
	again, err := after.CompanionKey(t.Context(), kept.Info().ID)
	if err != nil || again.Info().Uses != 1 || !again.Public().Equal(kept.Public()) {
		t.Fatal(again.Info(), err)
	}
	if sig, err := again.SignDigest(t.Context(), digest[:]); err != nil || !ecdsa.VerifyASN1(kept.Public(), digest[:], sig) {
		t.Fatal("another private half:", err)
	}
	if again, err = after.CompanionKey(t.Context(), gone.Info().ID); err != nil || !again.Public().Equal(gone.Public()) {
		t.Fatal(err)
	}
	if _, err := again.SignDigest(t.Context(), digest[:]); !errors.Is(err, hsm.ErrDestroyed) {
		t.Fatal(err)
	}
}

// Nothing of a companion key's file can be changed unseen, and no file passes for one
// of the other kind.
func TestACompanionKeysFileIsBound(t *testing.T) {
	s, dir := create(t)
	k, err := s.GenerateCompanion(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, k.Info().ID+".key")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := append([]byte(nil), whole...)
		bad[i] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(options(dir)); err == nil {
			again.Close()
			t.Fatalf("octet %d of %d was changed unseen", i, len(whole))
		}
	}
}
