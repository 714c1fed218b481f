package ca

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/internal/act"
)

// RevokeRequest revokes a certificate for ever. Invalidity is the moment since
// when its key may have been misused, zero if that is the present.
type RevokeRequest struct {
	Serial     string
	Reason     int // RFC 5280 5.3.1
	Invalidity time.Time
	Who, Why   string
	Retry      *act.Retry  // of a request that may have to wait
	By         act.Officer // who asks, as far as a key says it
	Admitted   bool        // officers approved it
}

// Reasons by the names that people use.
var Reasons = map[string]int{
	"unspecified": certs.ReasonUnspecified, "keyCompromise": certs.ReasonKeyCompromise, "cACompromise": certs.ReasonCACompromise,
	"affiliationChanged": certs.ReasonAffiliationChanged, "superseded": certs.ReasonSuperseded,
	"cessationOfOperation": certs.ReasonCessationOfOperation, "privilegeWithdrawn": certs.ReasonPrivilegeWithdrawn,
}

// Revoke records the revocation: one insertion, however many certificates there
// are. Whoever asks the register knows at once, the next lists hold it.
func (a *Authority) Revoke(ctx context.Context, r RevokeRequest) (Row, error) {
	now := a.now()
	r.Invalidity = r.Invalidity.UTC().Truncate(time.Second)
	known := false
	for _, reason := range Reasons {
		known = known || reason == r.Reason
	}
	row, err := a.c.Store.Certificate(ctx, r.Serial)
	if err != nil {
		return Row{}, err
	}
	switch {
	case !known:
		return Row{}, fmt.Errorf("%w: reason %d is not one that a certificate is revoked for", ErrRefused, r.Reason)
	case r.Reason == certs.ReasonCACompromise && row.Profile != ProfileIssuing:
		return Row{}, fmt.Errorf("%w: cACompromise is for an authority's certificate", ErrRefused)
	case row.selfSigned():
		// RFC 5280 6.1: nobody asks whether a trust anchor is revoked.
		return Row{}, fmt.Errorf("%w: a self-signed certificate is ended in the trust list, not by its own CRL", ErrRefused)
	case !grounds(r.Who) || !grounds(r.Why):
		return Row{}, fmt.Errorf("%w: who revokes and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	case r.Invalidity.After(now):
		return Row{}, fmt.Errorf("%w: the invalidity date lies in the future", ErrRefused)
	}
	if done, err := a.admitRevocation(ctx, row, r); done || err != nil {
		return row, err
	}
	rev := Revocation{Serial: r.Serial, At: now, Reason: r.Reason, Invalidity: r.Invalidity, Who: r.Who, Why: r.Why}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActRevoked, r.Serial, rev)
	if err != nil {
		return Row{}, err
	}
	ours := row.Purpose != ""
	row, err = a.c.Store.CommitRevocation(ctx, done, rev)
	if ours {
		// What is held knows nothing of the revocation, which may stand whatever err
		// says.
		a.forget()
	}
	return row, err
}

// Over tells what is known of a row once r comes over an earlier revocation. A
// revocation is never undone or weakened, so only two things count: that a key
// was compromised after all, an authority's or the certificate's own, and that it was so
// since an earlier time. A hold is made worse by any revocation. The time of
// revocation stays: since a hold the certificate has counted as revoked.
func (row Row) Over(r, earlier Revocation) (Revocation, bool) {
	if r.Reason == certs.ReasonCertificateHold {
		return earlier, false
	}
	worse := earlier.Reason == certs.ReasonCertificateHold || r.Compromise() && !earlier.Compromise() || row.keyLost(r) && !row.keyLost(earlier) ||
		(r.Reason == earlier.Reason || r.Compromise()) && !r.Invalidity.IsZero() && r.Invalidity.Before(earlier.since())
	if !worse {
		return earlier, false
	}
	if row.keyLost(earlier) && !row.keyLost(r) {
		r.Reason = earlier.Reason // its own key stays lost, whatever befell its authority
	}
	if since := earlier.since(); since.Before(r.Invalidity) || r.Invalidity.IsZero() && !earlier.Invalidity.IsZero() {
		r.Invalidity = since
	}
	r.At = earlier.At
	return r, true
}

// Compromise tells that a key was in other hands, the certificate's own or that of
// the authority above it: the invalidity date counts.
func (r Revocation) Compromise() bool {
	return r.Reason == certs.ReasonKeyCompromise || r.Reason == certs.ReasonCACompromise
}

// KeyLost tells that the certificate's own key was compromised. No certificate
// stands on such a key again.
func (row Row) KeyLost() bool { return row.Revocation != nil && row.keyLost(*row.Revocation) }

// keyLost: cACompromise is of an authority's own key in its own certificate, and in
// any other of the key that signed it.
func (row Row) keyLost(r Revocation) bool {
	return r.Reason == certs.ReasonKeyCompromise || r.Reason == certs.ReasonCACompromise && row.Profile == ProfileIssuing
}

// since is when the certificate ceased to be good.
func (r Revocation) since() time.Time {
	if r.Invalidity.IsZero() {
		return r.At
	}
	return r.Invalidity
}

// KeySM3 is the SM3 of the certificate's point, as intents have it; false if the
// certificate cannot be read, which must not keep anyone from revoking it.
func (r Row) KeySM3() ([32]byte, bool) {
	c, err := certs.ParseCertificate(r.DER)
	if err != nil {
		return [32]byte{}, false
	}
	pt, err := point(c.PublicKey)
	return sm3.Sum(pt), err == nil
}

// Certificate shows one row.
func (a *Authority) Certificate(ctx context.Context, serial string) (Row, error) {
	return a.c.Store.Certificate(ctx, serial)
}

// Abandoned lists the intents whose certificate never came: what may have been
// signed and was never handed out. Their serials are never used again.
func (a *Authority) Abandoned(ctx context.Context) ([]Intent, error) {
	intents, err := a.c.Store.Intents(ctx)
	return slices.DeleteFunc(intents, func(i Intent) bool { return i.Abandoned.IsZero() }), err
}
