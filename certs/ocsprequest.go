package certs

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// OCSPRequest asks about certificates (RFC 6960 4.1.1). Who signed it, if anyone
// did, is not asked: everyone gets the same answer.
type OCSPRequest struct {
	Raw   []byte
	IDs   []CertID // 1 to MaxOCSPAsked
	Nonce []byte   // nil without
	// Plain: it holds nothing but CertIDs, so that the same question is the same
	// octets (RFC 5019 2.1.1).
	Plain bool
}

// ParseOCSPRequest reads exactly one request, in DER.
func ParseOCSPRequest(der []byte) (*OCSPRequest, error) {
	if len(der) > MaxOCSPRequest {
		return nil, malformed("OCSP request: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var outer, tbs, signature cryptobyte.String
	var signed bool
	// A version is v1 and then, in DER, absent.
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!outer.ReadOptionalASN1(&signature, &signed, explicitTag(0)) || !outer.Empty() {
		return nil, malformed("OCSP request")
	}
	r := &OCSPRequest{Raw: der, Plain: !signed}
	var name, list, exts cryptobyte.String
	var named, extended bool
	if !tbs.ReadOptionalASN1(&name, &named, explicitTag(1)) || !tbs.ReadASN1(&list, asn1.SEQUENCE) ||
		!tbs.ReadOptionalASN1(&exts, &extended, explicitTag(2)) || !tbs.Empty() {
		return nil, malformed("OCSP request")
	}
	r.Plain = r.Plain && !named && !extended
	if err := r.parseList(list); err != nil {
		return nil, err
	}
	if extended {
		if err := r.parseExtensions(exts); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func explicitTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

func (r *OCSPRequest) parseList(list cryptobyte.String) error {
	for !list.Empty() {
		var one, exts cryptobyte.String
		var extended bool
		if !list.ReadASN1(&one, asn1.SEQUENCE) {
			return malformed("OCSP request: question")
		}
		id, err := readCertID(&one)
		if err != nil {
			return err
		}
		if !one.ReadOptionalASN1(&exts, &extended, explicitTag(0)) || !one.Empty() {
			return malformed("OCSP request: question")
		}
		if extended {
			r.Plain = false
			if err := noneCritical(exts); err != nil {
				return err
			}
		}
		if r.IDs = append(r.IDs, id); len(r.IDs) > MaxOCSPAsked {
			return malformed(fmt.Sprintf("OCSP request: more than %d questions", MaxOCSPAsked))
		}
	}
	if len(r.IDs) == 0 {
		return malformed("OCSP request: no question")
	}
	return nil
}

func (r *OCSPRequest) parseExtensions(exts cryptobyte.String) error {
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
			return fmt.Errorf("%w: %s in an OCSP request", ErrUnhandledCritical, e.ID)
		}
	}
	return nil
}

// noneCritical reads extensions of which nothing here knows any.
func noneCritical(exts cryptobyte.String) error {
	list, err := readExtensions(exts)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Critical {
			return fmt.Errorf("%w: %s in an OCSP request", ErrUnhandledCritical, e.ID)
		}
	}
	return nil
}

// BuildOCSPRequest asks about one certificate; a nil nonce asks for an answer
// that may have been made before (RFC 5019).
func BuildOCSPRequest(id CertID, nonce []byte) ([]byte, error) {
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id.Raw) })
				})
				if nonce == nil {
					return
				}
				b.AddASN1(explicitTag(2), func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddNonce(b, nonce) })
				})
			})
		})
	})
}
