package province

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"yinxin/verify"
	"yinxin/verify/evidence"
)

// asked is what other regions said within the last minute. A region that did not
// answer is asked again with the next collector.
type asked struct {
	mu        sync.Mutex
	collector *evidence.Collector
	until     time.Time
}

// askEvery is how long an answer of another region is good for the next question.
// CRLs and lists live longer; a status is of today (protocol.md 4).
const askEvery = time.Minute

func (a *asked) get(now time.Time, fresh func() *evidence.Collector) *evidence.Collector {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.collector == nil || !now.Before(a.until) {
		a.collector, a.until = fresh(), now.Add(askEvery)
	}
	return a.collector
}

// lacks tells whether a report says that evidence is missing, that of today included.
func lacks(r verify.Report) bool {
	for _, reason := range r.Reasons {
		switch reason.Code {
		case verify.StatusUnavailable, verify.StatusStale, verify.StatusTodayUnknown:
			return true
		}
	}
	return false
}

// isOwn tells whether a want is asked of the province itself.
func (p *Province) isOwn(w verify.Want) bool {
	return strings.HasPrefix(w.URL, strings.TrimRight(p.Identity.URL, "/")+"/")
}

// Others are the wants that other regions are to be asked for: what is the
// province's own it knows already.
func (p *Province) Others(wants []verify.Want) (out []verify.Want) {
	for _, w := range wants {
		if !p.isOwn(w) {
			out = append(out, w)
		}
	}
	return out
}

// ask adds what other regions answer and tells whether any was asked. The addresses
// are those of trusted lists and certificates, never of the document (Engine.Wants).
func (p *Province) ask(ctx context.Context, wants []verify.Want, in *verify.Input) bool {
	others := p.Others(wants)
	if len(others) == 0 {
		return false
	}
	p.asked.get(p.o.Clock(), p.collector).Collect(ctx, others, in.Evidence)
	return true
}

// collector asks on behalf of strangers, so that nothing at this machine is asked,
// unless the province itself is known by such an address, as in a demonstration.
func (p *Province) collector() *evidence.Collector {
	if u, err := url.Parse(p.Identity.URL); err == nil {
		a, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && a.IsLoopback() {
			return evidence.NewCollector()
		}
	}
	return evidence.NewServerCollector()
}

// watchEvery is how soon a distrust that another region published is known here.
const watchEvery = 10 * time.Minute

// watchLists keeps the lists of other regions new as long as the folder is open, and
// calls for those that only people can renew.
func (p *Province) watchLists(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if p.o.Ask {
			p.Lists.Refresh(ctx, p.collector().Fetch)
		}
		p.Lists.Warn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
