package province

import (
	"context"
	"errors"
	"slices"
	"sync"

	"yinxin/ca"
	"yinxin/license/qr"
	"yinxin/verify"
)

// Judge judges a document with what the province knows itself. Only where that is
// not enough are other regions asked.
func (p *Province) Judge(ctx context.Context, d *verify.Document) (verify.Report, error) {
	report, _, err := p.judge(ctx, d)
	return report, err
}

// judge gives with the report what it stands on.
func (p *Province) judge(ctx context.Context, d *verify.Document) (verify.Report, verify.Input, error) {
	in, err := p.Input(ctx, d)
	if err != nil {
		return verify.Report{}, in, err
	}
	report := p.Engine.Judge(d, in)
	if p.o.Ask && lacks(report) && p.ask(ctx, p.Engine.Wants(d, in), &in) {
		in.At = p.o.Clock()
		report = p.Engine.Judge(d, in)
	}
	return report, in, nil
}

// Input is what the province knows now that bears on a document: its trust, its
// seal list, and an answer about each certificate behind the document.
func (p *Province) Input(ctx context.Context, d *verify.Document) (verify.Input, error) {
	trust, err := p.Trust(ctx)
	if err != nil {
		return verify.Input{}, err
	}
	known, err := p.Evidence(ctx)
	if err != nil {
		return verify.Input{}, err
	}
	in := verify.Input{Trust: trust, At: p.o.Clock(), Evidence: &verify.Evidence{Items: known}}
	answers, err := p.Answers(ctx, p.Engine.Wants(d, in))
	in.Evidence.Items = append(in.Evidence.Items, answers...)
	in.At = p.o.Clock() // the answers were made after the question
	return in, err
}

// Evidence is what bears on every document: the seal list as it stands.
func (p *Province) Evidence(ctx context.Context) ([]verify.Item, error) {
	list, err := p.Seals.SealList(ctx)
	switch {
	case errors.Is(err, ca.ErrEnded): // nobody signs it any more, which is no reason to judge nothing
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []verify.Item{p.read.item(verify.KindSealList, list)}, nil
}

// JudgeToken tells what the licence of a QR token is recorded as. The province
// answers for its own licences; another region is asked for its own.
func (p *Province) JudgeToken(ctx context.Context, t *qr.Token) (verify.TokenReport, error) {
	trust, err := p.Trust(ctx)
	if err != nil {
		return verify.TokenReport{}, err
	}
	in := verify.Input{Trust: trust, At: p.o.Clock()}
	wants := slices.DeleteFunc(p.Engine.TokenWants(t, in), func(w verify.Want) bool { return w.Kind != verify.KindOCSP })
	wants = append(wants, verify.Want{Kind: verify.KindLicence, Region: p.Identity.Region, Key: t.Identifier.String()})
	items, err := p.Answers(ctx, wants)
	if err != nil {
		return verify.TokenReport{}, err
	}
	in.At, in.Evidence = p.o.Clock(), &verify.Evidence{Items: items}
	report := p.Engine.JudgeToken(t, in)
	if p.o.Ask && (report.Why == verify.StatusUnavailable || report.Why == verify.StatusStale) && p.ask(ctx, p.Engine.TokenWants(t, in), &in) {
		in.At = p.o.Clock()
		report = p.Engine.JudgeToken(t, in)
	}
	return report, nil
}

// Answers gives what the registers say of the certificates and licences asked
// about. What another region is to be asked is left out.
func (p *Province) Answers(ctx context.Context, wants []verify.Want) (out []verify.Item, err error) {
	for _, w := range wants {
		switch {
		case w.Kind == verify.KindOCSP && p.isOwn(w):
			// As of the moment in question or later, and as the register has it now.
			answer, err := p.OCSP.Respond(ctx, []byte(w.Request), w.At)
			if err != nil {
				return nil, err
			}
			if !answer.ThisUpdate.IsZero() { // else it is another region's
				out = append(out, p.read.item(verify.KindOCSP, answer.DER))
			}
		case w.Kind == verify.KindLicence && w.Region == p.Identity.Region:
			answer, err := p.Licences.Status(ctx, w.Key, "")
			if err != nil {
				return nil, err
			}
			out = append(out, verify.NewItem(verify.KindLicence, answer))
		}
	}
	return out, nil
}

// readItems keeps pieces of evidence as read: their makers give the same octets
// again as long as nothing has changed.
type readItems struct {
	mu   sync.Mutex
	last map[string]verify.Item // by kind and octets
	size int
}

// maxRead bounds the octets that are kept; read they take some five times as many.
// What is full is begun anew.
const maxRead = 4 << 20

func (r *readItems) item(kind verify.Kind, raw []byte) verify.Item {
	key := string(kind) + " " + string(raw)
	r.mu.Lock()
	i, ok := r.last[key]
	r.mu.Unlock()
	if ok {
		return i
	}
	i = verify.NewItem(kind, raw)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.size+len(raw) > maxRead {
		r.last, r.size = map[string]verify.Item{}, 0
	}
	r.last[key] = i
	r.size += len(raw)
	return i
}
