package agency

import (
	"slices"

	"yinxin/internal/act"
)

// The scopes a bearer key may hold. Each names the one kind of act it allows, so
// that a stolen key of a stamping program cannot make seals.
const (
	ScopeStamp              = "stamp"               // 用印
	ScopeSealRead           = "seal:read"           // seals and the seal-use register
	ScopeSealManage         = "seal:manage"         // apply for, file, freeze, thaw, change, cancel, destroy; say who may stamp
	ScopeSealApprove        = "seal:approve"        // decide on such an act of another officer, and on single uses of seals
	ScopeCertificateIssue   = "certificate:issue"   //
	ScopeCertificateRevoke  = "certificate:revoke"  //
	ScopeCertificateApprove = "certificate:approve" // decide on what another officer asked for
	ScopeRequestRead        = "request:read"        // what waits for a second officer; whoever may ask or decide may read it
	ScopeEscrowRecover      = "escrow:recover"      // ask for an escrowed key, or decide on it
	ScopeLicenceRead        = "licence:read"        // unmasked fields
	ScopeLicenceIssue       = "licence:issue"       // 制发证照
	ScopeLicenceManage      = "licence:manage"      // suspend, revoke, cancel, ...
	ScopeAgencyManage       = "agency:manage"       // agencies and their keys
	ScopeJournalRead        = "journal:read"        // leaves, for an auditor
	ScopeAdmin              = "admin"               // all of it, for every agency
)

var scopes = []string{
	ScopeStamp, ScopeSealRead, ScopeSealManage, ScopeSealApprove, ScopeCertificateIssue, ScopeCertificateRevoke, ScopeCertificateApprove, ScopeRequestRead, ScopeEscrowRecover,
	ScopeLicenceRead, ScopeLicenceIssue, ScopeLicenceManage, ScopeAgencyManage, ScopeJournalRead, ScopeAdmin,
}

// ReadsRequests are the scopes that imply ScopeRequestRead: of whoever may ask for
// what waits, or decide on it.
var ReadsRequests = []string{ScopeCertificateIssue, ScopeCertificateApprove, ScopeEscrowRecover, ScopeSealManage, ScopeSealApprove}

// Scopes lists every scope there is.
func Scopes() []string { return slices.Clone(scopes) }

// Caller is who a request speaks for.
type Caller struct {
	Agency  string // USCC
	Name    string
	KeyID   string
	Officer string // the person whose key it is; empty: a program's
	Scopes  []string
	// Certificate is the SM3 of the client certificate of a program that came
	// without a key.
	Certificate string
}

// By is the caller as acts and requests have it. operator is who a program says
// it acts for; an officer's key says that itself.
func (c Caller) By(operator string) act.Officer {
	if c.Officer != "" {
		operator = c.Officer
	}
	return act.Officer{Name: operator, KeyID: c.KeyID, Agency: c.Agency, Unverified: c.Officer == "", Certificate: c.Certificate}
}

// May tells whether the caller holds the scope.
func (c Caller) May(scope string) bool {
	if scope == ScopeRequestRead && slices.ContainsFunc(c.Scopes, func(s string) bool { return slices.Contains(ReadsRequests, s) }) {
		return true
	}
	return slices.Contains(c.Scopes, scope) || slices.Contains(c.Scopes, ScopeAdmin)
}

// ActsFor tells whether the caller may act on what belongs to the agency.
func (c Caller) ActsFor(agency string) bool {
	return c.Agency == agency || slices.Contains(c.Scopes, ScopeAdmin)
}
