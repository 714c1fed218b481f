package server

import (
	"fmt"
	"net/http"
	"testing"

	"yinxin/ca/tsa"
	"yinxin/seal"
)

// A stamp that stands is not told as one that was not made, whatever failed after it.
func TestWhatStandsIsNotToldAsUndone(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("%w: stamp x: %w", seal.ErrEvidence, tsa.ErrOutside), http.StatusServiceUnavailable},
		{fmt.Errorf("%w: stamp x: %w", seal.ErrEvidence, seal.ErrNotGood), http.StatusServiceUnavailable},
		{fmt.Errorf("%w: stamp x: %w", seal.ErrEvidence, fmt.Errorf("10.1.2.3 refused")), http.StatusServiceUnavailable},
		{fmt.Errorf("%w: x", seal.ErrNotAgain), http.StatusConflict},
	} {
		f := asFailure(ruled(c.err))
		if f.status != c.status || f.detail != seal.ErrEvidence.Error() && f.detail != c.err.Error() {
			t.Errorf("%v: %d %q", c.err, f.status, f.detail)
		}
	}
}
