package certs

import (
	"bytes"
	"crypto/sha1" // the KeyHash of RFC 6960 4.2.1; the signature proves who it was
	"fmt"
	"slices"
)

// Responder tells who an answer says it is by: the issuer itself, or one whose
// certificate is in the answer and names the issuer as its own, within its validity
// when the answer was made. No signature is checked: that the issuer's key signed
// that certificate, and the responder's the answer, is still to be asked, and the
// issuer's own validity.
func (r *OCSPResponse) Responder(issuer *Certificate) (*Certificate, error) {
	if !issuer.IsCA {
		return nil, fmt.Errorf("%w: %s", ErrNotCA, issuer.Subject)
	}
	if r.isBy(issuer) {
		return issuer, nil
	}
	i := slices.IndexFunc(r.Certificates, r.isBy)
	if i < 0 {
		return nil, fmt.Errorf("%w: the responder's certificate is not in the OCSP response", ErrUnknownIssuer)
	}
	by := r.Certificates[i]
	switch {
	// RFC 6960 4.2.2.2: issued directly by the CA that is asked about.
	case !by.Issuer.Equal(issuer.Subject):
		return nil, fmt.Errorf("%w: %s does not speak for %s", ErrUnknownIssuer, by.Subject, issuer.Subject)
	case !slices.Contains(by.EKUs, OIDEKUOCSPSigning) || by.KeyUsage&KeyUsageDigitalSignature == 0:
		return nil, fmt.Errorf("%w: %s may not answer", ErrKeyUsage, by.Subject)
	}
	return by, by.sound(r.ProducedAt)
}

func (r *OCSPResponse) isBy(c *Certificate) bool {
	if r.byName != nil {
		return bytes.Equal(r.byName, c.RawSubject)
	}
	bits, err := c.keyBits()
	if err != nil {
		return false
	}
	sum := sha1.Sum(bits)
	return bytes.Equal(r.byKey, sum[:])
}

// Verify checks the answer's signature by the responder's key.
func (r *OCSPResponse) Verify(responder *Certificate) error {
	return responder.Verify(r.RawTBS, r.Signature)
}

// CheckSignatureFrom checks that the answer is by the issuer, or by a responder
// that the issuer's own key made one (RFC 6960 4.2.2.2), within its validity when
// the answer was made, and gives its certificate.
func (r *OCSPResponse) CheckSignatureFrom(issuer *Certificate) (*Certificate, error) {
	by, err := r.Responder(issuer)
	if err != nil {
		return nil, err
	}
	if err := issuer.sound(r.ProducedAt); err != nil {
		return nil, err
	}
	if by != issuer {
		if err := by.CheckSignatureFrom(issuer); err != nil {
			return nil, fmt.Errorf("%w: of %s on %s", err, issuer.Subject, by.Subject)
		}
	}
	if err := r.Verify(by); err != nil {
		return nil, err
	}
	return by, nil
}

// OCSPNoCheck tells whether an issuer says that nobody need ask whether this
// responder is revoked, as long as its certificate lives (RFC 6960 4.2.2.2.1).
func (c *Certificate) OCSPNoCheck() bool {
	return slices.ContainsFunc(c.Extensions, func(e Extension) bool {
		return e.ID == OIDOCSPNoCheck && bytes.Equal(e.Value, []byte{5, 0})
	})
}
