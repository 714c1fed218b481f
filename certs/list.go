package certs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gowebpki/jcs"
)

// SchemeIssuer is the iss of a scheme list: it is no region's.
const SchemeIssuer = "scheme"

// ListLife is the longest that a list may live: where nothing can be
// remembered its expiry is the only protection from an old one (protocol.md 3).
const ListLife = 7 * 24 * time.Hour

// Limits of the lists.
const (
	maxSchemeKeys = 16
	maxRegions    = 100
	maxServices   = 512
)

// SchemeList names the regions; it is signed by K of the Keys that it names
// itself (protocol.md 3).
type SchemeList struct {
	Iss      string         `json:"iss"` // "scheme"
	Iat      time.Time      `json:"iat"`
	Exp      time.Time      `json:"exp"`
	Sequence uint64         `json:"sequence"`
	K        int            `json:"k"`
	Keys     []Base64       `json:"keys"` // certificates, DER
	Regions  []SchemeRegion `json:"regions"`
}

// SchemeRegion is one region as the scheme names it: who may sign its list.
type SchemeRegion struct {
	Code string   `json:"code"` // GB/T 2260
	Name string   `json:"name"`
	URL  string   `json:"url"`
	Keys []Base64 `json:"keys"` // certificates of its list signer, DER
}

// RegionList is what a region says of itself.
type RegionList struct {
	Iss      string          `json:"iss"` // the region's code
	Iat      time.Time       `json:"iat"`
	Exp      time.Time       `json:"exp"`
	Sequence uint64          `json:"sequence"`
	Name     string          `json:"name"`
	NameEn   string          `json:"nameEn,omitempty"`
	URL      string          `json:"url"`
	Services []RegionService `json:"services"`
}

// RegionService is one service and its history. Entries are never removed.
type RegionService struct {
	Type          ServiceType     `json:"type"`
	Name          string          `json:"name"`
	Certificate   Base64          `json:"certificate"`
	Addresses     []string        `json:"addresses,omitempty"`
	Prefixes      []string        `json:"prefixes,omitempty"`      // region codes it may speak for
	Organisations []string        `json:"organisations,omitempty"` // USCCs, none for all
	History       []ServiceStatus `json:"history"`
}

// ServiceStatus is a state since a moment, oldest first; checkHistory has its rules.
type ServiceStatus struct {
	State ServiceState `json:"state"`
	Since time.Time    `json:"since"`
}

// ServiceState: protocol.md 3.
type ServiceState string

const (
	Granted    ServiceState = "granted"
	Withdrawn  ServiceState = "withdrawn"  // what was proven before stays good
	Distrusted ServiceState = "distrusted" // compromise: the region's own TSA proves nothing
)

// ServiceType says what a service's key may speak for.
type ServiceType string

const (
	ServiceAgencyCA     ServiceType = "agency-ca"
	ServiceSealMaker    ServiceType = "seal-maker"
	ServiceTSA          ServiceType = "tsa"
	ServiceOCSP         ServiceType = "ocsp"
	ServiceStatusSigner ServiceType = "status-signer"
	ServiceQRSigner     ServiceType = "qr-signer"
	ServiceJournal      ServiceType = "journal"
	ServiceWitness      ServiceType = "witness"
	ServiceCompanionCA  ServiceType = "companion-ca"
)

// serviceEKU is the extended key usage that a signature of a service must come
// with, "" for those that need none.
var serviceEKU = map[ServiceType]OID{
	ServiceAgencyCA: "", ServiceCompanionCA: "", ServiceSealMaker: OIDEKUSealMaker, ServiceTSA: OIDEKUTimeStamping,
	ServiceOCSP: OIDEKUOCSPSigning, ServiceStatusSigner: OIDEKUStatusSigner, ServiceQRSigner: OIDEKUQRSigner,
	ServiceJournal: OIDEKUJournal, ServiceWitness: OIDEKUWitness,
}

// SignSchemeList signs by each of the signers; how many are needed is in the
// list and in the one before it.
func SignSchemeList(ctx context.Context, l SchemeList, signers []StatementSigner) ([]byte, error) {
	l.Iss = SchemeIssuer
	if err := l.check(); err != nil {
		return nil, err
	}
	return signStatement(ctx, TypeSchemeList, l, signers)
}

// SignRegionList signs by the key that the scheme list names for the region.
func SignRegionList(ctx context.Context, l RegionList, signer StatementSigner) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return signStatement(ctx, TypeRegionList, l, []StatementSigner{signer})
}

func (l *SchemeList) check() error {
	switch {
	case l.Iss != SchemeIssuer || l.Sequence == 0:
		return malformed("scheme list: issuer or sequence")
	case l.K < 1 || l.K > len(l.Keys) || len(l.Keys) > maxSchemeKeys:
		return malformed("scheme list: k and its keys")
	case len(l.Regions) > maxRegions:
		return malformed("scheme list: too many regions")
	case l.Exp.Sub(l.Iat) > ListLife:
		return malformed("scheme list: it lives too long")
	}
	seen := map[string]bool{}
	for _, r := range l.Regions {
		if !regionCode(r.Code) || seen[r.Code] || len(r.Keys) == 0 || len(r.Keys) > maxSchemeKeys {
			return malformed("scheme list: region")
		}
		seen[r.Code] = true
	}
	return nil
}

func (l *RegionList) check() error {
	switch {
	case !regionCode(l.Iss) || l.Sequence == 0:
		return malformed("region list: region or sequence")
	case len(l.Services) > maxServices:
		return malformed("region list: too many services")
	case l.Exp.Sub(l.Iat) > ListLife:
		return malformed("region list: it lives too long")
	}
	for _, s := range l.Services {
		if _, ok := serviceEKU[s.Type]; !ok {
			return fmt.Errorf("%w: service type %q", ErrUnsupported, s.Type)
		}
		if err := checkHistory(s.History); err != nil {
			return err
		}
		for _, p := range s.Prefixes {
			// A region speaks for its own seals alone: protocol.md 3.
			if !strings.HasPrefix(p, l.Iss[:2]) {
				return malformed("region list: a service speaks for another region")
			}
		}
	}
	return nil
}

// regionCode is six digits of GB/T 2260.
func regionCode(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

// keySet is what a fingerprint stands for: the keys that sign scheme lists and
// how many of them are needed.
func (l *SchemeList) keySet() ([]byte, error) {
	b, err := json.Marshal(struct {
		K    int      `json:"k"`
		Keys []Base64 `json:"keys"`
	}{l.K, l.Keys})
	if err != nil {
		return nil, err
	}
	return jcs.Transform(b)
}

// Anchor is the fingerprint of the scheme's keys: hex SM3 of the RFC 8785 form
// of {"k": …, "keys": […]} as the list has them. It stays the same while keys
// and k do, whatever else the lists say.
func (l *SchemeList) Anchor() (string, error) {
	b, err := l.keySet()
	if err != nil {
		return "", err
	}
	sum := sm3.Sum(b)
	return hex.EncodeToString(sum[:]), nil
}

var errBadAnchor = errors.New("a trust anchor is 64 hex digits")

// CheckAnchor tells whether s can be a fingerprint.
func CheckAnchor(s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return errBadAnchor
	}
	return nil
}
