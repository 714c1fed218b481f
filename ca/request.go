package ca

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

const (
	// MaxRequest bounds a certification request: real ones take 300 octets, and
	// a subject of a megabyte would be read only to be thrown away.
	MaxRequest = 16 << 10
	// maxAttributes and maxRequested bound the lists of a request: each element
	// costs work, and real requests have three.
	maxAttributes = 16
	maxRequested  = 32
)

const oidExtensionRequest certs.OID = "1.2.840.113549.1.9.14" // RFC 2985 5.4.2

// settled are the extensions that the profile decides. A request may mark them
// as critical; what it wants in them does not count.
var settled = []certs.OID{"2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.37", certs.OIDUSCC}

func badRequest(what string) error { return fmt.Errorf("%w: %s", ErrBadRequest, what) }

// requestDER takes DER, or PEM that holds one request and nothing else.
func requestDER(b []byte) ([]byte, error) {
	if len(b) > MaxRequest {
		return nil, badRequest(fmt.Sprintf("it is longer than %d octets", MaxRequest))
	}
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN ")) {
		return b, nil
	}
	block, rest := pem.Decode(b)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, badRequest("the PEM text is not one certification request")
	}
	return block.Bytes, nil
}

// parseRequest reads a PKCS#10 request (RFC 2986) and checks its proof of
// possession. Nothing but the key is taken from it: the subject comes from the
// register, the uses from the profile. A request that insists on more, by a
// critical extension that is not ours to give, is refused rather than answered
// with less than it asked for.
func parseRequest(b []byte) (*ecdsa.PublicKey, error) {
	der, err := requestDER(b)
	if err != nil {
		return nil, err
	}
	in := cryptobyte.String(der)
	var outer, info, algorithm cryptobyte.String
	var signature []byte
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&info, asn1.SEQUENCE) ||
		!outer.ReadASN1(&algorithm, asn1.SEQUENCE) || !outer.ReadASN1BitStringAsBytes(&signature) || !outer.Empty() {
		return nil, badRequest("it is no PKCS#10 request")
	}
	o, ok := certs.ReadOID(&algorithm)
	if !ok || o != certs.OIDSM2WithSM3 || !algorithm.Empty() && !bytes.Equal(algorithm, []byte{5, 0}) {
		return nil, badRequest("it is not signed by SM2 with SM3")
	}
	key, attributes, err := parseRequestInfo(info)
	if err != nil {
		return nil, err
	}
	if err := checkAttributes(attributes); err != nil {
		return nil, err
	}
	if !sm2.VerifyASN1WithSM2(key, nil, info, signature) {
		return nil, badRequest("its proof of possession fails: the signature is not by its key")
	}
	return key, nil
}

// parseRequestInfo reads CertificationRequestInfo (RFC 2986 4.1). attributes
// is the content of its [0].
func parseRequestInfo(info cryptobyte.String) (key *ecdsa.PublicKey, attributes cryptobyte.String, err error) {
	var seq, subject, spki cryptobyte.String
	var version int
	var has bool
	if !info.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 0 || !seq.ReadASN1(&subject, asn1.SEQUENCE) ||
		!seq.ReadASN1Element(&spki, asn1.SEQUENCE) ||
		!seq.ReadOptionalASN1(&attributes, &has, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() {
		return nil, nil, badRequest("it is no PKCS#10 request")
	}
	if key, err = certs.ParsePublicKey(spki); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	return key, attributes, nil
}

// checkAttributes reads the attributes only to find what cannot be granted.
func checkAttributes(list cryptobyte.String) error {
	var seen []certs.OID
	for !list.Empty() {
		var attribute, values cryptobyte.String
		if !list.ReadASN1(&attribute, asn1.SEQUENCE) {
			return badRequest("an attribute")
		}
		o, ok := certs.ReadOID(&attribute)
		if !ok || !attribute.ReadASN1(&values, asn1.SET) || !attribute.Empty() || slices.Contains(seen, o) || len(seen) == maxAttributes {
			return badRequest("an attribute")
		}
		seen = append(seen, o)
		if o != oidExtensionRequest {
			continue
		}
		var requested cryptobyte.String
		if !values.ReadASN1(&requested, asn1.SEQUENCE) || !values.Empty() {
			return badRequest("the extensions that it asks for")
		}
		if err := checkRequested(requested); err != nil {
			return err
		}
	}
	return nil
}

func checkRequested(list cryptobyte.String) error {
	for n := 0; !list.Empty(); n++ {
		var extension, value cryptobyte.String
		var critical bool
		if !list.ReadASN1(&extension, asn1.SEQUENCE) || n == maxRequested {
			return badRequest("the extensions that it asks for")
		}
		o, ok := certs.ReadOID(&extension)
		if !ok || extension.PeekASN1Tag(asn1.BOOLEAN) && !extension.ReadASN1Boolean(&critical) ||
			!extension.ReadASN1(&value, asn1.OCTET_STRING) || !extension.Empty() {
			return badRequest("the extensions that it asks for")
		}
		if critical && !slices.Contains(settled, o) {
			return badRequest(fmt.Sprintf("it insists on extension %s, which is not given", o))
		}
		if o == "2.5.29.19" && asksForCA(value) {
			return badRequest("it asks for the certificate of an authority")
		}
	}
	return nil
}

// asksForCA: anything that is not plainly "no authority" is taken for the wish
// to be one.
func asksForCA(constraints cryptobyte.String) bool {
	var seq cryptobyte.String
	var isCA bool
	if !constraints.ReadASN1(&seq, asn1.SEQUENCE) {
		return true
	}
	return seq.PeekASN1Tag(asn1.BOOLEAN) && (!seq.ReadASN1Boolean(&isCA) || isCA) || !seq.Empty()
}
