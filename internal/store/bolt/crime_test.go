package bolt

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

// crime edits the file behind the store's back, as its operator could.
type crime struct {
	t  *testing.T
	tx *bbolt.Tx
}

func (c crime) bucket(name []byte) *bbolt.Bucket { return c.tx.Bucket(name) }

func (c crime) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// at gives the act of a leaf.
func (c crime) at(index uint64) (id act.ID, leaf, record []byte) {
	c.t.Helper()
	id, _, err := splitLeaf(c.bucket(bucketLeaves).Get(indexKey(index)))
	c.must(err)
	l, r, _, err := splitAct(c.bucket(bucketActs).Get(id[:]))
	c.must(err)
	return id, bytes.Clone(l), bytes.Clone(r)
}

// put writes an act and its leaf, with a hash that fits.
func (c crime) put(index uint64, id act.ID, leaf, record []byte) {
	c.t.Helper()
	c.putAct(index, id, leaf, record)
	hash := act.LeafHash(leaf)
	c.must(c.bucket(bucketLeaves).Put(indexKey(index), append(id[:], hash[:]...)))
}

func (c crime) putAct(index uint64, id act.ID, leaf, record []byte) {
	c.t.Helper()
	value := binary.BigEndian.AppendUint16(indexKey(index), uint16(len(leaf)))
	c.must(c.bucket(bucketActs).Put(id[:], append(append(value, leaf...), record...)))
}

// remove takes an act and its leaf away.
func (c crime) remove(index uint64) {
	c.t.Helper()
	id, _, _ := c.at(index)
	c.must(c.bucket(bucketActs).Delete(id[:]))
	c.must(c.bucket(bucketLeaves).Delete(indexKey(index)))
}

// closeUp moves all later leaves one down, so that no number is missing.
func (c crime) closeUp(gap uint64) {
	c.t.Helper()
	leaves := c.bucket(bucketLeaves)
	size := leaves.Sequence()
	for i := gap + 1; i < size; i++ {
		id, leaf, record := c.at(i)
		c.must(leaves.Delete(indexKey(i)))
		c.put(i-1, id, leaf, record)
	}
	c.must(leaves.SetSequence(size - 1))
}

// rewrite gives an act another record, with leaf and hash to match.
func (c crime) rewrite(index uint64, record []byte, name string) {
	c.t.Helper()
	id, leaf, old := c.at(index)
	l, err := act.ParseLeaf(leaf)
	c.must(err)
	if record == nil {
		record = old
	}
	forged, err := act.NewWithID(id, time.UnixMilli(l.Time), bytes.NewReader(l.Nonce[:]), name, l.Subject, record)
	c.must(err)
	encoded, err := forged.Leaf.Encode()
	c.must(err)
	c.put(index, id, encoded, forged.Record)
}

func (c crime) latest() (size uint64, note []byte) {
	size, note = latest(c.bucket(bucketCheckpoints))
	return size, bytes.Clone(note)
}

func (c crime) setLatest(size uint64, note []byte) {
	c.t.Helper()
	c.must(c.bucket(bucketCheckpoints).Put(keyLatest, append(indexKey(size), note...)))
}

type testKey struct{ *sm2.PrivateKey }

func (k testKey) Public() *ecdsa.PublicKey { return &k.PublicKey }
func (k testKey) SignMessage(_ context.Context, m []byte) ([]byte, error) {
	return k.SignWithSM2(rand.Reader, nil, m)
}
func (k testKey) Signing(context.Context) (journal.Signer, error) { return k, nil }
func (k testKey) Known(context.Context) ([]*ecdsa.PublicKey, error) {
	return []*ecdsa.PublicKey{k.Public()}, nil
}

func newKey(t testing.TB) testKey {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{k}
}

func journalOf(t testing.TB, db *DB, k testKey) *journal.Journal {
	t.Helper()
	j, err := journal.New(t.Context(), journal.Config{Store: db.Journal(), Origin: "yinxin/520000", Keys: k, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return j
}
