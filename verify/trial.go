package verify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"yinxin/certs"
	"yinxin/seal/ses"
)

// outcome is what one check found. A code decides the verdict through the reason
// table; a check that could not be made because an earlier one failed has none.
type outcome struct {
	result Result
	code   Code
	detail string
}

var (
	passed   = outcome{result: Pass}
	notHere  = outcome{result: NotApplicable}
	notMade  = outcome{result: Unknown, detail: "not made: an earlier check failed"}
	overWork = outcome{result: Unknown, code: WorkLimit}
)

func failed(c Code, why any) outcome  { return outcome{Fail, c, fmt.Sprint(why)} }
func unknown(c Code, why any) outcome { return outcome{Unknown, c, fmt.Sprint(why)} }

// noticed is a check that passed with something to know.
func noticed(c Code, why any) outcome { return outcome{Pass, c, fmt.Sprint(why)} }

func (o outcome) verdict() Verdict {
	if o.code != "" {
		e, _ := lookup(o.code)
		return e.verdict
	}
	switch o.result {
	case Pass, NotApplicable:
		return Valid
	case Fail:
		return NotValid
	}
	return CannotConfirm
}

// trial is the judging of one stamp.
type trial struct {
	in      Input
	w       *work
	book    *book
	doc     *Document
	mark    mark
	brought *brought // by the mark
	used    map[StatusFreshness]bool

	stamp         *ses.Stamp
	stampErr      error
	signer, maker *certs.Certificate
	// signerSlip and makerSlip are what was passed over in a certificate of the
	// field.
	signerSlip, makerSlip string
	token                 *certs.TimeStamp
	tokenOutcome          outcome

	// claimed is C, proved is P of protocol.md 4; proved counts only if proven.
	claimed, proved time.Time
	proven          bool

	makerFound, signerFound, tsaFound certs.Found
	makerErr, signerErr               error
	distinctSeals                     int // in the whole document
	laterBad                          bool
	afterSeal                         bool // a seal stands before it

	witnesses []witness  // document time-stamps that cover it and count
	lender    *trial     // of them the one that gives P, where the stamp has no token
	serves    []string   // of a document time-stamp: the seals in the document
	weighed   outcome    // of a document time-stamp: whether it counts,
	stood     []standing // and how its authority was found to stand
}

// checkRow is a check by its name. needed marks those without whose pass nothing is
// ever valid, whatever else was found: a lock against a check that forgets its code.
type checkRow struct {
	id     string
	needed bool
	made   func(*trial) outcome
}

// checkTable is every check of a stamp, in the order of formats.md 1.4 and
// protocol.md 4.
var checkTable = []checkRow{
	{"format", true, (*trial).format},
	{"sealFormat", true, (*trial).sealFormat},
	{"sealSignature", true, (*trial).sealSignature},
	{"makerChain", true, (*trial).makerChain},
	{"sealTimestamp", false, (*trial).sealTimestamp},
	{"sealValidity", true, (*trial).sealValidity},
	{"signatureValue", true, (*trial).signatureValue},
	{"signerInSeal", true, (*trial).signerInSeal},
	{"signerChain", true, (*trial).signerChain},
	{"signerValidity", true, (*trial).signerValidity},
	{"signerKeyUsage", true, (*trial).signerKeyUsage},
	{"propertyInfo", true, (*trial).propertyInfo},
	{"dataHash", true, (*trial).dataHash},
	{"coverage", true, (*trial).coverage},
	{"laterChanges", true, (*trial).laterChanges},
	{"timestamp", true, (*trial).timestamp},
	{"timeOrder", true, (*trial).timeOrder},
	{"trustList", true, (*trial).trustList},
	{"certStatusAtSealing", true, (*trial).certStatusAtSealing},
	{"certStatusNow", true, (*trial).certStatusNow},
	{"makerStatus", true, (*trial).makerStatus},
	{"tsaStatus", true, (*trial).tsaStatus},
	{"sealStatusAtSealing", true, (*trial).sealStatusAtSealing},
	{"sealStatusNow", true, (*trial).sealStatusNow},
	{"expectedSeals", false, (*trial).expectedSeals},
	{"faceMatches", false, (*trial).faceMatches},
}

// open reads the stamp and finds the time that everything else is judged at.
func (t *trial) open() {
	if t.mark.plain != nil {
		return
	}
	b := t.brought
	b.read(&t.mark)
	t.stamp, t.signer, t.maker, t.stampErr = b.stamp, b.signer, b.maker, b.err
	t.signerSlip, t.makerSlip = b.signerSlip, b.makerSlip
	if t.stamp == nil {
		return
	}
	t.claimed = t.stamp.TimeInfo
	t.tokenOutcome = t.proveTime()
	t.makerFound, t.makerErr = t.find(t.maker, certs.ServiceSealMaker, nil, t.stamp.Seal.Created)
	t.signerFound, t.signerErr = t.find(t.signer, certs.ServiceAgencyCA, t.book.certs, t.moment())
}

// moment is the sealing time to judge by: the proven one, else what is claimed.
func (t *trial) moment() time.Time {
	if t.proven {
		return t.proved
	}
	return t.claimed
}

var errNoTrust = errors.New("no trust list was given")

// find asks the trust list; the answer is remembered for the times between which
// it cannot change.
func (t *trial) find(leaf *certs.Certificate, typ certs.ServiceType, extra []*certs.Certificate, at time.Time) (certs.Found, error) {
	switch {
	case leaf == nil:
		return certs.Found{}, certs.ErrMalformed
	case t.in.Trust == nil:
		return certs.Found{}, errNoTrust
	}
	if err := t.w.spend(2); err != nil { // leaf and issuing authority
		return certs.Found{}, err
	}
	return t.w.engine.find(t.in.Trust, leaf, typ, extra, at)
}

// judge makes every check and sums them up.
func (t *trial) judge(index int) (StampReport, []Code) {
	r := StampReport{Index: index, Role: t.mark.role, LaterChanges: []string{}, TimeSource: "none"}
	r.LaterChanges = append(r.LaterChanges, t.mark.later...)
	r.CoversWholeDocument = t.mark.whole
	t.describe(&r)
	verdict := Valid
	var codes []Code
	table := checkTable
	if t.mark.role == roleTimestamp {
		table = timestampTable
	}
	for _, c := range table {
		o := t.make(c.made)
		v := o.verdict()
		if c.needed && o.result != Pass {
			v = Worst(v, CannotConfirm)
		}
		verdict = Worst(verdict, v)
		if o.code != "" {
			codes = append(codes, o.code)
		}
		r.Checks = append(r.Checks, Check{c.id, o.result, o.text()})
	}
	r.Verdict, r.Indication = verdict, verdict.Indication()
	codes = sortCodes(codes)
	if len(codes) > 0 {
		e, _ := lookup(codes[0])
		r.SubIndication = e.sub
	}
	return r, codes
}

// make makes one check. Where the budget left something out, such as a CRL that
// was not looked at, what the check found otherwise does not make it good.
func (t *trial) make(check func(*trial) outcome) outcome {
	before := t.w.refused
	o := check(t)
	if t.w.refused > before && o.verdict() != NotValid {
		return overWork
	}
	return o
}

func (o outcome) text() string {
	switch {
	case o.code == "":
		return o.detail
	case o.detail == "":
		return string(o.code)
	}
	return string(o.code) + ": " + o.detail
}

// sortCodes puts the worst first and each once.
func sortCodes(codes []Code) []Code {
	slices.SortFunc(codes, func(a, b Code) int {
		_, x := lookup(a)
		_, y := lookup(b)
		return x - y
	})
	return slices.Compact(codes)
}

func signerInfo(c *certs.Certificate) SignerInfo {
	return SignerInfo{Subject: c.Subject.String(), Serial: fmt.Sprintf("%x", c.Serial), Issuer: c.Issuer.String()}
}

// describe fills in what the stamp says of itself.
func (t *trial) describe(r *StampReport) {
	if t.mark.role == roleTimestamp && t.token != nil {
		r.Standard, r.SealedAt, r.TimeSource = "RFC 3161", rfc3339(t.token.GenTime), "timestamp"
		c := t.token.Signer
		r.Signer = SignerInfo{Subject: c.Subject.String(), Serial: fmt.Sprintf("%x", c.Serial), Issuer: c.Issuer.String()}
		if t.proven {
			r.Signer.Region = t.tsaFound.Region.Code
		}
	}
	if t.stamp == nil {
		return
	}
	s := t.stamp.Seal
	r.Standard = t.stamp.Standard()
	r.Seal = SealInfo{ID: s.ID, Name: s.Name, ValidFrom: rfc3339(s.ValidFrom), ValidTo: rfc3339(s.ValidTo)}
	if t.maker != nil {
		r.Seal.Maker = t.maker.Subject.String()
	}
	if t.signer != nil {
		r.Signer = signerInfo(t.signer)
		if t.signerErr == nil {
			r.Signer.Region = t.signerFound.Region.Code
		}
	}
	r.SealedAt, r.TimeSource = rfc3339(t.moment()), "claimed"
	if t.proven {
		r.TimeSource = "timestamp"
	}
}
