package certs

import (
	"errors"
	"testing"
	"time"
)

// province is a trust with one region, as an opened bundle would give it.
type province struct {
	ca, issuing, maker, tsa, status, agency *entity
}

func newProvince(t testing.TB, name string) *province {
	p := &province{ca: root(t, name)}
	p.issuing = spec{name: name + "签发", usage: authority, ca: true, pathLen: []byte{2, 1, 0}}.make(t, p.ca)
	service := func(title string, eku OID, critical bool) *entity {
		return spec{name: name + title, usage: signs, ekus: []OID{eku}, ekuCritical: critical}.make(t, p.issuing)
	}
	p.maker, p.status = service("制章者", OIDEKUSealMaker, false), service("状态", OIDEKUStatusSigner, false)
	p.tsa = service("时间戳", OIDEKUTimeStamping, true)
	p.agency = spec{name: name + "某局", usage: signs}.make(t, p.issuing)
	return p
}

var granted = []ServiceStatus{{Granted, noon.Add(-30 * day)}}

func (p *province) region(code string) *Region {
	list := func(typ ServiceType, e *entity) Service {
		return Service{Type: typ, Name: string(typ), Certificate: e.Certificate, Prefixes: []string{code[:2]}, History: granted}
	}
	return &Region{Code: code, Services: []Service{
		list(ServiceAgencyCA, p.ca), list(ServiceSealMaker, p.maker), list(ServiceTSA, p.tsa), list(ServiceStatusSigner, p.status),
	}}
}

// errNotForIt: neither its use nor what stands above it is that of the service;
// which of the two is told is not fixed.
var errNotForIt = errors.New("not for it")

func TestFind(t *testing.T) {
	gz, gd := newProvince(t, "贵州"), newProvince(t, "广东")
	trust := func(change func(*Region)) *Trust {
		r := gz.region("520000")
		change(r)
		return &Trust{Regions: map[string]*Region{"520000": r, "440000": gd.region("440000")}}
	}
	as := func(*Region) {}
	state := func(h ...ServiceStatus) func(*Region) {
		return func(r *Region) { r.Services[0].History = append(granted[:1:1], h...) }
	}
	chain := []*Certificate{gz.issuing.Certificate}
	stranger := newProvince(t, "贵州")
	ekuOnly := spec{name: "冒充", usage: signs, ekus: []OID{OIDEKUSealMaker}}.make(t, gz.issuing)
	const use = KeyUsageDigitalSignature | KeyUsageNonRepudiation
	for name, c := range map[string]struct {
		leaf   *entity
		typ    ServiceType
		extra  []*Certificate
		change func(*Region)
		at     time.Time
		want   error
		region string
	}{
		"an agency under its root":      {gz.agency, ServiceAgencyCA, chain, as, noon, nil, "520000"},
		"another province's":            {gd.agency, ServiceAgencyCA, []*Certificate{gd.issuing.Certificate}, as, noon, nil, "440000"},
		"the service itself":            {gz.maker, ServiceSealMaker, nil, as, noon, nil, "520000"},
		"the intermediate is missing":   {gz.agency, ServiceAgencyCA, nil, as, noon, ErrUnknownIssuer, ""},
		"a province of the same name":   {stranger.agency, ServiceAgencyCA, []*Certificate{stranger.issuing.Certificate}, as, noon, ErrUnknownIssuer, ""},
		"the intermediate of a twin":    {gz.agency, ServiceAgencyCA, []*Certificate{stranger.issuing.Certificate}, as, noon, ErrUnknownIssuer, ""},
		"a maker who is not listed":     {ekuOnly, ServiceSealMaker, chain, as, noon, ErrUnknownIssuer, ""},
		"the agency as maker":           {gz.agency, ServiceSealMaker, chain, as, noon, errNotForIt, ""},
		"the TSA as maker":              {gz.tsa, ServiceSealMaker, chain, as, noon, errNotForIt, ""},
		"the maker as TSA":              {gz.maker, ServiceTSA, chain, as, noon, errNotForIt, ""},
		"a type that is none":           {gz.maker, "printer", chain, as, noon, ErrUnsupported, ""},
		"after its end":                 {gz.agency, ServiceAgencyCA, chain, as, noon.Add(400 * day), ErrExpired, ""},
		"before the service began":      {gz.agency, ServiceAgencyCA, chain, func(r *Region) { r.Services[0].History = []ServiceStatus{{Granted, noon.Add(time.Second)}} }, noon, ErrServiceState, ""},
		"in its first second":           {gz.agency, ServiceAgencyCA, chain, func(r *Region) { r.Services[0].History = []ServiceStatus{{Granted, noon}} }, noon, nil, "520000"},
		"withdrawn later":               {gz.agency, ServiceAgencyCA, chain, state(ServiceStatus{Withdrawn, noon.Add(time.Second)}), noon, nil, "520000"},
		"withdrawn at that time":        {gz.agency, ServiceAgencyCA, chain, state(ServiceStatus{Withdrawn, noon}), noon, ErrServiceState, ""},
		"distrusted before":             {gz.agency, ServiceAgencyCA, chain, state(ServiceStatus{Distrusted, noon.Add(-day)}), noon, ErrServiceState, ""},
		"withdrawn and granted again":   {gz.agency, ServiceAgencyCA, chain, state(ServiceStatus{Withdrawn, noon.Add(-2 * day)}, ServiceStatus{Granted, noon.Add(-day)}), noon, nil, "520000"},
		"between withdrawn and granted": {gz.agency, ServiceAgencyCA, chain, state(ServiceStatus{Withdrawn, noon.Add(-2 * day)}, ServiceStatus{Granted, noon.Add(day)}), noon, ErrServiceState, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trust(c.change).Find(c.leaf.Certificate, c.typ, c.extra, use, c.at)
			if c.want == errNotForIt && (errors.Is(err, ErrUnknownIssuer) || errors.Is(err, ErrKeyUsage)) {
				return
			}
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (got.Region.Code != c.region || got.Service.Type != c.typ || !got.Path[0].Equal(c.leaf.Certificate)) {
				t.Fatalf("found in %s as %s", got.Region.Code, got.Service.Type)
			}
		})
	}
}

func TestSpeaksFor(t *testing.T) {
	for _, c := range []struct {
		prefixes []string
		code     string
		want     bool
	}{
		{nil, "52010000000001", true}, {nil, "44010000000001", false}, {nil, "", false},
		{[]string{"5201", "5203"}, "52010000000001", true}, {[]string{"5201", "5203"}, "52020000000001", false}, {[]string{"52"}, "5", false},
	} {
		s := Service{Prefixes: c.prefixes}
		if got := s.SpeaksFor("520000", c.code); got != c.want {
			t.Errorf("%v for %q: %t", c.prefixes, c.code, got)
		}
	}
	if (&Service{}).SpeaksFor("", "52010000000001") {
		t.Error("a service of no region speaks for one")
	}
}

func TestDistrustIsForEver(t *testing.T) {
	s := Service{History: []ServiceStatus{{Granted, noon.Add(-3 * day)}, {Distrusted, noon.Add(-2 * day)}, {Granted, noon.Add(-day)}}}
	if since, bad := s.DistrustedSince(); !bad || !since.Equal(noon.Add(-2*day)) {
		t.Fatal(since, bad)
	}
	for at, want := range map[time.Time]ServiceState{noon.Add(-4 * day): "", noon.Add(-3 * day): Granted, noon.Add(-2 * day): Distrusted, noon: Granted} {
		if got, _ := s.StateAt(at); got != want {
			t.Errorf("at %s: %q", at, got)
		}
	}
}

func TestWhoMadeAStatement(t *testing.T) {
	gz, gd := newProvince(t, "贵州"), newProvince(t, "广东")
	early := spec{name: "早", usage: 0x80, ekus: []OID{OIDEKUStatusSigner}, to: noon.Add(-time.Second)}.make(t, gz.issuing)
	plain := spec{name: "无用途", usage: 0x80}.make(t, gz.issuing)
	listed := func(e *entity, h ...ServiceStatus) func(*Region) {
		return func(r *Region) {
			s := r.Services[3]
			s.Certificate = e.Certificate
			if h != nil {
				s.History = h
			}
			r.Services[3] = s
		}
	}
	as := func(*Region) {}
	for name, c := range map[string]struct {
		typ, iss string
		by       *entity
		change   func(*Region)
		at       time.Time
		want     error
	}{
		"its status signer":            {TypeSealStatus, "520000", gz.status, as, noon, nil},
		"another province's":           {TypeSealList, "440000", gd.status, as, noon, nil},
		"in its last second":           {TypeSealStatus, "520000", gz.status, as, noon.Add(day), nil},
		"a second before it was made":  {TypeSealStatus, "520000", gz.status, as, noon.Add(-time.Second), ErrNotYetValid},
		"a second later":               {TypeSealStatus, "520000", gz.status, as, noon.Add(day + time.Second), ErrExpired},
		"another province for ours":    {TypeSealStatus, "520000", gd.status, as, noon, ErrUnknownIssuer},
		"a province that is not known": {TypeSealStatus, "110000", gz.status, as, noon, ErrUnknownIssuer},
		"its seal maker":               {TypeSealStatus, "520000", gz.maker, as, noon, ErrUnknownIssuer},
		"an agency":                    {TypeSealStatus, "520000", gz.agency, as, noon, ErrUnknownIssuer},
		"a list of trust":              {TypeRegionList, "520000", gz.status, as, noon, ErrUnsupported},
		"expired when it signed":       {TypeSealStatus, "520000", early, listed(early), noon, ErrExpired},
		"without the use":              {TypeSealStatus, "520000", plain, listed(plain), noon, ErrKeyUsage},
		"withdrawn before":             {TypeSealStatus, "520000", gz.status, listed(gz.status, ServiceStatus{Withdrawn, noon.Add(-day)}), noon, ErrServiceState},
		"withdrawn since":              {TypeSealStatus, "520000", gz.status, listed(gz.status, granted[0], ServiceStatus{Withdrawn, noon.Add(time.Second)}), noon, nil},
		"distrusted since":             {TypeSealStatus, "520000", gz.status, listed(gz.status, granted[0], ServiceStatus{Distrusted, noon.Add(day)}), noon, ErrServiceState},
		"before it was granted":        {TypeSealStatus, "520000", gz.status, listed(gz.status, ServiceStatus{Granted, noon.Add(day)}), noon, ErrServiceState},
		"another key in its name":      {TypeSealStatus, "520000", &entity{gz.status.Certificate, gd.status.key}, as, noon, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			r := gz.region("520000")
			c.change(r)
			trust := &Trust{Regions: map[string]*Region{"520000": r, "440000": gd.region("440000")}}
			b, err := SignStatement(t.Context(), c.typ, head(c.iss), c.by.Certificate, c.by.key)
			if err != nil {
				t.Fatal(err)
			}
			st, err := ParseStatement(b)
			if err != nil {
				t.Fatal(err)
			}
			by, region, err := trust.CheckStatement(st, c.at)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (!by.Equal(c.by.Certificate) || region.Code != c.iss) {
				t.Fatal("said to be made by another")
			}
		})
	}
}
