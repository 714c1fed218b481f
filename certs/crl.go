package certs

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// MaxCRL bounds a list: 100,000 entries take 4 MB.
const MaxCRL = 64 << 20

// maxRevoked bounds the entries: the shortest take 20 octets, of which MaxCRL
// would hold three million, and each takes five times that in memory.
const maxRevoked = 1 << 20

// CRL is a certificate revocation list, read strictly (RFC 5280 5). It may be
// of a part of its issuer's certificates, for some reasons only, or a delta:
// what a list leaves out says something of a certificate only if it Covers it.
type CRL struct {
	Raw, RawTBS, RawIssuer []byte
	Issuer                 Name
	AuthorityKeyID         []byte
	Number                 *big.Int
	BaseNumber             *big.Int // of a delta: the number it builds on; else nil
	ThisUpdate, NextUpdate time.Time
	Signature              []byte
	// Point is the issuingDistributionPoint; nil: every certificate of the
	// issuer, for every reason.
	Point       *IssuingDistributionPoint
	FreshestCRL []DistributionPoint

	algorithm algorithm
	rawPoint  []byte
	issuers   int       // how often an entry named one
	revoked   []Revoked // by serial, then by issuer
}

// Revoked is one entry. InvalidityDate is zero where the entry has none.
type Revoked struct {
	Serial         *big.Int
	At             time.Time
	Reason         int
	InvalidityDate time.Time
	// Issuer is who issued the certificate, if not the list's own issuer.
	Issuer *Name
}

// Reasons of RFC 5280 5.3.1.
const (
	ReasonUnspecified          = 0
	ReasonKeyCompromise        = 1
	ReasonCACompromise         = 2
	ReasonAffiliationChanged   = 3
	ReasonSuperseded           = 4
	ReasonCessationOfOperation = 5
	ReasonCertificateHold      = 6
	ReasonRemoveFromCRL        = 8
	ReasonPrivilegeWithdrawn   = 9
	ReasonAACompromise         = 10
)

// ParseCRL reads exactly one list signed with SM2.
func ParseCRL(der []byte) (*CRL, error) { return new(dialect).crl(der) }

// ParseAnyCRL reads a list that may be signed with RSA, DSA or ECDSA too.
func ParseAnyCRL(der []byte) (*CRL, error) { return (&dialect{foreign: true}).crl(der) }

// CheckSignatureFrom checks that issuer signed the list and may sign lists.
func (c *CRL) CheckSignatureFrom(issuer *Certificate) error {
	return c.checkFrom(issuer, issuer.key, false)
}

func (c *CRL) checkFrom(issuer *Certificate, key publicKey, sha1 bool) error {
	switch {
	case !c.Issuer.Equal(issuer.Subject):
		return fmt.Errorf("%w: the CRL is another issuer's", ErrUnknownIssuer)
	case issuer.KeyUsage&KeyUsageCRLSign == 0:
		return fmt.Errorf("%w: %s may not sign CRLs", ErrKeyUsage, issuer.Subject)
	}
	return c.algorithm.check(key, c.RawTBS, c.Signature, sha1)
}

// Find looks up a serial number of the list's own issuer.
func (c *CRL) Find(serial *big.Int) (Revoked, bool) { return c.find(serial, nil) }

// FindCertificate looks up a certificate, by its issuer and serial number. What
// is not found was not revoked only if the list Covers it.
func (c *CRL) FindCertificate(cert *Certificate) (Revoked, bool) {
	if cert.Issuer.Equal(c.Issuer) {
		return c.find(cert.Serial, nil)
	}
	return c.find(cert.Serial, &cert.Issuer)
}

func (c *CRL) find(serial *big.Int, issuer *Name) (Revoked, bool) {
	i, _ := slices.BinarySearchFunc(c.revoked, serial, func(r Revoked, s *big.Int) int { return r.Serial.Cmp(s) })
	for ; i < len(c.revoked) && c.revoked[i].Serial.Cmp(serial) == 0; i++ {
		if sameIssuer(c.revoked[i].Issuer, issuer) {
			return c.revoked[i], true
		}
	}
	return Revoked{}, false
}

func sameIssuer(a, b *Name) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// Len counts the entries.
func (c *CRL) Len() int { return len(c.revoked) }
