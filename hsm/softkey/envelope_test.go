package softkey

import (
	"crypto/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

// A key centre has as many keys as agencies: what a killed process handed out is
// counted exactly, and leaves no gap for each key.
func TestEnvelopesAreCountedOneByOne(t *testing.T) {
	s, dir := create(t)
	to, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Generate(t.Context(), "escrow", hsm.UsageEncrypt)
	if err != nil {
		t.Fatal(err)
	}
	id := k.Info().ID
	for n := uint64(1); n <= 3; n++ {
		if _, err := s.Envelope(t.Context(), id, &to.PublicKey); err != nil {
			t.Fatal(err)
		}
		after := open(t, killed(t, dir))
		again, err := after.Key(t.Context(), id)
		if err != nil || again.Info().Uses != n || told(t, after) != 0 {
			t.Fatalf("%d uses after %d, %v", again.Info().Uses, n, err)
		}
	}
	// A decryption is one of many: it reserves a block, and envelopes take of it.
	c, err := sm2.EncryptASN1(rand.Reader, k.Public(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Decrypt(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Envelope(t.Context(), id, &to.PublicKey); err != nil || k.Info().Uses != 5 {
		t.Fatal(k.Info(), err)
	}
	if n := told(t, open(t, killed(t, dir))); n != useBlock {
		t.Errorf("a gap of %d", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Envelope(t.Context(), id, &to.PublicKey); err == nil {
		t.Error("a closed store hands a key over")
	}
	last := open(t, dir)
	if again, err := last.Key(t.Context(), id); err != nil || again.Info().Uses != 5 || told(t, last) != 0 {
		t.Error(again.Info(), err)
	}
}
