package verify

import (
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/license/metadata"
)

// Wants tells which evidence would help to judge the document, with an Engine of
// its own.
func (d *Document) Wants(in Input) []Want { return new(Engine).Wants(d, in) }

// Wants tells which evidence would help to judge a document: an OCSP answer, or the
// CRL, for each certificate below a root, and what the region's register says of each
// seal. Only addresses that a trusted certificate or list vouches for are given: one
// that anyone could write into a file of their own must not be visited.
func (e *Engine) Wants(d *Document, in Input) []Want {
	var out wishes
	trials := e.trials(d, in, map[StatusFreshness]bool{})
	for _, t := range trials {
		for _, f := range []certs.Found{t.makerFound, t.signerFound, t.tsaFound} {
			t.wantStatus(&out, f)
		}
		if t.stamp != nil && t.makerErr == nil && t.makerFound.Region != nil {
			t.wantSigners(&out, t.makerFound.Region)
			out.add(t.wantSeal(t.makerFound.Region))
		}
	}
	out.add(d.wantLicence(trials))
	return out.list
}

// wishes are wants, each once; of two that differ in time alone the later counts,
// since what was made after it was made after the other.
type wishes struct {
	list []Want
	at   map[Want]int
}

func (s *wishes) add(w Want) {
	if w.URL == "" {
		return
	}
	if s.at == nil {
		s.at = map[Want]int{}
	}
	key := w
	key.At = time.Time{}
	i, ok := s.at[key]
	if !ok {
		s.at[key] = len(s.list)
		s.list = append(s.list, w)
	} else if w.At.After(s.list[i].At) {
		s.list[i] = w
	}
}

// wantStatus asks about each certificate of a chain that has an issuer.
func (t *trial) wantStatus(out *wishes, f certs.Found) {
	steps := t.ladder(f).steps
	for i, c := range steps {
		var issuer *certs.Certificate
		if i+1 < len(steps) {
			issuer = steps[i+1]
		}
		out.add(wantOf(c, issuer, t.moment()))
	}
}

// wantSigners asks about those who may sign what a region says of its seals and
// licences now: nobody else tells that one of them was revoked.
func (t *trial) wantSigners(out *wishes, r *certs.Region) {
	for i := range r.Services {
		s := &r.Services[i]
		state, _ := s.StateAt(t.in.At)
		if c := s.Certificate; s.Type == certs.ServiceStatusSigner && state == certs.Granted && !t.in.At.After(c.NotAfter) {
			t.wantStatus(out, certs.Found{Path: []*certs.Certificate{c}, Region: r, Service: s})
		}
	}
}

// wantOf asks the responder that a certificate names, else for the list that it
// names.
func wantOf(c, issuer *certs.Certificate, at time.Time) Want {
	list := ""
	if len(c.CRLURLs) > 0 {
		list = c.CRLURLs[0]
	}
	if issuer != nil && len(c.OCSPURLs) > 0 {
		id, err := certs.NewCertID(issuer, c.Serial)
		if err == nil {
			if request, err := certs.BuildOCSPRequest(id, nil); err == nil {
				return Want{Kind: KindOCSP, URL: c.OCSPURLs[0], Request: string(request), Else: list, At: at}
			}
		}
	}
	return Want{Kind: KindCRL, URL: list}
}

// wantLicence asks for the state of the licence that the document is, if it is
// one, of the region that vouches for its issuer.
func (d *Document) wantLicence(trials []*trial) Want {
	if !d.IsLicence() {
		return Want{}
	}
	doc, err := metadata.Parse(d.json)
	if err != nil {
		return Want{}
	}
	t, code := issuerOfLicence(trials, doc.Licence.AuthorityCode)
	if code != "" || t.signerFound.Region.URL == "" {
		return Want{}
	}
	id := doc.Licence.Identifier
	return Want{Kind: KindLicence, Region: t.signerFound.Region.Code, Key: id, URL: strings.TrimRight(t.signerFound.Region.URL, "/") + "/api/v1/licences/" + url.PathEscape(id) + "/status"}
}

// wantSeal asks for the whole history of a seal by the SM3 of its bytes.
func (t *trial) wantSeal(r *certs.Region) Want {
	sum := t.stamp.Seal.SM3()
	w := Want{Kind: KindSealStatus, Region: r.Code, Key: t.stamp.Seal.ID, Seal: hex.EncodeToString(sum[:]), At: t.moment()}
	if r.URL != "" {
		w.URL = strings.TrimRight(r.URL, "/") + "/api/v1/seals/" + url.PathEscape(w.Key) + "/status?seal=" + w.Seal
	}
	return w
}
