package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"yinxin/internal/act"
	"yinxin/seal"
)

// stampIncrement: the evidence of a stamp's document is kept once, whoever comes first,
// and leaves the register as it was.
func stampIncrement(t *testing.T, b *bench) {
	store := b.Seals()
	d := b.draft(t, b.sealed(t, 1))
	other := b.act(t, "x", "x", "x").ID
	for _, id := range []act.ID{d.stamp.ID, other} {
		_, err := store.Increment(t.Context(), id)
		check(t, "none is there", err, seal.ErrNotFound)
		b.unchanged(t, "of a stamp that is not there", seal.ErrNotFound, func() error {
			_, err := store.KeepIncrement(t.Context(), id, []byte("x"))
			return err
		})
	}
	if err := b.commit(t, d); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	got := make([][]byte, 8)
	for i := range got {
		all.Go(func() {
			var err error
			if got[i], err = store.KeepIncrement(t.Context(), d.stamp.ID, fmt.Appendf(nil, "increment %d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	kept, err := store.Increment(t.Context(), d.stamp.ID)
	if err != nil || len(kept) == 0 {
		t.Fatalf("%q, %v", kept, err)
	}
	for i, one := range got {
		if !bytes.Equal(one, kept) {
			t.Errorf("caller %d got %q, %q is kept", i, one, kept)
		}
	}
	if row, err := store.Stamp(t.Context(), d.stamp.ID); err != nil || !same(row, d.stamp) {
		t.Errorf("the entry: %v %s", err, diff(d.stamp, row))
	}
}
