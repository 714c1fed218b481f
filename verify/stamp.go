package verify

import (
	"bytes"
	"encoding/hex"
	"errors"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

// stampCase is one stamp on trial: each check adds a line to its report, and
// those that fail a reason.
type stampCase struct {
	j      *judgement
	mark   *mark
	report StampReport
	codes  []Code

	stamp         *ses.Stamp
	maker, signer *certs.Certificate
	token         *certs.TimeStamp
	tokenErr      error
	region        string
	claimed       time.Time // C
	proven        time.Time // P, or C where nothing proves a time
	isProven      bool
}

func (s *stampCase) pass(id string) { s.line(id, Pass, "") }
func (s *stampCase) skip(id string) { s.line(id, NotApplicable, "") }

func (s *stampCase) line(id string, r Result, detail string) {
	s.report.Checks = append(s.report.Checks, Check{id, r, detail})
}

// fail records a reason. The result is fail for what is not valid, unknown for
// what cannot be confirmed, and pass, with the notice as detail, for the rest.
func (s *stampCase) fail(id string, c Code, detail string) {
	s.codes = append(s.codes, c)
	text := string(c)
	if detail != "" {
		text += ": " + detail
	}
	e, _ := lookup(c)
	switch e.verdict {
	case NotValid:
		s.line(id, Fail, text)
	case CannotConfirm:
		s.line(id, Unknown, text)
	default:
		s.line(id, Pass, text)
	}
}

// verdict is the worst of the reasons; valid only if every check that was due
// was made and passed.
func (s *stampCase) verdict() Verdict {
	v := Valid
	for _, c := range s.codes {
		if e, _ := lookup(c); e.verdict.rank() > v.rank() {
			v = e.verdict
		}
	}
	for _, c := range s.report.Checks {
		if v.rank() < CannotConfirm.rank() && c.Result != Pass && c.Result != NotApplicable {
			v = CannotConfirm
		}
	}
	return v
}

func (s *stampCase) finish() StampReport {
	s.report.Verdict = s.verdict()
	s.report.Indication = s.report.Verdict.Indication()
	s.report.SubIndication = s.subIndication()
	return s.report
}

// subIndications of ETSI EN 319 102-1 for the reasons that have one.
var subIndications = map[Code]string{
	StampMalformed: "FORMAT_FAILURE", Altered: "HASH_FAILURE", SignatureForged: "SIG_CRYPTO_FAILURE", SealForged: "SIG_CRYPTO_FAILURE",
	CertificateRevokedBefore: "REVOKED", CertificateExpiredAtSealing: "EXPIRED", CertificateNotYetValid: "NOT_YET_VALID",
	SignerKeyUsage: "CHAIN_CONSTRAINTS_FAILURE", IssuerUnknown: "NO_CERTIFICATE_CHAIN_FOUND", TimeNotProven: "NO_POE",
	StatusUnavailable: "TRY_LATER", StatusStale: "TRY_LATER", TimeContradiction: "TIMESTAMP_ORDER_FAILURE",
	PartialCoverage: "SIG_CONSTRAINTS_FAILURE", ContentAddedAfterSeal: "SIG_CONSTRAINTS_FAILURE", WrongDocumentKind: "SIG_CONSTRAINTS_FAILURE",
}

func (s *stampCase) subIndication() string {
	for _, c := range s.codes {
		if e, _ := lookup(c); e.verdict == s.report.Verdict {
			if sub, ok := subIndications[c]; ok {
				return sub
			}
		}
	}
	return ""
}

// stamp tries one stamp, in the order of GB/T 38540: format, the seal, the
// signature, the signer, the digest, then time and status.
func (j *judgement) stamp(i int) *stampCase {
	m := &j.d.marks[i]
	s := &stampCase{j: j, mark: m, report: StampReport{Index: i, Role: m.role, LaterChanges: append([]string{}, m.later...), CoversWholeDocument: m.whole && !m.added}}
	if !s.parse() {
		s.fail("sealFormat", StampMalformed, "")
		return s
	}
	s.describe()
	s.checkFormat()
	s.checkSealSignature()
	s.checkSignature()
	s.checkDocument()
	s.checkTime()
	s.checkTrust()
	s.checkStatus()
	s.checkFace()
	return s
}

// parse reads the stamp, its certificates and its token; what is wrong with
// the latter is judged by the checks.
func (s *stampCase) parse() bool {
	var err error
	if s.stamp, err = ses.ParseStamp(s.mark.der); err != nil {
		s.stamp = nil
		return false
	}
	s.maker, _ = certs.ParseCertificate(s.stamp.Seal.MakerCert)
	s.signer, _ = certs.ParseCertificate(s.stamp.SignerCert)
	s.claimed = s.stamp.TimeInfo
	if s.stamp.TimeStamp != nil {
		s.token, s.tokenErr = certs.ParseTimeStamp(s.stamp.TimeStamp)
	}
	return true
}

func (s *stampCase) ours() bool { return s.stamp.Seal.Vendor == ses.VendorID }

func (s *stampCase) describe() {
	seal := s.stamp.Seal
	s.report.Standard = seal.Generation.Standard()
	s.report.Seal = SealInfo{ID: seal.ID, Name: seal.Name, ValidFrom: rfc3339(seal.ValidFrom), ValidTo: rfc3339(seal.ValidTo)}
	if s.maker != nil {
		s.report.Seal.Maker = s.maker.Subject.String()
	}
	if s.signer != nil {
		s.report.Signer = SignerInfo{Subject: s.signer.Subject.String(), Serial: hex.EncodeToString(s.signer.Serial.Bytes()), Issuer: s.signer.Issuer.String()}
	}
	s.report.SealedAt, s.report.TimeSource = rfc3339(s.claimed), "claimed"
}

func (s *stampCase) checkFormat() {
	notices := append(append([]string{}, s.stamp.Notices...), s.stamp.Seal.Notices...)
	if len(notices) > 0 {
		s.fail("sealFormat", FormatNotice, notices[0])
	} else {
		s.pass("sealFormat")
	}
	property := s.stamp.PropertyInfo
	kinds := map[string]bool{ses.PropertyJSON: true, ses.PropertyFile: true, ses.PropertyPDF: true}
	switch {
	case property == s.mark.kind:
		s.pass("propertyInfo")
	case s.ours() || kinds[property]:
		s.fail("propertyInfo", WrongDocumentKind, "")
	default:
		s.fail("propertyInfo", FormatNotice, "propertyInfo")
	}
	for _, e := range append(append([]ses.Extension{}, s.stamp.Extensions...), s.stamp.Seal.Extensions...) {
		if e.Critical && e.ID != certs.OIDStampID && e.ID != certs.OIDExpectedSeals {
			s.fail("extensions", CriticalExtension, string(e.ID))
			return
		}
	}
}

func (s *stampCase) checkSealSignature() {
	if s.maker == nil {
		s.fail("sealSignature", IssuerUnknown, "the maker's certificate cannot be read")
		return
	}
	key := keyOf("seal", s.stamp.Seal.Raw)
	switch err := s.j.work.check(key, func() error { return s.stamp.Seal.VerifySignature(s.maker) }); {
	case errors.Is(err, errWork):
		s.fail("sealSignature", WorkLimit, "")
	case err != nil:
		s.fail("sealSignature", SealForged, "")
	default:
		s.pass("sealSignature")
	}
}

func (s *stampCase) checkSignature() {
	if s.signer == nil {
		s.fail("signatureValue", IssuerUnknown, "the signer's certificate cannot be read")
		return
	}
	key := keyOf("stamp", s.stamp.Raw)
	switch err := s.j.work.check(key, func() error { return s.stamp.VerifySignature(s.signer) }); {
	case errors.Is(err, errWork):
		s.fail("signatureValue", WorkLimit, "")
	case err != nil:
		s.fail("signatureValue", SignatureForged, "")
	default:
		s.pass("signatureValue")
	}
	if s.stamp.Seal.HasSigner(s.stamp.SignerCert) {
		s.pass("signerInSeal")
	} else {
		s.fail("signerInSeal", SignerNotInSeal, "")
	}
}

func (s *stampCase) checkDocument() {
	switch {
	case len(s.mark.problems) > 0:
		s.fail("coverage", PartialCoverage, s.mark.problems[0])
	case s.mark.partial:
		s.fail("coverage", PartialCoverage, "")
	default:
		s.pass("coverage")
	}
	sum, err := s.mark.digest()
	if err != nil || !bytes.Equal(sum[:], s.stamp.DataHash) {
		s.fail("dataHash", Altered, "")
		return
	}
	s.pass("dataHash")
}

// checkTime finds P: protocol.md 4.
func (s *stampCase) checkTime() {
	s.proven = s.claimed
	switch {
	case s.stamp.TimeStamp == nil:
		s.fail("timestamp", TimeNotProven, "")
		return
	case s.tokenErr != nil:
		s.fail("timestamp", TimestampForged, s.tokenErr.Error())
		return
	}
	imprint := sm3.Sum(s.stamp.SignatureValue)
	if !bytes.Equal(imprint[:], s.token.Imprint) {
		s.fail("timestamp", TimestampForged, "")
		return
	}
	if s.j.in.Trust == nil {
		s.fail("timestamp", TimeNotProven, "")
		return
	}
	found, err := s.j.in.Trust.Find(s.token.Signer, certs.ServiceTSA, s.token.Certificates, certs.KeyUsageDigitalSignature, s.token.GenTime)
	if err != nil {
		s.fail("timestamp", TimeNotProven, err.Error())
		return
	}
	if _, bad := found.Service.DistrustedSince(); bad {
		s.fail("timestamp", ServiceDistrusted, found.Service.Name)
		return
	}
	s.pass("timestamp")
	s.proven, s.isProven = s.token.GenTime, true
	s.report.SealedAt, s.report.TimeSource = rfc3339(s.proven), "timestamp"
	if len(s.token.Notices) > 0 {
		s.fail("timestampFormat", FormatNotice, s.token.Notices[0])
	}
	switch {
	case s.claimed.After(s.proven.Add(s.token.Accuracy)):
		s.fail("timeOrder", TimeContradiction, "")
	case s.proven.Add(-s.token.Accuracy).After(s.j.in.At):
		s.fail("timeOrder", SealedAfterCheck, "")
	case s.proven.Sub(s.claimed) > LateToken:
		s.fail("timeOrder", TimestampLate, "")
	default:
		s.pass("timeOrder")
	}
}

// pathCode names why a path was refused.
func pathCode(err error, other Code) Code {
	for _, known := range []struct {
		err  error
		code Code
	}{
		{certs.ErrUnknownIssuer, IssuerUnknown}, {certs.ErrExpired, CertificateExpiredAtSealing}, {certs.ErrNotYetValid, CertificateNotYetValid},
		{certs.ErrKeyUsage, SignerKeyUsage}, {certs.ErrUnhandledCritical, CriticalExtension}, {certs.ErrServiceState, ServiceDistrusted},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return other
}

func (s *stampCase) checkTrust() {
	t := s.j.in.Trust
	if t == nil {
		s.fail("signerChain", TrustMissing, "")
		return
	}
	if t.Expired {
		s.fail("trust", TrustListExpired, "")
	} else {
		s.pass("trust")
	}
	s.checkMaker(t)
	s.checkSigner(t)
	seal := s.stamp.Seal
	inside := func(at time.Time) bool { return !at.Before(seal.ValidFrom) && !at.After(seal.ValidTo) }
	if inside(s.claimed) && inside(s.proven.Truncate(time.Second)) {
		s.pass("sealValidity")
	} else {
		s.fail("sealValidity", SealOutOfValidity, "")
	}
}

func (s *stampCase) checkMaker(t *certs.Trust) {
	if s.maker == nil {
		return // told by sealSignature
	}
	found, err := t.Find(s.maker, certs.ServiceSealMaker, s.j.ev.extra, certs.KeyUsageDigitalSignature, s.stamp.Seal.Created)
	switch {
	case errors.Is(err, certs.ErrUnknownIssuer):
		s.fail("makerChain", IssuerUnknown, "")
	case err != nil:
		s.fail("makerChain", SealMakerNotValid, err.Error())
	case !found.Service.SpeaksFor(found.Region.Code, s.stamp.Seal.ID):
		s.fail("makerChain", SealOfAnotherRegion, "")
	default:
		s.distrust("makerChain", found)
	}
}

// distrust refuses what a compromised service vouches for: only proof from
// outside the region could save it, and none is looked for here.
func (s *stampCase) distrust(id string, f certs.Found) {
	if _, bad := f.Service.DistrustedSince(); bad {
		s.fail(id, ServiceDistrusted, f.Service.Name)
		return
	}
	s.pass(id)
}

func (s *stampCase) checkSigner(t *certs.Trust) {
	if s.signer == nil {
		return // told by signatureValue
	}
	for _, at := range []time.Time{s.claimed, s.proven.Truncate(time.Second)} {
		found, err := t.Find(s.signer, certs.ServiceAgencyCA, s.j.ev.extra, certs.KeyUsageDigitalSignature, at)
		if err != nil {
			s.fail("signerChain", pathCode(err, IssuerUnknown), err.Error())
			return
		}
		if !found.Service.SpeaksFor(found.Region.Code, s.stamp.Seal.ID) {
			s.fail("signerChain", SealOfAnotherRegion, "")
			return
		}
		s.region = found.Region.Code
		s.report.Signer.Region = found.Region.Code
		if at.Equal(s.proven.Truncate(time.Second)) || at.Equal(s.proven) {
			s.distrust("signerChain", found)
			return
		}
	}
}

// checkFace: an agency could show another's face under its own good stamp.
func (s *stampCase) checkFace() {
	if s.mark.face == nil {
		s.skip("faceMatches")
		return
	}
	ok, known := s.mark.face(s.stamp.Seal.Picture.Data)
	switch {
	case ok && known:
		s.pass("faceMatches")
	case known || s.ours():
		s.fail("faceMatches", SealFaceMismatch, "")
	default:
		s.fail("faceMatches", FaceUnknown, "")
	}
}

// checkStatus asks for every certificate below a root and for the seal: was it
// good then, is it known today.
func (s *stampCase) checkStatus() {
	type asked struct {
		id            string
		cert          *certs.Certificate
		before, after Code
	}
	all := []asked{{"certStatus", s.signer, CertificateRevokedBefore, CertificateRevokedAfter}, {"makerStatus", s.maker, SealMakerNotValid, SealMakerRevokedAfter}}
	if s.token != nil {
		all = append(all, asked{"tsaStatus", s.token.Signer, TimeNotProven, TSARevokedAfter})
	}
	if s.signer != nil {
		if issuer := s.j.issuerOf(s.signer); issuer != nil && !bytes.Equal(issuer.RawIssuer, issuer.RawSubject) {
			all = append(all, asked{"issuerStatus", issuer, CertificateRevokedBefore, CertificateRevokedAfter})
		}
	}
	for _, a := range all {
		if a.cert == nil {
			continue
		}
		k, r := s.j.revocation(a.cert, s.proven)
		s.j.saw(k)
		if r != nil {
			s.relate(a.id, effective(*r), a.before, a.after)
			continue
		}
		s.fresh(a.id, k)
	}
	s.checkSealStatus()
}

// relate is R against C and P: protocol.md 4.
func (s *stampCase) relate(id string, r time.Time, before, after Code) {
	switch {
	case !r.After(s.claimed):
		s.fail(id, before, rfc3339(r))
	case !r.After(s.proven):
		s.fail(id, RevokedDuringSealing, rfc3339(r))
	case !s.isProven:
		s.fail(id, TimeNotProven, "")
	default:
		s.fail(id, after, rfc3339(r))
	}
}

// fresh judges what is known of something that nobody revoked.
func (s *stampCase) fresh(id string, k knowledge) {
	switch {
	case k.then && k.now:
		s.pass(id)
	case k.then:
		s.fail(id, StatusTodayUnknown, rfc3339(k.asOf))
	case k.any:
		s.fail(id, StatusStale, rfc3339(k.asOf))
	default:
		s.fail(id, StatusUnavailable, "")
	}
}

func (s *stampCase) checkSealStatus() {
	if s.region == "" {
		return // nobody is known who could speak for the seal; told by signerChain
	}
	k, intervals, unknown := s.j.sealHistory(s.stamp.Seal.ID, s.stamp.Seal.SM3(), s.region, s.proven)
	s.j.saw(k)
	if unknown {
		s.fail("sealStatus", SealStatusUnknownToList, "")
		return
	}
	told := false
	for _, i := range intervals {
		over := !i.To.IsZero() && !i.To.After(s.claimed)
		if over {
			continue // thawed before it was used
		}
		before, after := SealFrozenAtSealing, SealFrozenAfter
		if i.State != status.SealFrozen {
			before, after = SealCancelledBeforeSealing, SealCancelledAfter
		}
		if i.State == status.SealFrozen && i.From.After(s.proven) && !i.To.IsZero() {
			continue // frozen and thawed since: nothing to know any more
		}
		s.relate("sealStatus", i.From, before, after)
		told = true
	}
	if !told {
		s.fresh("sealStatus", k)
	}
}
