package bolt

import (
	"sync"
	"time"
)

// rowCache remembers what rows decode to, by their octets: every stamp reads its
// seal twice and its caller once, and they seldom change. What it gives is shared
// and not to be changed.
type rowCache struct {
	mu    sync.RWMutex
	known map[string]any
}

// maxRows bounds it; a full one is begun anew. A row takes some 500 octets.
const maxRows = 4096

func decodedRow[T any](c *rowCache, value []byte, decode func([]byte) (T, error)) (T, error) {
	c.mu.RLock()
	known, ok := c.known[string(value)].(T)
	c.mu.RUnlock()
	if ok {
		return known, nil
	}
	row, err := decode(value)
	if err != nil {
		return row, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxRows {
		c.known = map[string]any{}
	}
	c.known[string(value)] = row
	return row, nil
}

// utc turns times, which are kept as seconds, from the machine's zone to the one
// that records, statements and answers have.
func utc(times ...*time.Time) {
	for _, t := range times {
		if !t.IsZero() {
			*t = t.UTC()
		}
	}
}
