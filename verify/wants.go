package verify

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"yinxin/certs"
	"yinxin/license/metadata"
)

// Wants tells which evidence would help to judge the document: the CRL for each
// certificate below a root, and what the region's register says of each seal. Only
// addresses that a trusted certificate or list vouches for are given: one that
// anyone could write into a file of their own must not be visited.
func (d *Document) Wants(in Input) []Want {
	var out []Want
	add := func(w Want) {
		if w.URL != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	trials := new(Engine).trials(d, in, map[StatusFreshness]bool{})
	for _, t := range trials {
		for _, f := range []certs.Found{t.makerFound, t.signerFound, t.tsaFound} {
			for _, c := range t.ladder(f).steps {
				if len(c.CRLURLs) > 0 {
					add(Want{Kind: KindCRL, URL: c.CRLURLs[0]})
				}
			}
		}
		if t.stamp != nil && t.makerErr == nil && t.makerFound.Region != nil {
			add(t.wantSeal(t.makerFound.Region))
		}
	}
	add(d.wantLicence(trials))
	return out
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
