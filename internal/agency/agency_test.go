package agency_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/store/bolt"
)

const (
	owner    = "11520000MB1A00001X"
	stranger = "11110000000021135M"
)

// store counts what is read of it, and does something once after a key was read
// and before the office goes on.
type store struct {
	agency.Store
	mu    sync.Mutex
	reads int
	after func()
}

func (s *store) Key(ctx context.Context, id string) (agency.APIKey, error) {
	k, err := s.Store.Key(ctx, id)
	s.mu.Lock()
	f := s.after
	s.after = nil
	s.reads++
	s.mu.Unlock()
	if f != nil {
		f()
	}
	return k, err
}

// register is an office over a real store.
type register struct {
	*agency.Office
	store *store
	db    *bolt.DB
	path  string
	now   time.Time
}

func newRegister(t *testing.T) *register {
	t.Helper()
	r := &register{path: filepath.Join(t.TempDir(), "store.db"), now: time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)}
	var err error
	if r.db, err = bolt.Open(r.path, bolt.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
	})
	r.store = &store{Store: r.db.Agencies()}
	r.Office = r.office(t)
	if _, err := r.Add(t.Context(), agency.AddRequest{ID: owner, Name: "示例局", Region: "520000", Who: "x"}); err != nil {
		t.Fatal(err)
	}
	return r
}

// office is one replica over the register's store.
func (r *register) office(t *testing.T) *agency.Office {
	t.Helper()
	o, err := agency.New(agency.Config{Store: r.store, Clock: func() time.Time { return r.now }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (r *register) create(t *testing.T) (string, agency.APIKey) {
	t.Helper()
	secret, key, err := r.CreateKey(t.Context(), agency.KeyRequest{Agency: owner, Scopes: []string{agency.ScopeStamp}, Who: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return secret, key
}

func authenticate(t *testing.T, o *agency.Office, bearer string) error {
	t.Helper()
	_, err := o.Authenticate(t.Context(), bearer, netip.MustParseAddr("192.0.2.7"))
	return err
}

func check(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// A key that was read just before it ended is not remembered after it.
func TestAKeyThatEndsWhileItIsRead(t *testing.T) {
	for name, end := range map[string]func(r *register, id string) error{
		"revoked": func(r *register, id string) error { _, err := r.Revoke(context.Background(), id, "x", "y"); return err },
		"rotated": func(r *register, id string) error {
			_, _, err := r.Rotate(context.Background(), id, 0, "x")
			return err
		},
		"its agency closed": func(r *register, _ string) error { return r.Close(context.Background(), owner, "x", "y") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegister(t)
			secret, key := r.create(t)
			r.store.after = func() { check(t, name, end(r, key.ID), nil) }
			_ = authenticate(t, r.Office, secret) // it may have come first
			check(t, "afterwards", authenticate(t, r.Office, secret), agency.ErrUnauthenticated)
		})
	}
}

// What another replica revoked is believed for a few seconds at most.
func TestAnotherReplicaRevokes(t *testing.T) {
	r := newRegister(t)
	secret, key := r.create(t)
	other := r.office(t)
	check(t, "before", authenticate(t, other, secret), nil)
	if _, err := r.Revoke(t.Context(), key.ID, "x", "y"); err != nil {
		t.Fatal(err)
	}
	check(t, "where it was revoked", authenticate(t, r.Office, secret), agency.ErrUnauthenticated)
	r.now = r.now.Add(5 * time.Second)
	check(t, "elsewhere, five seconds later", authenticate(t, other, secret), agency.ErrUnauthenticated)
}

// A clock that goes back does not make a remembered key live on.
func TestAClockThatGoesBackForgets(t *testing.T) {
	r := newRegister(t)
	secret, _ := r.create(t)
	check(t, "first", authenticate(t, r.Office, secret), nil)
	before := r.store.reads
	check(t, "again", authenticate(t, r.Office, secret), nil)
	if r.store.reads != before {
		t.Errorf("read %d times though it was known", r.store.reads-before)
	}
	r.now = r.now.Add(-time.Hour)
	check(t, "an hour before", authenticate(t, r.Office, secret), nil)
	if r.store.reads == before {
		t.Error("a key remembered from the future")
	}
}

// Whoever takes the register has no key in his hands.
func TestNoSecretIsKept(t *testing.T) {
	r := newRegister(t)
	secret, _ := r.create(t)
	raw, err := base64.RawURLEncoding.DecodeString(secret[12:])
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string][]byte{"the bearer key": []byte(secret), "its text": []byte(secret[12:]), "its octets": raw, "half of them": raw[:16]} {
		if bytes.Contains(file, s) {
			t.Errorf("%s stands in the file", name)
		}
	}
	if !bytes.Contains(file, []byte(secret[3:11])) {
		t.Error("not even its id stands there: the test looks at the wrong file")
	}
}

// Each change is one leaf of the journal, each refusal none.
func TestEveryChangeIsJournaled(t *testing.T) {
	r := newRegister(t)
	_, key := r.create(t)
	_, second := r.create(t)
	for _, c := range []struct {
		name   string
		do     func() error
		leaves uint64
	}{
		{"added twice", func() error {
			_, err := r.Add(t.Context(), agency.AddRequest{ID: owner, Name: "x", Region: "520000"})
			return err
		}, 0},
		{"another added", func() error {
			_, err := r.Add(t.Context(), agency.AddRequest{ID: stranger, Name: "x", Region: "110000"})
			return err
		}, 1},
		{"a key of no agency", func() error {
			_, _, err := r.CreateKey(t.Context(), agency.KeyRequest{Agency: "11370000MB2852565A", Scopes: []string{agency.ScopeStamp}})
			return err
		}, 0},
		{"rotated", func() error { _, _, err := r.Rotate(t.Context(), key.ID, time.Hour, "x"); return err }, 1},
		{"rotated twice", func() error { _, _, err := r.Rotate(t.Context(), key.ID, time.Hour, "x"); return err }, 0},
		{"for too long", func() error { _, _, err := r.Rotate(t.Context(), second.ID, agency.MaxGrace+1, "x"); return err }, 0},
		{"revoked", func() error { _, err := r.Revoke(t.Context(), key.ID, "x", "y"); return err }, 1},
		{"revoked twice", func() error { _, err := r.Revoke(t.Context(), key.ID, "x", "y"); return err }, 0},
		{"closed", func() error { return r.Close(t.Context(), owner, "x", "y") }, 1},
		{"closed twice", func() error { return r.Close(t.Context(), owner, "x", "y") }, 0},
		{"a key of a closed one", func() error {
			_, _, err := r.CreateKey(t.Context(), agency.KeyRequest{Agency: owner, Scopes: []string{agency.ScopeStamp}})
			return err
		}, 0},
	} {
		before, err := r.db.Journal().JournalSize(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = c.do()
		after, err2 := r.db.Journal().JournalSize(t.Context())
		if (err == nil) != (c.leaves == 1) || err2 != nil || after-before != c.leaves {
			t.Errorf("%s: %d leaves, %v %v", c.name, after-before, err, err2)
		}
	}
}

// Two at once: a key is rotated once.
func TestTwoRotationsAtOnce(t *testing.T) {
	r := newRegister(t)
	_, key := r.create(t)
	offices := []*agency.Office{r.office(t), r.office(t)}
	var mu sync.Mutex
	done := 0
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			_, _, err := offices[i%2].Rotate(context.Background(), key.ID, time.Hour, "x")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.Is(err, agency.ErrRevoked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := r.Keys(t.Context(), owner); err != nil || done != 1 || len(all) != 2 {
		t.Errorf("%d rotations, %d keys, %v", done, len(all), err)
	}
}
