package bolt

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify/status"
)

// olderSeal and olderChange are the rows and records as programs wrote them before
// seals had editions.
type olderSeal struct {
	ID         string            `cbor:"1,keyasint"`
	Version    uint64            `cbor:"2,keyasint"`
	Agency     string            `cbor:"3,keyasint"`
	Name       string            `cbor:"4,keyasint"`
	State      status.SealState  `cbor:"5,keyasint"`
	Intervals  []status.Interval `cbor:"6,keyasint"`
	SM3        [32]byte          `cbor:"7,keyasint"`
	ValidFrom  time.Time         `cbor:"8,keyasint"`
	ValidTo    time.Time         `cbor:"9,keyasint"`
	KeyID      string            `cbor:"10,keyasint"`
	CertSerial string            `cbor:"11,keyasint"`
	WidthMM    int               `cbor:"12,keyasint"`
	HeightMM   int               `cbor:"13,keyasint"`
	Policy     olderPolicy       `cbor:"14,keyasint"`
	Made       time.Time         `cbor:"15,keyasint"`
}

type olderPolicy struct {
	Agencies []string `cbor:"1,keyasint,omitempty"`
	Matters  []string `cbor:"2,keyasint,omitempty"`
	PerDay   uint64   `cbor:"3,keyasint,omitempty"`
}

type olderChange struct {
	Seal olderSeal `cbor:"1,keyasint"`
	Who  string    `cbor:"2,keyasint"`
	Why  string    `cbor:"3,keyasint"`
	At   time.Time `cbor:"4,keyasint"`
}

// A register from before seals had editions opens, shows each seal as of its first
// edition, and tells its life and the seal of a certificate; also after a process that
// was killed while it filled the index.
func TestAnOlderRegisterOfSealsOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	const n = 30
	var steps [n][]act.ID
	for i := range n {
		old := olderSeal{ID: fmt.Sprintf("520000%08d", i), Agency: "a", Name: "局", State: status.SealInForce, SM3: [32]byte{byte(i)}, ValidFrom: now, ValidTo: now.AddDate(3, 0, 0),
			KeyID: "k", CertSerial: fmt.Sprintf("%02x", i), WidthMM: 42, HeightMM: 42, Policy: olderPolicy{Matters: []string{"m"}}, Made: now}
		for _, name := range []string{seal.ActMade, seal.ActFrozen} {
			old.Version++
			now = now.Add(time.Millisecond)
			a, err := act.New(now, rand.Reader, name, old.ID, olderChange{old, "x", "y", now})
			if err != nil {
				t.Fatal(err)
			}
			row, err := act.Encode(old)
			if err != nil {
				t.Fatal(err)
			}
			steps[i] = append(steps[i], a.ID)
			if err := db.commit(t.Context(), func(tx *Tx) error {
				return errors.Join(tx.act(a), tx.put(bucketSeals, []byte(old.ID), row), tx.put(bucketSealSM3, old.SM3[:], []byte(old.ID)))
			}); err != nil {
				t.Fatal(err)
			}
		}
		// What else is in the journal is passed over.
		other, err := act.New(now, rand.Reader, seal.ActStamped, old.ID, seal.Stamp{SealID: old.ID})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Commit(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		forget func(tx *bbolt.Tx) error
	}{
		{"before the index", func(tx *bbolt.Tx) error {
			return errors.Join(tx.DeleteBucket(bucketSealSteps), tx.DeleteBucket(bucketSealCerts), tx.DeleteBucket(bucketSealUses), tx.Bucket(bucketCounters).Delete(stepsIndexed))
		}},
		{"half of it", func(tx *bbolt.Tx) error {
			if err := tx.DeleteBucket(bucketSealSteps); err != nil {
				return err
			}
			// The first half stands in the index, and the marker at its end.
			b, err := tx.CreateBucket(bucketSealSteps)
			for i := range n / 2 {
				for _, id := range steps[i] {
					err = errors.Join(err, b.Put(stepKey(fmt.Sprintf("520000%08d", i), id), nil))
				}
			}
			return errors.Join(err, tx.Bucket(bucketCounters).Put(stepsIndexed, steps[n/2][0][:]))
		}},
	} {
		name, forget := c.name, c.forget
		if err := db.bolt.Update(forget); err != nil {
			t.Fatal(name, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(name, err)
		}
		if db, err = Open(path, Options{}); err != nil {
			t.Fatal(name, err)
		}
		for i := range n {
			s, err := db.Seals().SealByCertificate(t.Context(), fmt.Sprintf("%02x", i))
			if err != nil || s.ID != fmt.Sprintf("520000%08d", i) || s.Edition != 1 || len(s.Editions()) != 1 || len(s.InEffect()) != 1 {
				t.Fatalf("%s: %+v, %v", name, s, err)
			}
			told, err := db.Seals().History(t.Context(), s.ID)
			var ids []act.ID
			for _, step := range told {
				ids = append(ids, step.Act)
			}
			if err != nil || !cmp.Equal(ids, steps[i]) || told[1].Name != seal.ActFrozen || told[1].Seal.Version != 2 {
				t.Errorf("%s: the life of seal %d is %v, want %v: %v", name, i, ids, steps[i], err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A row that has nothing of what is new is written as the older program wrote it: its
// record in the journal has one encoding.
func TestAPlainSealIsWrittenAsBefore(t *testing.T) {
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	old, err := act.Encode(olderSeal{ID: "52000000000001", Version: 3, Agency: "a", Made: now})
	if err != nil {
		t.Fatal(err)
	}
	s, err := decodeSeal(old)
	if err != nil {
		t.Fatal(err)
	}
	s.Edition = 0
	again, err := act.Encode(s)
	if err != nil || string(again) != string(old) {
		a, _ := cbor.Diagnose(old)
		b, _ := cbor.Diagnose(again)
		t.Errorf("%v\n%s\n%s", err, a, b)
	}
}
