//go:build unix

package verify_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has computed so far: limits are of work, and a
// machine with other things to do must not break them.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
