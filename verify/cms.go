package verify

import (
	"errors"
	"hash"
	"slices"
	"sync"

	"yinxin/certs"
	"yinxin/seal/cms"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// parseStamp reads the stamp of a mark in the wrapping that its octets have, never the
// one that the names beside it announce (protocol.md 2).
func (m *mark) parseStamp() (*ses.Stamp, error) {
	if looksCMS(m.der) {
		return cms.ParseStamp(m.der, m.made)
	}
	return ses.ParseStamp(m.der)
}

// takeCompanion notes what a signature of a PDF says beside its octets, and whether it
// may be a companion: how to hash what it covers, and that nobody sees it.
func (m *mark) takeCompanion(f *pdf.File, one *sync.Mutex, n int, s pdf.Signature) {
	m.made, _ = pdf.ParseDate(s.M)
	m.unseen = f.Invisible(n)
	if s.DocTimeStamp {
		return
	}
	m.covered = func(h hash.Hash) error {
		one.Lock()
		defer one.Unlock()
		return f.Covered(n, h)
	}
}

// companion is a signature without a seal, such as readers abroad know (RSA, ECDSA),
// with the digest of what it covers.
type companion struct {
	*certs.SignedData
	sum []byte
	err error // of hashing
}

// readCompanion reads a detached SignedData without a seal. It is hashed once: a file
// has a budget of its own.
func (b *brought) readCompanion(m *mark) {
	if m.covered == nil {
		return
	}
	sd, err := certs.ParseAnySignedData(m.der)
	if err != nil || sd.Content != nil || sd.Signer == nil {
		return
	}
	c := &companion{SignedData: sd}
	var h hash.Hash
	if h, c.err = sd.Hash(sd.Signer); c.err == nil && !m.partial {
		if c.err = m.covered(h); c.err == nil {
			c.sum = h.Sum(nil)
		}
	}
	b.companion = c
}

// companionTable is what is asked of a companion. Nothing proves its time, so that
// what became of its certificate is not asked: it never makes anything good.
var companionTable = [...]struct {
	id   string
	made func(*trial) outcome
}{
	{"format", (*trial).companionFormat},
	{"signatureValue", (*trial).companionSignature},
	{"coverage", (*trial).coverage},
	{"laterChanges", (*trial).companionLater},
	{"signerChain", (*trial).companionChain},
	{"timestamp", func(*trial) outcome { return unknown(TimeNotProven, "a companion has no time-stamp") }},
}

func (t *trial) companionFormat() outcome {
	if len(t.mark.problems) > 0 && !t.mark.partial {
		return failed(StampMalformed, t.mark.problems[0])
	}
	return passed
}

// companionSignature: over the octets of the two ranges, by whatever digest it names.
func (t *trial) companionSignature() outcome {
	c := t.brought.companion
	if t.mark.partial {
		return notMade
	}
	switch {
	case errors.Is(c.err, pdf.ErrTooLarge):
		return outcome{Unknown, WorkLimit, c.err.Error()}
	case c.err != nil:
		return unknown(FormatForeign, c.err)
	}
	if digest, err := c.MessageDigest(); c.Signed() != nil && (err != nil || string(digest) != string(c.sum)) {
		return failed(Altered, "the companion is over another document")
	}
	return t.signature(keyOf("companion", c.Raw, c.sum), SignatureForged, func() error { return c.VerifySum(c.Signer, c.sum) })
}

// companionLater only tells: that the document was changed before it was sealed is no
// fault of the seal, and what came after a seal the seal's own check finds.
func (t *trial) companionLater() outcome {
	if t.mark.added {
		return outcome{result: Unknown, detail: firstOf(t.mark.later)}
	}
	return passed
}

func (t *trial) companionChain() outcome {
	c := t.brought.companion
	at := t.mark.made
	if at.IsZero() {
		at = t.in.At
	}
	found, err := t.find(c.Signer, certs.ServiceCompanionCA, c.Certificates, at)
	if err != nil {
		return t.untrusted(c.Signer, err, SignerKeyUsage)
	}
	t.signerFound, t.signerErr = found, nil
	return passed
}

// judgeCompanion sums up what is asked of a companion.
func (t *trial) judgeCompanion(index int) (StampReport, []Code) {
	r := StampReport{Index: index, Role: "companion", LaterChanges: append([]string{}, t.mark.later...), TimeSource: "none", CoversWholeDocument: t.mark.whole}
	c := t.brought.companion
	t.signerErr = errNoTrust
	verdict := Valid
	var codes []Code
	for _, row := range companionTable {
		o := t.make(row.made)
		verdict = Worst(verdict, o.verdict())
		if o.code != "" {
			codes = append(codes, o.code)
		}
		r.Checks = append(r.Checks, Check{row.id, o.result, o.text()})
	}
	r.Standard = "CMS"
	r.Signer = signerInfo(c.Signer)
	if t.signerErr == nil {
		r.Signer.Region = t.signerFound.Region.Code
	}
	if !t.mark.made.IsZero() {
		r.SealedAt, r.TimeSource = rfc3339(t.mark.made), "claimed"
	}
	codes = sortCodes(codes)
	e, _ := lookup(codes[0]) // TIME_NOT_PROVEN at least
	r.Verdict, r.Indication, r.SubIndication = verdict, verdict.Indication(), e.sub
	return r, codes
}

// judgeRole judges a mark as what it is. What it gives beside the report counts for
// the document: a companion that is whole counts for nothing (interface.md), unless it
// is all that the document bears, or shows something over what was sealed.
func (t *trial) judgeRole(index int, sealed bool) (r StampReport, v Verdict, codes []Code) {
	if t.mark.plain != nil {
		return t.judgePlain(index, sealed)
	}
	if t.mark.role == roleTimestamp {
		// It never raises a verdict, and lowers it only if it is broken (interface.md).
		if r, codes = t.judge(index); r.Verdict != NotValid {
			v, codes = unbroken(codes)
			return r, v, codes
		}
		return r, r.Verdict, codes
	}
	if t.brought.companion == nil {
		r, codes = t.judge(index)
		return r, r.Verdict, codes
	}
	r, codes = t.judgeCompanion(index)
	switch {
	case r.Verdict == NotValid:
		return r, r.Verdict, codes
	case slices.Contains(codes, WorkLimit):
		return r, CannotConfirm, []Code{WorkLimit}
	case sealed && t.brought.companion.err == nil && (t.mark.unseen || !t.afterSeal):
		return r, Valid, nil
	}
	return r, CannotConfirm, []Code{FormatForeign}
}

// unbroken is what counts of a signature without a seal, beside one, that was not found
// to be broken: nothing, unless that was for want of work.
func unbroken(codes []Code) (Verdict, []Code) {
	if slices.Contains(codes, WorkLimit) {
		return CannotConfirm, []Code{WorkLimit}
	}
	return Valid, nil
}

// errNoSeal tells that a mark is a SignedData and no stamp.
func errNoSeal(err error) bool { return errors.Is(err, cms.ErrNoSeal) }
