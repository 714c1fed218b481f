package province

import (
	"context"
	"time"
)

const (
	// warnEvery is how often the log tells what ends soon.
	warnEvery = 24 * time.Hour
	// warnWithin is when a certificate of the province's own is told of: the time that
	// it takes to plan a change of key.
	warnWithin = 30 * 24 * time.Hour
)

// warnOfEnds tells what has ended or ends soon: a line for each certificate of the
// province's own, since without it an office stops, and one of counts for the rest.
func (p *Province) warnOfEnds(ctx context.Context) {
	ends, err := p.CA.Ends(ctx)
	if err != nil {
		p.o.Log.Error("what ends soon cannot be read", "error", err)
		return
	}
	for purpose, end := range ends.Own {
		if left := end.Sub(ends.At); left < warnWithin {
			p.o.Log.Warn("a certificate of the province's own ends soon", "purpose", string(purpose), "notAfter", end, "days", int(left/(24*time.Hour)))
		}
	}
	args := []any{}
	for profile, n := range ends.Within[warnWithin] {
		args = append(args, profile, n)
	}
	if len(args) > 0 {
		p.o.Log.Info("certificates that end within 30 days, by profile", args...)
	}
}
