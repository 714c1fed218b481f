package crl_test

import (
	"testing"
	"time"

	"yinxin/internal/store/storetest"
)

// BenchmarkLists makes a list of 10,000 entries and its parts, each read, signed, read
// back and kept; and gives one that stands, as every GET does.
func BenchmarkLists(b *testing.B) {
	const entries = 10_000
	o := open(b)
	storetest.Fill(b, o.db, entries, entries)
	for _, name := range []string{"issuing", "issuing-40", "issuing-delta"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				o.now = o.now.Add(time.Second)
				if _, err := o.lists.Fresh(b.Context(), name, o.now); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(o.header(name).Entries), "entries")
		})
	}
	b.Run("standing", func(b *testing.B) {
		for b.Loop() {
			if _, err := o.lists.List(b.Context(), "issuing"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
