package statuslist

import (
	"bytes"
	"compress/zlib"
	"errors"
	"testing"

	"yinxin/verify/status"
)

func TestPackedAndOpened(t *testing.T) {
	states := map[uint32]status.LicenceState{
		0: status.LicenceRevoked, 1: status.LicenceSuspended, 2: status.LicenceWithdrawn, 5: status.LicenceCancelled,
		77: status.LicenceSuperseded, status.ShardSize - 1: status.LicenceTransferred,
	}
	bits, err := Pack(states)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(bits, status.ShardSize)
	if err != nil {
		t.Fatal(err)
	}
	for at := range uint32(status.ShardSize) {
		want, listed := states[at]
		if !listed {
			want = status.LicenceValid
		}
		if got, ok := l.State(at); !ok || got != want {
			t.Fatalf("%d: %s, want %s", at, got, want)
		}
	}
	if _, ok := l.State(status.ShardSize); ok {
		t.Error("a position outside the list has a state")
	}
}

// protocol.md 5: the first licence stands in the lower half of the first octet.
func TestOrderOfBits(t *testing.T) {
	bits, err := Pack(map[uint32]status.LicenceState{0: status.LicenceRevoked, 1: status.LicenceSuspended})
	if err != nil {
		t.Fatal(err)
	}
	r, err := zlib.NewReader(bytes.NewReader(bits))
	if err != nil {
		t.Fatal(err)
	}
	var first [1]byte
	if _, err := r.Read(first[:]); err != nil || first[0] != 0x21 {
		t.Fatalf("%x %v", first, err)
	}
}

func packed(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		bits  []byte
		count int
	}{
		"no positions":    {packed(t, []byte{0}), 0},
		"too many":        {packed(t, []byte{0}), status.ShardSize + 1},
		"no zlib":         {[]byte("no"), 2},
		"too short":       {packed(t, []byte{0}), 3},
		"too long":        {packed(t, []byte{0, 0}), 2},
		"a bomb":          {packed(t, make([]byte, 64<<20)), 2},
		"checksum":        {append(packed(t, []byte{1})[:9], 0, 0, 0, 0), 2},
		"broken off":      {packed(t, []byte{1, 2, 3})[:6], 6},
		"a negative list": {packed(t, []byte{0}), -1},
	} {
		if _, err := Open(c.bits, c.count); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := Open(packed(t, []byte{0x7f}), 2)
	if err != nil {
		t.Fatal(err)
	}
	for at := range uint32(2) {
		if s, ok := l.State(at); ok {
			t.Errorf("a number without meaning is %s", s)
		}
	}
	if _, err := Pack(map[uint32]status.LicenceState{status.ShardSize: status.LicenceRevoked}); err == nil {
		t.Error("a position outside the shard was packed")
	}
	if _, err := Pack(map[uint32]status.LicenceState{1: status.LicenceUnknown}); err == nil {
		t.Error("an unknown state was packed")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(packed(f, []byte{0x21}), 2)
	f.Fuzz(func(t *testing.T, bits []byte, count int) {
		if l, err := Open(bits, count); err == nil {
			l.State(0)
			l.State(uint32(count))
		}
	})
}
