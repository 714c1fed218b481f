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
	// maxWork bounds one document even for a caller without a deadline: a page of a
	// million patterns within patterns.
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

// Engine holds up to maxInstances of PDFium. It starts none before it is used:
// the first start compiles for seconds. An Engine may be used by many at once.
type Engine struct {
	folder   string
	starting sync.Mutex // held while one compiles, for the next to find what it left in the cache
	cache    wazero.CompilationCache
	places   chan *place
	closed   context.Context
	close    context.CancelFunc
}

// place is where one instance runs. Whoever took it from the channel owns it.
type place struct {
	pool pdfium.Pool // nil until it is started, and when it was thrown away
	stop context.CancelFunc
}

// New gives an engine that keeps compiled code in a folder, or only in memory for "".
// The folder must be as safe from others as the binary is, for what is in it is run.
func New(folder string) *Engine {
	e := &Engine{folder: folder, places: make(chan *place, maxInstances)}
	for range maxInstances {
		e.places <- &place{}
	}
	e.closed, e.close = context.WithCancel(context.Background())
	return e
}

// Close ends what runs and frees all memory.
func (e *Engine) Close() error {
	e.close()
	for range maxInstances {
		p := <-e.places
		p.discard()
	}
	e.starting.Lock()
	defer e.starting.Unlock()
	if e.cache == nil {
		return nil
	}
	return e.cache.Close(context.Background())
}

// with runs work on a fresh instance of PDFium, which no document before has touched.
// When ctx ends or takes too long, it is interrupted and thrown away.
func (e *Engine) with(ctx context.Context, work func(ctx context.Context, p pdfium.Pdfium) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWork, fmt.Errorf("%w: it takes more than %s", ErrTooLarge, maxWork))
	defer cancel()
	defer context.AfterFunc(e.closed, cancel)()
	p, err := e.take(ctx)
	if err != nil {
		return err
	}
	defer func() { e.places <- p }()
	instance, err := p.pool.GetInstanceWithContext(ctx)
	if err != nil {
		p.discard()
		return e.told(ctx, err)
	}
	let := context.AfterFunc(ctx, p.stop)
	err = work(ctx, instance)
	// In this order: once the interruption can come no more, whether it came is known.
	if interrupted := !let(); interrupted || instance.Close() != nil {
		p.discard()
	}
	return e.told(ctx, err)
}

// told gives the error of a caller whose time is over, whatever the instance said of
// its end.
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

// take waits for a place and starts it where that is due. A start that the caller
// does not wait for goes on, for the next.
func (e *Engine) take(ctx context.Context) (*place, error) {
	var p *place
	select {
	case p = <-e.places:
	case <-ctx.Done():
		return nil, e.told(ctx, ctx.Err())
	}
	if e.closed.Err() != nil {
		e.places <- p
		return nil, ErrClosed
	}
	if p.pool != nil {
		return p, nil
	}
	started := make(chan error, 1)
	go func() { started <- e.start(p) }()
	select {
	case err := <-started:
		if err != nil {
			e.places <- p
			return nil, fmt.Errorf("starting PDFium: %w", err)
		}
		return p, nil
	case <-ctx.Done():
		go func() {
			<-started
			e.places <- p
		}()
		return nil, e.told(ctx, ctx.Err())
	}
}

func (e *Engine) start(p *place) error {
	e.starting.Lock()
	defer e.starting.Unlock()
	if e.cache != nil {
		return e.startWith(p)
	}
	var err error
	if e.cache, err = e.openCache(); err != nil {
		return err
	}
	if err = e.startWith(p); err == nil || e.folder == "" {
		return err
	}
	// What is in the folder may be damaged, or be of another build.
	if err := e.cache.Close(context.Background()); err != nil {
		return err
	}
	e.cache = wazero.NewCompilationCache()
	return e.startWith(p)
}

func (e *Engine) openCache() (wazero.CompilationCache, error) {
	if e.folder == "" {
		return wazero.NewCompilationCache(), nil
	}
	if err := os.MkdirAll(e.folder, 0o700); err != nil {
		return nil, err
	}
	return wazero.NewCompilationCacheWithDir(e.folder)
}

func (e *Engine) startWith(p *place) error {
	ctx, stop := context.WithCancel(context.Background())
	pool, err := webassembly.Init(webassembly.Config{
		Context: ctx, MaxTotal: 1, MaxIdle: 1,
		FSConfig: wazero.NewFSConfig(), // nothing is mounted; the library would mount all there is
		Stdout:   io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(e.cache).WithMemoryLimitPages(memoryPages).WithCloseOnContextDone(true).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling),
	})
	if err != nil {
		stop()
		return err
	}
	p.pool, p.stop = pool, stop
	return nil
}

// discard throws an instance away, whatever state it is in.
func (p *place) discard() {
	if p.pool == nil {
		return
	}
	p.stop()
	// What it says of its end is of no use: nothing in it is used again.
	_ = p.pool.Close()
	p.pool, p.stop = nil, nil
}
