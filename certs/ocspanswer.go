package certs

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// OCSPStatus is what an answer says of a certificate.
type OCSPStatus int

// The choices of CertStatus (RFC 6960 4.2.1). None of them is the zero value.
const (
	OCSPGood OCSPStatus = iota + 1
	OCSPRevoked
	OCSPUnknown
)

// OCSPAnswer speaks of one certificate.
type OCSPAnswer struct {
	ID      CertID
	Status  OCSPStatus
	Revoked Revoked // if that is the status
	// NextUpdate is zero where there is none.
	ThisUpdate, NextUpdate time.Time
	// ArchiveCutoff: revocations of certificates that ended since are still told
	// (RFC 6960 4.4.4); zero where there is none.
	ArchiveCutoff time.Time
}

func readOCSPAnswer(s *cryptobyte.String) (a OCSPAnswer, err error) {
	var one, status, next, exts cryptobyte.String
	var tag asn1.Tag
	var ends, extended, ok bool
	if !s.ReadASN1(&one, asn1.SEQUENCE) {
		return a, malformed("OCSP answer")
	}
	if a.ID, err = readCertID(&one); err != nil {
		return a, err
	}
	if !one.ReadAnyASN1(&status, &tag) {
		return a, malformed("OCSP answer: status")
	}
	switch {
	case tag == asn1.Tag(0).ContextSpecific() && status.Empty():
		a.Status = OCSPGood
	case tag == explicitTag(1):
		a.Status, a.Revoked.Serial = OCSPRevoked, a.ID.Serial
		if !a.Revoked.readInfo(status) {
			return a, malformed("OCSP answer: revocation")
		}
	case tag == asn1.Tag(2).ContextSpecific() && status.Empty():
		a.Status = OCSPUnknown
	default:
		return a, malformed("OCSP answer: status")
	}
	if a.ThisUpdate, ok = readGeneralizedTime(&one); !ok || !one.ReadOptionalASN1(&next, &ends, explicitTag(0)) ||
		!one.ReadOptionalASN1(&exts, &extended, explicitTag(1)) || !one.Empty() {
		return a, malformed("OCSP answer")
	}
	if ends {
		if a.NextUpdate, ok = readGeneralizedTime(&next); !ok || !next.Empty() || a.NextUpdate.Before(a.ThisUpdate) {
			return a, malformed("OCSP answer: nextUpdate")
		}
	}
	if extended {
		err = a.parseExtensions(exts)
	}
	return a, err
}

// readInfo reads RevokedInfo, whose SEQUENCE has the tag of the choice.
func (r *Revoked) readInfo(s cryptobyte.String) bool {
	var reason cryptobyte.String
	var told, ok bool
	if r.At, ok = readGeneralizedTime(&s); !ok || !s.ReadOptionalASN1(&reason, &told, explicitTag(0)) || !s.Empty() {
		return false
	}
	return !told || reason.ReadASN1Enum(&r.Reason) && reason.Empty()
}

// parseExtensions reads those of one answer. RFC 6960 4.4.5 has the extensions of
// a CRL's entry stand here too, which is where a compromise tells since when.
func (a *OCSPAnswer) parseExtensions(exts cryptobyte.String) error {
	list, err := readExtensions(exts)
	if err != nil {
		return err
	}
	for _, e := range list {
		v := cryptobyte.String(e.Value)
		ok := true
		switch e.ID {
		case oidExtInvalidity:
			a.Revoked.InvalidityDate, ok = readGeneralizedTime(&v)
			ok = ok && v.Empty()
		case OIDArchiveCutoff:
			a.ArchiveCutoff, ok = readGeneralizedTime(&v)
			ok = ok && v.Empty()
		default:
			if e.Critical {
				return fmt.Errorf("%w: %s in an OCSP answer", ErrUnhandledCritical, e.ID)
			}
		}
		if !ok {
			return malformed(fmt.Sprintf("OCSP answer: extension %s", e.ID))
		}
	}
	return nil
}
