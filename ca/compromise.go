package ca

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/internal/act"
)

// Suspect names a key that others may have used since a moment: by a certificate's
// serial number, by the id of a key of ours, or as the key of an issuer.
type Suspect struct {
	Serial string    `json:"serial,omitempty"`
	KeyID  string    `json:"keyId,omitempty"`
	Issuer string    `json:"issuer,omitempty"`
	Since  time.Time `json:"since"`
}

func (s Suspect) String() string {
	switch {
	case s.Serial != "":
		return "certificate " + s.Serial
	case s.KeyID != "":
		return "key " + s.KeyID
	}
	return "issuer " + s.Issuer
}

// CompromiseRequest revokes all that stands behind a key.
type CompromiseRequest struct {
	Suspect
	Serials  []string
	Who, Why string

	By       act.Officer // who asks, where a second officer must approve
	Admitted bool        // that was asked already
}

// AskedCompromise is what officers are shown of such a revocation, where an
// authority's certificate is among what is revoked. The list is made again when it
// is carried out: what was issued meanwhile is on it too.
type AskedCompromise struct {
	Suspect
	Count int    `json:"count"`
	List  string `json:"listSm3"` // hex, as it stood when it was asked
}

// Compromise is the record of the act: the list and its digest, so that whoever
// holds a list can tell whether it is this one.
type Compromise struct {
	Key     string    `cbor:"1,keyasint" json:"key"`
	Since   time.Time `cbor:"2,keyasint" json:"since"`
	Count   int       `cbor:"3,keyasint" json:"count"`
	List    [32]byte  `cbor:"4,keyasint" json:"-"` // SM3 of the serials in their order, each with a line feed
	Serials []string  `cbor:"5,keyasint" json:"serials"`
	At      time.Time `cbor:"6,keyasint" json:"at"`
	Who     string    `cbor:"7,keyasint" json:"who"`
	Why     string    `cbor:"8,keyasint" json:"why"`

	Act     act.ID `cbor:"-" json:"actId"`
	Changed int    `cbor:"-" json:"changed"` // of the list, what was not revoked so before
}

// maxAtOnce bounds what one act revokes: it is held in memory and committed in one
// transaction, for which everyone else waits. 100,000 take some seconds.
const maxAtOnce = 250_000

// RevokeAll revokes a list in one act, for a compromise since r.Since: it is all
// revoked or nothing is. Again, it fails with ErrRevoked and changes nothing.
func (a *Authority) RevokeAll(ctx context.Context, r CompromiseRequest) (Compromise, error) {
	now := a.now()
	since := r.Since.UTC().Truncate(time.Second)
	switch {
	case r.Since.IsZero() || since.After(now):
		return Compromise{}, fmt.Errorf("%w: since when the key may have been misused must be said, and lies in the past", ErrRefused)
	case len(r.Suspect.String()) > maxNameText || !grounds(r.Who) || !grounds(r.Why):
		return Compromise{}, fmt.Errorf("%w: which key it is, who revokes and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	case len(r.Serials) == 0:
		return Compromise{}, fmt.Errorf("%w: nothing stands behind the key", ErrRefused)
	case len(r.Serials) > maxAtOnce:
		return Compromise{}, fmt.Errorf("%w: %d certificates are more than the %d of one act; revoke the certificate of their issuer, which ends them all", ErrRefused, len(r.Serials), maxAtOnce)
	}
	serials := slices.Compact(slices.Sorted(slices.Values(r.Serials)))
	lost, authority, err := a.authoritiesAmong(ctx, r.Suspect, serials)
	if err != nil {
		return Compromise{}, err
	}
	list := make([]Revocation, len(serials))
	for i, serial := range serials {
		reason, err := a.compromiseOf(ctx, serial, lost)
		if err != nil {
			return Compromise{}, err
		}
		list[i] = Revocation{Serial: serial, At: now, Reason: reason, Invalidity: since, Who: r.Who, Why: r.Why}
	}
	c := Compromise{Key: r.Suspect.String(), Since: since, Count: len(serials), List: sm3.Sum([]byte(strings.Join(serials, "\n") + "\n")), Serials: serials, At: now, Who: r.Who, Why: r.Why}
	if err := a.admitCompromise(ctx, r, c, authority); err != nil {
		return Compromise{}, err
	}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActCompromised, c.Key, c)
	if err != nil {
		return Compromise{}, err
	}
	c.Act = done.ID
	c.Changed, err = a.c.Store.CommitRevocations(ctx, done, list)
	a.forget() // it may stand whatever err says
	return c, err
}

// admitCompromise asks the gate where an authority is among them, as Revoke does.
func (a *Authority) admitCompromise(ctx context.Context, r CompromiseRequest, c Compromise, authority string) error {
	if a.c.Gate == nil || r.Admitted || authority == "" {
		return nil
	}
	row, err := a.c.Store.Certificate(ctx, authority)
	if err != nil {
		return err
	}
	if r.By.Name == "" {
		r.By.Name = r.Who
	}
	content := AskedRevocation{Serial: authority, Subject: row.Subject, Reason: certs.ReasonCACompromise, Invalidity: c.Since, Who: r.Who, Why: r.Why,
		Compromise: &AskedCompromise{r.Suspect, c.Count, hex.EncodeToString(c.List[:])}}
	_, err = a.c.Gate.Pass(ctx, act.Asked{Kind: KindRevokeCA, Agency: r.By.Agency, Content: content, By: r.By, Why: r.Why})
	return err
}

// authoritiesAmong names the issuers whose keys are lost: the one that is named, and
// those whose own certificates are on the list. authority is the serial of one of the latter.
func (a *Authority) authoritiesAmong(ctx context.Context, s Suspect, serials []string) (lost map[string]bool, authority string, err error) {
	lost = map[string]bool{}
	if s.Issuer != "" {
		lost[s.Issuer] = true
	}
	names, err := a.Issuers(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, name := range names {
		c, err := a.Issuer(ctx, name)
		if err != nil {
			return nil, "", err
		}
		if _, listed := slices.BinarySearch(serials, c.Row.Serial); listed {
			lost[name], authority = true, c.Row.Serial
		}
	}
	return lost, authority, nil
}

// compromiseOf names the reason by whose key is lost (RFC 5280 5.3.1, X.509 9.5.3.1):
// cACompromise for an authority, and for what stands below it, whose holders have lost
// nothing and may go on with their keys; keyCompromise for the holder of the key.
func (a *Authority) compromiseOf(ctx context.Context, serial string, lost map[string]bool) (int, error) {
	row, err := a.c.Store.Certificate(ctx, serial)
	switch {
	case err != nil:
		return 0, err
	case row.selfSigned():
		return 0, fmt.Errorf("%w: %s is self-signed: it is ended in the trust list, not by its own CRL", ErrRefused, serial)
	case row.Profile == ProfileIssuing || lost[row.Issuer]:
		return certs.ReasonCACompromise, nil
	}
	return certs.ReasonKeyCompromise, nil
}
