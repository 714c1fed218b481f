package certs

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestRegionLists(t *testing.T) {
	b := newBench(t)
	with := func(change func(*RegionList), by ...*entity) *Bundle {
		l := b.region("520000")
		change(&l)
		return &Bundle{Scheme: b.bundle(12).Scheme, Regions: []json.RawMessage{b.sign(TypeRegionList, l, by...)}}
	}
	as := func(*RegionList) {}
	own := b.signer["520000"]
	service := func(change func(*RegionService)) func(*RegionList) {
		return func(l *RegionList) { change(&l.Services[0]) }
	}
	history := func(h ...ServiceStatus) func(*RegionList) { return service(func(s *RegionService) { s.History = h }) }
	good := b.bundle(12)
	b.judge(t, map[string]verdict{
		"as it is":                      {with(as, own), TrustOptions{}, nil, AnchorCaller},
		"no region":                     {&Bundle{Scheme: good.Scheme}, TrustOptions{}, nil, AnchorCaller},
		"signed by an offline key":      {with(as, b.offline...), TrustOptions{}, ErrSignature, ""},
		"signed by another region":      {with(as, b.signer["440000"]), TrustOptions{}, ErrSignature, ""},
		"signed by its status signer":   {with(as, b.status), TrustOptions{}, ErrSignature, ""},
		"in another region's name":      {with(func(l *RegionList) { l.Iss = "440000"; l.Services = nil }, own), TrustOptions{}, ErrSignature, ""},
		"of a region that is not named": {with(func(l *RegionList) { l.Iss = "110000"; l.Services = nil }, own), TrustOptions{}, ErrUnknownIssuer, ""},
		"two of one region":             {&Bundle{Scheme: good.Scheme, Regions: []json.RawMessage{good.Regions[0], good.Regions[0]}}, TrustOptions{}, ErrMalformed, ""},
		"another statement":             {&Bundle{Scheme: good.Scheme, Regions: []json.RawMessage{b.sign(TypeSealList, b.region("520000"), own)}}, TrustOptions{}, ErrMalformed, ""},
		"it lives 8 days":               {with(func(l *RegionList) { l.Exp = noon.Add(8 * day) }, own), TrustOptions{}, ErrMalformed, ""},
		"sequence 0":                    {with(func(l *RegionList) { l.Sequence = 0 }, own), TrustOptions{}, ErrMalformed, ""},
		"speaks for Guangdong":          {with(service(func(s *RegionService) { s.Prefixes = []string{"52", "44"} }), own), TrustOptions{}, ErrMalformed, ""},
		"speaks for all":                {with(service(func(s *RegionService) { s.Prefixes = []string{""} }), own), TrustOptions{}, ErrMalformed, ""},
		"speaks for a digit":            {with(service(func(s *RegionService) { s.Prefixes = []string{"5"} }), own), TrustOptions{}, ErrMalformed, ""},
		"an unknown service":            {with(service(func(s *RegionService) { s.Type = "printer" }), own), TrustOptions{}, ErrUnsupported, ""},
		"a service's certificate cut":   {with(service(func(s *RegionService) { s.Certificate = s.Certificate[1:] }), own), TrustOptions{}, ErrMalformed, ""},
		"no history":                    {with(history(), own), TrustOptions{}, ErrMalformed, ""},
		"history out of order":          {with(history(ServiceStatus{Granted, noon}, ServiceStatus{Withdrawn, noon.Add(-day)}), own), TrustOptions{}, ErrMalformed, ""},
		"an unknown state":              {with(history(ServiceStatus{"good", noon}), own), TrustOptions{}, ErrMalformed, ""},
		"513 services":                  {with(func(l *RegionList) { l.Services = slices.Repeat(l.Services[:1], maxServices+1) }, own), TrustOptions{}, ErrMalformed, ""},
	})
	for name, signer := range map[string]*entity{
		"the signer's certificate had expired":  spec{name: "旧", usage: 0x80, ekus: []OID{OIDEKUTrustList}, to: noon.Add(-time.Second)}.make(t, nil),
		"the signer's certificate is no list's": spec{name: "状", usage: 0x80, ekus: []OID{OIDEKUStatusSigner}}.make(t, nil),
	} {
		l := b.scheme(12)
		l.Regions[0].Keys = raws([]*entity{signer})
		bundle := &Bundle{Scheme: b.sign(TypeSchemeList, l, b.offline...), Regions: []json.RawMessage{b.sign(TypeRegionList, b.region("520000"), signer)}}
		b.judge(t, map[string]verdict{name: {bundle, TrustOptions{}, ErrSignature, ""}})
	}
}

func TestListsAreCheckedBeforeTheyAreSigned(t *testing.T) {
	b := newBench(t)
	l := b.scheme(12)
	l.Exp = noon.Add(8 * day)
	if _, err := SignSchemeList(t.Context(), l, nil); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
	r := b.region("520000")
	r.Services[0].Prefixes = []string{"44"}
	if _, err := SignRegionList(t.Context(), r, b.signer["520000"].signer()); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}
