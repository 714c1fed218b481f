package certs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

var (
	// ErrRevoked: a certificate of the path was revoked.
	ErrRevoked = errors.New("the certificate was revoked")
	// ErrUndetermined: no list at hand tells whether a certificate was revoked.
	ErrUndetermined = errors.New("whether the certificate was revoked cannot be told")
)

// RevocationState is the outcome of RFC 5280 6.3.3.
type RevocationState int

const (
	Undetermined RevocationState = iota
	NotRevoked
	IsRevoked
)

// Finding is what lists tell of one certificate.
type Finding struct {
	State RevocationState
	Entry Revoked // of IsRevoked
	// AsOf is when the oldest list was made that NotRevoked stands on, or the one
	// that tells of the revocation.
	AsOf time.Time
}

// maxLists bounds a set of lists: each is compared with each distribution point.
const maxLists = 256

// maxListWork bounds the pairs of list and signer tried for one question: the
// signers of indirect lists have lists of their own, so the ways multiply.
const maxListWork = 256

// Lists is a set of CRLs, full, partial and delta, by any issuers. It is not to
// be changed.
type Lists struct{ all []*CRL } // newest first

// NewLists makes a set. Whether a list is signed by whom it says is asked when
// it is used.
func NewLists(all ...*CRL) (*Lists, error) {
	if len(all) > maxLists {
		return nil, fmt.Errorf("%w: too many revocation lists", ErrUnsupported)
	}
	l := &Lists{slices.Clone(all)}
	slices.SortStableFunc(l.all, func(a, b *CRL) int { return b.ThisUpdate.Compare(a.ThisUpdate) })
	return l, nil
}

// CheckPath wants every certificate of a path below its anchor not revoked at
// o.At. Roots and Intermediates are where the signers of lists are looked for.
func (l *Lists) CheckPath(p *Path, o PathOptions) error {
	// From the top down: below a revoked authority nothing else is worth telling.
	for i := len(p.Certificates) - 2; i >= 0; i-- {
		c := p.Certificates[i]
		switch f := l.Find(p, i, o); f.State {
		case IsRevoked:
			return fmt.Errorf("%w: %s", ErrRevoked, c.Subject)
		case Undetermined:
			return fmt.Errorf("%w: %s", ErrUndetermined, c.Subject)
		}
	}
	return nil
}

// Find tells of the certificate at index i of a path: RFC 5280 6.3.3 over all
// its distribution points. A revocation that any current list tells stays, a
// hold apart, which a newer list of the same kind ends.
func (l *Lists) Find(p *Path, i int, o PathOptions) Finding {
	signer := PathOptions{Roots: p.Certificates[len(p.Certificates)-1:], At: o.At, KeyUsage: KeyUsageCRLSign, AllowSHA1: o.AllowSHA1}
	signer.Intermediates = slices.Concat(p.Certificates, o.Intermediates, o.Roots)
	q := inquiry{lists: l.all, o: signer, checked: map[*CRL]map[*Certificate]error{}}
	return q.find(p.Certificates[i])
}

// inquiry is one question with those that follow from it.
type inquiry struct {
	lists   []*CRL
	o       PathOptions // of signers' paths
	asking  []*Certificate
	work    int
	checked map[*CRL]map[*Certificate]error
}

func (q *inquiry) find(c *Certificate) Finding {
	q.asking = append(q.asking, c)
	defer func() { q.asking = q.asking[:len(q.asking)-1] }()
	var f Finding
	var reasons ReasonFlags
	var told []*CRL // whose kinds have been heard
	for _, list := range q.lists {
		scope := list.Scope(c)
		if scope == 0 || list.BaseNumber != nil || list.ThisUpdate.After(q.o.At) {
			continue
		}
		signer, err := q.signer(list)
		if err != nil {
			continue
		}
		delta := q.delta(list, signer)
		if q.o.At.After(list.NextUpdate) && delta == nil {
			continue
		}
		older := slices.ContainsFunc(told, func(t *CRL) bool { return t.sameKind(list) })
		told = append(told, list)
		asOf := list.ThisUpdate
		entry, listed := list.FindCertificate(c)
		if delta != nil {
			entry, listed = delta.over(entry, listed, c)
			asOf = delta.ThisUpdate
		}
		if listed && !(older && entry.Reason == ReasonCertificateHold) {
			return Finding{IsRevoked, entry, asOf}
		}
		if reasons |= scope; f.AsOf.IsZero() || asOf.Before(f.AsOf) {
			f.AsOf = asOf
		}
	}
	if reasons == AllReasons {
		f.State = NotRevoked
		return f
	}
	return Finding{}
}

// sameKind: lists of one issuer for one part of its certificates.
func (c *CRL) sameKind(o *CRL) bool {
	return c.Issuer.Equal(o.Issuer) && bytes.Equal(c.rawPoint, o.rawPoint)
}

// delta gives the newest current delta over a list, by the same key: 6.3.3 (c)
// and (h).
func (q *inquiry) delta(base *CRL, signer *Path) *CRL {
	for _, d := range q.lists {
		if !d.Extends(base) || d.ThisUpdate.After(q.o.At) || q.o.At.After(d.NextUpdate) {
			continue
		}
		if q.work++; q.work > maxListWork {
			return nil
		}
		if d.checkFrom(signer.Certificates[0], signer.key, q.o.AllowSHA1) == nil {
			return d
		}
	}
	return nil
}

// over lays a delta over what its base tells: 6.3.3 (i) to (k). Only a hold is
// taken back.
func (c *CRL) over(entry Revoked, listed bool, cert *Certificate) (Revoked, bool) {
	newer, found := c.FindCertificate(cert)
	switch {
	case !found:
		return entry, listed
	case newer.Reason == ReasonRemoveFromCRL:
		return entry, listed && entry.Reason != ReasonCertificateHold
	}
	return newer, true
}

// signer finds who signed a list: 6.3.3 (f) and (g), under the same anchor as
// the certificate that is asked about.
func (q *inquiry) signer(list *CRL) (*Path, error) {
	best := fmt.Errorf("%w: %s", ErrUnknownIssuer, list.Issuer)
	for _, pool := range [][]*Certificate{q.o.Roots, q.o.Intermediates} {
		for _, c := range pool {
			if !list.mayBeSignedBy(c) {
				continue
			}
			if q.work++; q.work > maxListWork {
				return nil, best
			}
			p, err := q.signed(list, c)
			if err == nil {
				return p, nil
			}
			best = err
		}
	}
	return nil, best
}

func (c *CRL) mayBeSignedBy(signer *Certificate) bool {
	return c.Issuer.Equal(signer.Subject) &&
		(len(c.AuthorityKeyID) == 0 || len(signer.SubjectKeyID) == 0 || bytes.Equal(c.AuthorityKeyID, signer.SubjectKeyID))
}

func (q *inquiry) signed(list *CRL, c *Certificate) (*Path, error) {
	if whole(c.key) { // else its issuers are needed first
		if err := q.checkFrom(list, c); err != nil {
			return nil, err
		}
	}
	p, err := FindPath(c, q.o)
	if err != nil {
		return nil, err
	}
	if !whole(c.key) {
		if err := list.checkFrom(c, p.key, q.o.AllowSHA1); err != nil {
			return nil, err
		}
	}
	// A signer whose own list it signs itself, or whose status is what is being
	// asked, can be asked no further.
	for _, step := range p.Certificates[:len(p.Certificates)-1] {
		if !slices.ContainsFunc(q.asking, step.Equal) && q.find(step).State != NotRevoked {
			return nil, fmt.Errorf("%w: %s", ErrUndetermined, step.Subject)
		}
	}
	return p, nil
}

func (q *inquiry) checkFrom(list *CRL, c *Certificate) error {
	err, known := q.checked[list][c]
	if !known {
		err = list.checkFrom(c, c.key, q.o.AllowSHA1)
		if q.checked[list] == nil {
			q.checked[list] = map[*Certificate]error{}
		}
		q.checked[list][c] = err
	}
	return err
}
