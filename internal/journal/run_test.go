package journal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yinxin/internal/journal"
)

// A leaf is under a checkpoint within the second that protocol.md 7 leaves after
// a slow disk had its share, and a quiet journal signs nothing.
func TestRunSignsWhatHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, m := newJournal(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { j.Run(ctx); close(ended) }()
		for round := range 3 {
			m.add(t, 5)
			time.Sleep(time.Second)
			synctest.Wait()
			if size, notes := m.signed(); size != uint64(5*(round+1)) || notes != round+1 {
				t.Errorf("round %d: %d leaves signed by %d notes", round, size, notes)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if _, notes := m.signed(); notes != round+1 {
				t.Errorf("round %d: a quiet minute made %d notes", round, notes-round-1)
			}
		}
		stop()
		<-ended
	})
}

// racing stores another's checkpoint in between.
type racing struct {
	*memory
	rival *journal.Journal
}

func (r racing) LeafHashes(ctx context.Context, from, to uint64) ([][32]byte, error) {
	if r.size == 0 {
		if err := r.rival.Sign(ctx); err != nil {
			return nil, err
		}
	}
	return r.memory.LeafHashes(ctx, from, to)
}

func TestTwoSequencersSignOneRoad(t *testing.T) {
	rival, m := newJournal(t)
	m.add(t, 10)
	j, err := journal.New(t.Context(), config(racing{m, rival}, m.key))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Sign(t.Context()); !errors.Is(err, journal.ErrStale) {
		t.Errorf("signed beside another: %v", err)
	}
	m.add(t, 1)
	if err := j.Sign(t.Context()); err != nil {
		t.Errorf("it does not go on from there: %v", err)
	}
	if len(m.notes) != 2 || m.size != 11 {
		t.Errorf("%d notes, %d leaves", len(m.notes), m.size)
	}
}

func TestNewRefuses(t *testing.T) {
	_, m := newJournal(t)
	for name, spoil := range map[string]func(c *journal.Config){
		"no store": func(c *journal.Config) { c.Store = nil }, "no key": func(c *journal.Config) { c.Keys = nil }, "no clock": func(c *journal.Config) { c.Clock = nil },
		"no log": func(c *journal.Config) { c.Log = nil }, "no name": func(c *journal.Config) { c.Origin = "" }, "a name of two words": func(c *journal.Config) { c.Origin = "a b" },
		"a name of two lines": func(c *journal.Config) { c.Origin = "a\nb" }, "a name with a plus": func(c *journal.Config) { c.Origin = "a+b" },
	} {
		c := config(m, m.key)
		spoil(&c)
		if _, err := journal.New(t.Context(), c); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
