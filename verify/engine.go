package verify

import (
	"bytes"
	"container/list"
	"errors"
	"image/png"
	"sync"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
)

// maxRemembered bounds what an Engine keeps: a hostile stream of documents must
// push others out, not fill memory. An entry takes some 150 bytes.
const maxRemembered = 16384

// Engine remembers which signatures it has found good, so that a server that
// sees the same seal, chain and CRL in every document checks them once. Only good
// ones are kept, by a digest of everything the check depends on. Its zero value
// is ready, and safe for many goroutines.
type Engine struct {
	mu    sync.Mutex // of all below
	known map[proofKey]*list.Element
	order list.List // front: used last

	granted granted
}

type proofKey [32]byte

// keyOf binds a check's name and all it depends on, each part with its length,
// so that no two checks share a key.
func keyOf(name string, parts ...[]byte) proofKey {
	h := sm3.New()
	write := func(p []byte) {
		n := uint64(len(p))
		h.Write([]byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write(p)
	}
	write([]byte(name))
	for _, p := range parts {
		write(p)
	}
	return proofKey(h.Sum(nil))
}

func (e *Engine) knows(k proofKey) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	el, ok := e.known[k]
	if ok {
		e.order.MoveToFront(el)
	}
	return ok
}

func (e *Engine) remember(k proofKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil {
		e.known = make(map[proofKey]*list.Element)
	}
	if _, ok := e.known[k]; ok {
		return
	}
	e.known[k] = e.order.PushFront(k)
	if e.order.Len() > maxRemembered {
		last := e.order.Back()
		delete(e.known, last.Value.(proofKey))
		e.order.Remove(last)
	}
}

// facesSeen lets a file's pictures be compared once for all its stamps' documents.
type facesSeen struct{ *Engine }

func (f facesSeen) Known(k [32]byte) bool { return f.knows(keyOf("face", k[:])) }
func (f facesSeen) Remember(k [32]byte)   { f.remember(keyOf("face", k[:])) }

// errWork: the budget of a judgement is spent.
var errWork = errors.New("the document asks for too much work")

// work counts the signature checks of one judgement, and what it hashes. A check that this document
// already asked for costs nothing; one that only the Engine remembers costs as if
// it were made, so that the report does not depend on what came before.
type work struct {
	engine  *Engine
	done    map[proofKey]error
	left    int
	hash    int64 // octets
	pixels  int64
	refused int // checks that were not made for want of budget

	answerers map[answererKey]*certs.Certificate // of OCSP responses, nil for nobody who may
}

type answererKey struct {
	response, issuer [32]byte
	region           string
}

func newWork(e *Engine) *work {
	return &work{engine: e, done: map[proofKey]error{}, left: MaxSignatureChecks, hash: MaxHashed, pixels: MaxPixels, answerers: map[answererKey]*certs.Certificate{}}
}

func (w *work) check(k proofKey, f func() error) error {
	if err, ok := w.done[k]; ok {
		return err
	}
	if w.left <= 0 {
		w.refused++
		return errWork
	}
	w.left--
	if w.engine.knows(k) {
		w.done[k] = nil
		return nil
	}
	err := f()
	w.done[k] = err
	if err == nil {
		w.engine.remember(k)
	}
	return err
}

// digest makes a digest of so many octets within the budget.
func (w *work) digest(octets int64, f func() ([32]byte, error)) ([32]byte, error) {
	if w.hash < octets {
		w.refused++
		return [32]byte{}, errWork
	}
	w.hash -= octets
	return f()
}

// see pays for the comparing of a picture.
func (w *work) see(picture []byte) error {
	c, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil // it will not be unpacked
	}
	n := int64(c.Width) * int64(c.Height)
	if w.pixels < n {
		w.refused++
		return errWork
	}
	w.pixels -= n
	return nil
}

// spend takes n checks that are made elsewhere (along a path) from the budget.
func (w *work) spend(n int) error {
	if w.left < n {
		w.refused++
		return errWork
	}
	w.left -= n
	return nil
}
