package verify

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/license/qr"
	"yinxin/verify/status"
)

// Recorded is what a QR token's licence is recorded as (登记信息): never a verdict
// on the sheet that it was printed on (protocol.md 6).
type Recorded string

const (
	InForce       Recorded = "in_force"
	Suspended     Recorded = "suspended"
	Ended         Recorded = "ended"
	NotRecorded   Recorded = "unknown"
	RecordUnknown Recorded = "cannot_confirm"
)

// TokenReport is what is found of a token. Why is the reason of RecordUnknown.
type TokenReport struct {
	Record     Recorded
	Why        Code
	Region     string // that vouches for the token's signer, "" for none
	Authority  string // USCC
	State      status.LicenceState
	StateSince time.Time
	AsOf       time.Time
}

// errTokenSigner: no trust list knows the key that signed a token.
var errTokenSigner = errors.New("no qr-signer service that is trusted signed the token")

// signerOfToken finds the service whose key signed a token. A token has no signing
// time, so its service must be granted at the time of validation (protocol.md 6).
func signerOfToken(trust *certs.Trust, t *qr.Token, at time.Time) (certs.Found, error) {
	if trust == nil {
		return certs.Found{}, errNoTrust
	}
	for _, code := range slices.Sorted(maps.Keys(trust.Regions)) {
		r := trust.Regions[code]
		for i := range r.Services {
			s := &r.Services[i]
			if s.Type != certs.ServiceQRSigner || !slices.Contains(s.Certificate.EKUs, certs.OIDEKUQRSigner) || t.Verify(s.Certificate) != nil {
				continue
			}
			state, _ := s.StateAt(at)
			if _, bad := s.DistrustedSince(); bad || state != certs.Granted || at.Before(s.Certificate.NotBefore) {
				return certs.Found{}, certs.ErrServiceState
			}
			if !entitledToToken(trust, r, s, t.Identifier.Issuer) {
				return certs.Found{}, errTokenSigner
			}
			return certs.Found{Path: []*certs.Certificate{s.Certificate}, Region: r, Service: s}, nil
		}
	}
	return certs.Found{}, errTokenSigner
}

// entitledToToken: the authority's code (USCC) has its division at 3 to 8 (GB 32100).
// A region does not answer for the authorities of another on the list, nor a service
// for organisations that are not its own. A code of the State's own organs, which
// begins with no region's digits, is anyone's whose list names the signer.
func entitledToToken(trust *certs.Trust, r *certs.Region, s *certs.Service, authority string) bool {
	if len(s.Organisations) > 0 && !slices.Contains(s.Organisations, authority) {
		return false
	}
	if len(authority) < 8 || s.SpeaksFor(r.Code, authority[2:8]) {
		return true
	}
	for code := range trust.Regions {
		if code != r.Code && code[:2] == authority[2:4] {
			return false
		}
	}
	return true
}

// TokenWants tells which evidence would help to judge a token.
func (e *Engine) TokenWants(token *qr.Token, in Input) []Want {
	found, err := signerOfToken(in.Trust, token, in.At)
	if err != nil {
		return nil
	}
	t := tokenTrial(e, in)
	var out wishes
	t.wantStatus(&out, found)
	t.wantSigners(&out, found.Region)
	if found.Region.URL != "" {
		shard := strconv.FormatUint(uint64(token.Shard), 10)
		out.add(Want{Kind: KindStatusList, Region: found.Region.Code, Key: shard, URL: strings.TrimRight(found.Region.URL, "/") + "/status/" + shard})
	}
	return out.list
}

func tokenTrial(e *Engine, in Input) *trial {
	return &trial{in: in, w: newWork(e), book: newBook(in.Evidence, nil, in.At), used: map[StatusFreshness]bool{}}
}

// JudgeToken tells what the licence of a token is recorded as.
func (e *Engine) JudgeToken(token *qr.Token, in Input) TokenReport {
	r := TokenReport{Record: RecordUnknown, State: status.LicenceUnknown, Authority: token.Identifier.Issuer}
	found, err := signerOfToken(in.Trust, token, in.At)
	switch {
	case errors.Is(err, errNoTrust):
		r.Why = TrustMissing
	case errors.Is(err, certs.ErrServiceState):
		r.Why = ServiceDistrusted
	case err != nil:
		r.Why = IssuerUnknown
	case in.ended(found.Region):
		r.Why = TrustListExpired
	}
	if r.Why != "" {
		return r
	}
	r.Region = found.Region.Code
	t := tokenTrial(e, in)
	for _, s := range t.standings(found) {
		switch {
		case s.revoked:
			r.Why = ServiceDistrusted
		case !s.now:
			r.Why = s.missing().code
		}
	}
	w := t.licenceWord(found.Region, question{token.Identifier.String(), token.Shard, token.Position})
	r.State, r.StateSince, r.AsOf = w.state, w.since, w.asOf
	switch {
	case r.Why != "":
	case t.w.refused > 0: // something was not looked at
		r.Why = WorkLimit
	case !w.known:
		r.Why = StatusUnavailable
	case !w.fresh:
		r.Why = StatusStale
	default:
		r.Record = recordOf(w.state, token, in.At)
	}
	return r
}

func recordOf(s status.LicenceState, token *qr.Token, at time.Time) Recorded {
	switch {
	case s == status.LicenceUnknown:
		return NotRecorded
	case final(s):
		return Ended
	case token.Over(at):
		return Ended
	case s == status.LicenceSuspended:
		return Suspended
	}
	return InForce
}
