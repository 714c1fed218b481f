package verify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/license/identifier"
	"yinxin/license/qr"
	"yinxin/verify"
)

// The proof that a stamp comes with, and on which side of T it lies.
var proofs = []string{"own TSA before T", "own TSA after T", "no proof", "another region's TSA before T", "another region's TSA after T"}

// What a judgement ends with.
var endings = map[string]struct {
	verdict verify.Verdict
	code    verify.Code
}{
	"good":       {verify.Valid, ""},
	"distrusted": {verify.CannotConfirm, verify.ServiceDistrusted},
	"no time":    {verify.CannotConfirm, verify.TimeNotProven},
	"no status":  {verify.CannotConfirm, verify.StatusUnavailable},
}

// trustTable is the verdict of every case of protocol.md 3: a service of a type, its
// state since T, and the proof of time, in the order of proofs. T lies half an hour
// from the act that the service's key did: the stamp for an authority, a maker and a
// time-stamp authority, its answer for a status signer.
//
// Of a seal's maker the state counts when the seal was made, which is long before
// either T. The types at the end take no part in the verdict on a stamp yet.
var trustTable = map[certs.ServiceType]map[string][5]string{
	certs.ServiceAgencyCA: {
		"granted":     {"good", "good", "no time", "good", "good"},
		"withdrawn":   {"good", "distrusted", "no time", "good", "distrusted"},
		"distrusted":  {"distrusted", "distrusted", "distrusted", "good", "distrusted"},
		"first entry": {"distrusted", "good", "distrusted", "distrusted", "good"},
	},
	certs.ServiceSealMaker: {
		"granted":     {"good", "good", "no time", "good", "good"},
		"withdrawn":   {"good", "good", "no time", "good", "good"},
		"distrusted":  {"distrusted", "distrusted", "distrusted", "good", "distrusted"},
		"first entry": {"distrusted", "distrusted", "distrusted", "distrusted", "distrusted"},
	},
	certs.ServiceTSA: {
		"granted":     {"good", "good", "no time", "good", "good"},
		"withdrawn":   {"good", "no time", "no time", "good", "good"},
		"distrusted":  {"no time", "no time", "no time", "good", "good"},
		"first entry": {"no time", "good", "no time", "good", "good"},
	},
	certs.ServiceStatusSigner: {
		"granted":     {"good", "good", "no time", "good", "good"},
		"withdrawn":   {"good", "no status", "no time", "good", "no status"},
		"distrusted":  {"no status", "no status", "no status", "no status", "no status"},
		"first entry": {"no status", "good", "no status", "no status", "good"},
	},
	certs.ServiceOCSP:        noPart,
	certs.ServiceQRSigner:    noPart,
	certs.ServiceJournal:     noPart,
	certs.ServiceWitness:     noPart,
	certs.ServiceCompanionCA: noPart,
}

var noPart = func() map[string][5]string {
	out := map[string][5]string{}
	for _, state := range []string{"granted", "withdrawn", "distrusted", "first entry"} {
		out[state] = [5]string{"good", "good", "no time", "good", "good"}
	}
	return out
}()

var typeEKU = map[certs.ServiceType]certs.OID{
	certs.ServiceOCSP: certs.OIDEKUOCSPSigning, certs.ServiceQRSigner: certs.OIDEKUQRSigner, certs.ServiceJournal: certs.OIDEKUJournal, certs.ServiceWitness: certs.OIDEKUWitness,
}

// served gives the party of a type, and when its key did what counts.
func (s *scene) served(typ certs.ServiceType) (*party, time.Time) {
	switch typ {
	case certs.ServiceAgencyCA:
		return s.r.issuing, noon
	case certs.ServiceSealMaker:
		return s.r.maker, noon
	case certs.ServiceTSA:
		return s.r.tsa, noon
	case certs.ServiceStatusSigner:
		return s.r.status, s.known
	}
	p := newParty(s, s.r.issuing, profile{name: string(typ), eku: typeEKU[typ], ca: typ == certs.ServiceCompanionCA})
	s.r.services = append(s.r.services, certs.RegionService{Type: typ, Name: string(typ), Certificate: p.cert.Raw, History: []certs.ServiceStatus{{State: certs.Granted, Since: epoch}}})
	return p, noon
}

// history sets what the region's list tells of the party.
func (s *scene) historyOf(p *party, state string, since time.Time) {
	for i := range s.r.services {
		if string(s.r.services[i].Certificate) != string(p.cert.Raw) {
			continue
		}
		switch h := &s.r.services[i].History; state {
		case "withdrawn":
			*h = append(*h, certs.ServiceStatus{State: certs.Withdrawn, Since: since})
		case "distrusted":
			*h = append(*h, certs.ServiceStatus{State: certs.Distrusted, Since: since})
		case "first entry":
			(*h)[0].Since = since
		}
	}
}

func TestTheVerdictOfEveryServiceAndState(t *testing.T) {
	const apart = 8 * time.Minute // At is ten minutes after the newest answer
	for typ, states := range trustTable {
		for state, want := range states {
			for i, proof := range proofs {
				t.Run(fmt.Sprintf("%s %s, %s", typ, state, proof), func(t *testing.T) {
					s := newScene(t)
					p, act := s.served(typ)
					since := act.Add(apart)
					if strings.HasSuffix(proof, "after T") {
						since = act.Add(-apart)
					}
					s.historyOf(p, state, since)
					s.notTheRoot()
					s.order.unproven = proof == "no proof"
					if strings.HasPrefix(proof, "another") {
						s.order.tsa, s.order.chain = s.far.tsa, nil
					}
					end := endings[want[i]]
					expect(t, s.judge(), end.verdict, end.code)
				})
			}
		}
	}
}

// Of those types too a signature counts only while the service is granted, and with
// the extended key usage of the type.
func TestFindAsksEveryTypeForItsState(t *testing.T) {
	for typ := range trustTable {
		s := newScene(t)
		p, _ := s.served(typ)
		find := func(typ certs.ServiceType, at time.Time) error {
			_, err := s.trust(t, s.listed, s.at).Find(p.cert, typ, nil, 0, at)
			return err
		}
		if err := find(typ, noon); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		for other := range trustTable {
			if authority := other == certs.ServiceAgencyCA || other == certs.ServiceCompanionCA; other != typ && !authority && find(other, noon) == nil {
				t.Errorf("%s counts as %s", typ, other)
			}
		}
		for _, state := range []string{"withdrawn", "distrusted"} {
			s := newScene(t)
			q, _ := s.served(typ)
			s.historyOf(q, state, noon)
			if typ == certs.ServiceAgencyCA {
				s.notTheRoot()
			}
			trust := s.trust(t, s.listed, s.at)
			if _, err := trust.Find(q.cert, typ, nil, 0, noon.Add(-time.Second)); err != nil {
				t.Errorf("%s before it was %s: %v", typ, state, err)
			}
			if _, err := trust.Find(q.cert, typ, nil, 0, noon); !errors.Is(err, certs.ErrServiceState) {
				t.Errorf("%s when it was %s: %v", typ, state, err)
			}
		}
	}
	var all []certs.ServiceType
	for typ := range trustTable {
		all = append(all, typ)
	}
	slices.Sort(all)
	if len(all) != 9 {
		t.Errorf("types %v", all)
	}
}

// A token of a QR code has no time of signing: its service must be granted when it is
// judged, whatever else is proven (protocol.md 6). StatusUnavailable is what becomes
// of a token whose signer is good and of which nobody has told more.
func TestTokensAskForTheStateToday(t *testing.T) {
	const authority, elsewhere, national = "11520000MB1A00001X", "11440000MB2C000010", "11100000000000000X"
	as := func(*scene, *party) {}
	state := func(name string, since time.Duration) func(*scene, *party) {
		return func(s *scene, p *party) { s.historyOf(p, name, s.at.Add(since)) }
	}
	limit := func(change func(*certs.RegionService)) func(*scene, *party) {
		return func(s *scene, _ *party) { change(&s.r.services[len(s.r.services)-1]) }
	}
	for name, c := range map[string]struct {
		authority string
		change    func(*scene, *party)
		why       verify.Code
	}{
		"granted":                        {authority, as, verify.StatusUnavailable},
		"withdrawn later":                {authority, state("withdrawn", time.Minute), verify.StatusUnavailable},
		"withdrawn":                      {authority, state("withdrawn", -time.Minute), verify.ServiceDistrusted},
		"distrusted":                     {authority, state("distrusted", -time.Minute), verify.ServiceDistrusted},
		"distrusted, as is known since":  {authority, state("distrusted", time.Minute), verify.ServiceDistrusted},
		"before its first entry":         {authority, state("first entry", time.Minute), verify.ServiceDistrusted},
		"since its first entry":          {authority, state("first entry", -time.Minute), verify.StatusUnavailable},
		"for another region's authority": {elsewhere, as, verify.IssuerUnknown},
		"for an organ of the State":      {national, as, verify.StatusUnavailable},
		"for its own organisation":       {authority, limit(func(s *certs.RegionService) { s.Organisations = []string{authority} }), verify.StatusUnavailable},
		"for another's organisation":     {authority, limit(func(s *certs.RegionService) { s.Organisations = []string{national} }), verify.IssuerUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			p, _ := s.served(certs.ServiceQRSigner)
			c.change(s, p)
			token, err := qr.Sign(t.Context(), qr.Minimal{Identifier: identifier.Identifier{Type: c.authority + "001", Issuer: c.authority, Serial: strings.Repeat("0", 20), Version: "001", Check: "0"}}, p.cert, p)
			if err != nil {
				t.Fatal(err)
			}
			if r := new(verify.Engine).JudgeToken(token, s.input()); r.Record != verify.RecordUnknown || r.Why != c.why {
				t.Errorf("%s, %s", r.Record, r.Why)
			}
		})
	}
}
