package verify

import (
	"time"

	"yinxin/certs"
)

// granted is what an Engine keeps for one trust list: chains found and statements
// checked. Another list empties it, so that no list's grants outlive it.
type granted struct {
	trust      *certs.Trust
	paths      map[proofKey]pathFound
	statements map[proofKey]*certs.Certificate
}

// maxGranted bounds each of the two maps; a full one is begun anew.
const maxGranted = 4096

type pathFound struct {
	found certs.Found
	span  span
}

// span is the times, around one of them, between which nothing begins or ends
// that could change what the trust list answers.
type span struct{ from, until time.Time }

func (s span) holds(at time.Time) bool {
	return !at.Before(s.from) && (s.until.IsZero() || at.Before(s.until))
}

// bound narrows the span around at by a moment that begins something.
func (s *span) bound(at, moment time.Time) {
	if moment.After(at) {
		if s.until.IsZero() || moment.Before(s.until) {
			s.until = moment
		}
	} else if moment.After(s.from) {
		s.from = moment
	}
}

func spanOf(t *certs.Trust, leaf *certs.Certificate, typ certs.ServiceType, extra []*certs.Certificate, at time.Time) span {
	var s span
	life := func(c *certs.Certificate) {
		s.bound(at, c.NotBefore)
		s.bound(at, c.NotAfter.Add(1)) // NotAfter itself is still within
	}
	life(leaf)
	for _, c := range extra {
		life(c)
	}
	for _, r := range t.Regions {
		for i := range r.Services {
			if r.Services[i].Type != typ {
				continue
			}
			life(r.Services[i].Certificate)
			for _, h := range r.Services[i].History {
				s.bound(at, h.Since)
			}
		}
	}
	return s
}

func (e *Engine) find(t *certs.Trust, leaf *certs.Certificate, typ certs.ServiceType, extra []*certs.Certificate, at time.Time) (certs.Found, error) {
	parts := [][]byte{[]byte(typ), leaf.Raw}
	for _, c := range extra {
		parts = append(parts, c.Raw)
	}
	k := keyOf("path", parts...)
	e.mu.Lock()
	e.use(t)
	known, ok := e.granted.paths[k]
	e.mu.Unlock()
	if ok && known.span.holds(at) {
		return known.found, nil
	}
	found, err := t.Find(leaf, typ, extra, 0, at)
	if err == nil {
		e.mu.Lock()
		e.use(t)
		if len(e.granted.paths) >= maxGranted {
			clear(e.granted.paths)
		}
		e.granted.paths[k] = pathFound{found, spanOf(t, leaf, typ, extra, at)}
		e.mu.Unlock()
	}
	return found, err
}

// statementBy gives the certificate of the service that made a statement, judged
// at the statement's own time; whether it has ended since is the caller's to ask.
func (e *Engine) statementBy(t *certs.Trust, r *reading) (*certs.Certificate, error) {
	k := keyOf("statement", r.sum[:])
	e.mu.Lock()
	e.use(t)
	known, ok := e.granted.statements[k]
	e.mu.Unlock()
	if ok {
		return known, nil
	}
	signer, _, err := t.CheckStatement(r.statement, r.statement.IssuedAt)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.use(t)
	if len(e.granted.statements) >= maxGranted {
		clear(e.granted.statements)
	}
	e.granted.statements[k] = signer
	e.mu.Unlock()
	return signer, nil
}

// use empties what was kept for another trust list; e.mu is held.
func (e *Engine) use(t *certs.Trust) {
	if e.granted.trust != t {
		e.granted = granted{t, map[proofKey]pathFound{}, map[proofKey]*certs.Certificate{}}
	}
}
