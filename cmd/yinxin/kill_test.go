package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"yinxin/internal/testlong"
)

// fate is an order with what the caller knows of it.
type fate struct {
	order
	got   answer
	acked bool
}

// load sends orders from many sides until the server is gone, which end sees to.
func (o *office) load(p *process, round int, end func()) []fate {
	const sides = 8
	c := o.client(p)
	all := make([][]fate, sides)
	var wg sync.WaitGroup
	working := make(chan struct{})
	began := sync.OnceFunc(func() { close(working) })
	for side := range sides {
		wg.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%d-%d-%d", round, side, n)
				f := fate{order: order{seal: o.seal, matter: name, pdf: (side+n)%2 == 0}}
				if side%4 < 2 {
					f.retry = "key-" + name
				}
				var err error
				f.got, err = c.stamp(f.order)
				f.acked = err == nil && f.got.status == http.StatusOK
				all[side] = append(all[side], f)
				if err != nil {
					return
				}
				began()
				if !f.acked {
					o.t.Errorf("%s: %d %s", name, f.got.status, f.got.body)
					return
				}
			}
		})
	}
	<-working // a machine may be slow, but a kill before the first stamp shows nothing
	time.Sleep(time.Duration(rand.IntN(450)) * time.Millisecond)
	end()
	wg.Wait()
	var flat []fate
	for _, fates := range all {
		flat = append(flat, fates...)
	}
	return flat
}

// TestKilledUnderLoad: design.md, what must never happen, 2. A server is killed
// at a moment of nobody's choosing while stamps of all kinds are made; all that
// was acknowledged is there, once, and what was not can be asked for again.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var fates []fate
	acked := 0
	for round := range testlong.Count(3, 20) {
		doomed := o.serve()
		fresh := o.load(doomed, round, doomed.kill)
		p := o.serve()
		c := o.client(p)
		o.retryAll(c, fresh)
		for _, f := range fresh {
			if !f.acked {
				continue
			}
			acked++
			var e entry
			if c.get(t, "/api/v1/stamps/"+f.got.id, &e); e.MatterCode != f.matter {
				t.Fatalf("stamp %s is for %q, not %q", f.got.id, e.MatterCode, f.matter)
			}
		}
		fates = append(fates, fresh...)
		o.checkRegister(c.register(t), fates)
		p.stop()
		o.want(0, "journal", "verify")
	}
	if acked == 0 {
		t.Fatal("nothing was acknowledged: the test saw nothing")
	}
	t.Logf("%d orders, %d acknowledged before a kill", len(fates), acked)
}

// TestAskedToStopUnderLoad: what was taken up is answered, and nothing is left
// for the next start to make up for.
func TestAskedToStopUnderLoad(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.serve()
	fates := o.load(first, 0, first.stop)
	before := o.want(0, "journal", "verify")
	p := o.serve()
	o.checkRegister(o.client(p).register(t), fates)
	p.stop()
	if after := o.want(0, "journal", "verify"); after != before {
		t.Errorf("a clean stop and start added to the journal:\n%s%s", before, after)
	}
}

// retryAll asks again under every idempotency key: an answer that was given
// before is given again byte for byte, and one that never came comes now.
func (o *office) retryAll(c *client, fates []fate) {
	t := o.t
	for i, f := range fates {
		if f.retry == "" {
			continue
		}
		again, err := c.stamp(f.order)
		if err != nil || again.status != http.StatusOK {
			t.Fatalf("%s, asked again: %d %s %v", f.matter, again.status, again.body, err)
		}
		if f.acked && (again.id != f.got.id || !bytes.Equal(again.body, f.got.body)) {
			t.Fatalf("%s, asked again, gives another answer:\n%s\n%s", f.matter, f.got.body, again.body)
		}
		fates[i].got, fates[i].acked = again, true
	}
}

// checkRegister: each act stands in the register once, those that nobody was
// told of at most once, and nothing else does.
func (o *office) checkRegister(entries []entry, fates []fate) {
	o.t.Helper()
	count := map[string]int{}
	for _, e := range entries {
		count[e.MatterCode]++
	}
	for _, f := range fates {
		if n := count[f.matter]; n > 1 || f.acked && n != 1 {
			o.t.Fatalf("%s (key %q, acknowledged: %v) stands %d times in the register", f.matter, f.retry, f.acked, n)
		}
		delete(count, f.matter)
	}
	if len(count) > 0 {
		o.t.Fatalf("the register holds what nobody ordered: %v", count)
	}
}
