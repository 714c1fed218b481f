package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestWhatIsWorkedOnAtOnceIsBounded, and everyone has a turn.
func TestWhatIsWorkedOnAtOnceIsBounded(t *testing.T) {
	s := newScales()
	room := s.left
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for i := range int64(400) {
		wg.Go(func() {
			size := []int64{0, 50 << 10, 3 << 20, heaviest, 200 << 20}[i%5]
			release, err := s.hold(context.Background(), size)
			if err != nil {
				t.Error(err)
				return
			}
			now := held.Add(min(max(size, lightest), heaviest))
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			held.Add(-min(max(size, lightest), heaviest))
			release()
			release() // a second one counts for nothing
		})
	}
	wg.Wait()
	if most.Load() > room || s.left != room {
		t.Errorf("%d of %d octets were held, %d are left at the end", most.Load(), room, s.left)
	}
}

// TestWhoeverGivesUpLeavesTheScales: those who waited behind go on.
func TestWhoeverGivesUpLeavesTheScales(t *testing.T) {
	s := newScales()
	var releases []func()
	for s.left >= heaviest {
		release, err := s.hold(t.Context(), heaviest)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 { // one has the turn, one waits for it
		wg.Go(func() {
			if _, err := s.hold(ctx, heaviest); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	giveUp()
	wg.Wait()
	done := make(chan struct{})
	go func() {
		defer close(done)
		release, err := s.hold(context.Background(), heaviest)
		if err != nil {
			t.Error(err)
			return
		}
		release()
	}()
	for _, release := range releases {
		release()
	}
	<-done
}
