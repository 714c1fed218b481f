package certs

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCRL bounds a list: 100,000 entries take 4 MB.
const MaxCRL = 64 << 20

// maxRevoked bounds the entries: the shortest take 20 octets, of which MaxCRL
// would hold three million, and each takes five times that in memory.
const maxRevoked = 1 << 20

// CRL is a full certificate revocation list, read strictly (RFC 5280 5). A
// delta or partitioned list has a critical extension and is refused, since it
// does not speak for every certificate.
type CRL struct {
	Raw, RawTBS, RawIssuer []byte
	AuthorityKeyID         []byte
	Number                 *big.Int
	ThisUpdate, NextUpdate time.Time
	Signature              []byte
	revoked                []Revoked // by serial
}

// Revoked is one entry. InvalidityDate is zero where the entry has none.
type Revoked struct {
	Serial         *big.Int
	At             time.Time
	Reason         int
	InvalidityDate time.Time
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

// ParseCRL reads exactly one list.
func ParseCRL(der []byte) (*CRL, error) {
	if len(der) > MaxCRL {
		return nil, malformed("CRL: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return nil, malformed("CRL")
	}
	c := &CRL{Raw: der, RawTBS: tbs}
	algorithm, err := signatureAlgorithm(&outer)
	if err != nil {
		return nil, err
	}
	if !outer.ReadASN1BitStringAsBytes(&c.Signature) || !outer.Empty() {
		return nil, malformed("CRL: signature")
	}
	if err := c.parseTBS(tbs, algorithm); err != nil {
		return nil, err
	}
	slices.SortFunc(c.revoked, func(a, b Revoked) int { return a.Serial.Cmp(b.Serial) })
	for i := 1; i < len(c.revoked); i++ {
		if c.revoked[i].Serial.Cmp(c.revoked[i-1].Serial) == 0 {
			return nil, malformed("CRL: a serial number stands twice")
		}
	}
	return c, nil
}

func (c *CRL) parseTBS(tbs cryptobyte.String, algorithm []byte) error {
	var seq, issuer, entries, exts cryptobyte.String
	var version int
	if !tbs.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 1 {
		return malformed("CRL: not version 2")
	}
	inner, err := signatureAlgorithm(&seq)
	if err != nil {
		return err
	}
	if !bytes.Equal(inner, algorithm) || !seq.ReadASN1Element(&issuer, asn1.SEQUENCE) {
		return malformed("CRL: algorithm or issuer")
	}
	c.RawIssuer = issuer
	var ok1, ok2 bool
	c.ThisUpdate, ok1 = readTime(&seq)
	c.NextUpdate, ok2 = readTime(&seq)
	// A list that never ends would stand for ever: nextUpdate is required
	// (RFC 5280 5.1.2.5).
	if !ok1 || !ok2 || c.NextUpdate.Before(c.ThisUpdate) {
		return malformed("CRL: times")
	}
	if seq.PeekASN1Tag(asn1.SEQUENCE) {
		if !seq.ReadASN1(&entries, asn1.SEQUENCE) {
			return malformed("CRL: entries")
		}
		if err := c.parseEntries(entries); err != nil {
			return err
		}
	}
	var present bool
	if !seq.ReadOptionalASN1(&exts, &present, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() || !present {
		return malformed("CRL: extensions")
	}
	return c.parseExtensions(exts)
}

func (c *CRL) parseExtensions(exts cryptobyte.String) error {
	list, err := readExtensions(exts)
	if err != nil {
		return err
	}
	for _, e := range list {
		v := cryptobyte.String(e.Value)
		switch e.ID {
		case oidExtCRLNumber:
			c.Number = new(big.Int)
			if !v.ReadASN1Integer(c.Number) || !v.Empty() || c.Number.Sign() < 0 || c.Number.BitLen()/8+1 > maxSerial { // RFC 5280 5.2.3
				return malformed("CRL: number")
			}
		case oidExtAuthorityKeyID:
			var holder Certificate
			if !holder.readAuthorityKeyID(&v) || !v.Empty() {
				return malformed("CRL: authority key identifier")
			}
			c.AuthorityKeyID = holder.AuthorityKeyID
		default:
			if e.Critical {
				return fmt.Errorf("%w: CRL with critical extension %s", ErrUnsupported, e.ID)
			}
		}
	}
	if c.Number == nil {
		return malformed("CRL: no number")
	}
	return nil
}

func (c *CRL) parseEntries(list cryptobyte.String) error {
	n := 0
	for rest := list; !rest.Empty(); n++ {
		if !rest.SkipASN1(asn1.SEQUENCE) || n == maxRevoked {
			return malformed("CRL: entries")
		}
	}
	c.revoked = make([]Revoked, 0, n)
	for !list.Empty() {
		var entry cryptobyte.String
		if !list.ReadASN1(&entry, asn1.SEQUENCE) {
			return malformed("CRL: entry")
		}
		var r Revoked
		var err error
		var ok bool
		if r.Serial, err = readSerial(&entry); err != nil {
			return err
		}
		if r.At, ok = readTime(&entry); !ok {
			return malformed("CRL: entry's time")
		}
		if !entry.Empty() {
			if err := r.parseExtensions(entry); err != nil {
				return err
			}
		}
		c.revoked = append(c.revoked, r)
	}
	return nil
}

func (r *Revoked) parseExtensions(s cryptobyte.String) error {
	exts, err := readExtensions(s)
	if err != nil {
		return err
	}
	for _, e := range exts {
		v := cryptobyte.String(e.Value)
		ok := true
		switch e.ID {
		case oidExtReason:
			ok = v.ReadASN1Enum(&r.Reason) && v.Empty()
		case oidExtInvalidity:
			r.InvalidityDate, ok = readGeneralizedTime(&v)
			ok = ok && v.Empty()
		default:
			ok = !e.Critical
		}
		if !ok {
			return malformed(fmt.Sprintf("CRL: entry's extension %s", e.ID))
		}
	}
	return nil
}

// CheckSignatureFrom checks that issuer signed the list and may sign lists.
func (c *CRL) CheckSignatureFrom(issuer *Certificate) error {
	switch {
	case !bytes.Equal(c.RawIssuer, issuer.RawSubject):
		return fmt.Errorf("%w: the CRL is another issuer's", ErrUnknownIssuer)
	case issuer.KeyUsage&KeyUsageCRLSign == 0:
		return fmt.Errorf("%w: %s may not sign CRLs", ErrKeyUsage, issuer.Subject)
	}
	return issuer.Verify(c.RawTBS, c.Signature)
}

// Find looks a serial number up.
func (c *CRL) Find(serial *big.Int) (Revoked, bool) {
	i, found := slices.BinarySearchFunc(c.revoked, serial, func(r Revoked, s *big.Int) int { return r.Serial.Cmp(s) })
	if !found {
		return Revoked{}, false
	}
	return c.revoked[i], true
}

// Len counts the entries.
func (c *CRL) Len() int { return len(c.revoked) }
