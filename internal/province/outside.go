package province

import (
	"context"

	"yinxin/ca/outside"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/seal"
)

// certifier lets the seal office ask an outside authority.
type certifier struct{ *outside.Office }

func (c certifier) Admit(ctx context.Context, a seal.Answer) (string, *certs.Certificate, act.Act, error) {
	in, err := c.Office.Admit(ctx, outside.Admission{Agency: a.Request.Agency, AgencyName: a.Request.AgencyName, SealID: a.Request.ID, Key: a.Key, KeyID: a.Request.KeyID,
		Certificate: a.Certificate, Chain: a.Chain, Who: a.Who, Why: a.Why})
	return in.Serial, in.Certificate, in.Entry, err
}

// addOutside lists the outside authorities beside our own, with all that they have
// been (protocol.md 3).
func (p *Province) addOutside(ctx context.Context, l *certs.RegionList) error {
	all, err := p.Outside.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		l.Services = append(l.Services, a.Service(p.Identity.Region))
	}
	return nil
}

// drop lets the next question make the lists anew.
func (l *lists) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bundle, l.trust = nil, nil
}
