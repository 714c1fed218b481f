package verify_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"yinxin/verify"
)

// What anyone's file may take of a server.
const (
	mayTake     = 2 * time.Second
	mayAllocate = 256 << 20
)

// court judges many files with one Engine, as a server does, and holds each to the
// limits.
type court struct {
	engine verify.Engine
	in     verify.Input
}

func (c *court) judge(t testing.TB, doc, stamp []byte) verify.Report {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := cpuTime(t)
	d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", stamp)
	r := c.engine.Judge(d, c.in)
	if took := cpuTime(t) - begun; took > mayTake*instrumented {
		t.Errorf("it took %s", took)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mayAllocate {
		t.Errorf("it took %d MB", n>>20)
	}
	if r.Verdict == "" || len(r.JSON()) == 0 {
		t.Error("no report")
	}
	return r
}
