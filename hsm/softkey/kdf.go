package softkey

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"

	"github.com/emmansun/gmsm/pkcs"
)

// gmsslKDF is PBKDF2 with HMAC-SM3 whose parameters are absent. The library
// writes NULL there, and GmSSL then refuses the file.
type gmsslKDF struct{ pkcs.PBKDF2Opts }

// gmsslParams is PBKDF2-params (RFC 8018 A.2) as it is written.
type gmsslParams struct {
	Salt       []byte
	Iterations int
	KeyLen     int
	PRF        pkix.AlgorithmIdentifier
}

var oidHMACWithSM3 = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 401, 2}

func (k gmsslKDF) DeriveKey(password, salt []byte, size int) ([]byte, pkcs.KDFParameters, error) {
	key, _, err := k.PBKDF2Opts.DeriveKey(password, salt, size)
	return key, gmsslParams{salt, k.IterationCount, size, pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSM3}}, err
}

// DeriveKey is for readers; the library reads what this type wrote by its own.
func (gmsslParams) DeriveKey(asn1.ObjectIdentifier, []byte, int) ([]byte, error) {
	return nil, errors.New("softkey: these parameters are only written")
}

func (p gmsslParams) KeyLength() int { return p.KeyLen }
