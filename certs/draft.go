package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrSigned: the key has signed the list already, and counts once.
var ErrSigned = errors.New("this key has signed the list already")

// ErrNotAsked: neither the list nor the one before it names the key, whose
// signature would count for nothing.
var ErrNotAsked = errors.New("neither this scheme list nor the one before it names this key")

// SchemeDraft is a scheme list on its way between those who hold the offline keys:
// an envelope that may lack signatures. Its payload never changes on the way, so
// that all sign the same octets.
type SchemeDraft struct {
	s *scheme
	e envelope
}

// DraftScheme begins one.
func DraftScheme(l SchemeList) (*SchemeDraft, error) {
	l.Iss = SchemeIssuer
	if err := l.check(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(envelope{PayloadType: statementPrefix + TypeSchemeList + statementSuffix, Payload: payload, Signatures: []envelopeSignature{}})
	if err != nil {
		return nil, err
	}
	return ParseSchemeDraft(b)
}

// ParseSchemeDraft reads an envelope with any number of signatures, none of them
// checked yet.
func ParseSchemeDraft(b []byte) (*SchemeDraft, error) {
	st, err := parseEnvelope(b, 0)
	if err != nil {
		return nil, fmt.Errorf("scheme list: %w", err)
	}
	d := &SchemeDraft{}
	if d.s, err = schemeOf(st); err != nil {
		return nil, err
	}
	return d, strictJSON(b, &d.e)
}

// List is what is to be signed. It is not to be changed.
func (d *SchemeDraft) List() SchemeList { return d.s.list }

// Payload is what every key signs.
func (d *SchemeDraft) Payload() []byte { return d.e.Payload }

// Keys are the certificates of the keys that the list names.
func (d *SchemeDraft) Keys() []*Certificate { return d.s.keys }

// Signed gives the key ids of the signatures.
func (d *SchemeDraft) Signed() []string { return d.s.statement.KeyIDs }

// Marshal writes the envelope.
func (d *SchemeDraft) Marshal() ([]byte, error) { return json.Marshal(d.e) }

// MayFollow checks the rules of a list that follows another, its signatures aside.
func (d *SchemeDraft) MayFollow(before *SchemeDraft) error { return d.s.mayFollow(before.s) }

// Sign adds the signature of a key that the list names, or the list before it, if
// there is one.
func (d *SchemeDraft) Sign(ctx context.Context, by StatementSigner, before *SchemeDraft) error {
	asked := d.s.keys
	if before != nil {
		asked = append(asked[:len(asked):len(asked)], before.s.keys...)
	}
	if !slices.ContainsFunc(asked, by.Certificate.Equal) {
		return fmt.Errorf("%w: %s", ErrNotAsked, by.Certificate.Subject)
	}
	if slices.Contains(d.Signed(), KeyID(by.Certificate)) {
		return ErrSigned
	}
	if err := by.Certificate.sound(d.s.list.Iat); err != nil {
		return err
	}
	sig, err := signEnvelope(ctx, d.e.PayloadType, d.e.Payload, by)
	if err != nil {
		return err
	}
	return d.with(sig)
}

// Merge takes over the signatures of another copy.
func (d *SchemeDraft) Merge(o *SchemeDraft) error {
	if !bytes.Equal(d.e.Payload, o.e.Payload) {
		return malformed(fmt.Sprintf("scheme list %d: the copies are of different lists", d.s.list.Sequence))
	}
	var more []envelopeSignature
	for _, sig := range o.e.Signatures {
		if !slices.Contains(d.Signed(), sig.KeyID) {
			more = append(more, sig)
		}
	}
	return d.with(more...)
}

func (d *SchemeDraft) with(more ...envelopeSignature) error {
	e := d.e
	e.Signatures = append(slices.Clone(e.Signatures), more...)
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	next, err := ParseSchemeDraft(b)
	if err != nil {
		return err
	}
	*d = *next
	return nil
}

// Standing tells how many signatures count and how many are needed: of the list's
// own keys, and of those of the list before it.
type Standing struct {
	Own, OwnNeeded       int
	Before, BeforeNeeded int // 0 of a first list
}

// Enough tells whether the list is signed.
func (s Standing) Enough() bool { return s.Own >= s.OwnNeeded && s.Before >= s.BeforeNeeded }

// Standing counts the signatures that are good.
func (d *SchemeDraft) Standing(before *SchemeDraft) Standing {
	out := Standing{Own: d.s.signaturesBy(d.s), OwnNeeded: d.s.list.K}
	if before != nil {
		out.Before, out.BeforeNeeded = d.s.signaturesBy(before.s), before.s.list.K
	}
	return out
}
