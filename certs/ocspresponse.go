package certs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrNotAnswered: the responder sent an error and no answer (RFC 6960 4.2.1). It
// is unsigned, so that anyone may have sent it.
var ErrNotAnswered = errors.New("the OCSP responder gave no answer")

// OCSPResponse is a BasicOCSPResponse, read strictly (RFC 6960 4.2). Whether its
// signature is good CheckSignatureFrom tells.
type OCSPResponse struct {
	Raw, RawTBS  []byte
	ProducedAt   time.Time
	Answers      []OCSPAnswer
	Nonce        []byte // nil without
	Certificates []*Certificate
	Signature    []byte

	byName, byKey []byte // of the responder: one is set
}

// ParseOCSPResponse reads exactly one response; ErrNotAnswered is that of a
// responder's error.
func ParseOCSPResponse(der []byte) (*OCSPResponse, error) {
	if len(der) > MaxOCSPResponse {
		return nil, malformed("OCSP response: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var outer, wrapped, typed, basic cryptobyte.String
	var status int
	var answered bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Enum(&status) ||
		!outer.ReadOptionalASN1(&wrapped, &answered, explicitTag(0)) || !outer.Empty() || answered != (status == 0) {
		return nil, malformed("OCSP response")
	}
	if !answered {
		return nil, fmt.Errorf("%w: status %d", ErrNotAnswered, status)
	}
	if !wrapped.ReadASN1(&typed, asn1.SEQUENCE) || !wrapped.Empty() {
		return nil, malformed("OCSP response")
	}
	typ, ok := ReadOID(&typed)
	if ok && typ != OIDOCSPBasic {
		return nil, fmt.Errorf("%w: OCSP response type %s", ErrUnsupported, typ)
	}
	if !ok || !typed.ReadASN1(&basic, asn1.OCTET_STRING) || !typed.Empty() {
		return nil, malformed("OCSP response")
	}
	r := &OCSPResponse{Raw: der}
	if err := r.parseBasic(basic); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *OCSPResponse) parseBasic(basic cryptobyte.String) error {
	var outer, tbs, wrapped, list cryptobyte.String
	var present bool
	if !basic.ReadASN1(&outer, asn1.SEQUENCE) || !basic.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return malformed("OCSP response")
	}
	r.RawTBS = tbs
	if _, _, err := new(dialect).signature(&outer); err != nil {
		return err
	}
	if !outer.ReadASN1BitStringAsBytes(&r.Signature) || !outer.ReadOptionalASN1(&wrapped, &present, explicitTag(0)) || !outer.Empty() {
		return malformed("OCSP response: signature")
	}
	if present && (!wrapped.ReadASN1(&list, asn1.SEQUENCE) || !wrapped.Empty()) {
		return malformed("OCSP response: certificates")
	}
	for !list.Empty() {
		var element cryptobyte.String
		if !list.ReadASN1Element(&element, asn1.SEQUENCE) || len(r.Certificates) == maxOCSPCertificates {
			return malformed("OCSP response: certificates")
		}
		c, err := ParseCertificate(element)
		if err != nil {
			return fmt.Errorf("OCSP response: %w", err)
		}
		r.Certificates = append(r.Certificates, c)
	}
	return r.parseTBS(tbs)
}

func (r *OCSPResponse) parseTBS(tbs cryptobyte.String) error {
	var seq, id, answers, exts cryptobyte.String
	var tag asn1.Tag
	var extended bool
	// A version is v1 and then, in DER, absent.
	if !tbs.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadAnyASN1(&id, &tag) {
		return malformed("OCSP response: responder")
	}
	switch tag {
	case explicitTag(1):
		if _, err := new(dialect).name(id); err != nil {
			return fmt.Errorf("OCSP response: responder: %w", err)
		}
		r.byName = id
	case explicitTag(2):
		if !id.ReadASN1Bytes(&r.byKey, asn1.OCTET_STRING) || !id.Empty() {
			return malformed("OCSP response: responder")
		}
	default:
		return malformed("OCSP response: responder")
	}
	var ok bool
	if r.ProducedAt, ok = readGeneralizedTime(&seq); !ok || !seq.ReadASN1(&answers, asn1.SEQUENCE) ||
		!seq.ReadOptionalASN1(&exts, &extended, explicitTag(1)) || !seq.Empty() {
		return malformed("OCSP response")
	}
	for !answers.Empty() {
		if len(r.Answers) == maxOCSPAnswers {
			return malformed("OCSP response: too many answers")
		}
		a, err := readOCSPAnswer(&answers)
		if err != nil {
			return err
		}
		if a.ThisUpdate.After(r.ProducedAt) {
			return malformed("OCSP response: it knows what comes after it")
		}
		// Two answers to one question could contradict each other.
		if slices.ContainsFunc(r.Answers, func(b OCSPAnswer) bool { return b.ID.Serial.Cmp(a.ID.Serial) == 0 }) {
			return malformed("OCSP response: a serial number stands twice")
		}
		r.Answers = append(r.Answers, a)
	}
	if len(r.Answers) == 0 {
		return malformed("OCSP response: no answer")
	}
	if extended {
		return r.parseExtensions(exts)
	}
	return nil
}

func (r *OCSPResponse) parseExtensions(exts cryptobyte.String) error {
	list, err := readExtensions(exts)
	if err != nil {
		return err
	}
	for _, e := range list {
		switch {
		case e.ID == oidOCSPNonce:
			if r.Nonce, err = readNonce(e.Value); err != nil {
				return err
			}
		case e.Critical:
			return fmt.Errorf("%w: %s in an OCSP response", ErrUnhandledCritical, e.ID)
		}
	}
	return nil
}

// Find gives the answer about a certificate of an issuer.
func (r *OCSPResponse) Find(c, issuer *Certificate) (OCSPAnswer, bool) {
	for i := range r.Answers {
		if r.Answers[i].ID.Names(c, issuer) {
			return r.Answers[i], true
		}
	}
	return OCSPAnswer{}, false
}
