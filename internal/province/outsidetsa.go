package province

import (
	"context"
	"fmt"

	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/seal"
)

// OutsideTSA is a time-stamp authority elsewhere. What it signs counts for a verifier
// only if it is a tsa service of a region on the trust lists; a certificate given here
// decides which of them is taken, and does not make it one.
type OutsideTSA struct {
	URL         string       `json:"url"`
	Certificate certs.Base64 `json:"certificate,omitempty"` // DER, its own or one above it; none: any tsa service of the trust lists
}

func (o *OutsideTSA) check() error {
	if o.Certificate == nil {
		return nil
	}
	if _, err := certs.ParseCertificate(o.Certificate); err != nil {
		return fmt.Errorf("%w: the certificate of the time-stamp authority: %w", ErrIdentity, err)
	}
	return nil
}

// timeStamper gives what stamps seals. An authority elsewhere that fails is never
// replaced by our own unasked.
func (p *Province) timeStamper() (seal.TimeStamper, error) {
	o := p.Identity.TSA
	if o == nil {
		return p.TSA, nil
	}
	return tsa.NewOutside(tsa.OutsideConfig{URL: o.URL, Accept: p.acceptTSA, Clock: p.o.Clock, Rand: p.o.Rand})
}

// acceptTSA asks whether the signer of a token from elsewhere is the one configured.
func (p *Province) acceptTSA(ctx context.Context, ts *certs.TimeStamp) error {
	const usage = certs.KeyUsageDigitalSignature
	if der := p.Identity.TSA.Certificate; der != nil {
		anchor, err := certs.ParseCertificate(der)
		if err != nil {
			return err
		}
		_, err = certs.BuildPath(ts.Signer, certs.PathOptions{Roots: []*certs.Certificate{anchor}, Intermediates: ts.Certificates, At: ts.GenTime, EKU: certs.OIDEKUTimeStamping, KeyUsage: usage})
		return err
	}
	trust, err := p.Trust(ctx)
	if err != nil {
		return err
	}
	_, err = trust.Find(ts.Signer, certs.ServiceTSA, ts.Certificates, usage, ts.GenTime)
	return err
}
