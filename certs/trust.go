package certs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trust is what an opened bundle grants. It is not to be changed.
type Trust struct {
	Anchor         string // AnchorShipped, AnchorGiven or AnchorCaller
	Expired        bool   // the scheme list or that of a region, which its own Expired tells
	SchemeSequence uint64
	SchemeExpires  time.Time
	Regions        map[string]*Region
}

// Region is a region whose list was checked.
type Region struct {
	Code, Name, URL string
	Sequence        uint64
	Issued, Expires time.Time
	Expired         bool
	Services        []Service
}

// Service is one service of a region.
type Service struct {
	Type          ServiceType
	Name          string
	Certificate   *Certificate
	Addresses     []string
	Prefixes      []string
	Organisations []string
	History       []ServiceStatus
}

func newRegion(l RegionList, st *Statement) (*Region, error) {
	r := &Region{Code: l.Iss, Name: l.Name, URL: l.URL, Sequence: l.Sequence, Issued: st.IssuedAt, Expires: st.Expires}
	for _, s := range l.Services {
		read := ParseCertificate
		if s.Type == ServiceCompanionCA { // whose keys are those of readers abroad
			read = ParseAnyCertificate
		}
		c, err := read(s.Certificate)
		if err != nil {
			return nil, fmt.Errorf("region list of %s: service %s: %w", l.Iss, s.Name, err)
		}
		r.Services = append(r.Services, Service{Type: s.Type, Name: s.Name, Certificate: c, Addresses: s.Addresses, Prefixes: s.Prefixes, Organisations: s.Organisations, History: s.History})
	}
	return r, nil
}

// StateAt gives the service's state at a moment and since when; no state before
// its first entry.
func (s *Service) StateAt(t time.Time) (ServiceState, time.Time) {
	var state ServiceState
	var since time.Time
	for _, h := range s.History {
		if h.Since.After(t) {
			break
		}
		state, since = h.State, h.Since
	}
	return state, since
}

// DistrustedSince gives the moment of a compromise, ever: it counts for what
// came before it too.
func (s *Service) DistrustedSince() (time.Time, bool) {
	for _, h := range s.History {
		if h.State == Distrusted {
			return h.Since, true
		}
	}
	return time.Time{}, false
}

// SpeaksFor tells whether the service may speak for a seal code or region
// code. A service without prefixes speaks for its own region's first two digits.
func (s *Service) SpeaksFor(region, code string) bool {
	if len(s.Prefixes) == 0 {
		return len(region) >= 2 && strings.HasPrefix(code, region[:2])
	}
	return slices.ContainsFunc(s.Prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

// ErrServiceState: the service was not granted at the time.
var ErrServiceState = errors.New("the service was not granted at the time")

// Found is a path to a service.
type Found struct {
	Path    []*Certificate // leaf first, the service's certificate last
	Region  *Region
	Service *Service
}

// Find chains a leaf to a service of a type at a time: the leaf is the
// service's certificate or leads up to it, bears the type's extended key usage
// and keyUsage, and the service was granted then. extra are further
// intermediates, such as those of a token.
func (t *Trust) Find(leaf *Certificate, typ ServiceType, extra []*Certificate, usage KeyUsage, at time.Time) (Found, error) {
	eku, known := serviceEKU[typ]
	if !known {
		return Found{}, fmt.Errorf("%w: service type %q", ErrUnsupported, typ)
	}
	best := ErrUnknownIssuer
	// Certificates of a stranger's making can lead up many ways, for each of a
	// thousand services: each signature is checked once.
	checked := map[link]error{}
	for _, code := range t.codes() {
		r := t.Regions[code]
		for i := range r.Services {
			s := &r.Services[i]
			if s.Type != typ {
				continue
			}
			path, err := BuildPath(leaf, PathOptions{Roots: []*Certificate{s.Certificate}, Intermediates: extra, At: at, EKU: eku, KeyUsage: usage, checked: checked})
			if err == nil {
				if t.passes(path, typ) {
					continue
				}
				if state, _ := s.StateAt(at); state == Granted {
					return Found{path, r, s}, nil
				}
				err = fmt.Errorf("%w: %s", ErrServiceState, s.Name)
			}
			if errors.Is(best, ErrUnknownIssuer) && !errors.Is(err, ErrUnknownIssuer) {
				best = err
			}
		}
	}
	return Found{}, best
}

// passes tells whether a path leads through the key of a listed service on its way
// to another above: the nearer one answers then. Otherwise an authority that is
// withdrawn or distrusted would go on under the root that is listed beside it.
func (t *Trust) passes(path []*Certificate, typ ServiceType) bool {
	for _, c := range path[:len(path)-1] {
		for _, r := range t.Regions {
			for i := range r.Services {
				if s := &r.Services[i]; s.Type == typ && bytes.Equal(c.RawSPKI, s.Certificate.RawSPKI) {
					return true
				}
			}
		}
	}
	return false
}

// codes gives the regions in one order, so that the same trust gives the same
// answer for ever.
func (t *Trust) codes() []string {
	out := make([]string, 0, len(t.Regions))
	for code := range t.Regions {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// statementService is who may make a statement.
var statementService = map[string]ServiceType{
	TypeSealStatus: ServiceStatusSigner, TypeLicenceStatus: ServiceStatusSigner, TypeStatusList: ServiceStatusSigner,
	TypeSealList: ServiceStatusSigner, TypeReceipt: ServiceStatusSigner, TypeVerificationReceipt: ServiceStatusSigner,
	TypeRequestAnswer: ServiceStatusSigner,
}

// CheckStatement checks that the region named by iss made the statement by a
// service that may, and that it had not ended at the time at.
func (t *Trust) CheckStatement(st *Statement, at time.Time) (*Certificate, *Region, error) {
	r, ok := t.Regions[st.Issuer]
	if !ok {
		return nil, nil, fmt.Errorf("%w: region %s", ErrUnknownIssuer, st.Issuer)
	}
	typ, ok := statementService[st.Type]
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s is no statement of a service", ErrUnsupported, st.Type)
	}
	switch {
	case at.After(st.Expires):
		return nil, nil, fmt.Errorf("%w: the statement", ErrExpired)
	case at.Before(st.IssuedAt):
		return nil, nil, fmt.Errorf("%w: the statement", ErrNotYetValid)
	}
	for i := range r.Services {
		s := &r.Services[i]
		if s.Type != typ || !slices.Contains(st.KeyIDs, KeyID(s.Certificate)) {
			continue
		}
		if !slices.Contains(s.Certificate.EKUs, serviceEKU[typ]) {
			return nil, nil, fmt.Errorf("%w: %s", ErrKeyUsage, s.Certificate.Subject)
		}
		if err := s.Certificate.sound(st.IssuedAt); err != nil {
			return nil, nil, err
		}
		if state, _ := s.StateAt(st.IssuedAt); state != Granted {
			return nil, nil, fmt.Errorf("%w: %s", ErrServiceState, s.Name)
		}
		if _, bad := s.DistrustedSince(); bad {
			return nil, nil, fmt.Errorf("%w: %s is distrusted", ErrServiceState, s.Name)
		}
		return s.Certificate, r, st.SignedBy(s.Certificate)
	}
	return nil, nil, fmt.Errorf("%w: no service of region %s signed the statement", ErrUnknownIssuer, st.Issuer)
}
