package ca

import (
	"context"
	"errors"
	"maps"
	"time"
)

// Ends tells what will end soon.
type Ends struct {
	At  time.Time
	Own map[Purpose]time.Time // the end of the newest certificate of each of our own purposes
	// Within counts by profile the certificates that end within each span of Spans
	// and are not revoked.
	Within map[time.Duration]map[string]int
}

// Spans are those that Ends counts for: a holder of a certificate takes a month to
// renew it, and a purchase takes a quarter.
func Spans() []time.Duration { return []time.Duration{7 * day, 30 * day, 90 * day} }

// Ends reads the index of ends; it costs as much as what ends within the longest
// span, and nothing of the rest of the register.
func (a *Authority) Ends(ctx context.Context) (Ends, error) {
	now := a.c.Clock()
	out := Ends{At: now, Own: map[Purpose]time.Time{}, Within: map[time.Duration]map[string]int{}}
	for _, p := range purposes {
		row, err := a.c.Store.Current(ctx, p.purpose)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		out.Own[p.purpose] = row.NotAfter
	}
	sum, from := map[string]int{}, now
	for _, span := range Spans() {
		some, err := a.c.Store.Expiring(ctx, from, now.Add(span))
		if err != nil {
			return out, err
		}
		for profile, n := range some {
			sum[profile] += n
		}
		out.Within[span], from = maps.Clone(sum), now.Add(span)
	}
	return out, nil
}
