package ca

import (
	"context"
	"crypto/ecdsa"
	"encoding/pem"
	"fmt"
	"time"

	"yinxin/internal/act"
)

// Gate is asked before an act that the province may want a second officer for.
type Gate interface {
	// Pass returns "" and nil where the act may be done now. It gives the name of
	// what was made where the act was asked for before under the same idempotency
	// key, approved and carried out. Any error stops the act, that it waits for a
	// second officer too.
	Pass(ctx context.Context, a act.Asked) (ref string, err error)
}

// KindIssue is the kind of request for a certificate of a profile.
func KindIssue(profile string) string { return "issue:" + profile }

// The other kinds of request of this office.
const (
	KindRevokeCA = "revoke:ca"
	KindRenewCA  = "renew:ca" // a new issuing authority
	KindProfile  = "profile"  // a change of a profile
)

// AskedIssue is a request for a certificate as officers are shown it, and all
// that is needed to carry it out.
type AskedIssue struct {
	Profile    string `json:"profile"`
	Agency     string `json:"agency"`
	AgencyName string `json:"agencyName"`
	CommonName string `json:"commonName"`
	CSR        string `json:"csr"` // PEM
	Dual       bool   `json:"dual"`
	Replaces   string `json:"replaces,omitempty"`  // serial of the certificate that it renews
	Supersede  bool   `json:"supersede,omitempty"` // and that is revoked as superseded with it
	Who        string `json:"who"`
	Why        string `json:"why"`
}

// Renewal is a renewal that was asked for, to be carried out once under the retry
// key, the revocation of the old certificate included.
func (a AskedIssue) Renewal(retry *act.Retry) RenewRequest {
	return RenewRequest{Serial: a.Replaces, AgencyName: a.AgencyName, CSR: []byte(a.CSR), Supersede: a.Supersede, Who: a.Who, Why: a.Why, Retry: retry, Admitted: true}
}

// Request is what was asked, to be carried out once under the retry key.
func (a AskedIssue) Request(retry *act.Retry) IssueRequest {
	return IssueRequest{Profile: a.Profile, Agency: a.Agency, AgencyName: a.AgencyName, CommonName: a.CommonName, CSR: []byte(a.CSR), Dual: a.Dual, Replaces: a.Replaces,
		Who: a.Who, Why: a.Why, Retry: retry, Admitted: true}
}

// Admit asks the gate whether a certificate may be issued now, for an office that
// issues it together with something else, and sets Admitted then. ref is what was
// made already of a request that was approved: a serial number, or of a dual
// request what ca/escrow names it by.
func (a *Authority) Admit(ctx context.Context, r IssueRequest) (ref string, err error) {
	// Nobody is to be asked about what is refused anyway.
	checked := r
	checked.Admitted = true
	if _, err := checked.check(); err != nil {
		return "", err
	}
	return a.admit(ctx, r)
}

func (a *Authority) admit(ctx context.Context, r IssueRequest) (ref string, err error) {
	if a.c.Gate == nil || r.Admitted {
		return "", nil
	}
	if r.CSR == nil {
		// A request cannot hold a key of ours: who makes what it is for asks, whole.
		return "", fmt.Errorf("%w: a certificate on a key of ours is issued with the seal that it is for", ErrRefused)
	}
	der, err := requestDER(r.CSR)
	if err != nil {
		return "", err
	}
	content := AskedIssue{Profile: r.Profile, Agency: r.Agency, AgencyName: r.AgencyName, CommonName: r.CommonName, Dual: r.Dual, Replaces: r.Replaces, Supersede: r.supersede, Who: r.Who, Why: r.Why,
		CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}
	if r.By.Name == "" {
		r.By.Name = r.Who
	}
	return a.c.Gate.Pass(ctx, act.Asked{Kind: KindIssue(r.Profile), Agency: r.Agency, Content: content, By: r.By, Why: r.Why, Retry: r.Retry})
}

// AskedRevocation is the revocation of an authority's certificate as officers are
// shown it.
type AskedRevocation struct {
	Serial     string    `json:"serial"`
	Subject    string    `json:"subject"`
	Reason     int       `json:"reason"` // RFC 5280 5.3.1
	Invalidity time.Time `json:"invalidityDate,omitzero"`
	Who        string    `json:"who"`
	Why        string    `json:"why"`
	// Compromise is set where all that stands behind a key is revoked with it.
	Compromise *AskedCompromise `json:"compromise,omitempty"`
}

// Request is what was asked, to be carried out.
func (a AskedRevocation) Request() RevokeRequest {
	return RevokeRequest{Serial: a.Serial, Reason: a.Reason, Invalidity: a.Invalidity, Who: a.Who, Why: a.Why, Admitted: true}
}

// admitRevocation asks the gate about the certificate of an authority: with it
// goes everything that it issued. Any other is revoked by one officer, at once.
func (a *Authority) admitRevocation(ctx context.Context, row Row, r RevokeRequest) (done bool, err error) {
	if a.c.Gate == nil || r.Admitted || !a.profile(row.Profile).c.CA {
		return false, nil
	}
	if r.By.Name == "" {
		r.By.Name = r.Who
	}
	content := AskedRevocation{Serial: row.Serial, Subject: row.Subject, Reason: r.Reason, Invalidity: r.Invalidity, Who: r.Who, Why: r.Why}
	ref, err := a.c.Gate.Pass(ctx, act.Asked{Kind: KindRevokeCA, Agency: r.By.Agency, Content: content, By: r.By, Why: r.Why, Retry: r.Retry})
	return ref != "", err
}

// AskedCA is a new issuing authority as officers are shown it: all that is issued
// from then on is issued under it.
type AskedCA struct {
	Purpose    Purpose `json:"purpose"`
	Generation int     `json:"generation"` // that it will be
	Replaces   string  `json:"replaces"`   // serial of the certificate of the generation before
	Who        string  `json:"who"`
	Why        string  `json:"why"`
}

// Renewal is what was asked, to be carried out once under the retry key.
func (a AskedCA) Renewal(retry *act.Retry) OwnRenewal {
	return OwnRenewal{Purpose: a.Purpose, Who: a.Who, Why: a.Why, Retry: retry, Replaces: a.Replaces, Admitted: true}
}

// admitCA asks the gate about a new authority. Services renew themselves.
func (a *Authority) admitCA(ctx context.Context, before Row, generation int, r OwnRenewal) (ref string, err error) {
	if a.c.Gate == nil || r.Admitted || !issues(r.Purpose) {
		return "", nil
	}
	if r.By.Name == "" {
		r.By.Name = r.Who
	}
	content := AskedCA{Purpose: r.Purpose, Generation: generation, Replaces: before.Serial, Who: r.Who, Why: r.Why}
	return a.c.Gate.Pass(ctx, act.Asked{Kind: KindRenewCA, Agency: r.By.Agency, Content: content, By: r.By, Why: r.Why, Retry: r.Retry})
}

// AskedProfile is a change of a profile as officers are shown it.
type AskedProfile struct {
	Name     string `json:"name"`
	LifeDays int    `json:"lifeDays"`
	Settings
	Who string `json:"who"`
	Why string `json:"why"`
}

// Change is what was asked, to be carried out.
func (a AskedProfile) Change() ProfileChange {
	return ProfileChange{Name: a.Name, LifeDays: a.LifeDays, Settings: a.Settings, Who: a.Who, Why: a.Why, Admitted: true}
}

// admitProfile asks the gate about a change that the rules would allow.
func (a *Authority) admitProfile(ctx context.Context, c ProfileChange) (done bool, err error) {
	if a.c.Gate == nil || c.Admitted {
		return false, nil
	}
	if c.By.Name == "" {
		c.By.Name = c.Who
	}
	content := AskedProfile{Name: c.Name, LifeDays: c.LifeDays, Settings: c.Settings, Who: c.Who, Why: c.Why}
	ref, err := a.c.Gate.Pass(ctx, act.Asked{Kind: KindProfile, Agency: c.By.Agency, Content: content, By: c.By, Why: c.Why, Retry: c.Retry})
	return ref != "", err
}

// RequestKey reads the key of a PKCS#10 request whose proof of possession holds.
func RequestKey(csr []byte) (*ecdsa.PublicKey, error) {
	key, err := parseRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return key, nil
}
