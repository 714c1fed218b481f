package storetest

import (
	"fmt"
	"sync"
	"testing"

	"yinxin/internal/act"
	"yinxin/seal"
)

// series makes commits of the seals' stamps, the first with a retry key and the names
// of the others.
func (b *bench) series(t testing.TB, key string, seals ...seal.Seal) (drafts []draft, all []seal.Commit) {
	t.Helper()
	var ids []act.ID
	for _, s := range seals {
		d := b.draft(t, s)
		drafts, ids = append(drafts, d), append(ids, d.stamp.ID)
	}
	first := &drafts[0]
	first.stamp.With = ids[1:]
	first.act = b.act(t, seal.ActStamped, first.stamp.SealID, first.stamp)
	first.act.ID, first.act.Retry = ids[0], &act.Retry{Owner: usccA, Key: key, Request: [32]byte{1}}
	for _, d := range drafts {
		all = append(all, seal.Commit{Act: d.act, Stamp: d.stamp, Guard: d.guard})
	}
	return drafts, all
}

// stampSeries: several stamps are kept in one piece, in their order.
func stampSeries(t *testing.T, b *bench) {
	one, two := b.sealed(t, 1), b.sealed(t, 2)
	drafts, all := b.series(t, "k", one, two, one)
	before := b.size(t)
	check(t, "three stamps", b.Seals().CommitStamps(t.Context(), all), nil)
	if after := b.size(t); after != before+3 {
		t.Errorf("%d leaves after %d", after, before)
	}
	for i, d := range drafts {
		got, err := b.Seals().Stamp(t.Context(), d.stamp.ID)
		if err != nil || !same(got, d.stamp) {
			t.Errorf("stamp %d: %v %s", i, err, diff(d.stamp, got))
		}
		_, record, index, err := b.Act(t.Context(), d.act.ID)
		if err != nil || index != before+uint64(i) || string(record) != string(d.act.Record) {
			t.Errorf("stamp %d: its act is at %d: %v", i, index, err)
		}
	}
	if done, found, err := b.Seals().Done(t.Context(), drafts[0].act.Retry.Slot(), b.now); err != nil || !found || done.Act != drafts[0].stamp.ID {
		t.Error(done, found, err)
	}
	for s, want := range map[string]uint64{one.KeyID: 2, two.KeyID: 1} {
		if n, err := b.Seals().Accounted(t.Context(), s); err != nil || n != want {
			t.Errorf("key %s: %d uses, want %d, %v", s, n, want, err)
		}
	}
	drafts, all = b.series(t, "k", two, one)
	b.unchanged(t, "a key that is taken", act.ErrRetryTaken, func() error { return b.Seals().CommitStamps(t.Context(), all) })
	for _, d := range drafts {
		d.act.Retry = nil
		b.untraced(t, "a key that is taken", d)
	}
}

// stampSeriesWhole: whichever stamp may not be kept, none is, and the retry key stays
// free.
func stampSeriesWhole(t *testing.T, b *bench) {
	seals := []seal.Seal{b.sealed(t, 1), b.sealed(t, 2), b.sealed(t, 3)}
	for i := range seals {
		for name, spoil := range map[string]func(c *seal.Commit){
			"another version":   func(c *seal.Commit) { c.Guard.SealVersion++ },
			"an unknown bearer": func(c *seal.Commit) { c.Guard.Key = "00000009" },
		} {
			name = fmt.Sprintf("stamp %d of %s", i, name)
			drafts, all := b.series(t, name, seals...)
			spoil(&all[i])
			b.unchanged(t, name, seal.ErrChanged, func() error { return b.Seals().CommitStamps(t.Context(), all) })
			for _, d := range drafts {
				b.untraced(t, name, d)
			}
		}
	}
}

// stampSeriesQuota: stamps of one series count one after the other, and those of a
// series that failed do not count.
func stampSeriesQuota(t *testing.T, b *bench) {
	s := b.sealed(t, 1)
	const quota = 5
	limited := func(key string, n int) ([]draft, []seal.Commit) {
		many := make([]seal.Seal, n)
		for i := range many {
			many[i] = s
		}
		drafts, all := b.series(t, key, many...)
		for i := range all {
			all[i].Guard.PerDay, all[i].Guard.Day = quota, "2026-11-24"
		}
		return drafts, all
	}
	drafts, all := limited("six", quota+1)
	b.unchanged(t, "one more than the quota", seal.ErrQuota, func() error { return b.Seals().CommitStamps(t.Context(), all) })
	for _, d := range drafts {
		b.untraced(t, "one more than the quota", d)
	}
	// Two of these fit, whoever comes first.
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		_, all := limited(fmt.Sprint("two ", i), 2)
		wg.Go(func() { errs[i] = b.Seals().CommitStamps(t.Context(), all) })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			check(t, "over the quota", err, seal.ErrQuota)
		}
	}
	if told, err := b.Seals().StampedOn(t.Context(), s.ID, "", "2026-11-24"); err != nil || made != 2 || told != 4 {
		t.Errorf("%d series, %d stamps told, %v", made, told, err)
	}
}
