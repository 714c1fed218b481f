package main

import (
	"bytes"
	"context"

	"yinxin/seal"
	"yinxin/verify"
)

// stampPDF seals the decision as a PDF and gives the sealed one.
func (d *demo) stampPDF(ctx context.Context, change func(*seal.StampRequest)) ([]byte, error) {
	r := d.request()
	change(&r)
	done, err := d.p.Seals.StampPDF(ctx, r, bytes.NewReader(decisionPDF), int64(len(decisionPDF)), nil)
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	_, err = done.WriteTo(&sealed)
	return sealed.Bytes(), err
}

// playOrders seals the PDF in the other ways that can be ordered. None looks for a
// keyword: PDFium's first word takes longer than all the rest.
func (d *demo) playOrders(ctx context.Context) error {
	for _, o := range []struct {
		what   string
		change func(*seal.StampRequest)
	}{
		{"PDF, sealed across the edges", func(r *seal.StampRequest) { r.Placement = seal.Place{Riding: &seal.Riding{}} }},
		{"PDF, sealed in profile cms, with a printed code", func(r *seal.StampRequest) {
			r.Order = seal.Order{Profile: seal.ProfileCMS, Mark: &seal.Mark{Kind: seal.MarkQR}}
		}},
		{"PDF, sealed with evidence for later years (LTA)", func(r *seal.StampRequest) { r.Order.Level = seal.LevelLTA }},
	} {
		sealed, err := d.stampPDF(ctx, o.change)
		if err != nil {
			return err
		}
		if err := d.judge(ctx, o.what, sealed, "x.pdf", verify.Valid); err != nil {
			return err
		}
	}
	return nil
}
