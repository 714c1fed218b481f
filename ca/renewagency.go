package ca

import (
	"context"
	"errors"
	"fmt"

	"yinxin/certs"
	"yinxin/internal/act"
)

// RenewRequest asks for a certificate in the place of an agency's own: on a new key
// (re-key) or on the same one (renewal), as the request has it.
type RenewRequest struct {
	Serial     string // of the certificate to be renewed
	AgencyName string // as the register of agencies has it now
	CSR        []byte // PKCS#10, DER or PEM
	Supersede  bool   // revoke the old one as superseded, once the new one stands
	Who, Why   string
	Retry      *act.Retry
	By         act.Officer // who asks, as far as a key says it
	Admitted   bool        // officers approved it
}

// RenewCertificate issues what the old certificate was issued as, for the same
// agency, profile and name. Only a certificate in force is renewed: whoever lost
// one asks for another as for the first. A retry goes on where it was killed, the
// revocation included. What waits for a second officer waits whole: carrying it out
// issues and revokes, and a retry then gives what was issued.
func (a *Authority) RenewCertificate(ctx context.Context, r RenewRequest) (Row, error) {
	old, err := a.c.Store.Certificate(ctx, r.Serial)
	if err != nil {
		return Row{}, err
	}
	name, err := renewable(old)
	if err != nil {
		return Row{}, err
	}
	row, again, err := a.retried(ctx, r.Retry)
	if err != nil {
		return Row{}, err
	}
	if !again {
		// Of one that was asked for, the old certificate may be superseded by now.
		waited, err := a.askedBefore(ctx, r.Retry)
		if err != nil {
			return Row{}, err
		}
		if state := old.State(a.c.Clock()); state != StateValid && (!waited || r.Admitted) {
			return Row{}, fmt.Errorf("%w: the certificate is %s, and only one in force is renewed", ErrRefused, state)
		}
		row, err = a.Issue(ctx, IssueRequest{Profile: old.Profile, Agency: old.Agency, AgencyName: r.AgencyName, CommonName: name,
			CSR: r.CSR, Replaces: old.Serial, Who: r.Who, Why: r.Why, Retry: r.Retry, By: r.By, Admitted: r.Admitted, supersede: r.Supersede})
		if err != nil || waited {
			return row, err
		}
	}
	if !r.Supersede || old.Revocation != nil {
		return row, nil
	}
	_, err = a.Revoke(ctx, RevokeRequest{Serial: old.Serial, Reason: certs.ReasonSuperseded, Who: r.Who, Why: r.Why})
	if err != nil && !errors.Is(err, ErrRevoked) {
		return row, fmt.Errorf("certificate %s was issued, the one before it is not revoked yet: %w", row.Serial, err)
	}
	return row, nil
}

// renewable gives the common name of a certificate that may be renewed.
func renewable(old Row) (commonName string, err error) {
	switch {
	case old.Agency == "" || !issuable(old.Profile):
		return "", fmt.Errorf("%w: it is no agency's certificate", ErrRefused)
	case old.Profile == ProfileAgencySeal:
		// GB/T 38540: the seal lists its signers' certificates octet for octet.
		return "", fmt.Errorf("%w: the certificate of a seal is renewed with its seal, which names it", ErrRefused)
	}
	c, err := certs.ParseCertificate(old.DER)
	if err != nil {
		return "", fmt.Errorf("%w: certificate %s: %w", ErrLost, old.Serial, err)
	}
	return c.Subject.CommonName, nil
}
