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
