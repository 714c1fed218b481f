package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

// Journal is the conformance suite of a journal.Store.
func Journal(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"empty": journalEmpty, "leaves": journalLeaves, "checkpoint": journalCheckpoint, "stale": journalStale,
		"tiles": journalTiles, "days": journalDays,
	})
}

func journalEmpty(t *testing.T, b *bench) {
	s := b.Journal()
	if size, note, err := s.Checkpoint(t.Context()); size != 0 || note != nil || err != nil {
		t.Errorf("a checkpoint before the first: %d %q %v", size, note, err)
	}
	if notes, err := s.Checkpoints(t.Context()); len(notes) != 0 || err != nil {
		t.Errorf("%d checkpoints, %v", len(notes), err)
	}
	if hs, err := s.LeafHashes(t.Context(), 0, 0); len(hs) != 0 || err != nil {
		t.Errorf("%d leaves, %v", len(hs), err)
	}
	if _, err := s.LeafAt(t.Context(), 0); err == nil {
		t.Error("a leaf of nothing")
	}
	if hs, err := s.Tile(t.Context(), 1, 0); len(hs) != 0 || err != nil {
		t.Errorf("a tile of %d, %v", len(hs), err)
	}
	if b.size(t) != 0 {
		t.Error("it is not empty")
	}
}

func journalLeaves(t *testing.T, b *bench) {
	s := b.Journal()
	const n = 20
	var acts []act.Act
	var hashes [][32]byte
	for i := range n {
		a := b.act(t, "test.act", "x", i)
		check(t, "an act", b.Commit(t.Context(), a), nil)
		leaf, err := a.Leaf.Encode()
		if err != nil {
			t.Fatal(err)
		}
		acts, hashes = append(acts, a), append(hashes, act.LeafHash(leaf))
		want := journal.Entry{ID: a.ID, Hash: hashes[i], Leaf: leaf, Record: a.Record}
		if got, err := s.LeafAt(t.Context(), uint64(i)); err != nil || !same(got, want) {
			t.Fatalf("leaf %d: %v %s", i, err, diff(want, got))
		}
	}
	for from := range n + 1 {
		for to := from; to <= n; to++ {
			got, err := s.LeafHashes(t.Context(), uint64(from), uint64(to))
			if err != nil || len(got) != to-from || to > from && !same(got, hashes[from:to]) {
				t.Fatalf("leaves %d to %d: %d, %v", from, to, len(got), err)
			}
		}
	}
	if _, err := s.LeafHashes(t.Context(), n-1, n+1); err == nil {
		t.Error("leaves beyond the last")
	}
	if _, err := s.LeafAt(t.Context(), n); err == nil {
		t.Error("a leaf beyond the last")
	}
	if leaf, record, index, err := s.Act(t.Context(), acts[3].ID); err != nil || index != 3 || !bytes.Equal(record, acts[3].Record) || act.LeafHash(leaf) != hashes[3] {
		t.Errorf("act 3 is at %d, %v", index, err)
	}
	_, _, _, err := s.Act(t.Context(), act.ID{9})
	check(t, "an unknown act", err, act.ErrNotFound)
}

func journalCheckpoint(t *testing.T, b *bench) {
	s := b.Journal()
	check(t, "the first", s.PutCheckpoint(t.Context(), 0, 5, []byte("five"), nil, b.now), nil)
	check(t, "the second", s.PutCheckpoint(t.Context(), 5, 9, []byte("nine"), nil, b.now.Add(time.Second)), nil)
	size, note, err := s.Checkpoint(t.Context())
	if err != nil || size != 9 || string(note) != "nine" {
		t.Fatalf("%d %q %v", size, note, err)
	}
	note[0] = 'x'
	if _, again, err := s.Checkpoint(t.Context()); err != nil || string(again) != "nine" {
		t.Error("the note can be changed from outside", err)
	}
	if notes, err := s.Checkpoints(t.Context()); err != nil || len(notes) == 0 || string(notes[len(notes)-1]) != "nine" {
		t.Errorf("%q, %v", notes, err)
	}
}

// journalStale: of many that go on from one checkpoint, one is kept, and of the
// others not even a tile.
func journalStale(t *testing.T, b *bench) {
	s := b.Journal()
	check(t, "the first", s.PutCheckpoint(t.Context(), 0, 1, []byte("one"), nil, b.now), nil)
	for _, old := range []uint64{0, 2} {
		tile := []journal.Tile{{Level: 1, Hashes: make([][32]byte, 3)}}
		check(t, "from another size", s.PutCheckpoint(t.Context(), old, 7, []byte("seven"), tile, b.now), journal.ErrStale)
		if hs, err := s.Tile(t.Context(), 1, 0); err != nil || len(hs) != 0 {
			t.Errorf("a stale checkpoint left %d hashes, %v", len(hs), err)
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		wg.Go(func() {
			tile := []journal.Tile{{Level: 1, Hashes: [][32]byte{{byte(i + 1)}}}}
			errs[i] = s.PutCheckpoint(t.Context(), 1, uint64(100+i), []byte{byte(i + 1)}, tile, b.now)
		})
	}
	wg.Wait()
	size, note, err := s.Checkpoint(t.Context())
	if err != nil || size < 100 {
		t.Fatal(size, err)
	}
	for i, err := range errs {
		if won := size == uint64(100+i); won && err != nil || !won && !errors.Is(err, journal.ErrStale) {
			t.Errorf("%d: %v", i, err)
		}
	}
	hs, err := s.Tile(t.Context(), 1, 0)
	if err != nil || len(note) != 1 || len(hs) != 1 || hs[0][0] != note[0] {
		t.Errorf("the note and the tile are of two writers: %v %v %v", note, hs, err)
	}
}

// journalTiles grow from any position, across the borders of 256, on every level.
func journalTiles(t *testing.T, b *bench) {
	s := b.Journal()
	const levels, n = 3, 1000
	hash := func(level uint, i uint64) [32]byte { return [32]byte{byte(level), byte(i >> 8), byte(i)} }
	size := uint64(0)
	for from := uint64(0); from < n; {
		to := min(from+1+from%300, n)
		var tiles []journal.Tile
		for level := uint(1); level <= levels; level++ {
			tile := journal.Tile{Level: level, From: from}
			for i := from; i < to; i++ {
				tile.Hashes = append(tile.Hashes, hash(level, i))
			}
			tiles = append(tiles, tile)
		}
		size++
		check(t, "tiles", s.PutCheckpoint(t.Context(), size-1, size, []byte("note"), tiles, b.now), nil)
		from = to
	}
	for level := uint(1); level <= levels; level++ {
		for index := uint64(0); index <= n/256+1; index++ {
			hs, err := s.Tile(t.Context(), level, index)
			if want := max(min(n-int(index)*256, 256), 0); err != nil || len(hs) != want {
				t.Fatalf("tile %d of level %d has %d, want %d: %v", index, level, len(hs), want, err)
			}
			for i, h := range hs {
				if h != hash(level, index*256+uint64(i)) {
					t.Fatalf("hash %d of tile %d of level %d is another", i, index, level)
				}
			}
		}
	}
	// Put again, it is written over and not appended.
	again := []journal.Tile{{Level: 5, Hashes: [][32]byte{{1}, {2}, {3}}}, {Level: 5, From: 1, Hashes: [][32]byte{{2}, {3}, {4}}}}
	check(t, "tiles again", s.PutCheckpoint(t.Context(), size, size+1, []byte("note"), again, b.now), nil)
	size++
	if hs, err := s.Tile(t.Context(), 5, 0); err != nil || !same(hs, [][32]byte{{1}, {2}, {3}, {4}}) {
		t.Errorf("put again: %d hashes, %v", len(hs), err)
	}
	gap := []journal.Tile{{Level: 1, From: n + 1, Hashes: make([][32]byte, 1)}}
	if err := s.PutCheckpoint(t.Context(), size, size+1, []byte("gap"), gap, b.now); err == nil {
		t.Error("a gap in a tile was kept")
	}
	if now, _, err := s.Checkpoint(t.Context()); err != nil || now != size {
		t.Errorf("the checkpoint of a gap was kept: %d, %v", now, err)
	}
}

// journalDays: of each day the last note stays, oldest first, and the newest is
// the last.
func journalDays(t *testing.T, b *bench) {
	s := b.Journal()
	size := uint64(0)
	put := func(at time.Time, note string) {
		t.Helper()
		check(t, note, s.PutCheckpoint(t.Context(), size, size+1, []byte(note), nil, at), nil)
		size++
	}
	for day := range 3 {
		for hour := range 3 {
			put(b.now.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour), string(rune('a'+day))+string(rune('0'+hour)))
		}
	}
	notes, err := s.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range notes {
		if len(got) == 0 || got[len(got)-1] != string(n) {
			got = append(got, string(n))
		}
	}
	if want := []string{"a2", "b2", "c2"}; !same(got, want) {
		t.Error(diff(want, got))
	}
}
