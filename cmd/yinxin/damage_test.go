package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/internal/store/bolt"
	"yinxin/internal/testlong"
	"yinxin/seal"
)

// rootsOwn is a purpose and the serial number of its certificate, as they stand
// beside each other in a page.
var rootsOwn = regexp.MustCompile(`root([0-9a-f]{32})`)

// TestDamagedFolders: whatever happens to the files, it is told in one sentence
// and no file is touched; and no journal with a damaged record verifies.
func TestDamagedFolders(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	whole := contents(t, o.data)
	var aKey string
	for name := range whole {
		if strings.HasSuffix(name, ".key") && name > aKey {
			aKey = name
		}
	}
	meta := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { page := os.Getpagesize(); copy(b[n*page:], make([]byte, page)); return b }
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 4; return b }
	}
	// What the store fills ahead with zeros is no loss.
	cut := func(b []byte) []byte { return b[:len(bytes.TrimRight(b, "\x00"))/2] }
	none := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		file  string
		spoil func([]byte) []byte
		codes []int
	}{
		"identity cut":       {"/province.json", cut, []int{exitBadInput}},
		"identity empty":     {"/province.json", none, []int{exitBadInput}},
		"key cut":            {aKey, cut, []int{exitBadInput}},
		"key empty":          {aKey, none, []int{exitBadInput}},
		"key, one bit":       {aKey, flip(150), []int{exitBadInput}},
		"key's counter":      {aKey, flip(60), []int{exitBadInput}},
		"root key cut":       {"/keys/kek.pem", cut, []int{exitBadInput}},
		"root key, one bit":  {"/keys/kek.pem", flip(200), []int{exitBadInput, exitNoRight}}, // looks like a wrong passphrase
		"database cut":       {"/store.db", func(b []byte) []byte { return b[:8*os.Getpagesize()] }, []int{exitBadInput}},
		"database empty":     {"/store.db", none, []int{exitBadInput}},
		"database, 1st meta": {"/store.db", meta(0), []int{exitBadInput}},
		"database, 2nd meta": {"/store.db", meta(1), []int{exitBadInput}},
		// The register's word on which certificate is a purpose's own: without it
		// the next start would make another, with a root's power.
		"database, a purpose": {"/store.db", func(b []byte) []byte {
			return rootsOwn.ReplaceAll(b, []byte("rooT$1"))
		}, []int{exitBadInput}},
		"database, other": {"/store.db", func([]byte) []byte { return bytes.Repeat([]byte("x"), 1<<17) }, []int{exitBadInput}},
	} {
		t.Run(name, func(t *testing.T) {
			m := o.damaged(t, c.file, c.spoil)
			before := contents(t, m.path("data"))
			r := m.run("seal", "list", "--data", m.path("data"))
			ok := false
			for _, code := range c.codes {
				ok = ok || r.code == code
			}
			if !ok {
				t.Fatalf("ends with %d: %s", r.code, r.err)
			}
			sameContents(t, before, contents(t, m.path("data")))
		})
	}
}

// TestFlippedBitsInTheDatabase: bbolt trusts its pages, so a flipped bit in one
// may do anything but end in a trace, or change what the journal's audit reads
// without a word.
func TestFlippedBitsInTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	size := len(contents(t, o.data)["/store.db"])
	sound := o.want(0, "journal", "verify")
	before := entries(t, filepath.Join(o.data, "store.db"))
	random := uint64(11)
	next := func(n int) int {
		random = random*6364136223846793005 + 1442695040888963407
		return int(random>>33) % n
	}
	for n := range testlong.Count(40, 2000) {
		m := o.damaged(t, "/store.db", func(b []byte) []byte {
			at := next(size)
			if n%2 == 0 {
				at = at&^4095 + next(96) // a page's header and the first of its table
			}
			for i := range 1 + next(2)*40 {
				b[min(at+i, size-1)] ^= 1 << next(8)
			}
			return b
		})
		r := m.run("journal", "verify", "--data", m.path("data"))
		switch {
		case r.code == exitBadInput, r.code == 0 && r.out == sound:
		case r.code == 0:
			onlyUsesTold(t, before, entries(t, filepath.Join(m.path("data"), "store.db")))
		default:
			t.Fatal(fmt.Sprint(n, ": ends with ", r.code, ": ", r.out, r.err))
		}
		if err := os.RemoveAll(m.dir); err != nil {
			t.Fatal(err)
		}
	}
}

// entries reads a folder's journal as it lies in the file.
func entries(t *testing.T, path string) (all []journal.Entry) {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	size, err := db.Journal().JournalSize(t.Context())
	for i := uint64(0); err == nil && i < size; i++ {
		var e journal.Entry
		e, err = db.Journal().LeafAt(t.Context(), i)
		all = append(all, e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// onlyUsesTold: a damaged count of a key's uses is told when the folder is opened, by
// an act of its own (protocol.md 8). Every leaf that was there must still be, octet
// for octet, and what follows must be such acts and nothing else.
func onlyUsesTold(t *testing.T, sound, now []journal.Entry) {
	t.Helper()
	if len(now) <= len(sound) || !cmp.Equal(now[:len(sound)], sound) {
		t.Fatalf("%d leaves, not the %d that were there", len(now), len(sound))
	}
	for _, e := range now[len(sound):] {
		if l, err := act.ParseLeaf(e.Leaf); err != nil || l.Act != seal.ActUnaccounted {
			t.Fatalf("%s was journaled by opening a damaged folder, %v", l.Act, err)
		}
	}
}

// TestADamagedCountOfUses: a register that accounts for fewer of a key's signatures
// than the key has made is told of in the journal, which loses nothing by it.
func TestADamagedCountOfUses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	path := filepath.Join(o.data, "store.db")
	before := entries(t, path)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	lowered := 0
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("key_uses"))
		return b.ForEach(func(key, _ []byte) error {
			lowered++
			return b.Put(key, make([]byte, 8))
		})
	})
	if err := errors.Join(err, db.Close()); err != nil || lowered == 0 {
		t.Fatalf("%d counts lowered, %v", lowered, err)
	}
	o.want(0, "journal", "verify")
	onlyUsesTold(t, before, entries(t, path))
}

// TestKilledWhileItIsFounded: an init that was killed left nothing, or a folder
// that is refused, or one that opens and works.
func TestKilledWhileItIsFounded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.set("YINXIN_PASSPHRASE_FILE", m.write("passphrase", []byte(officePass)))
	founding := []string{"init", "--data", "data", "--region", "520000", "--name", "贵州省"}
	for n := range testlong.Count(3, 40) {
		cmd := m.command(founding...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It takes some 400 ms; under load the last of these may come too early.
		time.Sleep(time.Duration(250+testlong.Count(100, 10)*n) * time.Millisecond)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if r := m.run("journal", "verify", "--data", "data"); r.code == 0 {
			m.want(0, "agency", "add", "--data", "data", "--uscc", demoAgency, "--name", demoName)
			m.want(0, "seal", "make", "--data", "data", "--agency", demoAgency)
			m.want(exitRefused, founding...)
		} else if r.code != exitBadInput {
			t.Fatal(r.code, r.err)
		}
		if err := os.RemoveAll(m.path("data")); err != nil {
			t.Fatal(err)
		}
	}
}

// damaged gives a copy of the office's folder with one file spoiled.
func (o *office) damaged(t *testing.T, file string, spoil func([]byte) []byte) *machine {
	t.Helper()
	m := *o.machine
	m.t, m.dir = t, t.TempDir()
	if err := os.CopyFS(m.path("data"), os.DirFS(o.data)); err != nil {
		t.Fatal(err)
	}
	b := spoil(m.read("data" + file))
	m.write("data"+file, b)
	return &m
}
