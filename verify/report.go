package verify

import (
	"bytes"
	"encoding/json"
	"time"
)

// Report is the answer, as interface.md "The report" has it, member for member.
// The same bytes, trust, evidence and time give the same report byte for byte,
// CheckedAt aside.
type Report struct {
	Verdict    Verdict       `json:"verdict"`
	Indication string        `json:"indication"`
	Reasons    []Reason      `json:"reasons"`
	Format     string        `json:"format"`
	Digest     Digest        `json:"digest"`
	CheckedAt  string        `json:"checkedAt"`
	Stamps     []StampReport `json:"stamps"`
	Licence    *Licence      `json:"licence"`
	Freshness  Freshness     `json:"freshness"`
}

// Reason is one entry of the reason table, as reports carry it.
type Reason struct {
	Code Code   `json:"code"`
	Zh   string `json:"zh"`
	En   string `json:"en"`
}

// Digest is that of the whole file as it was given.
type Digest struct {
	Alg   string `json:"alg"`
	Value string `json:"value"`
}

// StampReport is what was found of one stamp.
type StampReport struct {
	Index               int        `json:"index"`
	Verdict             Verdict    `json:"verdict"`
	Indication          string     `json:"indication"`
	SubIndication       string     `json:"subIndication"`
	Standard            string     `json:"standard"`
	Seal                SealInfo   `json:"seal"`
	Signer              SignerInfo `json:"signer"`
	SealedAt            string     `json:"sealedAt"`
	TimeSource          string     `json:"timeSource"` // "timestamp", "claimed" or "none"
	Role                string     `json:"role"`       // "seal", "companion" or "timestamp"
	CoversWholeDocument bool       `json:"coversWholeDocument"`
	LaterChanges        []string   `json:"laterChanges"`
	Checks              []Check    `json:"checks"`
}

// SealInfo is what the seal says of itself; it is shown even when the stamp is
// not good, and says nothing about that.
type SealInfo struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	ValidFrom string `json:"validFrom"`
	ValidTo   string `json:"validTo"`
	Maker     string `json:"maker"`
}

// SignerInfo is the certificate that the stamp names as its signer's. Region is
// filled only when the chain to that region's service was proven.
type SignerInfo struct {
	Subject string `json:"subject"`
	Serial  string `json:"serial"`
	Issuer  string `json:"issuer"`
	Region  string `json:"region"`
}

// Check is one check by its name. A result other than pass begins its detail with
// the reason code it led to, if it led to one.
type Check struct {
	ID     string `json:"id"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
}

// Result of a check. One that was not made is never Pass.
type Result string

const (
	Pass          Result = "pass"
	Fail          Result = "fail"
	Unknown       Result = "unknown"
	NotApplicable Result = "not_applicable"
)

// Licence is what is known of the licence that the document is.
type Licence struct {
	Identifier   string  `json:"identifier"`
	Type         string  `json:"type"`
	Issuer       string  `json:"issuer"`
	State        string  `json:"state"`
	StateSince   string  `json:"stateSince"`
	AsOf         string  `json:"asOf"`
	ValidFrom    string  `json:"validFrom"`
	ValidTo      string  `json:"validTo"`
	HolderMasked string  `json:"holderMasked"`
	SupersededBy *string `json:"supersededBy"`
}

// Freshness tells how old the knowledge is that the verdict stands on.
type Freshness struct {
	Trust  TrustFreshness    `json:"trust"`
	Status []StatusFreshness `json:"status"`
}

// TrustFreshness names the lists used. Memory is "none" where no sequence seen
// earlier could be remembered, so that only the lists' expiry protects from an
// old one (protocol.md 3).
type TrustFreshness struct {
	Anchor  string            `json:"anchor"`
	Scheme  uint64            `json:"scheme"`
	Regions map[string]uint64 `json:"regions"`
	Memory  string            `json:"memory,omitempty"`
}

// StatusFreshness is one piece of evidence that was used.
type StatusFreshness struct {
	Source string `json:"source"` // "crl", "ocsp", "seal-status", "seal-list", "licence-status", "status-list"
	AsOf   string `json:"asOf"`
	Stale  bool   `json:"stale"`
}

// JSON is the report as bytes: indented, members in the order of interface.md,
// Chinese left readable.
func (r Report) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		// A Report is strings, numbers, and slices and maps of them: Encode has
		// no way to fail on it. An empty answer is still never a good one.
		return nil
	}
	return b.Bytes()
}

// rfc3339 leaves an unknown time empty rather than year 1.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
