package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"yinxin/certs"
)

// proveTime reads the token and, if it holds, sets P (protocol.md 4).
func (t *trial) proveTime() outcome {
	if t.stamp.TimeStamp == nil {
		if t.borrow() {
			return passed
		}
		return unknown(TimeNotProven, "the stamp has no time-stamp")
	}
	if t.w.spend(1) != nil {
		return overWork
	}
	token, err := t.brought.timeStamp()
	if err != nil {
		return failed(TimestampForged, err)
	}
	if !bytes.Equal(token.Imprint, imprint(t.stamp.SignatureValue)) {
		return failed(TimestampForged, "it is over something else")
	}
	t.serves = []string{t.stamp.Seal.ID}
	return t.trustToken(token)
}

// trustToken asks whether the authority behind a token is trusted and, if it is, sets P.
func (t *trial) trustToken(token *certs.TimeStamp) outcome {
	t.token = token
	// The token's own certificates may lead up to the authority that is listed.
	extra := append(token.Certificates[:len(token.Certificates):len(token.Certificates)], t.book.certs...)
	found, err := t.find(token.Signer, certs.ServiceTSA, extra, token.GenTime)
	switch {
	case errors.Is(err, errWork):
		return overWork
	case err != nil:
		return unknown(TimeNotProven, fmt.Sprintf("its authority is not trusted: %v", err))
	}
	if since, bad := found.Service.DistrustedSince(); bad && !since.After(t.in.At) && !t.witnessedElsewhere(found.Region.Code, since) {
		return unknown(TimeNotProven, "its authority is distrusted")
	}
	// One that lists prefixes serves those regions only and is not to be borrowed
	// by another; without any it witnesses for all.
	if len(found.Service.Prefixes) > 0 && slices.ContainsFunc(t.serves, func(id string) bool { return !found.Service.SpeaksFor(found.Region.Code, id) }) {
		return unknown(TimeNotProven, "its authority does not speak for this seal's region")
	}
	if !t.vouched(token, found) {
		return unknown(TimeNotProven, "it carries a certificate that nothing vouches for")
	}
	t.tsaFound, t.proved, t.proven = found, token.GenTime, true
	if token.GenTime.After(t.in.At) {
		return unknown(SealedAfterCheck, rfc3339(token.GenTime))
	}
	switch {
	case len(token.Notices) > 0 && t.stamp == nil:
		return noticed(FormatNotice, token.Notices[0])
	case len(token.Notices) > 0:
		return t.departure(token.Notices[0])
	}
	return passed
}

// vouched tells whether every certificate in the token is a trusted one, is
// certified by one, or is the root whose key certified one. No signature of the
// token covers them, so any other may have been put there since.
func (t *trial) vouched(token *certs.TimeStamp, found certs.Found) bool {
	good := slices.Clone(found.Path)
	for i := range found.Region.Services {
		good = append(good, found.Region.Services[i].Certificate)
	}
	return !slices.ContainsFunc(token.Certificates, func(c *certs.Certificate) bool {
		if slices.ContainsFunc(good, c.Equal) {
			return false
		}
		root := t.issued(c, c)
		return !slices.ContainsFunc(good, func(g *certs.Certificate) bool { return t.issued(c, g) || root && t.issued(g, c) })
	})
}

func (t *trial) timestamp() outcome {
	if t.stamp == nil {
		return notMade
	}
	return t.tokenOutcome
}

// timeOrder: C <= P + accuracy, and a notice where P is late (protocol.md 4).
func (t *trial) timeOrder() outcome {
	switch {
	case t.stamp == nil:
		return notMade
	case !t.proven && t.claimed.After(t.in.At):
		return unknown(SealedAfterCheck, rfc3339(t.claimed))
	case !t.proven:
		return unknown(TimeNotProven, "")
	case t.claimed.After(t.proved.Add(t.token.Accuracy)):
		return failed(TimeContradiction, fmt.Sprintf("claimed %s, proven %s", rfc3339(t.claimed), rfc3339(t.proved)))
	case t.proved.Sub(t.claimed) > LateToken:
		return noticed(TimestampLate, fmt.Sprintf("claimed %s, proven %s", rfc3339(t.claimed), rfc3339(t.proved)))
	}
	return passed
}

// ends are C and P; where the time is not proven both are what is claimed, which
// can show that something was bad already, never that it was good.
func (t *trial) ends() (c, p time.Time) {
	if !t.proven {
		return t.claimed, t.claimed
	}
	if t.claimed.After(t.proved) { // within the token's accuracy
		return t.proved, t.proved
	}
	return t.claimed, t.proved
}

// sealValidity: the seal's own term holds throughout [C, P]. The stamp holds the
// seal, so one that was made after P was back-dated by its maker or by the stamp.
func (t *trial) sealValidity() outcome {
	if t.stamp == nil {
		return notMade
	}
	c, p := t.ends()
	s := t.stamp.Seal
	if t.proven && s.Created.After(p.Add(t.token.Accuracy)) || !t.proven && s.Created.After(p) {
		return failed(SealOutOfValidity, fmt.Sprintf("made %s", rfc3339(s.Created)))
	}
	if c.Before(s.ValidFrom) || p.After(s.ValidTo) {
		return failed(SealOutOfValidity, fmt.Sprintf("%s to %s", rfc3339(s.ValidFrom), rfc3339(s.ValidTo)))
	}
	return t.ifProven()
}

// signerValidity: likewise the certificate's.
func (t *trial) signerValidity() outcome {
	if t.signer == nil {
		return notMade
	}
	c, p := t.ends()
	switch {
	case c.Before(t.signer.NotBefore):
		return failed(CertificateNotYetValid, rfc3339(t.signer.NotBefore))
	case p.After(t.signer.NotAfter):
		return failed(CertificateExpiredAtSealing, rfc3339(t.signer.NotAfter))
	}
	return t.ifProven()
}

// ifProven is a pass where the time is proven: at a time only claimed nothing is
// found good.
func (t *trial) ifProven() outcome {
	if !t.proven {
		return unknown(TimeNotProven, "")
	}
	return passed
}
