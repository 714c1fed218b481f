package province

import (
	"context"
	"encoding/hex"
	"io"

	"yinxin/seal"
	"yinxin/seal/pdf"
	"yinxin/verify"
)

// archivist finds for the seal office what a document should keep: the province's own
// word on what is its own, and what other regions say of the rest where they may be
// asked.
type archivist struct{ p *Province }

var _ seal.Archivist = archivist{}

func (a archivist) Findings(ctx context.Context, doc io.ReaderAt, size int64) (seal.Findings, error) {
	d := verify.Open(doc, size, "document.pdf", nil)
	report, in, err := a.p.judge(ctx, d)
	if err != nil {
		return seal.Findings{}, err
	}
	f := seal.Findings{Good: report.Verdict == verify.Valid || report.Verdict == verify.ValidWithNotice}
	for _, r := range report.Reasons {
		f.Reasons = append(f.Reasons, string(r.Code)+": "+r.En)
	}
	if !f.Good {
		return f, nil
	}
	if err := a.sealStatus(ctx, d, &in); err != nil {
		return f, err
	}
	for _, i := range a.p.Engine.Preserve(d, in) {
		f.Pieces = append(f.Pieces, pdf.Evidence{Kind: pieceKinds[i.Kind], Data: i.Raw})
	}
	return f, nil
}

var pieceKinds = map[verify.Kind]pdf.EvidenceKind{
	verify.KindCertificate: pdf.EvidenceCertificate, verify.KindCRL: pdf.EvidenceCRL, verify.KindOCSP: pdf.EvidenceOCSP,
	verify.KindSealStatus: pdf.EvidenceStatus, verify.KindSealList: pdf.EvidenceStatus,
}

// sealStatus adds the answers about our own seals: one of a kilobyte is kept in each
// document, rather than the list of all.
func (a archivist) sealStatus(ctx context.Context, d *verify.Document, in *verify.Input) error {
	for _, w := range a.p.Engine.Wants(d, *in) {
		if w.Kind != verify.KindSealStatus || w.Region != a.p.Identity.Region {
			continue
		}
		var sum [32]byte
		if _, err := hex.Decode(sum[:], []byte(w.Seal)); err != nil {
			return err
		}
		answer, err := a.p.Seals.Status(ctx, w.Key, sum, w.At, "")
		if err != nil {
			return err
		}
		in.Evidence.Items = append(in.Evidence.Items, verify.NewItem(verify.KindSealStatus, answer))
	}
	in.At = a.p.o.Clock()
	return nil
}
