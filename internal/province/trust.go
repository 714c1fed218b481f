package province

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
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

// regionList makes this region's signed list (protocol.md 3).
func (p *Province) regionList(ctx context.Context) ([]byte, error) {
	signer, err := p.CA.Purpose(ctx, ca.PurposeTrustList)
	if err != nil {
		return nil, err
	}
	// The hours are counted from the first key of all, so that a renewal lowers nothing.
	signers, err := certificatesOf(ctx, p.CA, ca.PurposeTrustList)
	if err != nil {
		return nil, err
	}
	now := p.listTime(signer.Certificate)
	l := certs.RegionList{Iss: p.Identity.Region, Iat: now, Exp: now.Add(certs.ListLife), Name: p.Identity.Name, URL: p.Identity.URL,
		Sequence: sequence(now, signers[0].NotBefore)}
	for _, s := range services {
		// What was signed by a certificate before its renewal is still to be checked.
		all, err := certificatesOf(ctx, p.CA, s.purpose)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			l.Services = append(l.Services, certs.RegionService{Type: s.typ, Name: string(s.purpose), Certificate: c.Raw, Prefixes: []string{p.Identity.Region[:2]},
				History: []certs.ServiceStatus{{State: certs.Granted, Since: c.NotBefore}}})
		}
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
	keys, err := p.listKeys(ctx)
	if err != nil {
		return nil, err
	}
	now := p.listTime(later(scheme.Certificate, signer.Certificate))
	l := certs.SchemeList{Iat: now, Exp: now.Add(certs.ListLife), Sequence: sequence(now, scheme.Certificate.NotBefore), K: 1,
		Keys:    []certs.Base64{scheme.Certificate.Raw},
		Regions: []certs.SchemeRegion{{Code: p.Identity.Region, Name: p.Identity.Name, URL: p.Identity.URL, Keys: keys}}}
	return certs.SignSchemeList(ctx, l, []certs.StatementSigner{{Certificate: scheme.Certificate, Signer: scheme.Key}})
}

// listKeys are the certificates whose keys may have signed a list that is still good:
// a list lives for a week, and one made just before a renewal stays good beside the
// scheme list made after it.
func (p *Province) listKeys(ctx context.Context) ([]certs.Base64, error) {
	rows, err := p.CA.History(ctx, ca.PurposeTrustList)
	if err != nil {
		return nil, err
	}
	now := p.o.Clock()
	var out []certs.Base64
	for i, r := range rows {
		replaced := i+1 < len(rows) && now.Sub(rows[i+1].NotBefore) > certs.ListLife
		if !replaced && r.Revocation == nil {
			out = append(out, r.DER)
		}
	}
	return out, nil
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

// Judge judges a document with what the province knows itself: no network.
func (p *Province) Judge(ctx context.Context, d *verify.Document) (verify.Report, error) {
	in, err := p.Input(ctx)
	if err != nil {
		return verify.Report{}, err
	}
	if d.IsLicence() {
		answers, err := p.licenceAnswers(ctx, d.Wants(in))
		if err != nil {
			return verify.Report{}, err
		}
		in.Evidence.Items = append(in.Evidence.Items, answers...)
		in.At = p.o.Clock() // the answers were made after the question
	}
	return p.Engine.Judge(d, in), nil
}

// Input is what the province knows now: its trust, CRLs and seal list.
func (p *Province) Input(ctx context.Context) (verify.Input, error) {
	trust, err := p.Trust(ctx)
	if err != nil {
		return verify.Input{}, err
	}
	items, err := p.Evidence(ctx)
	return verify.Input{Trust: trust, Evidence: &verify.Evidence{Items: items}, At: p.o.Clock()}, err
}

// JudgeToken tells what the licence of a QR token is recorded as. The province
// answers for its own licences; another region's need evidence from there.
func (p *Province) JudgeToken(ctx context.Context, t *qr.Token) (verify.TokenReport, error) {
	trust, err := p.Trust(ctx)
	if err != nil {
		return verify.TokenReport{}, err
	}
	var items []verify.Item
	issuers, err := p.CA.Issuers(ctx)
	if err != nil {
		return verify.TokenReport{}, err
	}
	for _, issuer := range issuers {
		list, err := p.CRLs.List(ctx, ca.Purpose(issuer))
		if err != nil {
			return verify.TokenReport{}, err
		}
		items = append(items, p.read.item(verify.KindCRL, list))
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
	issuers, err := p.CA.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	for _, issuer := range issuers {
		list, err := p.CRLs.List(ctx, ca.Purpose(issuer))
		if err != nil {
			return nil, err
		}
		out = append(out, p.read.item(verify.KindCRL, list))
	}
	list, err := p.Seals.SealList(ctx)
	if err != nil {
		return nil, err
	}
	return append(out, p.read.item(verify.KindSealList, list)), nil
}

// readItems keeps the last pieces of evidence as read: the publishers give the same
// octets again as long as nothing has changed.
type readItems struct {
	mu   sync.Mutex
	last []verify.Item
}

// maxRead is the CRLs of root and issuing CAs and the seal list, new and old.
const maxRead = 10

func (r *readItems) item(kind verify.Kind, raw []byte) verify.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.last {
		if i.Kind == kind && bytes.Equal(i.Raw, raw) {
			return i
		}
	}
	i := verify.NewItem(kind, raw)
	if len(r.last) == maxRead {
		r.last = append(r.last[:0:0], r.last[1:]...)
	}
	r.last = append(r.last, i)
	return i
}
