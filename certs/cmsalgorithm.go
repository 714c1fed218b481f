package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// SHA-2: FIPS 180-4, RFC 5754 2.
const (
	oidSHA384 OID = "2.16.840.1.101.3.4.2.2"
	oidSHA512 OID = "2.16.840.1.101.3.4.2.3"
)

const (
	oidRSAPSS OID = "1.2.840.113549.1.1.10"
	oidMGF1   OID = "1.2.840.113549.1.1.8"
)

// digestAlgorithm of a SignedData. SHA-1 and what is older are not among them: a
// digest of the signer's choosing would let a weak one in.
type digestAlgorithm struct {
	oid  OID
	std  crypto.Hash // 0: SM3, which the standard library does not know
	size int
}

var digestAlgorithms = map[OID]digestAlgorithm{
	OIDSM3:    {OIDSM3, 0, sm3.Size},
	oidSHA256: {oidSHA256, crypto.SHA256, 32},
	oidSHA384: {oidSHA384, crypto.SHA384, 48},
	oidSHA512: {oidSHA512, crypto.SHA512, 64},
}

func (a digestAlgorithm) new() hash.Hash {
	if a.std == 0 {
		return sm3.New()
	}
	return a.std.New()
}

// digestAlgorithm reads one AlgorithmIdentifier: SM3, and abroad SHA-2.
func (d *dialect) digestAlgorithm(in *cryptobyte.String) (digestAlgorithm, error) {
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) {
		return digestAlgorithm{}, malformed("digest algorithm")
	}
	o, ok := ReadOID(&seq)
	if !ok || !emptyOrNull(seq) {
		return digestAlgorithm{}, malformed("digest algorithm")
	}
	a, ok := digestAlgorithms[o]
	if !ok || a.std != 0 && !d.foreign {
		return digestAlgorithm{}, fmt.Errorf("%w: digest algorithm %s", ErrUnsupported, o)
	}
	return a, nil
}

// digestAlgorithms reads the SET before the content, of which the one signer uses one.
func (d *dialect) digestAlgorithms(set cryptobyte.String) error {
	if d.foreign {
		// The signer's own is what counts; writers abroad list others too, or none.
		for n := 0; !set.Empty(); n++ {
			var one cryptobyte.String
			if !set.ReadASN1(&one, asn1.SEQUENCE) || n == maxCMSAttributes {
				return malformed("SignedData: digest algorithms")
			}
		}
		return nil
	}
	if _, err := d.digestAlgorithm(&set); err != nil || !set.Empty() {
		return malformed("SignedData: digest algorithms")
	}
	return nil
}

func onlySM3(in *cryptobyte.String) error {
	_, err := new(dialect).digestAlgorithm(in)
	return err
}

// signatureAlgorithm of a signer: its digest, and how the key signs it.
type signatureAlgorithm struct {
	digest digestAlgorithm
	kind   keyKind
	pss    bool
	salt   int
}

// signatureAlgorithm reads the content of an AlgorithmIdentifier. Abroad it may name
// the key alone, and where it names a digest too, that must be the signer's.
func (d *dialect) signatureAlgorithm(in cryptobyte.String, digest digestAlgorithm) (signatureAlgorithm, error) {
	o, ok := ReadOID(&in)
	if !ok {
		return signatureAlgorithm{}, malformed("signature algorithm")
	}
	out := signatureAlgorithm{digest: digest}
	switch {
	case o == OIDSM2WithSM3, o == OIDSM2Sign:
		out.kind, ok = kindSM2, digest.oid == OIDSM3
	case !d.foreign:
		ok = false
	case o == oidRSAPSS:
		out.kind, out.pss = kindRSA, true
		return out, out.readPSS(in)
	case o == oidRSA:
		out.kind, ok = kindRSA, digest.std != 0
	default:
		a, known := algorithms[o]
		out.kind, ok = a.kind, known && (a.kind == kindRSA || a.kind == kindECDSA) && a.hash == digest.std
	}
	if !ok || !emptyOrNull(in) {
		return out, fmt.Errorf("%w: signature algorithm %s", ErrUnsupported, o)
	}
	return out, nil
}

// readPSS reads RSASSA-PSS-params (RFC 4055 3.1): the digest of the mask and of the
// message must be the signer's. The defaults are SHA-1, so none may be left out.
func (a *signatureAlgorithm) readPSS(in cryptobyte.String) error {
	var params, field, mask cryptobyte.String
	bad := fmt.Errorf("%w: parameters of RSASSA-PSS", ErrUnsupported)
	tag := func(n int) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
	d := &dialect{foreign: true}
	if !in.ReadASN1(&params, asn1.SEQUENCE) || !in.Empty() || !params.ReadASN1(&field, tag(0)) {
		return bad
	}
	if digest, err := d.digestAlgorithm(&field); err != nil || digest != a.digest || digest.std == 0 || !field.Empty() {
		return bad
	}
	if !params.ReadASN1(&field, tag(1)) || !field.ReadASN1(&mask, asn1.SEQUENCE) || !field.Empty() {
		return bad
	}
	if o, ok := ReadOID(&mask); !ok || o != oidMGF1 {
		return bad
	}
	if digest, err := d.digestAlgorithm(&mask); err != nil || digest != a.digest || !mask.Empty() {
		return bad
	}
	if !params.ReadASN1(&field, tag(2)) || !field.ReadASN1Integer(&a.salt) || !field.Empty() || a.salt < 1 || a.salt > a.digest.size || !params.Empty() {
		return bad
	}
	return nil
}

// defaultUserID is that of GM/T 0009-2012 clause 10.
var defaultUserID = []byte("1234567812345678")

// hash is what the message is to be fed to: with SM2 it begins with ZA, so that it
// depends on the key (GM/T 0009).
func (a signatureAlgorithm) hash(signer *Certificate) (hash.Hash, error) {
	h := a.digest.new()
	if a.kind != kindSM2 {
		return h, nil
	}
	key, ok := signer.key.(sm2Key)
	if !ok {
		return nil, ErrSignature
	}
	za, err := sm2.CalculateZA(key.PublicKey, defaultUserID)
	if err != nil {
		return nil, ErrSignature
	}
	h.Write(za)
	return h, nil
}

func (a signatureAlgorithm) verifySum(signer *Certificate, sum, signature []byte) error {
	good := false
	switch key := signer.key.(type) {
	case sm2Key:
		good = a.kind == kindSM2 && sm2.VerifyASN1(key.PublicKey, sum, signature)
	case rsaKey:
		switch {
		case a.kind != kindRSA:
		case a.pss:
			good = rsa.VerifyPSS(key.PublicKey, a.digest.std, sum, signature, &rsa.PSSOptions{SaltLength: a.salt, Hash: a.digest.std}) == nil
		default:
			good = rsa.VerifyPKCS1v15(key.PublicKey, a.digest.std, sum, signature) == nil
		}
	case ecdsaKey:
		good = a.kind == kindECDSA && ecdsa.VerifyASN1(key.PublicKey, sum, signature)
	}
	if !good {
		return ErrSignature
	}
	return nil
}
