package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"yinxin/hsm"
)

// Init is called once at each start, before anything is issued. It settles
// what a killed process left and makes what is missing of the chain and of the
// certificates of each purpose, on a key that was made for it before if there
// is one. Killed at any point, the next Init goes on from there.
func (a *Authority) Init(ctx context.Context) error {
	if err := a.recover(ctx); err != nil {
		return fmt.Errorf("intents of an earlier process: %w", err)
	}
	if err := a.loadProfiles(ctx); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	had, err := a.had(ctx)
	if err != nil {
		return err
	}
	for _, p := range purposes[had:] {
		if _, err := a.install(ctx, p, Row{}, 1, "init", "the province is set up", nil); err != nil {
			return err
		}
	}
	return a.responders(ctx)
}

// had counts the purposes that have a certificate. They were issued in their
// order (so a new purpose goes last in the list), and a killed Init left the first
// few. Anything else is a damaged register:
// a new certificate would take the old one's place without a word, a root's even.
func (a *Authority) had(ctx context.Context) (n int, err error) {
	var missing []Purpose
	for _, p := range purposes {
		_, err := a.c.Store.Current(ctx, p.purpose)
		switch {
		case errors.Is(err, ErrNotFound):
			missing = append(missing, p.purpose)
		case err != nil:
			return 0, err
		case len(missing) > 0:
			return 0, fmt.Errorf("%w: %s has a certificate and %s has none", ErrLost, p.purpose, missing[0])
		default:
			n++
		}
	}
	if len(missing) == 0 {
		return n, nil
	}
	first, _, err := a.c.Store.Certificates(ctx, Filter{Limit: maxPage}, a.c.Clock())
	if err != nil {
		return 0, err
	}
	for _, r := range first {
		if slices.Contains(missing, r.Purpose) {
			return 0, fmt.Errorf("%w: certificate %s is of %s, which has none", ErrLost, r.Serial, r.Purpose)
		}
	}
	return n, nil
}

// keyFor takes the key that a killed process made for the purpose, or makes one.
// No certificate stands on a key with this label: each generation has its own.
func (a *Authority) keyFor(ctx context.Context, p Purpose, generation int) (hsm.Key, error) {
	label := "ca " + string(p)
	if generation > 1 {
		label = fmt.Sprintf("%s %d", label, generation)
	}
	spare, err := a.c.Keys.List(ctx)
	if err != nil {
		return nil, err
	}
	left := slices.IndexFunc(spare, func(i hsm.Info) bool {
		return i.Label == label && i.Usage == hsm.UsageSign && i.State == hsm.Active
	})
	if left >= 0 {
		return a.c.Keys.Key(ctx, spare[left].ID)
	}
	return a.c.Keys.Generate(ctx, label, hsm.UsageSign)
}

// recover turns the intents that an earlier process left pending into
// abandoned ones, in the journal too: each may have been signed, and none was
// handed out. Once only, since later intents are this process's own.
func (a *Authority) recover(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recovered {
		return nil
	}
	intents, err := a.c.Store.Intents(ctx)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if !i.Abandoned.IsZero() {
			continue
		}
		if err := a.commitAbandoned(ctx, i); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		a.c.Log.Warn("a certificate was intended and never recorded", "serial", i.Serial, "profile", i.Profile)
	}
	a.recovered = true
	return nil
}
