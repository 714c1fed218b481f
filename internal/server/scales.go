package server

import (
	"context"
	"runtime"
	"sync"

	"yinxin/seal/jsondoc"
)

// A document that is judged or sealed takes memory beyond its own bytes: JSON some
// twelve times its length once it is read, a PDF of many objects as much as the
// longest JSON. So what is worked on at once is weighed, however many requests are
// let in: hundreds of 10 MB would take tens of gigabytes.
const (
	heaviest = jsondoc.MaxSize // a longer document is a PDF, which is streamed
	lightest = 64 << 10
)

// scales holds so many octets of documents at once; the others wait in the order
// in which they came.
type scales struct {
	turn  chan struct{} // held by the one who waits to be let on
	freed chan struct{} // tells that one that somebody left

	mu   sync.Mutex
	left int64
}

// newScales lets as many of the heaviest on at once as can be worked on at once.
func newScales() *scales {
	return &scales{turn: make(chan struct{}, 1), freed: make(chan struct{}, 1), left: heaviest * int64(max(2, runtime.GOMAXPROCS(0)))}
}

// hold waits until there is room for a document of the size. The release must be
// called when it is done with.
func (s *scales) hold(ctx context.Context, size int64) (release func(), err error) {
	weight := min(max(size, lightest), heaviest)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for !s.take(weight) {
		select {
		case <-s.freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return sync.OnceFunc(func() {
		s.take(-weight)
		select {
		case s.freed <- struct{}{}:
		default: // it is told already
		}
	}), nil
}

func (s *scales) take(weight int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if weight > s.left {
		return false
	}
	s.left -= weight
	return true
}
