package ca

import (
	"context"
	"errors"
	"fmt"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// TwinRequest asks for the encryption certificate (加密证书) that goes with a
// signing certificate. The key is the key centre's.
type TwinRequest struct {
	Signing  string // serial number
	Key      hsm.Key
	Who, Why string
	Retry    *act.Retry
}

// IssueTwin issues it: the same subject, as GM/T 0015 pairs them, another key
// and other uses, and the signing certificate's serial number in its row. A
// signing certificate has one such twin for ever.
func (a *Authority) IssueTwin(ctx context.Context, r TwinRequest) (Row, error) {
	if row, found, err := a.retried(ctx, r.Retry); found || err != nil {
		return row, err
	}
	signing, err := a.c.Store.Certificate(ctx, r.Signing)
	if err != nil {
		return Row{}, err
	}
	c, err := certs.ParseCertificate(signing.DER)
	if err != nil {
		return Row{}, fmt.Errorf("%w: certificate %s: %w", ErrLost, r.Signing, err)
	}
	switch {
	case !issuable(signing.Profile):
		return Row{}, fmt.Errorf("%w: a certificate of profile %q has no encryption certificate", ErrRefused, signing.Profile)
	case signing.State(a.c.Clock()) != StateValid:
		return Row{}, fmt.Errorf("%w: the signing certificate is %s", ErrRefused, signing.State(a.c.Clock()))
	case r.Key.Info().Usage != hsm.UsageEncrypt || r.Key.Info().State != hsm.Active:
		return Row{}, fmt.Errorf("%w: the key is for %q and %s", ErrRefused, r.Key.Info().Usage, r.Key.Info().State)
	case !grounds(r.Who) || !grounds(r.Why):
		return Row{}, fmt.Errorf("%w: who asks and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	}
	row, err := a.issue(ctx, order{
		profile: a.profile(ProfileEncryption), issuer: PurposeIssuing, subject: Name{Organization: c.Subject.Organization, CommonName: c.Subject.CommonName},
		key: r.Key.Public(), held: r.Key, agency: signing.Agency, twin: signing.Serial, who: r.Who, why: r.Why, retry: r.Retry,
	})
	if err == nil {
		return row, nil
	}
	// Another call with the same idempotency key may have come first.
	if first, found, _ := a.retried(ctx, r.Retry); found {
		return first, nil
	}
	return Row{}, err
}

// Twin is the encryption certificate that goes with a signing certificate, or
// ErrNotFound.
func (a *Authority) Twin(ctx context.Context, signing string) (Row, error) {
	return a.c.Store.Twin(ctx, signing)
}

// RevokePair revokes a signing certificate and the encryption certificate that
// goes with it, that one second. Killed between the two it is asked again: what
// is revoked already stays as it is. After a compromise both go, whether or not
// that was asked for: the encryption key was delivered under the signing key.
func (a *Authority) RevokePair(ctx context.Context, r RevokeRequest, withTwin bool) ([]Row, error) {
	twin, err := a.c.Store.Twin(ctx, r.Serial)
	has := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	row, err := a.Revoke(ctx, r)
	if !has || !withTwin && r.Reason != certs.ReasonKeyCompromise || err != nil && !errors.Is(err, ErrRevoked) {
		return []Row{row}, err
	}
	first := err
	r.Serial = twin.Serial
	second, err := a.Revoke(ctx, r)
	if errors.Is(err, ErrRevoked) && first == nil {
		err = nil
	}
	return []Row{row, second}, err
}
