package seal

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/code"
	"yinxin/seal/jsondoc"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

// StampRequest asks for a stamp (用印). Agency is the caller's; Placement
// counts for PDF.
type StampRequest struct {
	SealID    string
	Agency    string
	Key       string // id of the credential
	Operator  string
	Matter    string
	Reason    string
	Expected  int // how many seals the finished document must bear, 0 for not said
	Placement Place
	Retry     *act.Retry
}

// Stamped is a stamp that was committed, with the bytes it made.
type Stamped struct {
	Stamp
	Token []byte // the SES_Signature, DER
	// Document is the sealed JSON; nil for PDF, whose Layout streams it.
	Document []byte
	layout   *pdf.Layout
}

// WriteTo streams the sealed document.
func (s *Stamped) WriteTo(w io.Writer) (int64, error) {
	if s.layout != nil {
		return s.layout.WriteTo(w, s.Token)
	}
	n, err := w.Write(s.Document)
	return int64(n), err
}

// Size of the sealed document.
func (s *Stamped) Size() int64 {
	if s.layout != nil {
		return s.layout.Size()
	}
	return int64(len(s.Document))
}

const (
	formatJSON   = "json"
	formatPDF    = "pdf"
	formatFile   = "file"
	maxOperator  = 100
	tokenReserve = 4 << 10 // signer's certificate, time-stamp and its chain
)

// prepared is a seal laid ready for this version of it.
func (o *Office) prepare(ctx context.Context, s Seal) (*ready, error) {
	id := fmt.Sprintf("%s.%d", s.ID, s.Version)
	o.mu.Lock()
	r, ok := o.ready[id]
	o.mu.Unlock()
	if ok {
		return r, nil
	}
	der, err := o.c.Store.SealDER(ctx, s.SM3)
	if err != nil {
		return nil, err
	}
	parsed, err := ses.ParseSeal(der)
	if err != nil {
		return nil, err
	}
	key, err := o.c.Keys.Key(ctx, s.KeyID)
	if err != nil {
		return nil, err
	}
	f, err := pdf.NewFace(parsed.Picture.Data, float64(s.WidthMM), float64(s.HeightMM))
	if err != nil {
		return nil, fmt.Errorf("%w: its picture: %w", ErrRefused, err)
	}
	r = &ready{seal: s, der: der, cert: parsed.Certs[0], key: key, face: f}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ready) >= maxReady {
		clear(o.ready) // seals in use come back at once
	}
	o.ready[id] = r
	return r, nil
}

// maxReady bounds the seals held ready, some 100 KB each.
const maxReady = 500

// admit asks what the office asks before it lays anything out; the store asks
// again when it commits.
func (o *Office) admit(ctx context.Context, r StampRequest, now time.Time) (*ready, error) {
	if !plain(r.Operator, 1, maxOperator) || !plain(r.Matter, 0, maxOperator) || !plain(r.Reason, 0, maxReason) {
		return nil, fmt.Errorf("%w: operator (required), matter or reason", ErrRefused)
	}
	if r.Expected < 0 || r.Expected > 100 {
		return nil, fmt.Errorf("%w: %d expected seals", ErrRefused, r.Expected)
	}
	s, err := o.c.Store.Seal(ctx, r.SealID)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Agency != s.Agency && !slices.Contains(s.Policy.Agencies, r.Agency):
		return nil, ErrNoRight
	case s.State != status.SealInForce:
		return nil, fmt.Errorf("%w: it is %s", ErrNotInForce, s.State)
	case len(s.Intervals) > 0 && now.Before(s.Intervals[len(s.Intervals)-1].To):
		// timeInfo has whole seconds: it would claim a time at which the seal was frozen.
		return nil, fmt.Errorf("%w: it was thawed in this very second, try again", ErrNotInForce)
	case now.Before(s.ValidFrom) || now.After(s.ValidTo):
		return nil, fmt.Errorf("%w: it is valid from %s to %s", ErrNotInForce, s.ValidFrom.Format(time.DateOnly), s.ValidTo.Format(time.DateOnly))
	case len(s.Policy.Matters) > 0 && !slices.Contains(s.Policy.Matters, r.Matter):
		return nil, fmt.Errorf("%w: matter %q", ErrNoRight, r.Matter)
	}
	return o.prepare(ctx, s)
}

// enter finds what a retry did already, or keeps its key for this request. The
// release must be called when the request ends.
func (o *Office) enter(ctx context.Context, r *act.Retry) (earlier *Stamp, release func(), err error) {
	if r == nil {
		return nil, func() {}, nil
	}
	slot := r.Slot()
	o.mu.Lock()
	if o.inFlight[slot] {
		o.mu.Unlock()
		return nil, nil, ErrInFlight
	}
	o.inFlight[slot] = true
	o.mu.Unlock()
	release = func() {
		o.mu.Lock()
		delete(o.inFlight, slot)
		o.mu.Unlock()
	}
	done, found, err := o.c.Store.Done(ctx, slot, o.c.Clock())
	if err == nil && found && done.Request != r.Request {
		err = ErrRetryMismatch
	}
	if err == nil && found {
		var s Stamp
		if s, err = o.c.Store.Stamp(ctx, done.Act); err == nil {
			return &s, release, nil
		}
		if errors.Is(err, ErrNotFound) {
			err = ErrRetryMismatch // the key was used for another kind of act
		}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return nil, release, nil
}

// draft is what a format's craft needs to lay out, and is laid out again the
// same for a retry.
type draft struct {
	id   act.ID
	now  time.Time
	room int // octets kept for the stamp, 0 for no limit
}

// Commit is a stamp that was signed and is to be committed: another office that
// joins it with an act of its own hands all of it to its store in one piece.
type Commit struct {
	Act   act.Act
	Stamp Stamp
	Guard Guard
}

// committer makes a signed stamp durable; token is its SES_Signature.
type committer func(ctx context.Context, c Commit, token []byte) error

func (o *Office) commitStamp(ctx context.Context, c Commit, _ []byte) error {
	return o.c.Store.CommitStamp(ctx, c.Act, c.Stamp, c.Guard)
}

// sign builds TBS_Sign, signs, time-stamps, and commits the act.
func (o *Office) sign(ctx context.Context, r StampRequest, rd *ready, d draft, s Stamp, property string, commit committer) (Stamped, error) {
	tbs, err := ses.BuildTBS(ses.StampSpec{SealDER: rd.der, TimeInfo: d.now, DataHash: s.DataHash, PropertyInfo: property, StampID: d.id[:], ExpectedSeals: r.Expected})
	if err != nil {
		return Stamped{}, err
	}
	signature, err := rd.key.SignMessage(ctx, tbs)
	if err != nil {
		return Stamped{}, fmt.Errorf("sign: %w", err)
	}
	token, genTime, err := o.c.TSA.Stamp(ctx, ses.Imprint(signature))
	if err != nil {
		return Stamped{}, fmt.Errorf("time-stamp: %w", err)
	}
	der, err := ses.BuildStamp(tbs, rd.cert, signature, token)
	if err != nil {
		return Stamped{}, err
	}
	if d.room > 0 && len(der) > d.room {
		// Found before the commit: a stamp that does not fit was never made.
		return Stamped{}, fmt.Errorf("the stamp takes %d octets of %d kept for it", len(der), d.room)
	}
	if s.Stripped, err = ses.StripKnown(der, rd.der); err != nil {
		return Stamped{}, err
	}
	if s.Code, err = code.New(o.c.Rand); err != nil {
		return Stamped{}, err
	}
	s.ID, s.SealID, s.SealVersion, s.SealSM3 = d.id, rd.seal.ID, rd.seal.Version, rd.seal.SM3
	s.Agency, s.Operator, s.Matter, s.Reason, s.Expected, s.Key = r.Agency, r.Operator, r.Matter, r.Reason, r.Expected, r.Key
	// The register keeps whole seconds: the first answer is to say what every
	// later one will.
	s.Claimed, s.SealedAt = d.now, genTime.UTC().Truncate(time.Second)
	a, err := act.NewWithID(d.id, d.now, o.c.Rand, ActStamped, rd.seal.ID, s)
	if err != nil {
		return Stamped{}, err
	}
	a.Retry = r.Retry
	g := Guard{SealID: rd.seal.ID, SealVersion: rd.seal.Version, CertSerial: rd.seal.CertSerial, PerDay: rd.seal.Policy.PerDay, Day: d.now.Format(time.DateOnly)}
	if err := commit(ctx, Commit{a, s, g}, der); err != nil {
		return Stamped{}, err
	}
	return Stamped{Stamp: s, Token: der}, nil
}

// begin is the part that all formats share: retry, admission, an id.
func (o *Office) begin(ctx context.Context, r StampRequest) (rd *ready, d draft, err error) {
	full := o.c.Clock().UTC()
	if d.id, err = act.NewID(full, o.c.Rand); err != nil {
		return nil, d, err
	}
	d.now = full.Truncate(time.Second)
	rd, err = o.admit(ctx, r, d.now)
	return rd, d, err
}

// restore gives the token of an earlier stamp, byte for byte.
func (o *Office) restore(ctx context.Context, s *Stamp) ([]byte, error) {
	der, err := o.c.Store.SealDER(ctx, s.SealSM3)
	if err != nil {
		return nil, err
	}
	return ses.Restore(s.Stripped, der)
}

// StampJSON seals a JSON document.
func (o *Office) StampJSON(ctx context.Context, r StampRequest, doc []byte) (Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry)
	if err != nil {
		return Stamped{}, err
	}
	defer release()
	parsed, err := jsondoc.Parse(doc)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if earlier != nil {
		return o.again(ctx, earlier, parsed)
	}
	return o.stampParsed(ctx, r, parsed, o.commitStamp)
}

func (o *Office) stampParsed(ctx context.Context, r StampRequest, doc *jsondoc.Document, commit committer) (Stamped, error) {
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return Stamped{}, err
	}
	digest, err := doc.Digest(len(doc.Stamps()))
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatJSON, DataHash: digest}, ses.PropertyJSON, commit)
	if err != nil {
		return Stamped{}, err
	}
	out.Document, err = doc.Append(out.Token)
	return out, err
}

// JoinJSON seals a JSON document as part of another office's act: join is given
// the sealed document and must commit c together with what is its own, whole or
// not at all. A retry is the other office's to know, so r carries none.
func (o *Office) JoinJSON(ctx context.Context, r StampRequest, doc []byte, join func(ctx context.Context, c Commit, sealed []byte) error) (Stamped, error) {
	if r.Retry != nil {
		return Stamped{}, errors.New("seal: a joined stamp has no idempotency key of its own")
	}
	parsed, err := jsondoc.Parse(doc)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return o.stampParsed(ctx, r, parsed, func(ctx context.Context, c Commit, token []byte) error {
		sealed, err := parsed.Append(token)
		if err != nil {
			return err
		}
		return join(ctx, c, sealed)
	})
}

func (o *Office) again(ctx context.Context, earlier *Stamp, doc *jsondoc.Document) (Stamped, error) {
	token, err := o.restore(ctx, earlier)
	if err != nil {
		return Stamped{}, err
	}
	out := Stamped{Stamp: *earlier, Token: token}
	out.Document, err = doc.Append(token)
	return out, err
}

// StampPDF seals a PDF. prefix is an SM3 state that has hashed the whole input,
// or nil. The result streams from in, which must stay open.
func (o *Office) StampPDF(ctx context.Context, r StampRequest, in io.ReaderAt, size int64, prefix hash.Hash) (*Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry)
	if err != nil {
		return nil, err
	}
	defer release()
	file, err := pdf.Open(in, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if earlier != nil {
		return o.againPDF(ctx, earlier, file)
	}
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	options := o.pdfOptions(rd, d, r.Placement)
	d.room = options.TokenSize
	layout, err := file.Layout(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	digest, err := layout.Digest(prefix)
	if err != nil {
		return nil, err
	}
	place := r.Placement
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatPDF, DataHash: digest, Placement: &place, Pages: file.PageCount()}, ses.PropertyPDF, o.commitStamp)
	if err != nil {
		return nil, err
	}
	out.layout = layout
	return &out, nil
}

// pdfOptions depend on nothing that a retry does not know.
func (o *Office) pdfOptions(rd *ready, d draft, p Place) pdf.Options {
	return pdf.Options{Placement: pdf.Placement{Page: p.Page, X: p.X, Y: p.Y}, Prepared: rd.face, FieldName: "印章", SignerName: rd.seal.Name,
		Time: d.now, TokenSize: len(rd.der) + len(rd.cert) + tokenReserve}
}

func (o *Office) againPDF(ctx context.Context, s *Stamp, file *pdf.File) (*Stamped, error) {
	now, err := o.c.Store.Seal(ctx, s.SealID)
	if err != nil {
		return nil, err
	}
	// The seal may have changed its state since; its name, face and key have not.
	now.SM3 = s.SealSM3
	rd, err := o.prepare(ctx, now)
	if err != nil {
		return nil, err
	}
	layout, err := file.Layout(o.pdfOptions(rd, draft{id: s.ID, now: s.Claimed}, *s.Placement))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	token, err := o.restore(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Stamped{Stamp: *s, Token: token, layout: layout}, nil
}

// StampDetached seals any file by its SM3; the stamp is a file of its own.
func (o *Office) StampDetached(ctx context.Context, r StampRequest, digest [32]byte) (Stamped, error) {
	earlier, release, err := o.enter(ctx, r.Retry)
	if err != nil {
		return Stamped{}, err
	}
	defer release()
	if earlier != nil {
		token, err := o.restore(ctx, earlier)
		return Stamped{Stamp: *earlier, Token: token, Document: token}, err
	}
	rd, d, err := o.begin(ctx, r)
	if err != nil {
		return Stamped{}, err
	}
	out, err := o.sign(ctx, r, rd, d, Stamp{Format: formatFile, DataHash: digest}, ses.PropertyFile, o.commitStamp)
	out.Document = out.Token
	return out, err
}
