package bolt

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

// Every edit of the file that a thief may think of is found by the audit, and
// says what was found.
func TestTheAuditFindsWhatWasEdited(t *testing.T) {
	t.Parallel()
	var early []byte // the checkpoint of 300
	for name, c := range map[string]struct {
		edit func(c crime)
		want string
	}{
		"nothing":                   {func(crime) {}, ""},
		"an act removed":            {func(c crime) { id, _, _ := c.at(500); c.must(c.bucket(bucketActs).Delete(id[:])) }, "leaf 500"},
		"an act and its leaf":       {func(c crime) { c.remove(500) }, "leaf 500"},
		"an act and all its traces": {func(c crime) { c.remove(500); c.closeUp(500) }, "leaves were removed"},
		"the first act":             {func(c crime) { c.remove(0); c.closeUp(0) }, "leaves were removed"},
		"the last act":              {func(c crime) { c.remove(599); c.closeUp(599) }, "leaves were removed"},
		"a record altered": {func(c crime) {
			id, leaf, record := c.at(500)
			record[len(record)-1] ^= 1
			c.putAct(500, id, leaf, record)
		}, "not the one journaled"},
		"a record cut off":            {func(c crime) { id, leaf, record := c.at(500); c.putAct(500, id, leaf, record[:3]) }, "not the one journaled"},
		"a leaf altered":              {func(c crime) { id, leaf, record := c.at(500); leaf[20] ^= 1; c.putAct(500, id, leaf, record) }, "its hash is not that of its bytes"},
		"a leaf with its hash":        {func(c crime) { id, leaf, record := c.at(500); leaf[len(leaf)-1] ^= 1; c.put(500, id, leaf, record) }, "another root"},
		"a record with leaf and hash": {func(c crime) { c.rewrite(500, []byte("another"), "test.act") }, "another root"},
		"an act by another name":      {func(c crime) { c.rewrite(500, nil, "test.other") }, "another root"},
		"the order of two": {func(c crime) {
			a, leafA, recordA := c.at(500)
			b, leafB, recordB := c.at(501)
			c.put(501, a, leafA, recordA)
			c.put(500, b, leafB, recordB)
		}, "another root"},
		"one leaf for two acts": {func(c crime) {
			id, _, _ := c.at(500)
			hash := act.LeafHash([]byte("x"))
			c.must(c.bucket(bucketLeaves).Put(indexKey(501), append(id[:], hash[:]...)))
		}, "leaf 501"},
		"an act without a leaf": {func(c crime) {
			_, leaf, record := c.at(500)
			c.putAct(600, act.ID{1}, leaf, record)
		}, "601 acts"},
		"an act replaced by a later one": {func(c crime) {
			c.remove(500)
			c.closeUp(500)
			_, leaf, record := c.at(50)
			c.put(599, act.ID{1}, leaf, record)
			c.must(c.bucket(bucketLeaves).SetSequence(600))
		}, "another root"},
		"an act slipped in": {func(c crime) {
			size := c.bucket(bucketLeaves).Sequence()
			for i := size; i > 100; i-- {
				id, leaf, record := c.at(i - 1)
				c.put(i, id, leaf, record)
			}
			c.must(c.bucket(bucketLeaves).SetSequence(size + 1))
			_, leaf, record := c.at(50)
			c.put(100, act.ID{1}, leaf, record)
		}, "another root"},
		"the checkpoint rolled back": {func(c crime) { c.setLatest(300, early) }, "rolled back"},
		"all of it rolled back": {func(c crime) {
			for i := range uint64(300) {
				c.remove(599 - i)
			}
			c.must(c.bucket(bucketLeaves).SetSequence(300))
			c.setLatest(300, early)
		}, "leaves were removed"},
		"the checkpoint removed": {func(c crime) { c.must(c.bucket(bucketCheckpoints).Delete(keyLatest)) }, "rolled back"},
		"the checkpoint altered": {func(c crime) {
			size, note := c.latest()
			note[len("yinxin/520000\n6")] ^= 1
			c.setLatest(size, note)
		}, "checkpoint"},
		"another's checkpoint": {func(c crime) {
			db := open(c.t, filepath.Join(c.t.TempDir(), "other.db"), true)
			c.must(db.Commit(c.t.Context(), newAct(c.t, 1, nil)))
			j := journalOf(c.t, db, newKey(c.t))
			c.must(j.Sign(c.t.Context()))
			note, err := j.Latest(c.t.Context())
			c.must(err)
			c.setLatest(600, note)
		}, "checkpoint"},
		"a tile altered": {func(c crime) {
			tile := bytes.Clone(c.bucket(bucketTiles).Get(tileKey(1, 0)))
			tile[33] ^= 1
			c.must(c.bucket(bucketTiles).Put(tileKey(1, 0), tile))
		}, "tile 0 of level 1"},
		"a tile removed": {func(c crime) { c.must(c.bucket(bucketTiles).Delete(tileKey(1, 0))) }, "tile 0 of level 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path, k := filepath.Join(t.TempDir(), "store.db"), newKey(t)
			early = written(t, path, k)
			raw, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := raw.Update(func(tx *bbolt.Tx) error { c.edit(crime{t, tx}); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := raw.Close(); err != nil {
				t.Fatal(err)
			}
			j := journalOf(t, open(t, path, false), k)
			a, err := j.Audit(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(a.Faults, "\n"); !strings.Contains(all, c.want) || (c.want == "") != (all == "") {
				t.Errorf("the audit says %q, want %q", all, c.want)
			}
		})
	}
}

// written makes a journal of 600 acts, signed at 300 and at 600, and gives the
// first checkpoint.
func written(t *testing.T, path string, k testKey) (early []byte) {
	t.Helper()
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	j := journalOf(t, db, k)
	for range 2 {
		batch := make([]act.Act, 300)
		for i := range batch {
			batch[i] = newAct(t, i, nil)
		}
		err := db.commit(t.Context(), func(tx *Tx) error {
			for _, a := range batch {
				if err := tx.act(a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		if early == nil {
			if early, err = j.Latest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return early
}

// A journal that lost leaves never signs again: "leaves are lost".
func TestAJournalThatLostLeavesSignsNothing(t *testing.T) {
	t.Parallel()
	path, k := filepath.Join(t.TempDir(), "store.db"), newKey(t)
	written(t, path, k)
	raw, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Update(func(tx *bbolt.Tx) error {
		c := crime{t, tx}
		c.remove(599)
		return tx.Bucket(bucketLeaves).SetSequence(599)
	}); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, path, false)
	j := journalOf(t, db, k)
	if err := j.Sign(t.Context()); err == nil || !strings.Contains(err.Error(), "leaves are lost") {
		t.Errorf("signed: %v", err)
	}
	// As many again do not make it whole.
	for i := range 5 {
		if err := db.Commit(t.Context(), newAct(t, i, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Sign(t.Context()); err == nil {
		t.Error("signed over other leaves than were signed")
	}
	if size, _, err := db.Journal().Checkpoint(t.Context()); err != nil || size != 600 {
		t.Errorf("the checkpoint is of %d, %v", size, err)
	}
}

// The proofs of a real store, over tiles that it kept, are what the key's holder
// signed.
func TestReceiptsOfARealStore(t *testing.T) {
	t.Parallel()
	db, k := fresh(t), newKey(t)
	j := journalOf(t, db, k)
	for round := range 3 {
		var acts []act.Act
		for i := range 100 {
			acts = append(acts, newAct(t, i, nil))
			if err := db.commit(t.Context(), func(tx *Tx) error { return tx.act(acts[i]) }); err != nil {
				t.Fatal(err)
			}
			if i%34 == round {
				if err := j.Sign(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := j.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, a := range acts {
			r, err := j.Receipt(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			if leaf, err := journal.CheckReceipt(j.Verifiers(), r); err != nil || leaf != a.Leaf {
				t.Fatal(leaf, err)
			}
		}
	}
}
