package ca

import (
	"strconv"
	"time"
)

// Columns are those of a list of certificates in a table; Cells gives a row's.
func Columns() []string {
	return []string{"serial", "state", "profile", "purpose", "issuer", "agency", "subject", "notBefore", "notAfter", "issuedAt",
		"revokedAt", "reason", "invalidityDate", "revokedBy", "grounds", "keyId", "twin", "replaces", "who", "why"}
}

// Cells are the row's, its state at a moment among them. The certificate itself is
// not for a table.
func (r Row) Cells(now time.Time) []string {
	var at, reason, invalidity, who, why string
	if v := r.Revocation; v != nil {
		at, reason, invalidity, who, why = inWords(v.At), strconv.Itoa(v.Reason), inWords(v.Invalidity), v.Who, v.Why
		for name, code := range Reasons {
			if code == v.Reason {
				reason = name
			}
		}
	}
	return []string{r.Serial, r.State(now), r.Profile, string(r.Purpose), r.Issuer, r.Agency, r.Subject, inWords(r.NotBefore), inWords(r.NotAfter), inWords(r.IssuedAt),
		at, reason, invalidity, who, why, r.KeyID, r.Twin, r.Replaces, r.Who, r.Why}
}

func inWords(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
