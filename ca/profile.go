package ca

import (
	"errors"
	"fmt"
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
}

// Profile is a validated, immutable ProfileConfig.
type Profile struct{ c ProfileConfig }

// Name of the profile, as rows have it.
func (p Profile) Name() string { return p.c.Name }

// NewProfile refuses relations that no certificate may have.
func NewProfile(c ProfileConfig) (Profile, error) {
	signsCerts := c.KeyUsage&certs.KeyUsageCertSign != 0
	encrypts := c.KeyUsage&(certs.KeyUsageKeyEncipherment|certs.KeyUsageDataEncipherment|certs.KeyUsageKeyAgreement) != 0
	signs := c.KeyUsage&(certs.KeyUsageDigitalSignature|certs.KeyUsageNonRepudiation) != 0
	switch {
	case c.Name == "" || c.Life < time.Hour:
		return Profile{}, errors.New("profile: name or life is missing")
	case c.KeyUsage == 0: // RFC 5280 4.2.1.3: at least one bit
		return Profile{}, fmt.Errorf("profile %s: a key for no use", c.Name)
	case c.Life > 20*year:
		return Profile{}, fmt.Errorf("profile %s: it lives longer than a root", c.Name)
	case c.CA != signsCerts: // RFC 5280 4.2.1.9
		return Profile{}, fmt.Errorf("profile %s: certSign goes with a CA and only with one", c.Name)
	case !c.CA && c.PathLen != 0, c.PathLen < -1: // RFC 5280 4.2.1.9
		return Profile{}, fmt.Errorf("profile %s: a path length of %d", c.Name, c.PathLen)
	case c.CA && c.EKU != "":
		return Profile{}, fmt.Errorf("profile %s: a CA with an extended key usage", c.Name)
	case encrypts && (signs || c.CA): // GB/T 25056: signing and encryption keys are apart
		return Profile{}, fmt.Errorf("profile %s: one key to sign and to encrypt", c.Name)
	case c.EKU == certs.OIDEKUTimeStamping && !c.EKUCritical: // RFC 3161 2.3
		return Profile{}, fmt.Errorf("profile %s: timeStamping must be critical", c.Name)
	case c.EKUCritical && c.EKU == "":
		return Profile{}, fmt.Errorf("profile %s: a critical extended key usage that is missing", c.Name)
	case c.OCSPNoCheck && c.EKU != certs.OIDEKUOCSPSigning: // RFC 6960 4.2.2.2.1
		return Profile{}, fmt.Errorf("profile %s: ocsp-nocheck without OCSPSigning", c.Name)
	}
	return Profile{c}, nil
}

const year = 365 * 24 * time.Hour

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

// standardProfiles is the table of protocol.md 9.
func standardProfiles() (map[string]Profile, error) {
	const (
		sign    = certs.KeyUsageDigitalSignature
		signFor = certs.KeyUsageDigitalSignature | certs.KeyUsageNonRepudiation
		ca      = certs.KeyUsageCertSign | certs.KeyUsageCRLSign
		encrypt = certs.KeyUsageKeyEncipherment | certs.KeyUsageDataEncipherment | certs.KeyUsageKeyAgreement
		day     = 24 * time.Hour
	)
	out := map[string]Profile{}
	for _, c := range []ProfileConfig{
		{Name: ProfileRoot, Life: 20 * year, KeyUsage: ca, CA: true, PathLen: -1},
		{Name: ProfileIssuing, Life: 10 * year, KeyUsage: ca, CA: true, PathLen: 0},
		{Name: ProfileSealMaker, Life: 5 * year, KeyUsage: signFor, EKU: certs.OIDEKUSealMaker},
		{Name: ProfileAgencySeal, Life: 3 * year, KeyUsage: signFor},
		{Name: ProfilePerson, Life: 3 * year, KeyUsage: signFor},
		{Name: ProfileEncryption, Life: 3 * year, KeyUsage: encrypt},
		{Name: ProfileTSA, Life: 5 * year, KeyUsage: signFor, EKU: certs.OIDEKUTimeStamping, EKUCritical: true},
		{Name: ProfileOCSP, Life: 90 * day, KeyUsage: sign, EKU: certs.OIDEKUOCSPSigning, OCSPNoCheck: true},
		{Name: ProfileStatus, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUStatusSigner},
		{Name: ProfileQR, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUQRSigner},
		{Name: ProfileJournal, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUJournal},
		{Name: ProfileTrustList, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUTrustList},
		{Name: ProfileWitness, Life: 2 * year, KeyUsage: sign, EKU: certs.OIDEKUWitness},
		{Name: ProfileClient, Life: year, KeyUsage: sign, EKU: certs.OIDEKUClientAuth},
	} {
		p, err := NewProfile(c)
		if err != nil {
			return nil, err
		}
		out[c.Name] = p
	}
	return out, nil
}

// Purpose names a key and certificate of the offices' own.
type Purpose string

const (
	PurposeRoot      Purpose = "root"
	PurposeIssuing   Purpose = "issuing"
	PurposeSealMaker Purpose = "seal-maker" // 制章者
	PurposeTSA       Purpose = "tsa"
	PurposeOCSP      Purpose = "ocsp"
	PurposeOCSPRoot  Purpose = "ocsp-root" // answers for what the root issued
	PurposeStatus    Purpose = "status"
	PurposeQR        Purpose = "qr"
	PurposeJournal   Purpose = "journal"
	PurposeTrustList Purpose = "trust-list" // signs the region list
	PurposeScheme    Purpose = "scheme"     // signs the scheme list, until offline keys take over
)

// purposeSpec is how the certificate of a purpose is made: its profile, its issuer
// and what stands behind the region's name in its CN.
type purposeSpec struct {
	purpose Purpose
	profile string
	issuer  Purpose
	title   string
}

// purposes in the order in which they are made.
var purposes = []purposeSpec{{PurposeRoot, ProfileRoot, PurposeRoot, "根证书"},
	{PurposeIssuing, ProfileIssuing, PurposeRoot, "签发证书"},
	{PurposeSealMaker, ProfileSealMaker, PurposeIssuing, "统一电子印章制作系统"},
	{PurposeTSA, ProfileTSA, PurposeIssuing, "时间戳服务"},
	{PurposeOCSP, ProfileOCSP, PurposeIssuing, "证书状态服务"},
	{PurposeStatus, ProfileStatus, PurposeIssuing, "印章与证照状态服务"},
	{PurposeQR, ProfileQR, PurposeIssuing, "证照二维码"},
	{PurposeJournal, ProfileJournal, PurposeIssuing, "日志"},
	{PurposeTrustList, ProfileTrustList, PurposeIssuing, "信任列表"},
	// No region's authority stands above the scheme: its key is known by its
	// fingerprint, and signs for itself.
	{PurposeScheme, ProfileTrustList, PurposeScheme, "信任体系列表"},
	// RFC 6960 4.2.2.2 has a responder certified by the very authority that it
	// answers for, so the root has one of its own and need not sign answers itself.
	{PurposeOCSPRoot, ProfileOCSP, PurposeRoot, "根证书状态服务"},
}
