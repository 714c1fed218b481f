package verify

import (
	"time"

	"yinxin/certs"
	"yinxin/license/identifier"
	"yinxin/license/metadata"
	"yinxin/license/statuslist"
	"yinxin/verify/status"
)

// IsLicence tells whether the document says that it is a licence.
func (d *Document) IsLicence() bool { return d.json != nil && metadata.Is(d.json) }

// judgeLicence judges the licence that the document is, if it is one: by whom it
// was issued, its term, and its state as its region tells it.
func (d *Document) judgeLicence(trials []*trial, in Input, used map[StatusFreshness]bool) (*Licence, []Code) {
	if !d.IsLicence() {
		return nil, nil
	}
	doc, err := metadata.Parse(d.json)
	if err != nil {
		return nil, []Code{LicenceMalformed}
	}
	l := doc.Licence
	report := &Licence{Identifier: l.Identifier, Type: l.Name, Issuer: l.Authority, State: string(status.LicenceUnknown), ValidFrom: l.From, ValidTo: l.To, HolderMasked: l.Masked()}
	var codes []Code
	if _, conformance, err := identifier.Parse(l.Identifier); err == nil && conformance == identifier.RegionalVariant {
		codes = append(codes, IdentifierVariant)
	}
	from, to := l.Term()
	switch {
	case in.At.Before(from):
		codes = append(codes, LicenceNotYetValid)
	case !to.IsZero() && !in.At.Before(to):
		codes = append(codes, LicenceExpired)
	}
	t, code := issuerOfLicence(trials, l.AuthorityCode)
	if code != "" {
		return report, append(codes, code)
	}
	if t.signerFound.Region.Code != doc.Status.Region {
		return report, append(codes, LicenceNotByAuthority)
	}
	w := t.licenceWord(t.signerFound.Region, question{l.Identifier, doc.Status.Shard, doc.Status.Position})
	report.State, report.StateSince, report.AsOf = string(w.state), rfc3339(w.since), rfc3339(w.asOf)
	if w.next != "" {
		report.SupersededBy = &w.next
	}
	return report, append(codes, w.codes()...)
}

// issuerOfLicence finds the stamp of the authority that the licence names: the seal
// of another agency, however good, issues nothing in its name.
func issuerOfLicence(trials []*trial, authority string) (*trial, Code) {
	code := LicenceNotByAuthority
	for _, t := range trials {
		switch {
		case t.signer == nil:
		case t.signerErr != nil || organisation(t.signer) == "":
			code = IssuerUnknown // nobody vouches for what its certificate says
		case organisation(t.signer) == authority:
			return t, ""
		}
	}
	return nil, code
}

// organisation is the USCC of a signer: from the extension made for it, or from
// the beginning of O as the national e-seal PKI has it (formats.md 3).
func organisation(c *certs.Certificate) string {
	const length = 18
	if c.USCC != "" {
		return c.USCC
	}
	if o := c.Subject.Organization; len(o) >= length && certs.USCCValid(o[:length]) {
		return o[:length]
	}
	return ""
}

// question is what is asked about a licence.
type question struct {
	identifier      string
	shard, position uint32
}

// licenceWord is what a region says of a licence.
type licenceWord struct {
	known, fresh bool
	state        status.LicenceState
	since, asOf  time.Time
	next         string // the licence that superseded it
}

var stateCodes = map[status.LicenceState]Code{
	status.LicenceRevoked: LicenceRevoked, status.LicenceSuspended: LicenceSuspended, status.LicenceCancelled: LicenceCancelled,
	status.LicenceSuperseded: LicenceSuperseded, status.LicenceTransferred: LicenceTransferred, status.LicenceWithdrawn: LicenceWithdrawn,
	status.LicenceUnknown: LicenceStatusUnknown,
}

func (w licenceWord) codes() (out []Code) {
	if code, bad := stateCodes[w.state]; bad {
		out = append(out, code)
	}
	if w.known && !w.fresh {
		out = append(out, StatusStale)
	}
	return out
}

// final: a licence never comes back from any state but a suspension, so one that
// any statement tells stays, whatever a later list of a restored register says.
func final(s status.LicenceState) bool {
	return s != status.LicenceValid && s != status.LicenceSuspended && s != status.LicenceUnknown
}

// hear takes a statement into account: the newest counts, of equals the worse.
func (w *licenceWord) hear(heard licenceWord) {
	newer := heard.asOf.After(w.asOf) || heard.asOf.Equal(w.asOf) && heard.state != status.LicenceValid
	switch {
	case !w.known, final(heard.state) && !final(w.state), final(heard.state) == final(w.state) && newer:
		heard.fresh = heard.fresh || w.fresh && !heard.asOf.After(w.asOf)
		*w = heard
	case heard.asOf.Equal(w.asOf), final(w.state):
		w.fresh = w.fresh || heard.fresh
	}
}

// licenceWord gathers the statements of a region's status signer about a licence.
// The answer for its identifier and the status list speak of the same register.
func (t *trial) licenceWord(region *certs.Region, q question) licenceWord {
	w := licenceWord{state: status.LicenceUnknown}
	for _, r := range t.book.statements {
		heard := licenceWord{known: true}
		switch {
		case r.licence != nil && r.licence.Identifier == q.identifier:
			heard.state, heard.since, heard.asOf, heard.next = r.licence.State, r.licence.StateSince, r.licence.AsOf, r.licence.SupersededBy
		case r.shard != nil && r.shard.Shard == q.shard:
			heard.asOf = r.shard.AsOf
		default:
			continue
		}
		if !t.speaks(r, region, region.Code) {
			continue
		}
		if r.shard != nil {
			var ok bool
			if heard.state, ok = stateIn(r.shard, q.position); !ok {
				continue
			}
		}
		// protocol.md 4: a list before its end, an answer of today.
		heard.fresh = !t.in.At.After(r.statement.Expires) && (r.shard != nil || t.in.At.Sub(heard.asOf) <= MaxAge)
		t.used[StatusFreshness{Source: r.statement.Type, AsOf: rfc3339(heard.asOf), Stale: !heard.fresh}] = true
		w.hear(heard)
	}
	return w
}

// stateIn inflates a list only once its signature was found good.
func stateIn(l *status.StatusList, position uint32) (status.LicenceState, bool) {
	list, err := statuslist.Open(l.Bits, l.Count)
	if err != nil {
		return status.LicenceUnknown, false
	}
	return list.State(position)
}
