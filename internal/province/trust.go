package province

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// sequence counts hours, so that it never falls whatever is restored: within an
// hour every list made is the same list.
func sequence(now, since time.Time) uint64 {
	return uint64(now.Truncate(listEvery).Sub(since.Truncate(listEvery))/listEvery) + 1
}

// listEvery is how long a list is served before it is made anew; it lives for
// certs.ListLife.
const listEvery = time.Hour

var services = []struct {
	typ     certs.ServiceType
	purpose ca.Purpose
}{
	{certs.ServiceAgencyCA, ca.PurposeRoot}, {certs.ServiceAgencyCA, ca.PurposeIssuing}, {certs.ServiceSealMaker, ca.PurposeSealMaker},
	{certs.ServiceTSA, ca.PurposeTSA}, {certs.ServiceOCSP, ca.PurposeOCSP}, {certs.ServiceOCSP, ca.PurposeOCSPRoot}, {certs.ServiceStatusSigner, ca.PurposeStatus},
	{certs.ServiceQRSigner, ca.PurposeQR}, {certs.ServiceJournal, ca.PurposeJournal},
	// A responder's certificate lives no longer than a quarter of a year, and whoever
	// has a list of last week is to know its successor: the authorities vouch for it.
	{certs.ServiceOCSP, ca.PurposeRoot}, {certs.ServiceOCSP, ca.PurposeIssuing},
}

// listTime is the beginning of the hour, but not before the signer's
// certificate begins.
func (p *Province) listTime(c *certs.Certificate) time.Time {
	now := p.o.Clock().UTC().Truncate(listEvery)
	if now.Before(c.NotBefore) {
		return c.NotBefore
	}
	return now
}

func later(a, b *certs.Certificate) *certs.Certificate {
	if b.NotBefore.After(a.NotBefore) {
		return b
	}
	return a
}

// regionList makes this region's signed list (protocol.md 3).
func (p *Province) regionList(ctx context.Context) ([]byte, error) {
	signer, err := p.CA.Purpose(ctx, ca.PurposeTrustList)
	if err != nil {
		return nil, err
	}
	now := p.listTime(signer.Certificate)
	l := certs.RegionList{Iss: p.Identity.Region, Iat: now, Exp: now.Add(certs.ListLife), Name: p.Identity.Name, URL: p.Identity.URL,
		Sequence: sequence(now, signer.Certificate.NotBefore)}
	for _, s := range services {
		c, err := p.CA.Purpose(ctx, s.purpose)
		if err != nil {
			return nil, err
		}
		l.Services = append(l.Services, certs.RegionService{Type: s.typ, Name: string(s.purpose), Certificate: c.Certificate.Raw, Prefixes: []string{p.Identity.Region[:2]},
			History: []certs.ServiceStatus{{State: certs.Granted, Since: c.Certificate.NotBefore}}})
	}
	return certs.SignRegionList(ctx, l, certs.StatementSigner{Certificate: signer.Certificate, Signer: signer.Key})
}

// schemeList makes the scheme list of a province that is alone: it names this
// region, and is signed by the province's own scheme key.
func (p *Province) schemeList(ctx context.Context) ([]byte, error) {
	scheme, err := p.CA.Purpose(ctx, ca.PurposeScheme)
	if err != nil {
		return nil, err
	}
	signer, err := p.CA.Purpose(ctx, ca.PurposeTrustList)
	if err != nil {
		return nil, err
	}
	now := p.listTime(later(scheme.Certificate, signer.Certificate))
	l := certs.SchemeList{Iat: now, Exp: now.Add(certs.ListLife), Sequence: sequence(now, scheme.Certificate.NotBefore), K: 1,
		Keys:    []certs.Base64{scheme.Certificate.Raw},
		Regions: []certs.SchemeRegion{{Code: p.Identity.Region, Name: p.Identity.Name, URL: p.Identity.URL, Keys: []certs.Base64{signer.Certificate.Raw}}}}
	return certs.SignSchemeList(ctx, l, []certs.StatementSigner{{Certificate: scheme.Certificate, Signer: scheme.Key}})
}

// lists are the signed lists of one hour, and what they grant: within the hour
// everyone is given the same octets, and a verifier can keep what it has found.
type lists struct {
	mu     sync.Mutex
	hour   time.Time
	bundle *certs.Bundle
	trust  *certs.Trust
}

// Bundle gives the trust bundle: the scheme list with the region's list.
func (p *Province) Bundle(ctx context.Context) (*certs.Bundle, error) {
	bundle, _, err := p.trusted(ctx)
	return bundle, err
}

// Trust is the province's own bundle, opened.
func (p *Province) Trust(ctx context.Context) (*certs.Trust, error) {
	_, trust, err := p.trusted(ctx)
	return trust, err
}

// SchemeList gives the signed scheme list, RegionList this region's.
func (p *Province) SchemeList(ctx context.Context) ([]byte, error) {
	bundle, err := p.Bundle(ctx)
	if err != nil {
		return nil, err
	}
	return bundle.Scheme, nil
}

func (p *Province) RegionList(ctx context.Context) ([]byte, error) {
	bundle, err := p.Bundle(ctx)
	if err != nil {
		return nil, err
	}
	return bundle.Regions[0], nil
}

func (p *Province) trusted(ctx context.Context) (*certs.Bundle, *certs.Trust, error) {
	l := &p.lists
	l.mu.Lock()
	defer l.mu.Unlock()
	now := p.o.Clock()
	if hour := now.Truncate(listEvery); l.bundle == nil || !hour.Equal(l.hour) {
		bundle, trust, err := p.makeLists(ctx, now)
		if err != nil {
			return nil, nil, err
		}
		l.hour, l.bundle, l.trust = hour, bundle, trust
	}
	return l.bundle, l.trust, nil
}

func (p *Province) makeLists(ctx context.Context, now time.Time) (*certs.Bundle, *certs.Trust, error) {
	scheme, err := p.schemeList(ctx)
	if err != nil {
		return nil, nil, err
	}
	region, err := p.regionList(ctx)
	if err != nil {
		return nil, nil, err
	}
	bundle := &certs.Bundle{Scheme: scheme, Regions: []json.RawMessage{region}}
	anchor, err := bundle.Anchor()
	if err != nil {
		return nil, nil, err
	}
	trust, err := bundle.Open(certs.TrustOptions{Anchors: []string{anchor}, At: now})
	return bundle, trust, err
}
