// Package pagetext finds where words stand on a PDF's pages, and draws pages, by
// PDFium: New makes an Engine, Find and Render use it. PDFium is C++ that reads
// hostile files, so it runs as WebAssembly: no file, no network and no memory but its
// own are in its reach. What it says places seals and shows pages. It is never asked
// for a verdict.
package pagetext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

const (
	// maxInstances run at once; each may take memoryPages, and a processor.
	maxInstances = 2
	// memoryPages of 64 KB bound an instance: an image of a billion pixels, a font that
	// unpacks for ever.
	memoryPages = 4096
	// maxWork bounds one document even for a caller without a deadline: ten thousand
	// pages, each of which takes just as much as a call may.
	maxWork = 60 * time.Second
	// maxDocument: PDFium counts a file's octets in 32 bits.
	maxDocument = 1 << 30
)

var (
	// ErrDocument: PDFium cannot read the document, or reads other pages than we do.
	ErrDocument = errors.New("the pages of the document cannot be read")
	// ErrTooLarge: the document has more than one search may cost.
	ErrTooLarge = errors.New("the document is too large to be searched")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("the engine is closed")
)

// Engine runs PDFium, for up to maxInstances documents at once. It does not start it
// before it is used: that compiles for seconds, once in a folder's life or, without
// one, in the engine's. An Engine may be used by many at once.
type Engine struct {
	folder string
	places chan struct{}
	closed context.Context
	close  context.CancelFunc

	mu    sync.Mutex
	start *start // nil before the first use, and after a start that failed
}

// start is one that is under way or done; what follows done may be read after it.
type start struct {
	done  chan struct{}
	pool  pdfium.Pool
	cache wazero.CompilationCache
	err   error
}

// New gives an engine that keeps compiled code in a folder, or only in memory for "".
// The folder must be as safe from others as the binary is, for what is in it is run.
func New(folder string) *Engine {
	e := &Engine{folder: folder, places: make(chan struct{}, maxInstances)}
	e.closed, e.close = context.WithCancel(context.Background())
	return e
}

// Close waits for what runs, which ends soon, and frees all memory.
func (e *Engine) Close() error {
	e.close()
	for range maxInstances {
		e.places <- struct{}{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.start == nil {
		return nil
	}
	<-e.start.done
	if e.start.err != nil {
		return nil
	}
	return errors.Join(e.start.pool.Close(), e.start.cache.Close(context.Background()))
}

// with runs work on a fresh instance of PDFium, which no document before has touched
// and none will after. Work looks at ctx between its calls into PDFium, each of which
// comes to an end (metered).
func (e *Engine) with(ctx context.Context, work func(ctx context.Context, p pdfium.Pdfium) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.closed, cancel)()
	if err := ctx.Err(); err != nil {
		return e.told(ctx, err)
	}
	select {
	case e.places <- struct{}{}:
		defer func() { <-e.places }()
	case <-ctx.Done():
		return e.told(ctx, ctx.Err())
	}
	pool, err := e.started(ctx)
	if err != nil {
		return e.told(ctx, err)
	}
	// From here on: waiting for a place and starting are not the document's doing.
	ctx, cancel = context.WithTimeoutCause(ctx, maxWork, fmt.Errorf("%w: it takes more than %s", ErrTooLarge, maxWork))
	defer cancel()
	instance, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return e.told(ctx, err)
	}
	err = work(ctx, instance)
	// An instance that ran out of turns or memory cannot even close its document; the
	// pool throws it away all the same, and nothing in it is used again.
	_ = instance.Close()
	return e.told(ctx, err)
}

// told gives the error of a caller whose time is over, whatever the instance said.
func (e *Engine) told(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case e.closed.Err() != nil:
		return ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// started starts PDFium where that is due. A start that the caller does not wait for
// goes on, for the next.
func (e *Engine) started(ctx context.Context) (pdfium.Pool, error) {
	e.mu.Lock()
	s := e.start
	if s == nil {
		s = &start{done: make(chan struct{})}
		e.start = s
		go s.run(e.folder)
	}
	e.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.err == nil {
		return s.pool, nil
	}
	e.mu.Lock()
	if e.start == s {
		e.start = nil // the next may find more memory, or room on the disk
	}
	e.mu.Unlock()
	return nil, fmt.Errorf("starting PDFium: %w", s.err)
}

func (s *start) run(folder string) {
	defer close(s.done)
	module, err := metered(shipped, turnsOf)
	if err != nil {
		s.err = err
		return
	}
	if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			s.err = err
			return
		}
		s.cache, s.err = wazero.NewCompilationCacheWithDir(folder)
		if s.err == nil {
			s.pool, s.err = newPool(module, s.cache)
		}
		if s.err == nil {
			return
		}
		// What is in the folder may be damaged. It is left for who looks after it.
	}
	s.cache = wazero.NewCompilationCache()
	s.pool, s.err = newPool(module, s.cache)
}

func newPool(module []byte, cache wazero.CompilationCache) (pdfium.Pool, error) {
	return webassembly.Init(webassembly.Config{
		WASM: module, MaxTotal: maxInstances, MaxIdle: 1,
		FSConfig: wazero.NewFSConfig(), // nothing is mounted; the library would mount all there is
		Stdout:   io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(cache).WithMemoryLimitPages(memoryPages).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling),
	})
}
