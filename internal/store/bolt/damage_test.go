package bolt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Each damage must be told: the older meta page looks like a whole database
// that lacks the last acknowledged acts.
func TestDamageIsToldNeverPassedOver(t *testing.T) {
	made := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(made, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		a := newAct(t, i, nil)
		if err := db.commit(context.Background(), func(tx *Tx) error { return tx.act(a) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, damage := range map[string]func(b []byte) []byte{
		"first meta zeroed":   func(b []byte) []byte { clear(b[:page]); return b },
		"second meta zeroed":  func(b []byte) []byte { clear(b[page : 2*page]); return b },
		"bit of first meta":   func(b []byte) []byte { b[pageHeader+20] ^= 1; return b },
		"bit of second meta":  func(b []byte) []byte { b[page+pageHeader+50] ^= 1; return b },
		"half of it":          func(b []byte) []byte { return b[:len(b)/2] },
		"three pages":         func(b []byte) []byte { return b[:3*page] },
		"empty":               func([]byte) []byte { return nil },
		"ten bytes":           func(b []byte) []byte { return b[:10] },
		"both metas of zeros": func(b []byte) []byte { clear(b[:2*page]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, damage(append([]byte(nil), whole...)), 0o600); err != nil {
				t.Fatal(err)
			}
			if db, err := Open(path, Options{}); !errors.Is(err, ErrCorrupt) {
				if db != nil {
					db.Close()
				}
				t.Fatalf("opened: %v", err)
			}
		})
	}
}
