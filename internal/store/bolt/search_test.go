package bolt

import (
	"path/filepath"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/store/storetest"
	"yinxin/internal/testlong"
)

// register is a filled one, and the path of its file.
func register(b *testing.B) (*DB, string, []string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	n := testlong.Count(5_000, 100_000)
	return db, path, storetest.Fill(b, db, n, n/10)
}

// A page of 50 costs the same in a large register as in a small one.
func BenchmarkSearch(b *testing.B) {
	db, _, serials := register(b)
	defer db.Close()
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	all, _, err := db.CA().Certificates(b.Context(), ca.Filter{Limit: 1, Serial: serials[len(serials)/2]}, now)
	if err != nil || len(all) != 1 {
		b.Fatal(all, err)
	}
	middle := all[0]
	for name, f := range map[string]ca.Filter{
		"all": {}, "after": {Cursor: middle.Serial}, "agency": {Agency: middle.Agency}, "revoked": {State: ca.StateRevoked}, "valid": {State: ca.StateValid},
		"expires": {ExpiresAfter: middle.NotAfter}, "issued": {IssuedAfter: middle.IssuedAt}, "serial": {Serial: middle.Serial[:4]},
	} {
		f.Limit = 50
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if rows, _, err := db.CA().Certificates(b.Context(), f, now); err != nil || len(rows) == 0 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
	b.Run("expiring", func(b *testing.B) {
		for b.Loop() {
			if n, err := db.CA().Expiring(b.Context(), now.AddDate(0, 6, 0), now.AddDate(0, 7, 0)); err != nil || len(n) == 0 {
				b.Fatal(n, err)
			}
		}
	})
}

// A start reads what it needs and not the register.
func BenchmarkStart(b *testing.B) {
	db, path, _ := register(b)
	for b.Loop() {
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		var err error
		if db, err = Open(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	db.Close()
}
