package batch

import (
	"errors"

	"yinxin/seal"
)

// problems are the refusals of the seal office, which trying again does not change
// by itself. The codes are those of the HTTP interface.
var problems = []struct {
	err  error
	code string
}{
	{seal.ErrDocument, "BAD_DOCUMENT"}, {seal.ErrTooLarge, "TOO_LARGE"}, {seal.ErrOrder, "BAD_REQUEST"}, {seal.ErrNotInForce, "REFUSED"}, {seal.ErrQuota, "REFUSED"},
	{seal.ErrRefused, "REFUSED"}, {seal.ErrNotApproved, "REFUSED"}, {seal.ErrNoRight, "FORBIDDEN"}, {seal.ErrNotFound, "NOT_FOUND"}, {seal.ErrRetryMismatch, "RETRY_MISMATCH"}, {seal.ErrNotAgain, codeConflict},
}

const (
	codeConflict = "CONFLICT"
	codeInternal = "INTERNAL"
	// codeUnavailable is told of a stamp that stands and lacks its evidence.
	codeUnavailable = "UNAVAILABLE"
)

// Explain says why a document was not sealed. Final is false where trying again may
// help.
func Explain(err error) (p Problem, final bool) {
	for _, known := range problems {
		if errors.Is(err, known.err) && !errors.Is(err, seal.ErrEvidence) {
			return Problem{known.code, err.Error()}, true
		}
	}
	switch {
	case errors.Is(err, seal.ErrEvidence):
		return Problem{codeUnavailable, seal.ErrEvidence.Error()}, false
	case errors.Is(err, errDamaged):
		return Problem{codeInternal, errDamaged.Error()}, true
	case errors.Is(err, seal.ErrChanged):
		return Problem{codeConflict, err.Error()}, false
	}
	// What went wrong inside is for the log.
	return Problem{codeInternal, "an internal fault; try again"}, false
}
