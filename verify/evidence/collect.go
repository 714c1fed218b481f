// Package evidence collects what the engine wants to know beside a file: OCSP
// answers, CRLs and seal statuses, asked for over HTTP where the trust list and trusted
// certificates say. A Collector fills an Evidence, Save and Load keep it in a
// zip, Remember and Remembered keep the highest sequence of trust lists seen.
package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"yinxin/verify"
)

// Limits of collecting, each with what it stops.
const (
	questionTime = 10 * time.Second // a server that answers a byte a minute
	roundTime    = 30 * time.Second // many such servers, asked after one another
	maxAnswer    = 16 << 20         // an answer without end
	maxAnswers   = 64 << 20         // many of them: of all that a Collector keeps
	maxQuestions = 64               // a file that bears a thousand stamps
	maxAtOnce    = 4                // a crowd of connections to a small office's server
	maxRedirects = 3
)

// Collector asks for evidence. It is made for one run over any number of files
// and remembers which servers did not answer, so that each costs its time-out
// once, and what the others said. Collect may be called concurrently.
type Collector struct {
	client *http.Client
	slots  chan struct{}

	mu   sync.Mutex // of all below
	down map[string]error
	said map[string]verify.Item // by address and request
	left int                    // octets that may still be kept
}

// NewCollector gives a Collector that has asked nobody yet.
func NewCollector() *Collector { return newCollector(true) }

// NewServerCollector gives one that asks nothing at this machine either: for a server,
// which asks on behalf of strangers.
func NewServerCollector() *Collector { return newCollector(false) }

func newCollector(here bool) *Collector {
	return &Collector{
		client: &http.Client{Transport: reach(here), Timeout: questionTime, CheckRedirect: redirect},
		slots:  make(chan struct{}, maxAtOnce),
		down:   map[string]error{}, said: map[string]verify.Item{}, left: maxAnswers,
	}
}

// redirect keeps an answer from sending us to a file, in circles, or to another
// host, such as one that only we can reach.
func redirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || !web(r.URL) || r.URL.Hostname() != via[0].URL.Hostname() {
		return errors.New("redirected too far")
	}
	return nil
}

func web(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// Collect asks for what is wanted and adds what comes, in the order of the
// wants. What does not come is left out: the report then says that it is not
// known.
func (c *Collector) Collect(ctx context.Context, wants []verify.Want, into *verify.Evidence) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	wants = wants[:min(len(wants), maxQuestions)]
	since := newest(wants).Truncate(time.Second) // CRLs and OCSP answers tell whole seconds
	items := make([]*verify.Item, len(wants))
	var wg sync.WaitGroup
	for i, w := range wants {
		wg.Go(func() {
			item, err := c.ask(ctx, w, since)
			if err != nil && w.Else != "" {
				item, err = c.ask(ctx, verify.Want{Kind: verify.KindCRL, URL: w.Else}, since)
			}
			if err == nil {
				items[i] = &item
			}
		})
	}
	wg.Wait()
	for _, item := range items {
		if item != nil && !slices.ContainsFunc(into.Items, same(item)) {
			into.Items = append(into.Items, *item)
		}
	}
}

// Said gives all that was said in this run, for whoever keeps it. A judgement is
// to be handed what was collected for its own document: of a thousand documents'
// evidence it would look at a part (verify.MaxEvidence).
func (c *Collector) Said() []verify.Item {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]verify.Item, 0, len(c.said))
	for _, address := range slices.Sorted(maps.Keys(c.said)) {
		out = append(out, c.said[address])
	}
	return out
}

func same(a *verify.Item) func(verify.Item) bool {
	return func(b verify.Item) bool { return a.Kind == b.Kind && bytes.Equal(a.Raw, b.Raw) }
}

// newest is the latest moment that is asked about: an answer from before it
// says nothing (protocol.md 4, Fresh).
func newest(wants []verify.Want) (at time.Time) {
	for _, w := range wants {
		if w.At.After(at) {
			at = w.At
		}
	}
	return at
}

// ask gives what was said already if it speaks for the moment since, and asks
// otherwise.
func (c *Collector) ask(ctx context.Context, w verify.Want, since time.Time) (verify.Item, error) {
	u, err := url.Parse(w.URL)
	if err != nil || !web(u) || u.Host == "" {
		return verify.Item{}, fmt.Errorf("%q cannot be asked", w.URL)
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return verify.Item{}, ctx.Err()
	}
	c.mu.Lock()
	err, item := c.down[u.Host], c.said[w.URL+w.Request]
	c.mu.Unlock()
	if err != nil {
		return verify.Item{}, err
	}
	if asOf, _ := item.AsOf(); item.Raw != nil && item.Kind == w.Kind && !asOf.Before(since) {
		return item, nil
	}
	if w.Kind == verify.KindOCSP {
		item, err = c.askOCSP(ctx, u, w, since)
	} else {
		item, err = c.fetch(ctx, u, w.Kind)
	}
	if err != nil {
		return verify.Item{}, err
	}
	return item, c.keep(w, item)
}

func (c *Collector) fetch(ctx context.Context, u *url.URL, kind verify.Kind) (verify.Item, error) {
	raw, err := c.get(ctx, u)
	if err != nil {
		return verify.Item{}, err
	}
	return verify.NewItem(kind, raw), nil
}

// Fetch gets a public document, such as a trust bundle, within the same limits. What
// it says is not kept.
func (c *Collector) Fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || !web(u) || u.Host == "" {
		return nil, fmt.Errorf("%q cannot be asked", address)
	}
	return c.get(ctx, u)
}

func (c *Collector) keep(w verify.Want, item verify.Item) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= len(item.Raw); c.left < 0 {
		return errors.New("the answers are too long")
	}
	c.said[w.URL+w.Request] = item
	return nil
}

func (c *Collector) get(ctx context.Context, u *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, u.Host, req)
}

// send asks one question. A server that gave no answer at all is not asked
// again; one that answered with an error may still know other things.
func (c *Collector) send(ctx context.Context, host string, req *http.Request) ([]byte, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, c.silent(ctx, host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", host, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, c.silent(ctx, host, err)
	}
	if len(b) > maxAnswer {
		return nil, errors.New("the answer is too long")
	}
	return b, nil
}

// silent notes a server that did not answer, unless it was we who gave up.
func (c *Collector) silent(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down[host] = err
	return err
}
