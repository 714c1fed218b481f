package province

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/trust"
)

// services are the purposes that a region list names, each as what it may speak for,
// and where it is asked.
var services = []struct {
	typ     certs.ServiceType
	purpose ca.Purpose
	path    string
}{
	{certs.ServiceAgencyCA, ca.PurposeRoot, ""}, {certs.ServiceAgencyCA, ca.PurposeIssuing, ""}, {certs.ServiceSealMaker, ca.PurposeSealMaker, ""},
	{certs.ServiceTSA, ca.PurposeTSA, "/tsa"}, {certs.ServiceOCSP, ca.PurposeOCSP, "/ocsp"}, {certs.ServiceOCSP, ca.PurposeOCSPRoot, "/ocsp"}, {certs.ServiceStatusSigner, ca.PurposeStatus, ""},
	{certs.ServiceQRSigner, ca.PurposeQR, ""}, {certs.ServiceJournal, ca.PurposeJournal, ""},
	// A responder's certificate lives no longer than a quarter of a year, and whoever
	// has a list of last week is to know its successor: the authorities vouch for it.
	{certs.ServiceOCSP, ca.PurposeRoot, "/ocsp"}, {certs.ServiceOCSP, ca.PurposeIssuing, "/ocsp"},
}

// ownServices tells the office of trust lists what the province itself is.
type ownServices struct {
	p *Province

	mu      sync.Mutex // of both below
	serials string     // of the purposes, when the issuers were read
	issuers []string
}

var _ trust.Source = (*ownServices)(nil)

// State changes when anything is revoked and when a purpose gets another certificate.
// Every judgement asks for it.
func (s *ownServices) State(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, purpose := range s.purposes() {
		c, err := s.p.CA.Purpose(ctx, purpose)
		if err != nil {
			return "", err
		}
		b.WriteString(c.Row.Serial)
		b.WriteByte('\n')
	}
	issuers, err := s.issuersAt(ctx, b.String())
	if err != nil {
		return "", err
	}
	for _, issuer := range issuers {
		n, err := s.p.Store.CA().RevokedCount(ctx, issuer)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %d\n", issuer, n)
	}
	companions, err := s.companionState(ctx)
	if err != nil {
		return "", err
	}
	b.WriteString(companions)
	return b.String(), nil
}

// issuersAt reads the issuers anew only where a purpose has another certificate: there
// is no other way for one to come.
func (s *ownServices) issuersAt(ctx context.Context, serials string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issuers != nil && s.serials == serials {
		return s.issuers, nil
	}
	issuers, err := s.p.CA.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	s.serials, s.issuers = serials, issuers
	return issuers, nil
}

func (*ownServices) purposes() []ca.Purpose {
	out := []ca.Purpose{ca.PurposeTrustList, ca.PurposeScheme}
	for _, s := range services {
		out = append(out, s.purpose)
	}
	return out
}

// Services names every certificate that each purpose has ever had, and the outside
// authorities with all that they have been (protocol.md 3).
func (s *ownServices) Services(ctx context.Context) ([]certs.RegionService, error) {
	var out []certs.RegionService
	for _, service := range services {
		rows, err := s.p.CA.History(ctx, service.purpose)
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			entry := certs.RegionService{Type: service.typ, Name: string(service.purpose), Certificate: row.DER,
				Prefixes: []string{s.p.Identity.Region[:2]}, History: history(row)}
			if i > 0 {
				entry.Name = fmt.Sprintf("%s.%d", service.purpose, i+1)
			}
			if service.path != "" {
				entry.Addresses = []string{strings.TrimRight(s.p.Identity.URL, "/") + service.path}
			}
			out = append(out, entry)
		}
	}
	companions, err := s.companionServices(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, companions...)
	others, err := s.p.Outside.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range others {
		out = append(out, a.Service(s.p.Identity.Region))
	}
	return out, nil
}

// history is what the list says of a certificate: a revocation ends the service, and
// one for a compromise has it distrusted since the key may have been in other hands.
// A certificate that was renewed stays granted until its end.
func history(row ca.Row) []certs.ServiceStatus {
	out := []certs.ServiceStatus{{State: certs.Granted, Since: row.NotBefore}}
	r := row.Revocation
	if r == nil {
		return out
	}
	end := certs.ServiceStatus{State: certs.Withdrawn, Since: r.At}
	if r.Compromise() {
		end.State = certs.Distrusted
		if !r.Invalidity.IsZero() {
			end.Since = r.Invalidity
		}
	}
	if end.Since.Before(row.NotBefore) { // then it never was good
		end.Since = row.NotBefore
	}
	return append(out, end)
}

// ListSigners are the trust-list keys in force, newest first.
func (s *ownServices) ListSigners(ctx context.Context) ([]certs.StatementSigner, error) {
	now := s.p.o.Clock()
	return s.signers(ctx, ca.PurposeTrustList, func(r ca.Row) bool { return r.Revocation == nil && !now.After(r.NotAfter) })
}

// SchemeSigners are the scheme's keys, the old ones too: the last of them signs for
// the next.
func (s *ownServices) SchemeSigners(ctx context.Context) ([]certs.StatementSigner, error) {
	return s.signers(ctx, ca.PurposeScheme, func(ca.Row) bool { return true })
}

func (s *ownServices) signers(ctx context.Context, purpose ca.Purpose, usable func(ca.Row) bool) (out []certs.StatementSigner, err error) {
	rows, err := s.p.CA.History(ctx, purpose)
	if err != nil {
		return nil, err
	}
	for _, row := range slices.Backward(rows) {
		if !usable(row) {
			continue
		}
		c, err := certs.ParseCertificate(row.DER)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate of %s: %w", ca.ErrLost, purpose, err)
		}
		key, err := s.p.Keys.Key(ctx, row.KeyID)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", purpose, err)
		}
		if key.Info().State == hsm.Active {
			out = append(out, certs.StatementSigner{Certificate: c, Signer: key})
		}
	}
	return out, nil
}
