package ca

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"yinxin/certs"
)

// ProfileConfig is a row of protocol.md 9; NewProfile makes it a Profile.
type ProfileConfig struct {
	Name        string
	Life        time.Duration
	KeyUsage    certs.KeyUsage
	EKU         certs.OID // "" for none
	EKUCritical bool
	CA          bool
	PathLen     int // of a CA; -1 for no limit
	OCSPNoCheck bool
	Seal        bool        // subject of the national e-seal PKI: USCC and unit name, 14-digit code
	Policies    []certs.OID // each is written with the address of the practice statement
	Settings
}

// Settings are what the operator may set of a profile, within the limits of its
// row in protocol.md 9, beside the life.
type Settings struct {
	// Permitted are the directory names below which a CA may certify, each below
	// C=CN; none permits all (RFC 5280 4.2.1.10).
	Permitted []Name `cbor:"4,keyasint,omitempty" json:"permitted,omitempty"`
	// RequirePolicy has whoever validates ask for a policy in all that a CA
	// certifies (RFC 5280 4.2.1.11).
	RequirePolicy bool `cbor:"5,keyasint,omitempty" json:"requirePolicy,omitempty"`
	// FullCRL names the issuer's whole list instead of a part of it, FreshestCRL
	// its delta list too.
	FullCRL     bool `cbor:"6,keyasint,omitempty" json:"fullCRL,omitempty"`
	FreshestCRL bool `cbor:"7,keyasint,omitempty" json:"freshestCRL,omitempty"`
}

// Profile is a validated, immutable ProfileConfig.
type Profile struct {
	c       ProfileConfig
	version uint32 // 0: as the program has it
}

// Name of the profile, as rows have it.
func (p Profile) Name() string { return p.c.Name }

const (
	// maxLife is that of a root (protocol.md 9): keys of 256 bits are not to be
	// relied upon for longer.
	maxLife = 20 * year
	// maxEntityLife is the longest in protocol.md 9 of a key that is used every
	// day, and so can be stolen every day.
	maxEntityLife = 5 * year
	// maxUncheckedLife is that of a certificate about which nobody can ask
	// whether it is revoked: RFC 6960 4.2.2.2.1 wants it short.
	maxUncheckedLife = 90 * day
	// minLife keeps a misread unit from making certificates that are dead on
	// arrival, and a register full of them.
	minLife = time.Hour
	// maxPermitted bounds the name constraints: each costs work at every
	// validation below it.
	maxPermitted = 16
)

// NewProfile refuses relations that no certificate may have.
func NewProfile(c ProfileConfig) (Profile, error) {
	signsCerts := c.KeyUsage&certs.KeyUsageCertSign != 0
	encrypts := c.KeyUsage&(certs.KeyUsageKeyEncipherment|certs.KeyUsageDataEncipherment|certs.KeyUsageKeyAgreement) != 0
	signs := c.KeyUsage&(certs.KeyUsageDigitalSignature|certs.KeyUsageNonRepudiation) != 0
	wrong := func(format string, args ...any) (Profile, error) {
		return Profile{}, fmt.Errorf("profile "+c.Name+": "+format, args...)
	}
	switch {
	case c.Name == "" || c.Life < minLife:
		return wrong("its name is missing or its life of %s is under %s", c.Life, minLife)
	case c.KeyUsage == 0: // RFC 5280 4.2.1.3: at least one bit
		return wrong("a key for no use")
	case c.Life > maxLife:
		return wrong("a life of %s is longer than a root's %s", c.Life, maxLife)
	case !c.CA && c.Life > maxEntityLife:
		return wrong("a life of %s; who is no authority lives %s at most", c.Life, maxEntityLife)
	case c.OCSPNoCheck && c.Life > maxUncheckedLife:
		return wrong("a life of %s; what nobody can ask about lives %s at most", c.Life, maxUncheckedLife)
	case c.CA != signsCerts: // RFC 5280 4.2.1.9
		return wrong("certSign goes with a CA and only with one")
	case !c.CA && c.PathLen != 0, c.PathLen < -1: // RFC 5280 4.2.1.9
		return wrong("a path length of %d", c.PathLen)
	case c.CA && c.EKU != "":
		return wrong("a CA with an extended key usage")
	case encrypts && (signs || c.CA): // GB/T 25056: signing and encryption keys are apart
		return wrong("one key to sign and to encrypt")
	case c.EKU == certs.OIDEKUAny: // RFC 5280 4.2.1.12
		return wrong("a key for any purpose")
	case c.EKU == certs.OIDEKUTimeStamping && !c.EKUCritical: // RFC 3161 2.3
		return wrong("timeStamping must be critical")
	case c.EKUCritical && c.EKU == "":
		return wrong("a critical extended key usage that is missing")
	case c.OCSPNoCheck && c.EKU != certs.OIDEKUOCSPSigning: // RFC 6960 4.2.2.2.1
		return wrong("ocsp-nocheck without OCSPSigning")
	case c.Seal && (!signs || c.EKU != ""): // protocol.md 1: a seal's key signs stamps and nothing else
		return wrong("a seal's key signs, and has no extended key usage")
	}
	if err := c.checkPolicies(); err != nil {
		return wrong("%w", err)
	}
	if err := c.checkSettings(); err != nil {
		return wrong("%w", err)
	}
	c.Policies, c.Permitted = slices.Clone(c.Policies), slices.Clone(c.Permitted)
	return Profile{c: c}, nil
}

// checkPolicies: protocol.md 9. What is made for a demonstration must never pass
// for the real thing beside it.
func (c *ProfileConfig) checkPolicies() error {
	for i, p := range c.Policies {
		switch {
		case p == certs.OIDAnyPolicy && (!c.CA || len(c.Policies) > 1):
			return errors.New("any policy, for one that is no CA or beside another")
		case p != certs.OIDAnyPolicy && p != certs.OIDPolicyAgencySeal && p != certs.OIDPolicyPerson && p != certs.OIDPolicyService && p != certs.OIDPolicyDemonstration:
			return fmt.Errorf("%s is no policy of ours", p)
		case slices.Contains(c.Policies[:i], p): // RFC 5280 4.2.1.4
			return fmt.Errorf("policy %s comes twice", p)
		case p == certs.OIDPolicyDemonstration && len(c.Policies) > 1:
			return errors.New("the policy of demonstrations beside another")
		case !c.CA && len(c.Policies) > 1:
			return errors.New("a certificate of two policies, which none of our practices is")
		case c.Seal != (p == certs.OIDPolicyAgencySeal) && !c.CA && p != certs.OIDPolicyDemonstration:
			return fmt.Errorf("policy %s goes with a seal's subject and only with one", certs.OIDPolicyAgencySeal)
		}
	}
	return nil
}

func (c *ProfileConfig) checkSettings() error {
	switch {
	case !c.CA && (len(c.Permitted) > 0 || c.RequirePolicy): // RFC 5280 4.2.1.10, 4.2.1.11
		return errors.New("name or policy constraints of one that is no CA")
	case len(c.Permitted) > maxPermitted:
		return fmt.Errorf("%d name constraints, of at most %d", len(c.Permitted), maxPermitted)
	case c.FreshestCRL && !c.FullCRL: // RFC 5280 6.3.3 (c): a delta list has the scope of its base
		return errors.New("a delta list is named beside a full list only")
	}
	for _, n := range c.Permitted {
		if n.Organization != "" && !plainName(n.Organization) || n.CommonName != "" {
			return fmt.Errorf("the name constraint %q is no organization", n.Organization+n.CommonName)
		}
	}
	return nil
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Names of the profiles.
const (
	ProfileRoot       = "root"
	ProfileIssuing    = "issuing"
	ProfileSealMaker  = "seal-maker"
	ProfileAgencySeal = "agency-seal"
	ProfilePerson     = "person"
	ProfileEncryption = "encryption"
	ProfileTSA        = "tsa"
	ProfileOCSP       = "ocsp"
	ProfileStatus     = "status"
	ProfileQR         = "qr"
	ProfileJournal    = "journal"
	ProfileTrustList  = "trust-list"
	ProfileWitness    = "witness"
	ProfileClient     = "client"
)

// standardProfiles is the table of protocol.md 9, with the policy of
// demonstrations in the place of every other if the province is one.
func standardProfiles(demonstration bool) (map[string]Profile, error) {
	const (
		sign    = certs.KeyUsageDigitalSignature
		signFor = certs.KeyUsageDigitalSignature | certs.KeyUsageNonRepudiation
		ca      = certs.KeyUsageCertSign | certs.KeyUsageCRLSign
		encrypt = certs.KeyUsageKeyEncipherment | certs.KeyUsageDataEncipherment | certs.KeyUsageKeyAgreement
	)
	// An issuing CA of the house's own may issue under all of its policies, and says
	// so by the one identifier that every reader knows: those that count in 32 bits
	// could not read it by the names of ours, nor then any list or answer below it.
	ofAny := []certs.OID{certs.OIDAnyPolicy}
	ofSeal, ofPerson, ofService := []certs.OID{certs.OIDPolicyAgencySeal}, []certs.OID{certs.OIDPolicyPerson}, []certs.OID{certs.OIDPolicyService}
	out := map[string]Profile{}
	for _, c := range []ProfileConfig{
		{Name: ProfileRoot, Life: 20 * year, KeyUsage: ca, CA: true, PathLen: -1},
		{Name: ProfileIssuing, Life: 10 * year, KeyUsage: ca, CA: true, PathLen: 0, Policies: ofAny},
		{Name: ProfileSealMaker, Life: 5 * year, KeyUsage: signFor, EKU: certs.OIDEKUSealMaker, Policies: ofService},
		{Name: ProfileAgencySeal, Life: 3 * year, KeyUsage: signFor, Seal: true, Policies: ofSeal},
		{Name: ProfilePerson, Life: 3 * year, KeyUsage: signFor, Policies: ofPerson},
		{Name: ProfileEncryption, Life: 3 * year, KeyUsage: encrypt, Policies: ofService},
		{Name: ProfileTSA, Life: 5 * year, KeyUsage: signFor, EKU: certs.OIDEKUTimeStamping, EKUCritical: true, Policies: ofService},
		{Name: ProfileOCSP, Life: 90 * day, KeyUsage: sign, EKU: certs.OIDEKUOCSPSigning, OCSPNoCheck: true, Policies: ofService},
		{Name: ProfileStatus, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUStatusSigner, Policies: ofService},
		{Name: ProfileQR, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUQRSigner, Policies: ofService},
		{Name: ProfileJournal, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUJournal, Policies: ofService},
		{Name: ProfileTrustList, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUTrustList, Policies: ofService},
		{Name: ProfileWitness, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUWitness, Policies: ofService},
		{Name: ProfileClient, Life: year, KeyUsage: sign, EKU: certs.OIDEKUClientAuth, Policies: ofService},
	} {
		if demonstration && len(c.Policies) > 0 {
			c.Policies = []certs.OID{certs.OIDPolicyDemonstration}
		}
		p, err := NewProfile(c)
		if err != nil {
			return nil, err
		}
		out[c.Name] = p
	}
	return out, nil
}
