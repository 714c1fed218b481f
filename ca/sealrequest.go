package ca

import (
	"context"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/hsm"
)

// SealRequest makes the PKCS#10 request (RFC 2986) by which another authority is
// asked for the certificate of a seal's key, with the subject that such a
// certificate has: O is the USCC and the unit's name, CN the seal code.
func SealRequest(ctx context.Context, agency, agencyName, sealID string, key hsm.Key) ([]byte, error) {
	if !certs.USCCValid(agency) || !plainName(agencyName) || !sealCode(sealID) {
		return nil, fmt.Errorf("%w: %q, %q and %q make no subject of a seal's certificate", ErrRefused, agency, agencyName, sealID)
	}
	pt, err := point(key.Public())
	if err != nil {
		return nil, err
	}
	info, err := encode(func(b *cryptobyte.Builder) {
		addSequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			addName(b, SealSubject(agency, agencyName, sealID))
			addPublicKey(b, pt)
			// Attributes are not optional, though there are none (RFC 2986 4.1).
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(*cryptobyte.Builder) {})
		})
	})
	if err != nil {
		return nil, err
	}
	signature, err := key.SignMessage(ctx, info)
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	der, err := assemble(info, signature)
	if err != nil {
		return nil, err
	}
	// Read again as a stranger would: a fault of the key's device goes no further.
	asked, err := parseRequest(der)
	if err != nil {
		return nil, fmt.Errorf("the request made cannot be read: %w", err)
	}
	if !asked.Equal(key.Public()) {
		return nil, fmt.Errorf("%w: the request made is on another key", ErrBadRequest)
	}
	return der, nil
}

// SealSubject is the subject of a seal's certificate, whoever issues it
// (protocol.md 9, formats.md 3).
func SealSubject(agency, agencyName, sealID string) Name {
	return Name{Organization: agency + agencyName, CommonName: sealID}
}
