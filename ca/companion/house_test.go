package companion_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yinxin/ca/companion"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/act"
	"yinxin/internal/store/bolt"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is moved by the tests, never by itself.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is an authority over a real store and real keys.
type house struct {
	*companion.Authority
	config companion.Config
	db     *bolt.DB
	keys   *softkey.Store
	clock  *clock
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{clock: &clock{at: noon}}
	var err error
	if h.keys, err = softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("pass"), Rand: rand.Reader, Clock: h.clock.now, Iterations: 10}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.keys.Close() })
	if h.db, err = bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.db.Close() })
	h.config = companion.Config{Store: h.db.Companions(), Keys: h.keys, Clock: h.clock.now, Rand: rand.Reader, Region: "520000", RegionName: "贵州省"}
	h.restart(t)
	return h
}

// restart forgets whatever an authority has in memory.
func (h *house) restart(t testing.TB) {
	t.Helper()
	var err error
	if h.Authority, err = companion.New(h.config); err != nil {
		t.Fatal(err)
	}
}

// faults fails one write, which was kept or was not.
type faults struct {
	companion.Store
	left int // writes that go well before it
	kept bool
}

var errFault = errors.New("the disk is gone")

func (f *faults) write(do func() error) error {
	if f.left--; f.left != -1 {
		return do()
	}
	if f.kept {
		if err := do(); err != nil {
			return err
		}
	}
	return errFault
}

func (f *faults) PutIntent(ctx context.Context, i companion.Intent) error {
	return f.write(func() error { return f.Store.PutIntent(ctx, i) })
}

func (f *faults) CommitCertificate(ctx context.Context, a act.Act, r companion.Row) error {
	return f.write(func() error { return f.Store.CommitCertificate(ctx, a, r) })
}

func (f *faults) CommitAbandoned(ctx context.Context, a act.Act, i companion.Intent) error {
	return f.write(func() error { return f.Store.CommitAbandoned(ctx, a, i) })
}

// ordered has each signature of a certificate find its intent durable.
type ordered struct {
	hsm.CompanionStore
	check func()
}

func (o ordered) CompanionKey(ctx context.Context, id string) (hsm.CompanionKey, error) {
	k, err := o.CompanionStore.CompanionKey(ctx, id)
	return orderedKey{k, o.check}, err
}

func (o ordered) GenerateCompanion(ctx context.Context, label string) (hsm.CompanionKey, error) {
	k, err := o.CompanionStore.GenerateCompanion(ctx, label)
	return orderedKey{k, o.check}, err
}

type orderedKey struct {
	hsm.CompanionKey
	check func()
}

func (k orderedKey) SignDigest(ctx context.Context, digest []byte) ([]byte, error) {
	k.check()
	return k.CompanionKey.SignDigest(ctx, digest)
}
