package certs

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func (d *dialect) crl(der []byte) (*CRL, error) {
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
	raw, algorithm, err := d.signature(&outer)
	if err != nil {
		return nil, err
	}
	c.algorithm = algorithm
	if !outer.ReadASN1BitStringAsBytes(&c.Signature) || !outer.Empty() {
		return nil, malformed("CRL: signature")
	}
	if err := d.crlTBS(c, tbs, raw); err != nil {
		return nil, err
	}
	slices.SortStableFunc(c.revoked, func(a, b Revoked) int { return a.Serial.Cmp(b.Serial) })
	if err := c.noneTwice(); err != nil {
		return nil, err
	}
	return c, nil
}

// maxEntryIssuers bounds how often an indirect list names an issuer: a name takes
// ten times its octets in memory, and a list could have one in each entry.
const maxEntryIssuers = 1 << 14

// maxSameSerial bounds how many issuers may share a serial number in an
// indirect list: each is looked at when the number is looked up.
const maxSameSerial = 64

func (c *CRL) noneTwice() error {
	first := 0 // of those with this serial
	for i := range c.revoked {
		if c.revoked[i].Serial.Cmp(c.revoked[first].Serial) != 0 {
			first = i
		}
		if i-first == maxSameSerial {
			return malformed("CRL: a serial number stands too often")
		}
		for _, earlier := range c.revoked[first:i] {
			if sameIssuer(earlier.Issuer, c.revoked[i].Issuer) {
				return malformed("CRL: a serial number stands twice")
			}
		}
	}
	return nil
}

func (d *dialect) crlTBS(c *CRL, tbs cryptobyte.String, algorithm []byte) error {
	var seq, issuer, entries, exts cryptobyte.String
	var version int
	if !tbs.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 1 {
		return malformed("CRL: not version 2")
	}
	inner, _, err := d.signature(&seq)
	if err != nil {
		return err
	}
	if !bytes.Equal(inner, algorithm) || !seq.ReadASN1Element(&issuer, asn1.SEQUENCE) {
		return malformed("CRL: algorithm or issuer")
	}
	c.RawIssuer = issuer
	if c.Issuer, err = d.name(issuer); err != nil {
		return err
	}
	var ok1, ok2 bool
	c.ThisUpdate, ok1 = readTime(&seq)
	c.NextUpdate, ok2 = readTime(&seq)
	// A list that never ends would stand for ever: nextUpdate is required
	// (RFC 5280 5.1.2.5).
	if !ok1 || !ok2 || c.NextUpdate.Before(c.ThisUpdate) {
		return malformed("CRL: times")
	}
	if seq.PeekASN1Tag(asn1.SEQUENCE) && !seq.ReadASN1(&entries, asn1.SEQUENCE) {
		return malformed("CRL: entries")
	}
	var present bool
	if !seq.ReadOptionalASN1(&exts, &present, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() || !present {
		return malformed("CRL: extensions")
	}
	if err := d.crlExtensions(c, exts); err != nil {
		return err
	}
	return d.crlEntries(c, entries)
}

func (d *dialect) crlExtensions(c *CRL, exts cryptobyte.String) error {
	list, err := d.extensionList(exts)
	if err != nil {
		return err
	}
	for _, e := range list {
		v := cryptobyte.String(e.Value)
		ok := true
		switch e.ID {
		case oidExtCRLNumber:
			c.Number, ok = readCRLNumber(&v)
		case oidExtDeltaCRL:
			c.BaseNumber, ok = readCRLNumber(&v)
		case oidExtAuthorityKeyID:
			var holder Certificate
			ok = holder.readAuthorityKeyID(&v)
			c.AuthorityKeyID = holder.AuthorityKeyID
		case oidExtIDP:
			// Whether it is marked critical or not, it says what the list is of.
			c.Point, ok = d.parseIDP(v)
			c.rawPoint, v = v, nil
		case oidExtFreshest:
			c.FreshestCRL, ok = d.distributionPoints(&v)
		default:
			if e.Critical {
				return fmt.Errorf("%w: CRL with critical extension %s", ErrUnsupported, e.ID)
			}
			v = nil
		}
		if !ok || !v.Empty() {
			return malformed(fmt.Sprintf("CRL: extension %s", e.ID))
		}
	}
	if c.Number == nil {
		return malformed("CRL: no number")
	}
	return nil
}

func readCRLNumber(v *cryptobyte.String) (*big.Int, bool) {
	n := new(big.Int)
	return n, v.ReadASN1Integer(n) && n.Sign() >= 0 && n.BitLen()/8+1 <= maxSerial // RFC 5280 5.2.3
}

func (d *dialect) crlEntries(c *CRL, list cryptobyte.String) error {
	n := 0
	for rest := list; !rest.Empty(); n++ {
		if !rest.SkipASN1(asn1.SEQUENCE) || n == maxRevoked {
			return malformed("CRL: entries")
		}
	}
	c.revoked = make([]Revoked, 0, n)
	var issuer *Name // of the entries from here on (RFC 5280 5.3.3)
	for !list.Empty() {
		var entry cryptobyte.String
		if !list.ReadASN1(&entry, asn1.SEQUENCE) {
			return malformed("CRL: entry")
		}
		r := Revoked{Issuer: issuer}
		var err error
		var ok bool
		if r.Serial, err = d.serial(&entry); err != nil {
			return err
		}
		if r.At, ok = readTime(&entry); !ok {
			return malformed("CRL: entry's time")
		}
		if !entry.Empty() {
			if err := d.entryExtensions(c, &r, entry); err != nil {
				return err
			}
		}
		issuer = r.Issuer
		c.revoked = append(c.revoked, r)
	}
	return nil
}

func (d *dialect) entryExtensions(c *CRL, r *Revoked, s cryptobyte.String) error {
	exts, err := d.extensionList(s)
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
		case oidExtCertIssuer:
			r.Issuer, ok = d.entryIssuer(c, v)
		default:
			ok = !e.Critical
		}
		if !ok {
			return malformed(fmt.Sprintf("CRL: entry's extension %s", e.ID))
		}
	}
	return nil
}

// entryIssuer reads who issued the certificates of an indirect list from this
// entry on; nil is the list's own issuer. In another list the extension has no
// place (RFC 5280 5.3.3), and what it would mean there is not guessed.
func (d *dialect) entryIssuer(c *CRL, v cryptobyte.String) (*Name, bool) {
	var list cryptobyte.String
	if c.Point == nil || !c.Point.Indirect || !v.ReadASN1(&list, asn1.SEQUENCE) || !v.Empty() {
		return nil, false
	}
	if c.issuers++; c.issuers > maxEntryIssuers {
		return nil, false
	}
	names, ok := d.generalNames(list)
	if !ok || len(names) != 1 || names[0].Form != FormDirectory {
		return nil, false
	}
	if names[0].Directory.Equal(c.Issuer) {
		return nil, true
	}
	return &names[0].Directory, true
}
