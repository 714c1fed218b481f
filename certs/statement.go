package certs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxStatement bounds an envelope: a shard of the status list, incompressible,
// takes 700 KB in base64.
const MaxStatement = 4 << 20

const (
	statementPrefix = "application/vnd.yinxin."
	statementSuffix = ".v1+json"
	maxSignatures   = 16
)

// The types of protocol.md 1.
const (
	TypeSchemeList          = "scheme-list"
	TypeRegionList          = "region-list"
	TypeSealStatus          = "seal-status"
	TypeLicenceStatus       = "licence-status"
	TypeStatusList          = "status-list"
	TypeSealList            = "seal-list"
	TypeReceipt             = "receipt"
	TypeVerificationReceipt = "verification-receipt"
	TypeRequestAnswer       = "request-answer"
)

var statementTypes = []string{TypeSchemeList, TypeRegionList, TypeSealStatus, TypeLicenceStatus, TypeStatusList, TypeSealList, TypeReceipt, TypeVerificationReceipt, TypeRequestAnswer}

// envelope is DSSE (protocol.md 1).
type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     Base64              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	KeyID string `json:"keyid"`
	Sig   Base64 `json:"sig"`
}

// pae is DSSE's pre-authentication encoding: what is signed.
func pae(payloadType string, payload []byte) []byte {
	b := fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	return append(b, payload...)
}

// KeyID names a certificate in envelopes: hex SM3 of its DER.
func KeyID(c *Certificate) string { sum := c.SM3(); return hex.EncodeToString(sum[:]) }

// StatementSigner is a key with its certificate.
type StatementSigner struct {
	Certificate *Certificate
	Signer      Signer
}

// SignStatement makes an envelope with one signature. The payload must encode
// to an object with iss, iat and exp.
func SignStatement(ctx context.Context, typ string, payload any, cert *Certificate, s Signer) ([]byte, error) {
	return signStatement(ctx, typ, payload, []StatementSigner{{cert, s}})
}

func signStatement(ctx context.Context, typ string, payload any, signers []StatementSigner) ([]byte, error) {
	if !slices.Contains(statementTypes, typ) {
		return nil, fmt.Errorf("%w: statement type %q", ErrUnsupported, typ)
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", typ, err)
	}
	var h statementHead
	if err := strictJSON(body, &h); err != nil {
		return nil, fmt.Errorf("statement %s: %w", typ, err)
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("statement %s: %w", typ, err)
	}
	e := envelope{PayloadType: statementPrefix + typ + statementSuffix, Payload: body}
	for _, s := range signers {
		sig, err := signEnvelope(ctx, e.PayloadType, body, s)
		if err != nil {
			return nil, fmt.Errorf("statement %s: %w", typ, err)
		}
		e.Signatures = append(e.Signatures, sig)
	}
	return json.Marshal(e)
}

func signEnvelope(ctx context.Context, payloadType string, payload []byte, s StatementSigner) (sig envelopeSignature, err error) {
	der, err := s.Signer.SignMessage(ctx, pae(payloadType, payload))
	if err != nil {
		return sig, err
	}
	raw, err := SignatureToRaw(der)
	return envelopeSignature{KeyID(s.Certificate), raw}, err
}

type statementHead struct {
	Iss string    `json:"iss"`
	Iat time.Time `json:"iat"`
	Exp time.Time `json:"exp"`
}

func (h statementHead) check() error {
	switch {
	case h.Iss == "" || h.Iat.IsZero() || h.Exp.IsZero():
		return malformed("statement: iss, iat or exp is missing")
	case !h.Exp.After(h.Iat):
		return malformed("statement: it ends before it begins")
	}
	_, o1 := h.Iat.Zone()
	_, o2 := h.Exp.Zone()
	if o1 != 0 || o2 != 0 {
		return malformed("statement: times are not UTC")
	}
	return nil
}

// Statement is an envelope that was read, its signatures not yet checked.
type Statement struct {
	Type              string // such as seal-status
	Issuer            string // a region's code, or "scheme"
	IssuedAt, Expires time.Time
	Payload           []byte
	KeyIDs            []string
	Raw               []byte

	payloadType string
	signatures  [][]byte
}

// ParseStatement reads an envelope strictly.
func ParseStatement(b []byte) (*Statement, error) { return parseEnvelope(b, 1) }

// parseEnvelope wants at least so many signatures.
func parseEnvelope(b []byte, least int) (*Statement, error) {
	if len(b) > MaxStatement {
		return nil, malformed("statement: too long")
	}
	var e envelope
	if err := strictJSON(b, &e); err != nil {
		return nil, err
	}
	typ, ok := strings.CutPrefix(e.PayloadType, statementPrefix)
	typ, ok2 := strings.CutSuffix(typ, statementSuffix)
	if !ok || !ok2 || !slices.Contains(statementTypes, typ) {
		return nil, fmt.Errorf("%w: statement type %q", ErrUnsupported, e.PayloadType)
	}
	if len(e.Signatures) < least || len(e.Signatures) > maxSignatures {
		return nil, malformed("statement: number of signatures")
	}
	var h statementHead
	if err := strictJSON(e.Payload, &h); err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	s := &Statement{Type: typ, Issuer: h.Iss, IssuedAt: h.Iat.UTC(), Expires: h.Exp.UTC(), Payload: e.Payload, Raw: b, payloadType: e.PayloadType}
	for _, sig := range e.Signatures {
		id, err := hex.DecodeString(sig.KeyID)
		if err != nil || len(id) != 32 || hex.EncodeToString(id) != sig.KeyID || len(sig.Sig) != 64 || slices.Contains(s.KeyIDs, sig.KeyID) {
			return nil, malformed("statement: signature")
		}
		s.KeyIDs = append(s.KeyIDs, sig.KeyID)
		s.signatures = append(s.signatures, sig.Sig)
	}
	return s, nil
}

// Decode reads the payload.
func (s *Statement) Decode(into any) error { return strictJSON(s.Payload, into) }

// SignedBy checks that one of the signatures is by this certificate's key.
func (s *Statement) SignedBy(c *Certificate) error {
	i := slices.Index(s.KeyIDs, KeyID(c))
	if i < 0 {
		return ErrSignature
	}
	return s.VerifySignature(i, c)
}

// VerifySignature checks signature i by the certificate's key.
func (s *Statement) VerifySignature(i int, c *Certificate) error {
	if i < 0 || i >= len(s.signatures) || s.KeyIDs[i] != KeyID(c) {
		return ErrSignature
	}
	der, err := SignatureFromRaw(s.signatures[i])
	if err != nil {
		return err
	}
	return c.Verify(pae(s.payloadType, s.Payload), der)
}
