package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/seal/ses"
)

// format: formats.md 1.4 a), and how the stamp sits in its document.
func (t *trial) format() outcome {
	switch {
	case t.stamp == nil && t.foreign():
		return unknown(FormatForeign, "the signature is a CMS SignedData")
	case t.stamp == nil:
		return failed(StampMalformed, t.stampErr)
	case len(t.mark.problems) > 0 && !t.mark.partial:
		return failed(StampMalformed, t.mark.problems[0])
	case t.stamp.TimeInfo.IsZero() && t.mark.kind == ses.PropertyPDF:
		return failed(StampMalformed, "nothing says when it was made")
	case errors.Is(t.stampErr, certs.ErrUnsupported):
		return unknown(FormatForeign, t.stampErr)
	case t.signer == nil:
		return failed(StampMalformed, t.stampErr)
	case t.mark.role != roleSeal:
		return failed(StampMalformed, "a seal's stamp stands where a time-stamp is announced")
	}
	for _, x := range t.stamp.Extensions {
		known := x.ID == certs.OIDStampID || x.ID == certs.OIDExpectedSeals
		if x.Critical && !known {
			return unknown(CriticalExtension, fmt.Sprintf("stamp extension %s", x.ID))
		}
	}
	switch {
	case len(t.stamp.Notices) > 0:
		return t.departure(t.stamp.Notices[0])
	case t.signerSlip != "":
		return t.departure("certificate of the signer, " + t.signerSlip)
	}
	return passed
}

// foreign: a signature whose bytes are a CMS SignedData is no stamp of ours; it is
// told by its bytes, never by the names beside it (protocol.md 2).
func (t *trial) foreign() bool {
	_, err := certs.ParseSignedData(t.mark.der)
	return err == nil || errors.Is(err, certs.ErrUnsupported) || looksCMS(t.mark.der)
}

// looksCMS: a ContentInfo begins SEQUENCE, OBJECT IDENTIFIER; a stamp begins with
// two SEQUENCEs.
func looksCMS(der []byte) bool {
	if len(der) < 8 || der[0] != 0x30 {
		return false
	}
	at := 2
	if der[1] >= 0x80 {
		at += int(der[1] & 0x7f)
	}
	return at < len(der) && der[at] == 0x06
}

// departure is an encoding that the field uses and we do not: a notice under
// others' vendor ids, never good under ours (protocol.md 2, Encodings).
func (t *trial) departure(what string) outcome {
	if t.stamp.Seal.Vendor == ses.VendorID {
		return failed(StampMalformed, what)
	}
	return noticed(FormatNotice, what)
}

func (t *trial) sealFormat() outcome {
	if t.stamp == nil {
		return notMade
	}
	s := t.stamp.Seal
	if t.maker == nil {
		_, err := certs.ParseCertificate(s.MakerCert)
		if errors.Is(err, certs.ErrUnsupported) {
			return unknown(FormatForeign, err)
		}
		return failed(StampMalformed, fmt.Sprintf("certificate of the seal's maker: %v", err))
	}
	for _, x := range s.Extensions {
		if x.Critical {
			return unknown(CriticalExtension, fmt.Sprintf("seal extension %s", x.ID))
		}
	}
	switch {
	case len(s.Notices) > 0:
		return t.departure(s.Notices[0])
	case t.makerSlip != "":
		return t.departure("certificate of the seal's maker, " + t.makerSlip)
	}
	return passed
}

// signature makes one check of a signature within the budget.
func (t *trial) signature(k proofKey, bad Code, f func() error) outcome {
	switch err := t.w.check(k, f); {
	case errors.Is(err, errWork):
		return overWork
	case err != nil:
		return failed(bad, err)
	}
	return passed
}

// sealSignature: formats.md 1.2, over the received bytes.
func (t *trial) sealSignature() outcome {
	if t.stamp == nil || t.maker == nil {
		return notMade
	}
	s := t.stamp.Seal
	return t.signature(keyOf("seal", s.Raw), SealForged, func() error { return s.VerifySignature(t.maker) })
}

func (t *trial) signatureValue() outcome {
	if t.stamp == nil || t.signer == nil {
		return notMade
	}
	s := t.stamp
	return t.signature(keyOf("stamp", s.Signed, s.SignerCert, s.SignatureValue), SignatureForged, func() error { return s.VerifySignature(t.signer) })
}

// signerInSeal: the signer's certificate is one of those the seal was made for,
// octet for octet; the same key in another certificate will not do.
func (t *trial) signerInSeal() outcome {
	switch {
	case t.stamp == nil:
		return notMade
	case !t.stamp.Seal.HasSigner(t.stamp.SignerCert):
		return failed(SignerNotInSeal, "")
	}
	return passed
}

// signerKeyUsage: protocol.md 9. A certificate with the extended key usage of a
// service is that service's, whoever issued it, and stamps nothing.
func (t *trial) signerKeyUsage() outcome {
	if t.signer == nil {
		return notMade
	}
	const may = certs.KeyUsageDigitalSignature | certs.KeyUsageNonRepudiation
	// GM/T 0015 asks for keyUsage and knows no use of seals beside others; RFC 5280
	// asks for neither, and by which an issuer goes that nobody knows nobody can say.
	strange := t.signerErr != nil && t.stamp.Seal.Vendor != ses.VendorID
	switch {
	case strange && t.signer.KeyUsage == 0:
		return unknown(IssuerUnknown, "the certificate does not say what its key is for")
	case t.signer.KeyUsage&may == 0:
		return failed(SignerKeyUsage, "neither digitalSignature nor nonRepudiation")
	case t.signer.IsCA:
		return failed(SignerKeyUsage, "the certificate is an authority's")
	}
	for _, e := range t.signer.EKUs {
		if !slices.Contains(serviceUsages, e) {
			continue
		}
		if strange && slices.Contains(commonUsages, e) {
			return unknown(IssuerUnknown, fmt.Sprintf("extended key usage %s", e))
		}
		return failed(SignerKeyUsage, fmt.Sprintf("extended key usage %s", e))
	}
	return passed
}

// commonUsages are those that any authority gives, and not ours alone.
var commonUsages = []certs.OID{certs.OIDEKUTimeStamping, certs.OIDEKUOCSPSigning, certs.OIDEKUClientAuth}

var serviceUsages = []certs.OID{
	certs.OIDEKUSealMaker, certs.OIDEKUStatusSigner, certs.OIDEKUQRSigner, certs.OIDEKUJournal, certs.OIDEKUTrustList,
	certs.OIDEKUWitness, certs.OIDEKUTimeStamping, certs.OIDEKUOCSPSigning, certs.OIDEKUClientAuth,
}

// propertyInfo: protocol.md 2: no stamp is carried from one kind of document to
// another. Under another vendor's id another wording is told; it is not accepted
// across the kinds that we know.
func (t *trial) propertyInfo() outcome {
	if t.stamp == nil {
		return notMade
	}
	p := t.stamp.PropertyInfo
	if o, told := t.ofdProperty(); told && p != t.mark.kind {
		return o
	}
	kinds := []string{ses.PropertyJSON, ses.PropertyFile, ses.PropertyPDF}
	switch {
	case p == t.mark.kind:
		return passed
	case t.stamp.Seal.Vendor == ses.VendorID, slices.Contains(kinds, p), len(p) > 0 && p[0] == '/':
		return failed(WrongDocumentKind, fmt.Sprintf("it is for %q", clip(p)))
	}
	return noticed(FormatNotice, fmt.Sprintf("propertyInfo is %q", clip(p)))
}

func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return s
}

func (t *trial) dataHash() outcome {
	if t.stamp == nil || t.mark.partial {
		return notMade
	}
	sum, err := t.w.digest(t.mark.hashes, t.mark.digest)
	switch {
	case errors.Is(err, errWork):
		return overWork
	case err != nil:
		return failed(Altered, err)
	case !bytes.Equal(sum[:], t.stamp.DataHash):
		return failed(Altered, "")
	}
	return t.ofdDigests()
}

func (t *trial) coverage() outcome {
	if t.mark.ofd != nil {
		return t.ofdCoverage()
	}
	if t.mark.partial {
		why := "it leaves out part of the document"
		if len(t.mark.problems) > 0 {
			why = t.mark.problems[0]
		}
		return failed(PartialCoverage, why)
	}
	return passed
}

// laterChanges: after a stamp only further good stamps may follow.
func (t *trial) laterChanges() outcome {
	switch {
	case t.mark.added:
		return failed(ContentAddedAfterSeal, firstOf(t.mark.later))
	case t.laterBad:
		return failed(ContentAddedAfterSeal, "a later stamp is not valid")
	}
	return passed
}

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// expectedSeals: 联合行文 (protocol.md 2). Different seals are counted: one agency
// stamping twice does not stand for two agencies.
func (t *trial) expectedSeals() outcome {
	if t.stamp == nil {
		return notMade
	}
	want, asked := t.stamp.ExpectedSeals()
	present := slices.ContainsFunc(t.stamp.Extensions, func(x ses.Extension) bool { return x.ID == certs.OIDExpectedSeals })
	switch {
	case present && !asked:
		return failed(StampMalformed, "how many seals it expects cannot be read")
	case !asked:
		return notHere
	case t.distinctSeals < want:
		return failed(SealsMissing, fmt.Sprintf("%d of %d", t.distinctSeals, want))
	}
	return passed
}

// faceMatches: protocol.md 2, Face.
func (t *trial) faceMatches() outcome {
	if t.mark.ofd != nil {
		return t.ofdFace()
	}
	if t.mark.face == nil {
		return notHere
	}
	if t.stamp == nil {
		return notMade
	}
	if t.w.see(t.stamp.Seal.Picture.Data) != nil {
		return overWork
	}
	switch ok, known := t.mark.face(t.stamp.Seal.Picture.Data, facesSeen{t.w.engine}); {
	case !known:
		return unknown(FaceUnknown, "")
	case !ok:
		return failed(SealFaceMismatch, "")
	}
	return passed
}

// imprint is what a stamp's time-stamp must be over (protocol.md 2).
func imprint(signature []byte) []byte {
	sum := sm3.Sum(signature)
	return sum[:]
}
