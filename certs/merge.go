package certs

// Merge joins what several schemes grant, for a judge who trusts them all: the first
// goes before the others where two name one region, and is the one that a report
// tells of. Each scheme's end is that of its own regions alone.
func Merge(first *Trust, others ...*Trust) *Trust {
	out := &Trust{Anchor: first.Anchor, SchemeSequence: first.SchemeSequence, SchemeExpires: first.SchemeExpires, Regions: map[string]*Region{}}
	for _, t := range append([]*Trust{first}, others...) {
		out.Expired = out.Expired || t.Expired
		for code, r := range t.Regions {
			if out.Regions[code] != nil {
				continue
			}
			joined := *r
			if t.SchemeExpires.Before(r.Expires) {
				joined.Expires = t.SchemeExpires
			}
			out.Regions[code] = &joined
		}
		if t.SchemeExpires.After(out.SchemeExpires) {
			out.SchemeExpires = t.SchemeExpires
		}
	}
	return out
}
