package verify

import (
	"bytes"
	"errors"
	"fmt"

	"yinxin/certs"
)

// makerChain: the seal's maker is a seal-maker service, or certified by one, at
// the time the seal was made, and may speak for a seal of this code.
func (t *trial) makerChain() outcome {
	if t.stamp == nil || t.maker == nil {
		return notMade
	}
	if t.makerErr != nil {
		if o, told := life(t.makerErr, SealMakerNotValid, SealMakerNotValid); told {
			return o
		}
		return t.untrusted(t.maker, t.makerErr, SealMakerNotValid)
	}
	return t.entitled(t.makerFound)
}

// signerChain: the signer's certificate comes from an agency-ca service of a
// region that may speak for this seal.
func (t *trial) signerChain() outcome {
	if t.stamp == nil || t.signer == nil {
		return notMade
	}
	if t.signerErr != nil {
		if o, told := life(t.signerErr, CertificateNotYetValid, CertificateExpiredAtSealing); told {
			return o
		}
		return t.untrusted(t.signer, t.signerErr, SignerKeyUsage)
	}
	return t.entitled(t.signerFound)
}

// life turns "expired" and "not yet valid" of the certificate itself into their
// reasons.
func life(err error, early, late Code) (outcome, bool) {
	switch {
	case errors.Is(err, certs.ErrNotYetValid):
		return failed(early, err), true
	case errors.Is(err, certs.ErrExpired):
		return failed(late, err), true
	}
	return outcome{}, false
}

// untrusted gives the reason why no chain was found. Another vendor's certificate
// bears none of our extended key usages; that it is wrong can be said of one alone
// whose issuer is known.
func (t *trial) untrusted(c *certs.Certificate, err error, usage Code) outcome {
	switch {
	case errors.Is(err, errWork):
		return overWork
	case errors.Is(err, errNoTrust):
		return unknown(TrustMissing, "")
	case errors.Is(err, certs.ErrServiceState):
		return unknown(ServiceDistrusted, err)
	case errors.Is(err, certs.ErrUnhandledCritical):
		return unknown(CriticalExtension, err)
	case errors.Is(err, certs.ErrKeyUsage) && t.in.names(c):
		return failed(usage, err)
	}
	return unknown(IssuerUnknown, err)
}

// names tells whether the trust list names whoever a certificate says issued it.
func (in Input) names(c *certs.Certificate) bool {
	for _, r := range in.Trust.Regions {
		for i := range r.Services {
			if s := r.Services[i].Certificate; s.Equal(c) || bytes.Equal(s.RawSubject, c.RawIssuer) {
				return true
			}
		}
	}
	return false
}

// entitled: 440000's services cannot speak for a 52... seal, nor for an
// organisation that is not theirs; and a compromised service needs a time that
// another region proves (protocol.md 3).
func (t *trial) entitled(f certs.Found) outcome {
	id := t.stamp.Seal.ID
	if !f.Service.SpeaksFor(f.Region.Code, id) {
		return failed(SealOfAnotherRegion, fmt.Sprintf("region %s for seal %s", f.Region.Code, clip(id)))
	}
	if len(f.Service.Organisations) > 0 && !t.organisationOf(f.Service) {
		return failed(SealOfAnotherRegion, "the service does not speak for this organisation")
	}
	since, bad := f.Service.DistrustedSince()
	if !bad || since.After(t.in.At) {
		return passed
	}
	if t.proven && t.proved.Before(since) && t.tsaFound.Region.Code != f.Region.Code || t.witnessedElsewhere(f.Region.Code, since) {
		return passed
	}
	return unknown(ServiceDistrusted, fmt.Sprintf("since %s", rfc3339(since)))
}

func (t *trial) organisationOf(s *certs.Service) bool {
	if t.signer == nil || t.signer.USCC == "" {
		return false
	}
	for _, o := range s.Organisations {
		if o == t.signer.USCC {
			return true
		}
	}
	return false
}

// trustList: an expired list is not to be judged by (protocol.md 3).
func (t *trial) trustList() outcome {
	if t.in.Trust == nil {
		return unknown(TrustMissing, "")
	}
	if t.in.ended(nil) {
		return unknown(TrustListExpired, "")
	}
	for _, f := range []certs.Found{t.makerFound, t.signerFound, t.tsaFound} {
		if f.Region != nil && t.in.ended(f.Region) {
			return unknown(TrustListExpired, "of region "+f.Region.Code)
		}
	}
	return passed
}

// ended tells whether the scheme list, or a region's, is not to be judged by. One
// that was good when it was opened may have ended by now.
func (in Input) ended(r *certs.Region) bool {
	return in.At.After(in.Trust.SchemeExpires) || r != nil && (r.Expired || in.At.After(r.Expires))
}
