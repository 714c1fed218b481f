package outside

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// Request makes the certification request for a seal's key.
func (o *Office) Request(ctx context.Context, agency, agencyName, sealID string, key hsm.Key) ([]byte, error) {
	return ca.SealRequest(ctx, agency, agencyName, sealID, key)
}

// Admission is a certificate that came, and what it was asked for.
type Admission struct {
	Agency, AgencyName, SealID string
	Key                        *ecdsa.PublicKey
	KeyID                      string
	Certificate, Chain         []byte // PEM or DER; the chain may be empty
	Who, Why                   string
}

// Admitted is a certificate that may go into the register: the act that enters it,
// whose record is its row.
type Admitted struct {
	Serial      string // its name in the register
	Certificate *certs.Certificate
	Entry       act.Act
}

// maxChain bounds the certificates of a chain: real ones have two.
const maxChain = 8

// maxChainFile bounds its text.
const maxChainFile = 256 << 10

// Admit checks a certificate against its request and the region's trust list. Nothing
// of it is believed because the authority says so: key, subject, uses and time are
// those that a seal's certificate of our own would have.
func (o *Office) Admit(ctx context.Context, a Admission) (Admitted, error) {
	c, err := certs.ParseCertificatePEMOrDER(a.Certificate)
	if err != nil {
		return Admitted{}, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	chain, err := parseChain(a.Chain)
	if err != nil {
		return Admitted{}, err
	}
	now := o.now()
	if err := a.isAnswered(c, now); err != nil {
		return Admitted{}, err
	}
	authority, err := o.issuerOf(ctx, c, chain, a, now)
	if err != nil {
		return Admitted{}, err
	}
	issuer := Name(authority.ID)
	r := ca.Row{Serial: issuer + ":" + hex.EncodeToString(c.Serial.Bytes()), Issuer: issuer, Profile: ca.ProfileAgencySeal, Agency: a.Agency, Subject: c.Subject.String(),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, KeyID: a.KeyID, DER: c.Raw, IssuedAt: now, Who: a.Who, Why: a.Why}
	id, err := act.NewID(o.c.Clock(), o.c.Rand)
	if err != nil {
		return Admitted{}, err
	}
	r.Act = id
	entry, err := act.NewWithID(id, o.c.Clock(), o.c.Rand, ActImported, r.Serial, r)
	return Admitted{r.Serial, c, entry}, err
}

// Name is what the register calls an outside authority. Serial numbers are each
// authority's own to give, so those of its certificates stand behind this name: none
// can be taken for one of ours, nor get into our revocation lists.
func Name(id string) string { return "outside:" + id }

// isAnswered holds a certificate against what was asked for.
func (a Admission) isAnswered(c *certs.Certificate, now time.Time) error {
	const signs = certs.KeyUsageDigitalSignature | certs.KeyUsageNonRepudiation
	want := ca.SealSubject(a.Agency, a.AgencyName, a.SealID)
	switch {
	case !c.PublicKey.Equal(a.Key):
		return refuse("the certificate is on another key than the request for seal %s", a.SealID)
	case c.Subject.CommonName != want.CommonName:
		return refuse("its common name is %q, not the seal code %s", c.Subject.CommonName, want.CommonName)
	case c.Subject.Organization != want.Organization:
		return refuse("its organisation is %q, not %q", c.Subject.Organization, want.Organization)
	case c.USCC != "" && c.USCC != a.Agency:
		return refuse("it names the organisation %s, not %s", c.USCC, a.Agency)
	case c.IsCA || c.KeyUsage&(certs.KeyUsageCertSign|certs.KeyUsageCRLSign) != 0:
		return refuse("it is the certificate of an authority")
	case c.KeyUsage != signs:
		return refuse("its key usage is not digitalSignature and nonRepudiation alone")
	case len(c.EKUs) != 0:
		return refuse("it has an extended key usage, %s: a seal's key serves nothing else", c.EKUs[0])
	case now.Before(c.NotBefore):
		return refuse("it is not valid before %s", c.NotBefore.Format(time.RFC3339))
	case !now.Before(c.NotAfter):
		return refuse("it ended on %s", c.NotAfter.Format(time.RFC3339))
	case len(c.CRLURLs) == 0:
		return refuse("it names no revocation list: nobody could confirm a stamp")
	}
	return nil
}

// issuerOf finds the listed authority that issued a certificate, by the trust list
// that everyone else will judge it by.
func (o *Office) issuerOf(ctx context.Context, c *certs.Certificate, chain []*certs.Certificate, a Admission, now time.Time) (Authority, error) {
	trust, err := o.c.Trust(ctx)
	if err != nil {
		return Authority{}, err
	}
	known, err := o.c.Store.Authorities(ctx)
	if err != nil {
		return Authority{}, err
	}
	found, err := trust.Find(c, certs.ServiceAgencyCA, chain, c.KeyUsage, now)
	switch {
	case err != nil:
		return Authority{}, refuse("no authority on the trust list issued it: %v", err)
	case found.Region.Code != o.c.Region:
		return Authority{}, refuse("region %s lists its authority, and this is %s", found.Region.Code, o.c.Region)
	case len(found.Path) != 2:
		// A verifier has the list and no other way to what stands between.
		return Authority{}, refuse("its issuer %s is not listed itself: add it with ca outside add", c.Issuer)
	}
	if _, bad := found.Service.DistrustedSince(); bad || !found.Service.SpeaksFor(found.Region.Code, a.SealID) {
		return Authority{}, refuse("%s may not speak for seal %s", found.Service.Name, a.SealID)
	}
	if named := found.Service.Organisations; len(named) > 0 && (!slices.Contains(named, a.Agency) || c.USCC != a.Agency) {
		return Authority{}, refuse("%s speaks for certain organisations, and the certificate names none of them", found.Service.Name)
	}
	i := slices.IndexFunc(known, func(k Authority) bool { return bytes.Equal(k.Certificate, found.Service.Certificate.Raw) })
	if i < 0 {
		return Authority{}, refuse("the province's own authority issued it: make the seal without a request")
	}
	path, err := ladder(c, known)
	if err != nil {
		return Authority{}, err
	}
	for _, one := range chain {
		if !slices.ContainsFunc(path, one.Equal) {
			return Authority{}, refuse("the chain holds %s, which does not stand above the certificate", one.Subject)
		}
	}
	return known[i], nil
}

// parseChain reads certificates in PEM, or one in DER.
func parseChain(b []byte) (out []*certs.Certificate, err error) {
	if len(b) > maxChainFile {
		return nil, fmt.Errorf("%w: the chain is longer than %d octets", ErrBadCertificate, maxChainFile)
	}
	rest := b
	for len(bytes.TrimSpace(rest)) > 0 {
		der := rest
		var block *pem.Block
		if block, rest = pem.Decode(rest); block != nil {
			if !strings.HasSuffix(block.Type, "CERTIFICATE") {
				return nil, fmt.Errorf("%w: the chain holds a %s", ErrBadCertificate, block.Type)
			}
			der = block.Bytes
		} else if len(out) > 0 {
			break // text after the last
		} else {
			rest = nil
		}
		c, err := certs.ParseCertificate(der)
		if err != nil || len(out) == maxChain {
			return nil, fmt.Errorf("%w: the chain's certificate %d: %w", ErrBadCertificate, len(out)+1, orTooMany(err))
		}
		out = append(out, c)
	}
	return out, nil
}

func orTooMany(err error) error {
	if err == nil {
		return fmt.Errorf("there are more than %d", maxChain)
	}
	return err
}
