package seal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/internal/act"
)

// maxSeries bounds the stamps of one request (联合行文): each is laid out over all
// before it, and their increments are held until the last is committed.
const maxSeries = 30

// Series is what a request for several stamps came to: each of them, in their order,
// and one document that bears them all.
type Series struct {
	Stamps []Stamp
	doc    series
}

// Format of the document.
func (s *Series) Format() string { return s.Stamps[0].Format }

// WriteTo streams the sealed document.
func (s *Series) WriteTo(w io.Writer) (int64, error) { return s.doc.WriteTo(w) }

// Size of the sealed document.
func (s *Series) Size() int64 { return s.doc.Size() }

// series is a document that takes one stamp over the other before it goes out.
type series interface {
	// order finds out what the register is to hold of the next stamp's order.
	order(ctx context.Context, r StampRequest, rd *ready, d draft) (Stamp, error)
	// layOut lays out the next stamp by what the register holds, and gives it the hash
	// of what it covers; property is its propertyInfo.
	layOut(rd *ready, d *draft, s *Stamp) (property string, err error)
	// take puts the stamp's token in its place: the next stamp is over it.
	take(token []byte) error
	// WriteTo and Size are of the document with all that it took.
	io.WriterTo
	Size() int64
}

// StampMany puts several stamps on a document, each over those before it, and commits
// all of them or none. The idempotency key is the first one's, whose entry names the
// others. The result may stream from d, which must stay open.
func (o *Office) StampMany(ctx context.Context, rs []StampRequest, retry *act.Retry, d Document) (*Series, error) {
	format, err := checkSeries(rs, d)
	if err != nil {
		return nil, err
	}
	earlier, release, err := o.entered(ctx, retry, format)
	if err != nil {
		return nil, err
	}
	defer release()
	if earlier != nil && len(earlier.With) != len(rs)-1 {
		return nil, ErrRetryMismatch
	}
	doc, err := o.openSeries(d, format)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		return o.seriesAgain(ctx, earlier, doc)
	}
	return o.newSeries(ctx, rs, retry, doc, d.Sum)
}

func checkSeries(rs []StampRequest, d Document) (format string, err error) {
	if len(rs) == 0 || len(rs) > maxSeries {
		return "", fmt.Errorf("%w: %d stamps in one request; at most %d", ErrOrder, len(rs), maxSeries)
	}
	if d.Detached {
		return "", fmt.Errorf("%w: a detached stamp stands alone", ErrOrder)
	}
	if format, err = d.format(); err != nil {
		return "", err
	}
	for i := range rs {
		r := &rs[i]
		if r.Retry != nil || r.Again {
			return "", errors.New("seal: the idempotency key is that of the whole request")
		}
		if l := r.Order.Level; l != "" && l != LevelT || r.Order.Companion {
			return "", fmt.Errorf("%w: stamp %d: in a request for several stamps there are neither levels but T nor companions", ErrOrder, i+1)
		}
		if err := r.fits(format); err != nil {
			return "", fmt.Errorf("stamp %d: %w", i+1, err)
		}
	}
	return format, nil
}

func (o *Office) openSeries(d Document, format string) (series, error) {
	switch format {
	case formatPDF:
		return openPDFSeries(o, d)
	case formatOFD:
		return openOFDSeries(d)
	}
	return openJSONSeries(d)
}

// newSeries asks for every stamp before the first is signed, and commits after the
// last. Whole is the SM3 of the document as it came, which a second person approves.
func (o *Office) newSeries(ctx context.Context, rs []StampRequest, retry *act.Retry, doc series, whole func() ([32]byte, error)) (*Series, error) {
	var seals []*ready
	var drafts []draft
	var ids []act.ID
	// What is expected are seals, not stamps (protocol.md 2): one seal may stand twice.
	distinct := map[string]bool{}
	for _, r := range rs {
		distinct[r.SealID] = true
	}
	for i := range rs {
		rs[i].input = whole
		if rs[i].Expected == 0 {
			rs[i].Expected = len(distinct)
		}
		rd, d, err := o.begin(ctx, rs[i])
		if err != nil {
			return nil, fmt.Errorf("stamp %d: %w", i+1, err)
		}
		seals, drafts, ids = append(seals, rd), append(drafts, d), append(ids, d.id)
	}
	rs[0].Retry = retry
	out := &Series{doc: doc}
	var commits []Commit
	collect := func(_ context.Context, c Commit, _ []byte) error {
		commits = append(commits, c)
		return nil
	}
	for i, r := range rs {
		s, err := doc.order(ctx, r, seals[i], drafts[i])
		if err != nil {
			return nil, fmt.Errorf("stamp %d: %w", i+1, err)
		}
		if i == 0 {
			s.With = ids[1:]
		}
		property, err := doc.layOut(seals[i], &drafts[i], &s)
		if err != nil {
			return nil, fmt.Errorf("stamp %d: %w", i+1, err)
		}
		done, err := o.sign(ctx, r, seals[i], drafts[i], s, property, collect)
		if err != nil {
			return nil, fmt.Errorf("stamp %d: %w", i+1, err)
		}
		if err := doc.take(done.Token); err != nil {
			return nil, err
		}
		out.Stamps = append(out.Stamps, done.Stamp)
	}
	if err := o.c.Store.CommitStamps(ctx, commits); err != nil {
		return nil, err
	}
	return out, nil
}

// seriesAgain lays out what was committed, byte for byte.
func (o *Office) seriesAgain(ctx context.Context, first *Stamp, doc series) (*Series, error) {
	out := &Series{Stamps: []Stamp{*first}, doc: doc}
	for _, id := range first.With {
		s, err := o.c.Store.Stamp(ctx, id)
		if err != nil {
			return nil, err
		}
		out.Stamps = append(out.Stamps, s)
	}
	for _, s := range out.Stamps {
		rd, err := o.prepareAgain(ctx, &s)
		if err != nil {
			return nil, err
		}
		covered := s.DataHash
		if _, err := doc.layOut(rd, &draft{id: s.ID, now: s.Claimed}, &s); err != nil {
			return nil, err
		}
		if s.DataHash != covered {
			return nil, fmt.Errorf("%w: %s", ErrNotAgain, s.ID)
		}
		token, err := o.restore(ctx, &s)
		if err != nil {
			return nil, err
		}
		if err := doc.take(token); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Item is one of the stamps of a request, as it is written in JSON. What it does not
// say is that of the request.
type Item struct {
	SealID    string `json:"sealId" api:"required"`
	Placement *Place `json:"placement,omitempty"`
	Matter    string `json:"matterCode,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Approval  string `json:"approvalId,omitempty"`
	Order
}

// Request is the item as a request of its own, base being what all share.
func (i Item) Request(base StampRequest) StampRequest {
	r := base
	r.SealID, r.Order = i.SealID, i.Order
	if i.Placement != nil {
		r.Placement = *i.Placement
	}
	for _, own := range []struct {
		said string
		at   *string
	}{{i.Matter, &r.Matter}, {i.Reason, &r.Reason}, {i.Approval, &r.Approval}} {
		if own.said != "" {
			*own.at = own.said
		}
	}
	return r
}
