package province

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/license/qr"
	"yinxin/verify"
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
	{certs.ServiceTSA, ca.PurposeTSA}, {certs.ServiceOCSP, ca.PurposeOCSP}, {certs.ServiceStatusSigner, ca.PurposeStatus},
	{certs.ServiceQRSigner, ca.PurposeQR}, {certs.ServiceJournal, ca.PurposeJournal},
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

// RegionList makes this region's signed list (protocol.md 3).
func (p *Province) RegionList(ctx context.Context) ([]byte, error) {
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

// SchemeList makes the scheme list of a province that is alone: it names this
// region, and is signed by the province's own scheme key.
func (p *Province) SchemeList(ctx context.Context) ([]byte, error) {
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

// Bundle makes the trust bundle: the scheme list with the region's list.
func (p *Province) Bundle(ctx context.Context) (*certs.Bundle, error) {
	scheme, err := p.SchemeList(ctx)
	if err != nil {
		return nil, err
	}
	region, err := p.RegionList(ctx)
	if err != nil {
		return nil, err
	}
	return &certs.Bundle{Scheme: scheme, Regions: []json.RawMessage{region}}, nil
}

// Trust opens the province's own bundle.
func (p *Province) Trust(ctx context.Context) (*certs.Trust, error) {
	b, err := p.Bundle(ctx)
	if err != nil {
		return nil, err
	}
	anchor, err := b.Anchor()
	if err != nil {
		return nil, err
	}
	return b.Open(certs.TrustOptions{Anchors: []string{anchor}, At: p.o.Clock()})
}

// Judge judges a document with what the province knows itself: no network.
func (p *Province) Judge(ctx context.Context, d *verify.Document) (verify.Report, error) {
	trust, err := p.Trust(ctx)
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return verify.Report{}, err
	}
	evidence := &verify.Evidence{}
	in := verify.Input{Trust: trust, At: p.o.Clock(), Evidence: evidence}
	if wants := d.Wants(in); len(wants) > 0 {
		if evidence.Items, err = p.Evidence(ctx); err != nil {
			return verify.Report{}, err
		}
		answers, err := p.licenceAnswers(ctx, wants)
		if err != nil {
			return verify.Report{}, err
		}
		evidence.Items = append(evidence.Items, answers...)
	}
	// The evidence was made after At was taken; the judgement comes after it.
	in.At = p.o.Clock()
	return p.Engine.Judge(d, in), nil
}

// JudgeToken tells what the licence of a QR token is recorded as. The province
// answers for its own licences; another region's need evidence from there.
func (p *Province) JudgeToken(ctx context.Context, t *qr.Token) (verify.TokenReport, error) {
	trust, err := p.Trust(ctx)
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return verify.TokenReport{}, err
	}
	var items []verify.Item
	for _, issuer := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		list, err := p.CRLs.List(ctx, issuer)
		if err != nil {
			return verify.TokenReport{}, err
		}
		items = append(items, verify.NewItem(verify.KindCRL, list))
	}
	answer, err := p.Licences.Status(ctx, t.Identifier.String(), "")
	if err != nil {
		return verify.TokenReport{}, err
	}
	items = append(items, verify.NewItem(verify.KindLicence, answer))
	return p.Engine.JudgeToken(t, verify.Input{Trust: trust, At: p.o.Clock(), Evidence: &verify.Evidence{Items: items}}), nil
}

// licenceAnswers gives what the register says of the licences asked about.
func (p *Province) licenceAnswers(ctx context.Context, wants []verify.Want) (out []verify.Item, err error) {
	for _, w := range wants {
		if w.Kind != verify.KindLicence || w.Region != p.Identity.Region {
			continue
		}
		answer, err := p.Licences.Status(ctx, w.Key, "")
		if err != nil {
			return nil, err
		}
		out = append(out, verify.NewItem(verify.KindLicence, answer))
	}
	return out, nil
}

// Evidence gives the CRLs and the seal list as they stand.
func (p *Province) Evidence(ctx context.Context) ([]verify.Item, error) {
	var out []verify.Item
	for _, issuer := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		list, err := p.CRLs.List(ctx, issuer)
		if err != nil {
			return nil, err
		}
		out = append(out, verify.NewItem(verify.KindCRL, list))
	}
	list, err := p.Seals.SealList(ctx)
	if err != nil {
		return nil, err
	}
	return append(out, verify.NewItem(verify.KindSealList, list)), nil
}
