package certs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Why a path is refused. A caller branches on these: an unknown issuer cannot
// be judged, the others are faults.
var (
	ErrUnknownIssuer     = errors.New("no chain to a trusted certificate")
	ErrExpired           = errors.New("the certificate had expired")
	ErrNotYetValid       = errors.New("the certificate was not yet valid")
	ErrKeyUsage          = errors.New("the certificate is not for this use")
	ErrNotCA             = errors.New("the issuer is no certificate authority")
	ErrPathLen           = errors.New("the chain is longer than the authority allows")
	ErrNameConstraint    = errors.New("the authority may not issue for this name")
	ErrPolicy            = errors.New("the chain is not valid for the policies asked for")
	ErrUnhandledCritical = errors.New("the certificate has a critical extension that is not understood")
)

const (
	maxPathDepth = 8  // real chains have three
	maxPathWork  = 64 // signatures checked for one leaf: same-named issuers multiply the ways up
)

// PathOptions say what the leaf must be good for, and when.
type PathOptions struct {
	Roots         []*Certificate // trusted as they are; a root may be the leaf itself
	Intermediates []*Certificate
	At            time.Time
	EKU           OID      // "" for none
	KeyUsage      KeyUsage // every bit of it is required

	// The inputs of RFC 5280 6.1.1 (c) to (f). Policies is the
	// user-initial-policy-set: nil is any policy.
	Policies                                         []OID
	ExplicitPolicy, InhibitMapping, InhibitAnyPolicy bool
	// AllowSHA1 is for suites and archives: such signatures can be forged.
	AllowSHA1 bool

	// checked, if set, keeps what was found of a signature over many calls with
	// the same certificates.
	checked map[link]error
}

// link is a certificate and one that may have issued it, by their SM3.
type link [2][32]byte

// Path is a way that RFC 5280 6.1 found good.
type Path struct {
	Certificates []*Certificate // leaf first, anchor last
	// The policies of 6.1.6 for which the path is good, by the anchor's names
	// for them: all of them, and those that were asked for.
	AuthorityPolicies, UserPolicies []OID
	// Qualifiers are the certificates' words, from the top down, of the policies for
	// which the path is good: what is to be shown.
	Qualifiers []PolicyInfo

	key publicKey // the leaf's, with the parameters that it takes from its issuers
}

// BuildPath is FindPath for a caller who asks for no policy.
func BuildPath(leaf *Certificate, o PathOptions) ([]*Certificate, error) {
	p, err := FindPath(leaf, o)
	if err != nil {
		return nil, err
	}
	return p.Certificates, nil
}

// FindPath finds a way from leaf up to a root that is good by RFC 5280 6.1,
// each certificate valid at the time At. Whether one was revoked is asked
// apart (Lists). The error is that of the way that came furthest.
func FindPath(leaf *Certificate, o PathOptions) (*Path, error) {
	if err := leaf.usableFor(o); err != nil {
		return nil, err
	}
	w := walk{o: o}
	return w.up([]*Certificate{leaf})
}

func (c *Certificate) usableFor(o PathOptions) error {
	if err := c.sound(o.At); err != nil {
		return err
	}
	if o.KeyUsage != 0 && c.KeyUsage&o.KeyUsage != o.KeyUsage {
		return fmt.Errorf("%w: %s", ErrKeyUsage, c.Subject)
	}
	if o.EKU != "" && !slices.Contains(c.EKUs, o.EKU) {
		return fmt.Errorf("%w: %s lacks extended key usage %s", ErrKeyUsage, c.Subject, o.EKU)
	}
	return nil
}

// sound is what every certificate of a path must be.
func (c *Certificate) sound(at time.Time) error {
	switch {
	case at.Before(c.NotBefore):
		return fmt.Errorf("%w: %s", ErrNotYetValid, c.Subject)
	case at.After(c.NotAfter):
		return fmt.Errorf("%w: %s", ErrExpired, c.Subject)
	case len(c.unhandled) > 0:
		return fmt.Errorf("%w: %s in %s", ErrUnhandledCritical, c.unhandled[0], c.Subject)
	}
	return nil
}

type walk struct {
	o     PathOptions
	work  int // issuers tried
	names int // comparisons of names
}

// up lengthens a path by one issuer, trusted ones first.
func (w *walk) up(path []*Certificate) (*Path, error) {
	last := path[len(path)-1]
	best := fmt.Errorf("%w: %s", ErrUnknownIssuer, last.Issuer)
	if slices.ContainsFunc(w.o.Roots, last.Equal) {
		p, err := w.validate(path)
		if err == nil {
			return p, nil
		}
		best = err // another root above may grant what this one does not
	}
	if len(path) == maxPathDepth {
		return nil, best
	}
	for _, candidates := range [][]*Certificate{w.o.Roots, w.o.Intermediates} {
		for _, issuer := range candidates {
			if !last.mayBeIssuedBy(issuer) || slices.ContainsFunc(path, issuer.Equal) {
				continue
			}
			err := w.step(path, issuer)
			if err == nil {
				var full *Path
				if full, err = w.up(append(slices.Clone(path), issuer)); err == nil {
					return full, nil
				}
			}
			if errors.Is(best, ErrUnknownIssuer) {
				best = err
			}
		}
	}
	return nil, best
}

// mayBeIssuedBy compares names, and key identifiers where both have one.
func (c *Certificate) mayBeIssuedBy(issuer *Certificate) bool {
	return c.Issuer.Equal(issuer.Subject) &&
		(len(c.AuthorityKeyID) == 0 || len(issuer.SubjectKeyID) == 0 || bytes.Equal(c.AuthorityKeyID, issuer.SubjectKeyID))
}

// step checks one issuer: what of RFC 5280 6.1.3 and 6.1.4 needs no state.
func (w *walk) step(path []*Certificate, issuer *Certificate) error {
	if err := issuer.sound(w.o.At); err != nil {
		return err
	}
	if !issuer.IsCA {
		return fmt.Errorf("%w: %s", ErrNotCA, issuer.Subject)
	}
	if issuer.KeyUsage&KeyUsageCertSign == 0 {
		return fmt.Errorf("%w: %s", ErrKeyUsage, issuer.Subject)
	}
	below := 0 // intermediates that are not self-issued, the leaf apart
	for _, c := range path[1:] {
		if !c.selfIssued() {
			below++
		}
	}
	if issuer.MaxPathLen >= 0 && below > issuer.MaxPathLen {
		return fmt.Errorf("%w: %s", ErrPathLen, issuer.Subject)
	}
	if w.work++; w.work > maxPathWork {
		return fmt.Errorf("%w: too many possible issuers", ErrUnknownIssuer)
	}
	if err := w.signed(path[len(path)-1], issuer); err != nil {
		return fmt.Errorf("%w: of %s on %s", err, issuer.Subject, path[len(path)-1].Subject)
	}
	return nil
}

func (w *walk) signed(c, issuer *Certificate) error {
	l := link{c.sum, issuer.sum}
	if !whole(issuer.key) { // for its parameters, validate
		return nil
	}
	err, known := w.o.checked[l]
	if !known {
		err = c.algorithm.check(issuer.key, c.RawTBS, c.Signature, w.o.AllowSHA1)
		if w.o.checked != nil {
			w.o.checked[l] = err
		}
	}
	return err
}
