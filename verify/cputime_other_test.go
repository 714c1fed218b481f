//go:build !unix

package verify_test

import (
	"testing"
	"time"
)

var begun = time.Now()

func cpuTime(testing.TB) time.Duration { return time.Since(begun) }
