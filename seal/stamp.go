package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
	"yinxin/internal/code"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

const (
	formatJSON   = "json"
	formatPDF    = "pdf"
	formatOFD    = "ofd"
	formatFile   = "file"
	maxOperator  = 100
	tokenReserve = 4 << 10 // signer's certificate, time-stamp and its chain
)

// prepare lays an edition of a seal ready, without its key.
func (o *Office) prepare(ctx context.Context, s Seal) (*ready, error) {
	o.mu.Lock()
	kept, ok := o.ready[s.SM3]
	o.mu.Unlock()
	if ok {
		return &ready{prepared: kept, seal: s}, nil
	}
	der, err := o.c.Store.SealDER(ctx, s.SM3)
	if err != nil {
		return nil, err
	}
	parsed, err := ses.ParseSeal(der)
	if err != nil {
		return nil, err
	}
	f, err := pdf.NewFace(parsed.Picture.Data, float64(s.WidthMM), float64(s.HeightMM))
	if err != nil {
		return nil, fmt.Errorf("%w: its picture: %w", ErrRefused, err)
	}
	e := &prepared{generation: parsed.Generation, der: der, cert: parsed.Certs[0], face: f, picture: parsed.Picture.Data}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ready) >= maxReady {
		clear(o.ready) // seals in use come back at once
	}
	o.ready[s.SM3] = e
	return &ready{prepared: e, seal: s}, nil
}

// prepareAgain lays ready what an earlier stamp was made with: the edition that the
// seal had then. The key is not asked for, which may be destroyed since.
func (o *Office) prepareAgain(ctx context.Context, st *Stamp) (*ready, error) {
	s, err := o.c.Store.Seal(ctx, st.SealID)
	if err != nil {
		return nil, err
	}
	e, known := s.edition(st.SealSM3)
	if !known {
		return nil, fmt.Errorf("seal %s has no edition of the SM3 in stamp %s", s.ID, st.ID)
	}
	return o.prepare(ctx, s.as(e))
}

// maxReady bounds the seals held ready, some 100 KB each.
const maxReady = 500

// admit asks what the office asks before it lays anything out; the store asks
// again when it commits.
func (o *Office) admit(ctx context.Context, r StampRequest, now time.Time) (*ready, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	s, err := o.c.Store.Seal(ctx, r.SealID)
	if err != nil {
		return nil, err
	}
	grants, err := s.granted(r, now)
	switch {
	case err != nil:
		return nil, err
	case s.State != status.SealInForce:
		return nil, fmt.Errorf("%w: it is %s", ErrNotInForce, s.State)
	case len(s.Intervals) > 0 && now.Before(s.Intervals[len(s.Intervals)-1].To):
		// timeInfo has whole seconds: it would claim a time at which the seal was frozen.
		return nil, fmt.Errorf("%w: it was thawed in this very second, try again", ErrNotInForce)
	case now.Before(s.ValidFrom) || now.After(s.ValidTo):
		return nil, fmt.Errorf("%w: it is valid from %s to %s", ErrNotInForce, s.ValidFrom.Format(time.DateOnly), s.ValidTo.Format(time.DateOnly))
	case s.Waits():
		return nil, fmt.Errorf("%w: it waits to be filed (备案)", ErrNotInForce)
	}
	if err := o.usable(ctx, s, now); err != nil {
		return nil, err
	}
	return o.admitUnder(ctx, r, s, grants, now)
}

// admitUnder chooses the grant: the first whose quota is not used up.
func (o *Office) admitUnder(ctx context.Context, r StampRequest, s Seal, grants []Grant, now time.Time) (*ready, error) {
	g, err := o.choose(ctx, s, grants, now)
	if err != nil {
		return nil, err
	}
	rd, err := o.prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	rd.grant = g
	if g.SecondPerson {
		guard := Guard{SealID: s.ID, Agency: r.Agency, Matter: r.Matter, Key: r.Key, Operator: r.Operator}
		if rd.use, rd.input, err = o.approved(ctx, r, guard, now); err != nil {
			return nil, err
		}
	}
	rd.key, err = o.c.Keys.Key(ctx, s.KeyID)
	return rd, err
}

func (o *Office) choose(ctx context.Context, s Seal, grants []Grant, now time.Time) (Grant, error) {
	for _, g := range grants {
		if g.PerDay == 0 {
			return g, nil
		}
		made, err := o.c.Store.StampedOn(ctx, s.ID, g.ID, quotaDay(now))
		if err != nil || made < g.PerDay {
			return g, err
		}
	}
	last := grants[len(grants)-1]
	return last, fmt.Errorf("%w: grant %s allows %d a day", ErrQuota, last.ID, last.PerDay)
}

// usable asks before the signature what the commit will ask again: a key should
// not sign what is bound to be refused.
func (o *Office) usable(ctx context.Context, s Seal, now time.Time) error {
	revoked, err := o.c.Store.CertificateRevoked(ctx, s.CertSerial)
	switch {
	case err != nil:
		return err
	case revoked:
		return fmt.Errorf("%w: its certificate is revoked", ErrNotInForce)
	}
	// A stamp that nobody would believe is not made. The commit does not ask again: the
	// moment in which an authority is revoked belongs to neither side.
	if err := o.c.CA.IssuerStands(ctx, s.CertSerial); err != nil {
		return fmt.Errorf("%w: the authority behind its certificate has ended, and a new seal is to be made: %v", ErrNotInForce, err)
	}
	if s.Policy.PerDay == 0 {
		return nil
	}
	made, err := o.c.Store.StampedOn(ctx, s.ID, "", quotaDay(now))
	if err == nil && made >= s.Policy.PerDay {
		err = ErrQuota
	}
	return err
}

// enter finds what a retry of one stamp did already, or keeps its key for this
// request. The release must be called when the request ends.
func (o *Office) enter(ctx context.Context, r *act.Retry, format string) (earlier *Stamp, release func(), err error) {
	earlier, release, err = o.entered(ctx, r, format)
	if err == nil && earlier != nil && len(earlier.With) > 0 {
		release()
		return nil, nil, ErrRetryMismatch // the key was used for several
	}
	return earlier, release, err
}

// entered is enter for a request of one stamp or several.
func (o *Office) entered(ctx context.Context, r *act.Retry, format string) (earlier *Stamp, release func(), err error) {
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
		s, err = o.c.Store.Stamp(ctx, done.Act)
		switch {
		case err == nil && s.Format == format:
			return &s, release, nil
		case err == nil, errors.Is(err, ErrNotFound):
			err = ErrRetryMismatch // the key was used for another kind of stamp or act
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
	code string // printed on what is sealed, so it is drawn before it is signed
	room int    // octets kept for the stamp, 0 for no limit
	// finish is what else the document gets once the stamp is there, noted in s, before
	// the act is made; nil for nothing.
	finish func(token []byte, s *Stamp) error
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
	if r.Order != (Order{}) {
		order := r.Order
		s.Order = &order
	}
	if err := r.Order.fits(s.Format); err != nil {
		return Stamped{}, err
	}
	wrap, err := rd.wrappingOf(r.Order)
	if err != nil {
		return Stamped{}, err
	}
	tbs, err := wrap.signed(content{ses.StampSpec{TimeInfo: d.now, DataHash: s.DataHash, PropertyInfo: property, StampID: d.id[:], ExpectedSeals: r.Expected}})
	if err != nil {
		return Stamped{}, err
	}
	signature, err := rd.key.SignMessage(ctx, tbs)
	if err != nil {
		return Stamped{}, fmt.Errorf("sign: %w", err)
	}
	token, genTime, err := o.timeStamp(ctx, r.Order.Level, ses.Imprint(signature), d.now)
	if err != nil {
		return Stamped{}, fmt.Errorf("time-stamp: %w", err)
	}
	der, err := wrap.stamp(tbs, signature, token)
	if err != nil {
		return Stamped{}, err
	}
	if d.room > 0 && len(der) > d.room {
		// Found before the commit: a stamp that does not fit was never made.
		return Stamped{}, fmt.Errorf("the stamp takes %d octets of %d kept for it", len(der), d.room)
	}
	var tokenCerts []byte
	if token != nil {
		if tokenCerts, s.TokenCerts, err = o.tokenCerts(ctx); err != nil {
			return Stamped{}, err
		}
	}
	s.Stripped = ses.Strip(der, s.Order.parts(rd.der, rd.cert, tokenCerts)...)
	s.ID, s.Code, s.SealID, s.SealVersion, s.SealSM3 = d.id, d.code, rd.seal.ID, rd.seal.Version, rd.seal.SM3
	s.Agency, s.Operator, s.Matter, s.Reason, s.Expected, s.Key = r.Agency, r.Operator, r.Matter, r.Reason, r.Expected, r.Key
	s.Approval, s.Job, s.Grant = r.Approval, r.Job, rd.grant.ID
	// Whole seconds, as reports show them.
	s.Claimed, s.SealedAt = d.now, genTime.UTC().Truncate(time.Second)
	if d.finish != nil {
		if err := d.finish(der, &s); err != nil {
			return Stamped{}, err
		}
	}
	a, err := act.NewWithID(d.id, d.now, o.c.Rand, ActStamped, rd.seal.ID, s)
	if err != nil {
		return Stamped{}, err
	}
	a.Retry = r.Retry
	g := Guard{SealID: rd.seal.ID, SealVersion: rd.seal.Version, KeyID: rd.seal.KeyID, CertSerial: rd.seal.CertSerial, PerDay: rd.seal.Policy.PerDay, Day: quotaDay(d.now),
		Agency: r.Agency, Key: r.Key, Grant: rd.grant.ID, GrantPerDay: rd.grant.PerDay, Use: rd.use, Input: rd.input, Matter: r.Matter, Operator: r.Operator}
	if err := commit(ctx, Commit{a, s, g}, der); err != nil {
		return Stamped{}, err
	}
	return Stamped{Stamp: s, Token: der}, nil
}

// timeStamp proves when a signature was made, but for level B, whose time is claimed.
func (o *Office) timeStamp(ctx context.Context, level Level, imprint [32]byte, claimed time.Time) ([]byte, time.Time, error) {
	if level == LevelB {
		return nil, claimed, nil
	}
	return o.c.TSA.Stamp(ctx, imprint)
}

// beijing is the legal time of every province: a day's quota ends at midnight
// there.
var beijing = time.FixedZone("CST", 8*60*60)

func quotaDay(now time.Time) string { return now.In(beijing).Format(time.DateOnly) }

// tokenCerts are the certificates in every token, kept in the register before the
// first stamp that leaves them out.
func (o *Office) tokenCerts(ctx context.Context) (certs []byte, sum [32]byte, err error) {
	c, ok := o.c.TSA.(certified)
	if !ok {
		return nil, sum, nil
	}
	o.keeping.Lock()
	defer o.keeping.Unlock()
	if certs = c.Certificates(); !bytes.Equal(certs, o.kept) {
		if err := o.c.Store.KeepPart(ctx, certs); err != nil {
			return nil, sum, err
		}
		o.kept, o.keptSum = certs, sm3.Sum(certs)
	}
	return certs, o.keptSum, nil
}

// begin is the part that all formats share: retry, admission, an id.
func (o *Office) begin(ctx context.Context, r StampRequest) (rd *ready, d draft, err error) {
	if r.Again {
		return nil, d, ErrNotFound
	}
	full := o.c.Clock().UTC()
	if d.id, err = act.NewID(full, o.c.Rand); err != nil {
		return nil, d, err
	}
	if d.code, err = code.New(o.c.Rand); err != nil {
		return nil, d, err
	}
	d.now = full.Truncate(time.Second)
	rd, err = o.admit(ctx, r, d.now)
	return rd, d, err
}
