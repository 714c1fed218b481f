package certs

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrTakenBack: a list says of a service what is better than what an earlier list
// of the region said, or leaves it out.
var ErrTakenBack = errors.New("the region list takes back what an earlier one said")

// rank orders the states: a service's only rises. None is what stands before its
// first entry, when nothing it signs counts.
var rank = map[ServiceState]int{Granted: 0, "": 1, Withdrawn: 1, Distrusted: 2}

// checkHistory: a service begins by being granted, and is then withdrawn,
// distrusted, or one after the other; nothing leads back. A key that is to be used
// again is entered as another service with another certificate. Where it is found
// that a withdrawn key had been compromised earlier, its withdrawal says nothing any
// more and is left out.
func checkHistory(h []ServiceStatus) error {
	if len(h) == 0 || h[0].State != Granted || h[0].Since.IsZero() {
		return malformed("region list: a service's history does not begin with granted")
	}
	for i := 1; i < len(h); i++ {
		known := h[i].State == Withdrawn || h[i].State == Distrusted
		if !known || rank[h[i].State] <= rank[h[i-1].State] || h[i].Since.Before(h[i-1].Since) {
			return malformed("region list: a service's history leads back")
		}
	}
	return nil
}

// keeps checks a region's newer list against an older one: every service stands in
// it still, and at no time better than it did (protocol.md 3). Otherwise a region
// restored from a backup, or whoever holds its list key, could undo a distrust.
func (l *RegionList) keeps(older *RegionList) error {
	for i := range older.Services {
		was := &older.Services[i]
		now := l.service(was.Type, was.Certificate)
		if now == nil {
			return fmt.Errorf("%w: %s %q is left out of list %d of region %s", ErrTakenBack, was.Type, was.Name, l.Sequence, l.Iss)
		}
		if better(was.History, now.History) {
			return fmt.Errorf("%w: the history of %s %q in list %d of region %s", ErrTakenBack, was.Type, was.Name, l.Sequence, l.Iss)
		}
	}
	return nil
}

func (l *RegionList) service(typ ServiceType, der Base64) *RegionService {
	for i := range l.Services {
		if s := &l.Services[i]; s.Type == typ && bytes.Equal(s.Certificate, der) {
			return s
		}
	}
	return nil
}

// better tells whether now shows a better state than was at any time. States change
// at the entries of either alone.
func better(was, now []ServiceStatus) bool {
	before, after := Service{History: was}, Service{History: now}
	for _, h := range append(was[:len(was):len(was)], now...) {
		a, _ := before.StateAt(h.Since)
		b, _ := after.StateAt(h.Since)
		if rank[b] < rank[a] {
			return true
		}
	}
	return false
}
