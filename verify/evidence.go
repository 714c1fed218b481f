package verify

import (
	"bytes"
	"encoding/hex"
	"time"

	"yinxin/certs"
	"yinxin/verify/status"
)

// gathered is the evidence that could be read and that had been made by the
// time of validation. What cannot be read, or was made later, helps nobody and
// harms nobody: it is as if it had not been handed in.
type gathered struct {
	crls  []*certs.CRL
	seals []sealAnswer
	lists []sealListAnswer
	extra []*certs.Certificate
}

type sealAnswer struct {
	status.SealStatus
	region string
}

type sealListAnswer struct {
	status.SealList
	region string
}

func (j *judgement) gather() {
	if j.in.Evidence == nil {
		return
	}
	items := j.in.Evidence.Items
	if len(items) > MaxEvidence {
		items = items[:MaxEvidence]
	}
	for _, item := range items {
		if len(item.Raw) > MaxEvidenceItem {
			continue
		}
		switch item.Kind {
		case KindCRL:
			if c, err := certs.ParseCRL(item.Raw); err == nil && !c.ThisUpdate.After(j.in.At) {
				j.ev.crls = append(j.ev.crls, c)
			}
		case KindCertificate:
			if c, err := certs.ParseCertificate(item.Raw); err == nil {
				j.ev.extra = append(j.ev.extra, c)
			}
		case KindSealStatus, KindSealList:
			j.gatherStatement(item)
		}
	}
}

// gatherStatement takes a statement whose signature and service are good and
// that had not ended.
func (j *judgement) gatherStatement(item Item) {
	st, err := certs.ParseStatement(item.Raw)
	if err != nil || st.IssuedAt.After(j.in.At) || j.in.Trust == nil || st.Type != string(item.Kind) {
		return
	}
	_, region, err := j.in.Trust.CheckStatement(st, j.in.At)
	if err != nil {
		return
	}
	switch item.Kind {
	case KindSealStatus:
		var s status.SealStatus
		if st.Decode(&s) == nil && s.Validate() == nil {
			j.ev.seals = append(j.ev.seals, sealAnswer{s, region.Code})
		}
	case KindSealList:
		var l status.SealList
		if st.Decode(&l) == nil && l.Validate() == nil {
			j.ev.lists = append(j.ev.lists, sealListAnswer{l, region.Code})
		}
	}
}

// knowledge is what the newest good evidence says about one thing. Then tells
// that it speaks for the time of sealing, now that it is fresh today
// (protocol.md 4, Fresh).
type knowledge struct {
	then, now bool
	any       bool
	asOf      time.Time
	source    string
}

func (k *knowledge) take(source string, asOf time.Time, proven, at time.Time, alive bool) {
	k.any = true
	// Evidence in whole seconds speaks for a time within its second.
	if !asOf.Before(proven.Truncate(time.Second)) {
		k.then = true
	}
	if alive && at.Sub(asOf) <= MaxAge {
		k.now = true
	}
	if asOf.After(k.asOf) {
		k.asOf, k.source = asOf, source
	}
}

// issuerOf finds the certificate of a service, or one handed in, that issued c.
func (j *judgement) issuerOf(c *certs.Certificate) *certs.Certificate {
	if j.in.Trust == nil {
		return nil
	}
	var candidates []*certs.Certificate
	for _, code := range regionCodes(j.in.Trust) {
		for _, s := range j.in.Trust.Regions[code].Services {
			candidates = append(candidates, s.Certificate)
		}
	}
	for _, i := range candidates {
		if i.IsCA && bytes.Equal(c.RawIssuer, i.RawSubject) && (len(c.AuthorityKeyID) == 0 || bytes.Equal(c.AuthorityKeyID, i.SubjectKeyID)) {
			return i
		}
	}
	return nil
}

// revocation looks a certificate up in every list of its issuer that verifies.
func (j *judgement) revocation(c *certs.Certificate, proven time.Time) (k knowledge, found *certs.Revoked) {
	issuer := j.issuerOf(c)
	if issuer == nil {
		return k, nil
	}
	for _, crl := range j.ev.crls {
		sum := issuer.SM3()
		key := keyOf("crl", crl.Raw, sum[:])
		if j.work.check(key, func() error { return crl.CheckSignatureFrom(issuer) }) != nil {
			continue
		}
		k.take("crl", crl.ThisUpdate, proven, j.in.At, !j.in.At.After(crl.NextUpdate))
		if r, ok := crl.Find(c.Serial); ok && (found == nil || effective(r).Before(effective(*found))) {
			found = &r
		}
	}
	return k, found
}

// effective is R of protocol.md 4: for a compromise its invalidity date.
func effective(r certs.Revoked) time.Time {
	if (r.Reason == certs.ReasonKeyCompromise || r.Reason == certs.ReasonCACompromise) && !r.InvalidityDate.IsZero() && r.InvalidityDate.Before(r.At) {
		return r.InvalidityDate
	}
	return r.At
}

// sealHistory is what the evidence of the seal's own region says about it.
func (j *judgement) sealHistory(id string, sum [32]byte, region string, proven time.Time) (k knowledge, intervals []status.Interval, unknown bool) {
	name := hex.EncodeToString(sum[:])
	var newest time.Time
	for _, s := range j.ev.seals {
		if s.region != region || s.Seal != name || s.ID != id {
			continue
		}
		k.take("seal-status", s.AsOf, proven, j.in.At, true)
		if !s.AsOf.Before(newest) {
			newest, intervals, unknown = s.AsOf, s.Intervals, s.State == status.SealUnknown
		}
	}
	for _, l := range j.ev.lists {
		if l.region != region {
			continue
		}
		k.take("seal-list", l.AsOf, proven, j.in.At, true)
		if l.AsOf.After(newest) {
			newest, intervals, unknown = l.AsOf, l.Find(name), false
		}
	}
	return k, intervals, unknown
}
