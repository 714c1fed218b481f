package province

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/ca/outside"
	"yinxin/seal"
)

// ErrSuspect: the key is not named, or nothing is known of it.
var ErrSuspect = errors.New("name one key that the register knows, and since when it may have been misused")

// The kinds of Affected.
const (
	AffectedCertificate = "certificate"
	AffectedSeal        = "seal"
	AffectedStamp       = "stamp"
)

// Affected is one thing that stands behind a key: the key's own certificate, what it
// has signed since the moment, and what those have signed in their turn.
type Affected struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id"` // serial number, seal code or id of the stamp
	Agency string    `json:"agency"`
	Name   string    `json:"name"` // subject, the seal's name, or the format of the document
	At     time.Time `json:"at"`   // issued, made or sealed
	State  string    `json:"state"`
	Behind string    `json:"behind"` // the certificate or seal that leads to it
}

// AffectedColumns are those of a table; Cells gives a row's.
func AffectedColumns() []string {
	return []string{"kind", "id", "agency", "name", "at", "state", "behind"}
}

// Cells are those of AffectedColumns.
func (a Affected) Cells() []string {
	return []string{a.Kind, a.ID, a.Agency, a.Name, a.At.UTC().Format(time.RFC3339), a.State, a.Behind}
}

// Compromised gives all that stands behind a key, each once, as it is found: the
// registers are read page by page.
func (p *Province) Compromised(ctx context.Context, s ca.Suspect, give func(Affected) error) error {
	named := 0
	for _, name := range []string{s.Serial, s.KeyID, s.Issuer} {
		if name != "" {
			named++
		}
	}
	if named != 1 || s.Since.IsZero() || s.Since.After(p.o.Clock()) {
		return ErrSuspect
	}
	rows, err := p.suspects(ctx, s)
	if err != nil {
		return err
	}
	// Certificates and seals tell the second in which they were made: all of it counts.
	h := &hunt{p: p, since: s.Since.UTC().Truncate(time.Second), give: give, seen: map[string]bool{}, now: p.o.Clock()}
	for _, r := range rows {
		if err := h.certificate(ctx, r, ""); err != nil {
			return err
		}
	}
	return nil
}

// suspects are the certificates of the key that is named.
func (p *Province) suspects(ctx context.Context, s ca.Suspect) (rows []ca.Row, err error) {
	switch {
	case s.Serial != "":
		r, err := p.CA.Certificate(ctx, s.Serial)
		return []ca.Row{r}, err
	case strings.HasPrefix(s.Issuer, outside.Name("")):
		// When another authority issued is its own word: all that it did is in question.
		return p.rows(ctx, ca.Filter{Issuer: s.Issuer})
	case s.Issuer != "":
		c, err := p.CA.Issuer(ctx, s.Issuer)
		return []ca.Row{c.Row}, err
	}
	rows, err = p.rows(ctx, ca.Filter{KeyID: s.KeyID})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%w: no certificate is on key %q", ErrSuspect, s.KeyID)
	}
	return rows, err
}

func (p *Province) rows(ctx context.Context, f ca.Filter) (rows []ca.Row, err error) {
	err = p.CA.Each(ctx, f, func(r ca.Row) error {
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

// hunt goes down from a certificate. What was seen is remembered by its id alone.
type hunt struct {
	p     *Province
	since time.Time
	now   time.Time
	give  func(Affected) error
	seen  map[string]bool
}

func (h *hunt) first(kind, id string) bool {
	key := kind + "\x00" + id
	if h.seen[key] {
		return false
	}
	h.seen[key] = true
	return true
}

func (h *hunt) certificate(ctx context.Context, r ca.Row, behind string) error {
	if !h.first(AffectedCertificate, r.Serial) {
		return nil
	}
	if err := h.give(Affected{AffectedCertificate, r.Serial, r.Agency, r.Subject, r.IssuedAt, r.State(h.now), behind}); err != nil {
		return err
	}
	// The session key of an encryption pair went to the signing key.
	switch twin, err := h.p.Store.CA().Twin(ctx, r.Serial); {
	case err == nil:
		if err := h.certificate(ctx, twin, r.Serial); err != nil {
			return err
		}
	case !errors.Is(err, ca.ErrNotFound):
		return err
	}
	switch r.Profile {
	case ca.ProfileRoot, ca.ProfileIssuing:
		return h.issued(ctx, r)
	case ca.ProfileAgencySeal:
		return h.sealOf(ctx, r)
	case ca.ProfileSealMaker:
		return h.made(ctx, r)
	case ca.ProfileTSA:
		return h.timeStamped(ctx, r)
	}
	return nil
}

// issued: what an authority has issued since.
func (h *hunt) issued(ctx context.Context, r ca.Row) error {
	names, err := h.p.CA.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		c, err := h.p.CA.Issuer(ctx, name)
		if err != nil {
			return err
		}
		if c.Row.Serial != r.Serial {
			continue
		}
		err = h.p.CA.Each(ctx, ca.Filter{Issuer: name, IssuedAfter: h.since}, func(below ca.Row) error { return h.certificate(ctx, below, r.Serial) })
		if err != nil {
			return err
		}
	}
	return nil
}

// sealOf: the seal whose signer's certificate it is. A certificate that an agency
// asked for itself has none in the register.
func (h *hunt) sealOf(ctx context.Context, r ca.Row) error {
	s, err := h.p.Seals.ByCertificate(ctx, r.Serial)
	if errors.Is(err, seal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.seal(ctx, s, r.Serial)
}

func (h *hunt) seal(ctx context.Context, s seal.Seal, behind string) error {
	if !h.first(AffectedSeal, s.ID) {
		return nil
	}
	if err := h.give(Affected{AffectedSeal, s.ID, s.Agency, s.Name, s.Made, string(s.State), behind}); err != nil {
		return err
	}
	return h.stamps(ctx, seal.Filter{SealID: s.ID, From: h.since}, s.ID)
}

// aPage of the registers that are read on the way.
const aPage = 500

func (h *hunt) stamps(ctx context.Context, f seal.Filter, behind string) error {
	f.Limit = aPage
	for {
		rows, next, err := h.p.Seals.Entries(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range rows {
			if !h.first(AffectedStamp, s.ID.String()) {
				continue
			}
			if err := h.give(Affected{AffectedStamp, s.ID.String(), s.Agency, s.Format, s.SealedAt, "", behind}); err != nil {
				return err
			}
		}
		if f.Cursor = next; next == "" {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// made: the seals that a maker has made since.
func (h *hunt) made(ctx context.Context, r ca.Row) error {
	from, until, err := h.term(ctx, r)
	if err != nil {
		return err
	}
	for cursor := ""; ; {
		rows, next, err := h.p.Seals.List(ctx, seal.SealFilter{Cursor: cursor, Limit: aPage})
		if err != nil {
			return err
		}
		for _, s := range rows {
			// Its maker signed each edition.
			within := func(e seal.Edition) bool { return !e.Made.Before(from) && (until.IsZero() || !e.Made.After(until)) }
			if !slices.ContainsFunc(s.Editions(), within) {
				continue
			}
			if err := h.seal(ctx, s, r.Serial); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

// timeStamped: the stamps whose time an authority has told since.
func (h *hunt) timeStamped(ctx context.Context, r ca.Row) error {
	from, until, err := h.term(ctx, r)
	if err != nil {
		return err
	}
	return h.stamps(ctx, seal.Filter{From: from, To: until}, r.Serial)
}

// handover is how long an act may go on with the key that it began with.
const handover = time.Hour

// term is when a key of ours was the current one of its purpose, from the moment in
// question on; until is zero for one that still is.
func (h *hunt) term(ctx context.Context, r ca.Row) (from, until time.Time, err error) {
	history, err := h.p.Store.CA().History(ctx, r.Purpose)
	if err != nil {
		return from, until, err
	}
	for i, one := range history {
		if one.Serial == r.Serial && i+1 < len(history) {
			until = history[i+1].IssuedAt.Add(handover)
		}
	}
	if from = h.since; from.Before(r.IssuedAt) {
		from = r.IssuedAt
	}
	return from, until, nil
}

// RevokeBehind revokes all that stands behind a key as the registers have it now:
// what two officers have approved. That it is revoked already is what was wanted.
func (p *Province) RevokeBehind(ctx context.Context, s ca.Suspect, who, why string) (ca.Compromise, error) {
	r := ca.CompromiseRequest{Suspect: s, Who: who, Why: why, Admitted: true}
	err := p.Compromised(ctx, s, func(a Affected) error {
		if a.Kind == AffectedCertificate {
			r.Serials = append(r.Serials, a.ID)
		}
		return nil
	})
	if err != nil {
		return ca.Compromise{}, err
	}
	done, err := p.CA.RevokeAll(ctx, r)
	if errors.Is(err, ca.ErrRevoked) {
		err = nil
	}
	return done, err
}
