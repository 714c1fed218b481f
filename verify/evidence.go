package verify

import (
	"bytes"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/verify/status"
)

// reading is an item once read: what it was read as is set, or nothing.
type reading struct {
	sum       [32]byte
	crl       *certs.CRL
	ocsp      *certs.OCSPResponse
	cert      *certs.Certificate
	statement *certs.Statement
	seal      *status.SealStatus
	list      *status.SealList
	listed    map[string][]status.Interval // of list, by the SM3 of the seal
	licence   *status.LicenceStatus
	shard     *status.StatusList
}

// NewItem reads a piece of evidence. Raw must not be changed afterwards.
func NewItem(kind Kind, raw []byte) Item {
	i := Item{Kind: kind, Raw: raw}
	i.read = readItem(kind, raw)
	return i
}

func readItem(kind Kind, raw []byte) *reading {
	r := &reading{}
	if len(raw) > MaxEvidenceItem {
		return r
	}
	r.sum = sm3.Sum(raw)
	switch kind {
	case KindCRL:
		if crl, err := certs.ParseCRL(raw); err == nil {
			r.crl = crl
		}
	case KindOCSP:
		if answer, err := certs.ParseOCSPResponse(raw); err == nil {
			r.ocsp = answer
		}
	case KindCertificate:
		if c, err := certs.ParseCertificatePEMOrDER(raw); err == nil {
			r.cert = c
		}
	default:
		st, err := certs.ParseStatement(raw)
		if err == nil && st.Type == string(kind) {
			r.readStatement(st)
		}
	}
	return r
}

func (r *reading) empty() bool {
	return r.crl == nil && r.ocsp == nil && r.cert == nil && r.statement == nil
}

// payload is what the statements of verify/status have in common.
type payload interface{ Validate() error }

func (r *reading) readStatement(st *certs.Statement) {
	decoded := func(p payload) bool { return st.Decode(p) == nil && p.Validate() == nil }
	switch st.Type {
	case status.TypeSealStatus:
		if p := new(status.SealStatus); decoded(p) {
			r.statement, r.seal = st, p
		}
	case status.TypeSealList:
		if p := new(status.SealList); decoded(p) {
			r.statement, r.list, r.listed = st, p, map[string][]status.Interval{}
			for _, s := range p.Seals {
				r.listed[s.Seal] = s.Intervals
			}
		}
	case status.TypeLicenceStatus:
		if p := new(status.LicenceStatus); decoded(p) {
			r.statement, r.licence = st, p
		}
	case status.TypeStatusList:
		if p := new(status.StatusList); decoded(p) {
			r.statement, r.shard = st, p
		}
	}
}

// AsOf is the time an item speaks of, zero for one that says nothing; a collector
// keeps the newest. Until is when it ends.
func (i Item) AsOf() (asOf, until time.Time) {
	r := i.reading()
	switch {
	case r.crl != nil:
		return r.crl.ThisUpdate, r.crl.NextUpdate
	case r.ocsp != nil:
		return termOf(r.ocsp)
	case r.seal != nil:
		return r.seal.AsOf, r.seal.Exp
	case r.list != nil:
		return r.list.AsOf, r.list.Exp
	case r.licence != nil:
		return r.licence.AsOf, r.licence.Exp
	case r.shard != nil:
		return r.shard.AsOf, r.shard.Exp
	case r.cert != nil:
		return r.cert.NotBefore, r.cert.NotAfter
	}
	return time.Time{}, time.Time{}
}

// termOf is the time that all answers of a response speak of.
func termOf(r *certs.OCSPResponse) (asOf, until time.Time) {
	asOf, until = r.Answers[0].ThisUpdate, r.Answers[0].NextUpdate
	for _, a := range r.Answers[1:] {
		if a.ThisUpdate.Before(asOf) {
			asOf = a.ThisUpdate
		}
		if a.NextUpdate.Before(until) {
			until = a.NextUpdate
		}
	}
	return asOf, until
}

// Nonce is what a status answer echoes, for the collector that sent one.
func (i Item) Nonce() string {
	r := i.reading()
	switch {
	case r.seal != nil:
		return r.seal.Nonce
	case r.licence != nil:
		return r.licence.Nonce
	case r.ocsp != nil:
		return string(r.ocsp.Nonce)
	}
	return ""
}

func (i Item) reading() *reading {
	if i.read != nil {
		return i.read
	}
	return readItem(i.Kind, i.Raw)
}

// book is the evidence of one judgement, in an order that depends on the evidence
// alone and not on how it was handed in. What was made after the validation time
// is not in it.
type book struct {
	crls       []*reading
	answers    []*reading // of OCSP
	statements []*reading
	certs      []*certs.Certificate
	kept       map[[32]byte]keeping // of those that the document holds, by SM3
	// over: there are too many pieces, of which none was taken: the order they
	// came in would have decided which.
	over bool
}

func newBook(e *Evidence, own []kept, at time.Time) *book {
	b := &book{kept: make(map[[32]byte]keeping, len(own))}
	if e == nil {
		e = &Evidence{}
	}
	if b.over = len(e.Items) > MaxEvidence; b.over {
		return b
	}
	var all []*reading
	for _, item := range e.Items {
		// What says nothing must not stand for the same bytes read as they are.
		if r := item.reading(); !r.empty() {
			all = append(all, r)
		}
	}
	for _, k := range own {
		r := k.item.reading()
		all = append(all, r)
		if had, twice := b.kept[r.sum]; !twice || k.revision < had.revision {
			b.kept[r.sum] = keeping{revision: k.revision}
		}
	}
	slices.SortFunc(all, func(x, y *reading) int { return bytes.Compare(x.sum[:], y.sum[:]) })
	all = slices.CompactFunc(all, func(x, y *reading) bool { return x.sum == y.sum })
	for _, r := range all {
		switch {
		case r.crl != nil && !r.crl.ThisUpdate.After(at):
			b.crls = append(b.crls, r)
		case r.ocsp != nil && !r.ocsp.ProducedAt.After(at):
			b.answers = append(b.answers, r)
		case r.statement != nil && !r.statement.IssuedAt.After(at):
			b.statements = append(b.statements, r)
		case r.cert != nil:
			b.certs = append(b.certs, r.cert)
		}
	}
	return b
}
