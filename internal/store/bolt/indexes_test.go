package bolt

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/store/storetest"
	"yinxin/seal"
)

// A register from before the index of ends is indexed when it is opened, also by a
// process that goes on where another was killed.
func TestAnOlderRegisterIsIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	storetest.Fill(t, db, n, 5)
	want := ends(t, db)
	if len(want) != n {
		t.Fatalf("%d of %d certificates by their ends", len(want), n)
	}
	for name, forget := range map[string]func(tx *bbolt.Tx) error{
		"before the index": func(tx *bbolt.Tx) error {
			return errors.Join(tx.DeleteBucket(bucketCertExpiry), tx.Bucket(bucketCounters).Delete(expiryIndexed))
		},
		"half of it": func(tx *bbolt.Tx) error {
			if err := tx.DeleteBucket(bucketCertExpiry); err != nil {
				return err
			}
			if _, err := tx.CreateBucket(bucketCertExpiry); err != nil {
				return err
			}
			cursor := tx.Bucket(bucketCertIndex).Cursor()
			key, serial := cursor.Seek([]byte{0})
			for range n / 2 {
				r, err := named(reader(tx), serial)
				if err != nil {
					return err
				}
				if err := tx.Bucket(bucketCertExpiry).Put(expiryKey(r), []byte(r.Profile)); err != nil {
					return err
				}
				key, serial = cursor.Next()
			}
			return tx.Bucket(bucketCounters).Put(expiryIndexed, key)
		},
	} {
		if err := db.bolt.Update(forget); err != nil {
			t.Fatal(name, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(name, err)
		}
		if db, err = Open(path, Options{}); err != nil {
			t.Fatal(name, err)
		}
		if got := ends(t, db); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows by their ends, want %d", name, len(got), len(want))
		}
		if got, err := db.CA().Expiring(t.Context(), time.Unix(0, 0), time.Now().AddDate(100, 0, 0)); err != nil || got[ca.ProfileClient] != n-5 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func ends(t *testing.T, db *DB) (serials []string) {
	t.Helper()
	rows, next, err := db.CA().Certificates(t.Context(), ca.Filter{ExpiresAfter: time.Unix(1, 0), Limit: 1000}, time.Now())
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	for _, r := range rows {
		serials = append(serials, r.Serial)
	}
	return serials
}

// So is the seal-use register by agency and by officer.
func TestOlderStampsAreIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	const n = 30
	who := storetest.FillStamps(t, db, n)
	for name, forget := range map[string]func(tx *bbolt.Tx) error{
		"before the indexes": func(tx *bbolt.Tx) error {
			return errors.Join(tx.DeleteBucket(bucketAgencyStamps), tx.DeleteBucket(bucketOperatorStamps), tx.Bucket(bucketCounters).Delete(usesIndexed))
		},
		"half of them": func(tx *bbolt.Tx) error {
			for _, name := range useBuckets {
				cursor := tx.Bucket(name).Cursor()
				for range n / 2 {
					cursor.Last()
					if err := cursor.Delete(); err != nil {
						return err
					}
				}
			}
			cursor := tx.Bucket(bucketSealStamps).Cursor()
			key, _ := cursor.First()
			return tx.Bucket(bucketCounters).Put(usesIndexed, key)
		},
	} {
		if err := errors.Join(db.bolt.Update(forget), db.Close()); err != nil {
			t.Fatal(name, err)
		}
		if db, err = Open(path, Options{}); err != nil {
			t.Fatal(name, err)
		}
		for _, f := range []seal.Filter{{Agency: who.Agency, Limit: 1000}, {Operator: who.Operator, Limit: 1000}} {
			if rows, _, err := db.Seals().Stamps(t.Context(), f); err != nil || len(rows) != n {
				t.Errorf("%s, %+v: %d rows, %v", name, f, len(rows), err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkUsesByAgency reads a page of one agency of a thousand in a register of
// 20,000 stamps.
func BenchmarkUsesByAgency(b *testing.B) {
	db := fresh(b)
	who := storetest.FillStamps(b, db, 20_000)
	for b.Loop() {
		rows, _, err := db.Seals().Stamps(b.Context(), seal.Filter{Operator: who.Operator, From: time.Unix(1, 0), Limit: 50})
		if err != nil || len(rows) != 50 {
			b.Fatal(len(rows), err)
		}
	}
}
