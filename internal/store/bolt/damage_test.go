package bolt

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/testlong"
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
		"free list of zeros":  func(b []byte) []byte { clear(freelistOf(t, b)); return b },
		"free list of ones":   func(b []byte) []byte { fillWith(freelistOf(t, b)[pageHeader:], 0xff); return b },
		"a page in use is free": func(b []byte) []byte {
			binary.NativeEndian.PutUint64(freelistOf(t, b)[pageHeader:], 1)
			return b
		},
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

// freelistOf is the page of the newest list of free pages.
func freelistOf(t *testing.T, b []byte) []byte {
	t.Helper()
	newest, ok := readMeta(bytes.NewReader(b), 0)
	second, ok2 := readMeta(bytes.NewReader(b), newest.pageSize)
	if !ok || !ok2 {
		t.Fatal("the file made does not check")
	}
	if second.txid > newest.txid {
		newest = second
	}
	return b[int64(newest.freelist)*newest.pageSize:][:newest.pageSize]
}

func fillWith(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// Cut off anywhere, a file is refused, or nothing of it was cut off.
func TestATruncatedFileIsToldOrWhole(t *testing.T) {
	t.Parallel()
	whole, acts, k := pages(t)
	page := os.Getpagesize()
	told, tried := 0, 0
	for n := 0; n <= len(whole)/page; n += testlong.Count(5, 1) {
		for _, size := range []int{n*page - 1, n * page, n*page + 1, n*page + page/2} {
			if size < 0 || size >= len(whole) {
				continue
			}
			tried++
			if damaged(t, fmt.Sprintf("%d of %d octets", size, len(whole)), whole[:size], acts, k) {
				told++
			}
		}
	}
	if told < tried/2 { // the file is grown before it is filled
		t.Errorf("told %d times of %d", told, tried)
	}
}

// A page of the data destroyed: every act is still read as it was kept, or
// somebody says that the file is damaged. Nothing panics, writing included.
func TestAnyPageOverwrittenIsToldOrHarmless(t *testing.T) {
	t.Parallel()
	whole, acts, k := pages(t)
	random := mathrand.NewChaCha8([32]byte{7})
	page := os.Getpagesize()
	kinds := []struct {
		name    string
		destroy func(p []byte)
	}{
		{"zeros", func(p []byte) { clear(p) }},
		{"random", func(p []byte) { random.Read(p) }},
		{"random, header kept", func(p []byte) { random.Read(p[pageHeader:]) }},
		{"another page", func(p []byte) { copy(p, whole[5*page:6*page]) }},
		{"half of it", func(p []byte) { clear(p[page/2:]) }},
		{"eight octets", func(p []byte) { random.Read(p[64:72]) }},
	}
	told := 0
	for n := 2; n < len(whole)/page; n++ {
		for i := range testlong.Count(1, 20*len(kinds)) {
			kind := kinds[(n+i)%len(kinds)]
			b := bytes.Clone(whole)
			kind.destroy(b[n*page : (n+1)*page])
			if bytes.Equal(b, whole) {
				continue
			}
			if damaged(t, fmt.Sprintf("page %d: %s", n, kind.name), b, acts, k) {
				told++
			}
		}
	}
	if told == 0 {
		t.Error("no page mattered")
	}
}

// damaged opens a file, reads all of it, writes to it, and tells whether the
// damage was told.
func damaged(t *testing.T, name string, b []byte, acts []act.Act, k testKey) (told bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, Options{})
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: Open: %v", name, err)
		}
		return true
	}
	exact := true
	for _, a := range acts {
		_, record, _, err := db.Act(t.Context(), a.ID)
		exact = exact && err == nil && bytes.Equal(record, a.Record)
		told = told || errors.Is(err, ErrCorrupt)
	}
	audit, err := journalOf(t, db, k).Audit(t.Context(), nil)
	told = told || errors.Is(err, ErrCorrupt) || len(audit.Faults) > 0
	if err != nil && !errors.Is(err, ErrCorrupt) {
		t.Errorf("%s: the audit failed: %v", name, err)
	}
	if !exact && !told {
		t.Errorf("%s: an act is lost and nobody says so", name)
	}
	for i := range 3 {
		a := newAct(t, i, nil)
		err := db.Commit(t.Context(), a)
		if err == nil {
			_, _, _, err = db.Act(t.Context(), a.ID)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: a commit, or what it kept: %v", name, err)
		}
	}
	if err := db.Close(); err != nil && !errors.Is(err, ErrCorrupt) {
		t.Errorf("%s: Close: %v", name, err)
	}
	return told
}

// pages is a file of some fifty pages, with the acts in it and the journal's key.
func pages(t *testing.T) (whole []byte, acts []act.Act, k testKey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	k = newKey(t)
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		a, err := act.New(time.Now(), rand.Reader, "test.act", fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 200*(i%60)))
		if err != nil {
			t.Fatal(err)
		}
		a.Retry = &act.Retry{Owner: "a", Key: fmt.Sprint(i)}
		if err := db.Commit(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		acts = append(acts, a)
	}
	if err := errors.Join(journalOf(t, db, k).Sign(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	if whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return whole, acts, k
}
