package verify

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/seal/cms"
	"yinxin/seal/ofd"
	"yinxin/seal/ses"
)

// plain is a signature of the GB/T 35275 kind that shows no seal: Type=Sign of an
// OFD package, and its integrity file (GM/T 0099). It is a companion: it makes no
// document good, and makes it bad only if it is broken.
type plain struct {
	standard string
	original []byte // what it is over
}

func markOfIntegrity(i *ofd.Integrity) mark {
	m := mark{der: i.SignedValue, role: "companion", problems: i.Problems, plain: &plain{standard: "GM/T 0099-2020", original: i.Text}}
	m.digest = func() ([32]byte, error) {
		if len(i.Missing) > 0 {
			return [32]byte{}, fmt.Errorf("listed and not there: %s", some(i.Missing))
		}
		return i.Digest, nil
	}
	// It covers which files there are, and not what is in them.
	for _, name := range i.Unlisted {
		m.later = append(m.later, fmt.Sprintf("%s is not in the list", clip(name)))
	}
	return m
}

// plainTrial is the judging of one.
type plainTrial struct {
	*trial
	signature *cms.Signature
	err       error
}

var plainTable = [...]struct {
	id   string
	made func(*plainTrial) outcome
}{
	{"format", (*plainTrial).format},
	{"signatureValue", (*plainTrial).value},
	{"dataHash", (*plainTrial).dataHash},
	{"coverage", (*plainTrial).coverage},
	{"laterChanges", (*plainTrial).laterChanges},
	{"signerChain", (*plainTrial).chain},
	{"timestamp", func(*plainTrial) outcome {
		return unknown(TimeNotProven, "a signature without a seal has no time-stamp")
	}},
}

func (p *plainTrial) format() outcome {
	switch {
	case len(p.mark.problems) > 0:
		return failed(StampMalformed, p.mark.problems[0])
	case p.signature != nil && p.signature.Signer == nil:
		return unknown(FormatForeign, "it does not bring its signer's certificate")
	case p.signature != nil && len(p.signature.Notices) > 0:
		return noticed(FormatNotice, p.signature.Notices[0])
	case p.signature != nil:
		return passed
	}
	// The first writers of Type=Sign put the bare signature there. It names nobody.
	if _, err := certs.SignatureToRaw(p.mark.der); err == nil {
		return unknown(FormatForeign, "a bare SM2 signature, which names no signer")
	}
	if _, err := ses.ParseStamp(p.mark.der); err == nil {
		return failed(StampMalformed, "a seal's stamp stands where a signature without a seal is announced")
	}
	if errors.Is(p.err, certs.ErrUnsupported) {
		return unknown(FormatForeign, p.err)
	}
	return failed(StampMalformed, p.err)
}

func (p *plainTrial) value() outcome {
	s := p.signature
	if s == nil || s.Signer == nil {
		return notMade
	}
	sum := sm3.Sum(p.mark.plain.original)
	return p.trial.signature(keyOf("plain", s.Raw, sum[:]), SignatureForged, func() error {
		return s.VerifySignature(s.Signer, p.mark.plain.original)
	})
}

// dataHash: what was signed is this Signature.xml, or this list of files, and they
// are as it says. A signature over the original itself is held against it by value.
// Files that are not as listed make it bad whoever signed, so that is found of a
// signature too that nobody here can check.
func (p *plainTrial) dataHash() outcome {
	sum, err := p.mark.digest()
	switch {
	case err != nil:
		return failed(Altered, err)
	case p.signature == nil:
		return notMade
	case p.signature.DataHash != nil && !bytes.Equal(p.signature.DataHash, sum[:]):
		return failed(Altered, "")
	}
	return p.ofdDigests()
}

func (p *plainTrial) coverage() outcome {
	switch {
	case p.mark.ofd != nil:
		return p.ofdCoverage()
	case len(p.mark.later) > 0:
		return noticed(EntryUnlisted, p.mark.later[0])
	}
	return passed
}

func (p *plainTrial) laterChanges() outcome {
	if p.mark.ofd == nil {
		return passed
	}
	return p.trial.laterChanges()
}

// chain: nothing proves when it was made, so it is asked of the time of judging.
func (p *plainTrial) chain() outcome {
	if p.signature == nil || p.signature.Signer == nil {
		return notMade
	}
	signer := p.signature.Signer
	found, err := p.find(signer, certs.ServiceAgencyCA, p.signature.Certificates, p.in.At)
	if err != nil {
		return p.untrusted(signer, err, SignerKeyUsage)
	}
	p.signerFound, p.signerErr = found, nil
	return passed
}

// judgePlain judges a signature without a seal, and says what it counts for: whole,
// for nothing beside a seal; alone, it is no seal.
func (t *trial) judgePlain(index int, sealed bool) (StampReport, Verdict, []Code) {
	r := StampReport{
		Index: index, Role: "companion", Standard: t.mark.plain.standard, TimeSource: "none", CoversWholeDocument: t.mark.whole,
		LaterChanges: append([]string{}, t.mark.later...),
	}
	t.signerErr = errNoTrust
	p := &plainTrial{trial: t}
	p.signature, p.err = cms.ParseSignature(t.mark.der)
	verdict := Valid
	var codes []Code
	for _, row := range plainTable {
		o := t.make(func(*trial) outcome { return row.made(p) })
		verdict = Worst(verdict, o.verdict())
		if o.code != "" {
			codes = append(codes, o.code)
		}
		r.Checks = append(r.Checks, Check{row.id, o.result, o.text()})
	}
	if p.signature != nil && p.signature.Signer != nil {
		r.Signer = signerInfo(p.signature.Signer)
		if t.signerErr == nil {
			r.Signer.Region = t.signerFound.Region.Code
		}
	}
	codes = sortCodes(codes)
	e, _ := lookup(codes[0]) // TIME_NOT_PROVEN at least
	r.Verdict, r.Indication, r.SubIndication = verdict, verdict.Indication(), e.sub
	switch {
	case verdict == NotValid:
		return r, verdict, codes
	case sealed:
		verdict, codes = unbroken(codes)
		return r, verdict, codes
	}
	return r, None, []Code{NotSealed}
}
