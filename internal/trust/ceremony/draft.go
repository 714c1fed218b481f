package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/certs"
)

// ErrRefused: the list that was asked for breaks a rule; the message says which.
var ErrRefused = errors.New("refused")

// Change is how the next scheme list differs from the one before.
type Change struct {
	K           int // 0: as before
	AddKeys     []*certs.Certificate
	DropKeys    []string             // key ids, or how they begin
	AddRegions  []certs.SchemeRegion // each in place of what stood of it before
	DropRegions []string
	// Ahead leaves numbers to the lists that the keys before sign until this one is
	// taken: a province that is its own scheme signs one an hour.
	Ahead uint64
	At    time.Time
	Life  time.Duration
}

// Draft makes the list that follows previous, or for nil a scheme's first.
func Draft(previous *certs.SchemeDraft, c Change) (*certs.SchemeDraft, error) {
	l := certs.SchemeList{Sequence: 1}
	if previous != nil {
		l = previous.List()
		l.Keys, l.Regions = slices.Clone(l.Keys), slices.Clone(l.Regions)
		l.Sequence += 1 + c.Ahead
	}
	l.Iat = c.At.UTC().Truncate(time.Second)
	l.Exp = l.Iat.Add(c.Life)
	if c.K != 0 {
		l.K = c.K
	}
	if err := c.keys(&l); err != nil {
		return nil, err
	}
	if err := c.regions(&l); err != nil {
		return nil, err
	}
	d, err := certs.DraftScheme(l)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if previous != nil {
		return d, mayFollow(d, previous)
	}
	return d, nil
}

func (c Change) keys(l *certs.SchemeList) error {
	for _, id := range c.DropKeys {
		n := len(l.Keys)
		l.Keys = slices.DeleteFunc(l.Keys, func(der certs.Base64) bool {
			k, err := certs.ParseCertificate(der)
			return err == nil && len(id) >= 8 && strings.HasPrefix(certs.KeyID(k), strings.ToLower(id))
		})
		if len(l.Keys) != n-1 {
			return fmt.Errorf("%w: %q is not the key id of one key of the list, or at least 8 digits of it", ErrRefused, id)
		}
	}
	for _, k := range c.AddKeys {
		if !slices.Contains(k.EKUs, certs.OIDEKUTrustList) {
			return fmt.Errorf("%w: the certificate %s is not for trust lists", ErrRefused, k.Subject)
		}
		l.Keys = append(l.Keys, k.Raw)
	}
	return nil
}

func (c Change) regions(l *certs.SchemeList) error {
	for _, code := range c.DropRegions {
		n := len(l.Regions)
		l.Regions = slices.DeleteFunc(l.Regions, func(r certs.SchemeRegion) bool { return r.Code == code })
		if len(l.Regions) == n {
			return fmt.Errorf("%w: the list names no region %q", ErrRefused, code)
		}
	}
	for _, r := range c.AddRegions {
		if i := slices.IndexFunc(l.Regions, func(o certs.SchemeRegion) bool { return o.Code == r.Code }); i >= 0 {
			l.Regions[i] = r
		} else {
			l.Regions = append(l.Regions, r)
		}
	}
	return nil
}

// Regions are those that a bundle's scheme list names: a province's own bundle tells
// its name, its address and the keys of its list. Whether they are that province's
// is for whoever drafts to make sure.
func Regions(b *certs.Bundle) ([]certs.SchemeRegion, error) {
	d, err := certs.ParseSchemeDraft(b.Scheme)
	if err != nil {
		return nil, err
	}
	return d.List().Regions, nil
}
