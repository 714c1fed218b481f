package province

import (
	"bytes"
	"context"
	"sync"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/license/qr"
	"yinxin/verify"
)

// Bundle gives the trust bundle that the province publishes: its scheme list with
// the lists of the regions in it.
func (p *Province) Bundle(ctx context.Context) (*certs.Bundle, error) { return p.Lists.Bundle(ctx) }

// Trust is what the province judges by: its own scheme, and those of others that
// were added.
func (p *Province) Trust(ctx context.Context) (*certs.Trust, error) { return p.Lists.Trust(ctx) }

// Judge judges a document with what the province knows itself. Only where that is
// not enough are other regions asked.
func (p *Province) Judge(ctx context.Context, d *verify.Document) (verify.Report, error) {
	in, err := p.Input(ctx)
	if err != nil {
		return verify.Report{}, err
	}
	if d.IsLicence() {
		answers, err := p.Answers(ctx, d.Wants(in))
		if err != nil {
			return verify.Report{}, err
		}
		in.Evidence.Items = append(in.Evidence.Items, answers...)
		in.At = p.o.Clock() // the answers were made after the question
	}
	report := p.Engine.Judge(d, in)
	if !p.o.Ask || !lacks(report) {
		return report, nil
	}
	if p.ask(ctx, d.Wants(in), &in) {
		in.At = p.o.Clock()
		report = p.Engine.Judge(d, in)
	}
	return report, nil
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
// answers for its own licences; another region is asked for its own.
func (p *Province) JudgeToken(ctx context.Context, t *qr.Token) (verify.TokenReport, error) {
	trust, err := p.Trust(ctx)
	if err != nil {
		return verify.TokenReport{}, err
	}
	var items []verify.Item
	for _, issuer := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		list, err := p.CRLs.List(ctx, issuer)
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
	in := verify.Input{Trust: trust, At: p.o.Clock(), Evidence: &verify.Evidence{Items: items}}
	report := p.Engine.JudgeToken(t, in)
	if !p.o.Ask || report.Why != verify.StatusUnavailable && report.Why != verify.StatusStale {
		return report, nil
	}
	if p.ask(ctx, verify.TokenWants(t, in), &in) {
		in.At = p.o.Clock()
		report = p.Engine.JudgeToken(t, in)
	}
	return report, nil
}

// Answers gives what the register says of the licences asked about that are its own.
func (p *Province) Answers(ctx context.Context, wants []verify.Want) (out []verify.Item, err error) {
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

// maxRead is the two CRLs and the seal list, new and old.
const maxRead = 6

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
