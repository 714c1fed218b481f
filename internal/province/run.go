package province

import (
	"context"
	"time"
)

// hourly is how often retry keys older than a week are looked for, and certificates
// that are to be renewed.
const hourly = time.Hour

// Run does what must be done as long as the folder is open: checkpoints, revocation
// lists, renewals, jobs of many documents, forgetting old retry keys, and telling what ends soon.
func (p *Province) Run(ctx context.Context) {
	go p.Journal.Run(ctx)
	go p.CRLs.Run(ctx)
	go p.watchLists(ctx)
	go p.settle(ctx)
	go p.Batches.Run(ctx)
	tick, daily := time.NewTicker(hourly), time.NewTicker(warnEvery)
	defer tick.Stop()
	defer daily.Stop()
	p.warnOfEnds(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.renewDue(ctx)
			p.sweep(ctx)
		case <-daily.C:
			p.warnOfEnds(ctx)
		}
	}
}

func (p *Province) sweep(ctx context.Context) {
	const chunk = 10_000
	from := []byte(nil)
	for {
		next, err := p.Store.SweepRetries(ctx, p.o.Clock(), from, chunk)
		if err != nil {
			p.o.Log.Error("retry keys were not swept", "error", err)
		}
		if err != nil || next == nil {
			return
		}
		from = next
	}
}
