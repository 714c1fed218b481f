package trust

import (
	"encoding/hex"
	"errors"
	"time"

	"yinxin/certs"
)

// Shown is what a bundle grants, for people and their programs.
type Shown struct {
	Anchor   string        `json:"anchor"`
	Led      []string      `json:"anchorsBefore"` // that lead to it
	K        int           `json:"k"`
	Keys     []ShownKey    `json:"keys"`
	Sequence uint64        `json:"sequence"`
	Issued   time.Time     `json:"issued"`
	Expires  time.Time     `json:"expires"`
	Expired  bool          `json:"expired"`
	Regions  []ShownRegion `json:"regions"`
}

// ShownKey is a key that signs lists.
type ShownKey struct {
	ID       string    `json:"keyId"`
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"notAfter"`
	Signed   bool      `json:"signed"` // this list
}

// ShownRegion is a region that the scheme names; without a list in the bundle it has
// no services.
type ShownRegion struct {
	Code     string         `json:"code"`
	Name     string         `json:"name"`
	URL      string         `json:"url"`
	Listed   bool           `json:"listed"`
	Sequence uint64         `json:"sequence,omitempty"`
	Issued   time.Time      `json:"issued,omitzero"`
	Expires  time.Time      `json:"expires,omitzero"`
	Expired  bool           `json:"expired,omitempty"`
	Services []ShownService `json:"services"`
}

// ShownService is a service with its state and how it came to it.
type ShownService struct {
	Type          certs.ServiceType     `json:"type"`
	Name          string                `json:"name"`
	Subject       string                `json:"subject"`
	Serial        string                `json:"serial"`
	NotAfter      time.Time             `json:"notAfter"`
	State         certs.ServiceState    `json:"state"`
	Since         time.Time             `json:"since"`
	Addresses     []string              `json:"addresses,omitempty"`
	Prefixes      []string              `json:"prefixes,omitempty"`
	Organisations []string              `json:"organisations,omitempty"`
	History       []certs.ServiceStatus `json:"history"`
}

// Show checks a bundle and tells what it grants at a time. One that has ended is
// shown too.
func Show(b *certs.Bundle, at time.Time) (Shown, error) {
	t, err := b.Open(certs.TrustOptions{At: at})
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return Shown{}, err
	}
	anchors, err := b.Anchors()
	if err != nil {
		return Shown{}, err
	}
	d, err := certs.ParseSchemeDraft(b.Scheme)
	if err != nil {
		return Shown{}, err
	}
	l := d.List()
	last := len(anchors) - 1
	out := Shown{Anchor: anchors[last], Led: append([]string{}, anchors[:last]...), K: l.K, Keys: ShowKeys(d), Sequence: l.Sequence, Issued: l.Iat, Expires: l.Exp, Expired: at.After(l.Exp), Regions: []ShownRegion{}}
	for _, named := range l.Regions {
		r := ShownRegion{Code: named.Code, Name: named.Name, URL: named.URL, Services: []ShownService{}}
		if listed := t.Regions[named.Code]; listed != nil {
			r.show(listed, at)
		}
		out.Regions = append(out.Regions, r)
	}
	return out, nil
}

// ShowKeys tells which keys a list names and which of them signed it.
func ShowKeys(d *certs.SchemeDraft) (out []ShownKey) {
	signed := map[string]bool{}
	for _, id := range d.Signed() {
		signed[id] = true
	}
	for _, k := range d.Keys() {
		id := certs.KeyID(k)
		out = append(out, ShownKey{id, k.Subject.String(), k.NotAfter, signed[id]})
	}
	return out
}

func (r *ShownRegion) show(l *certs.Region, at time.Time) {
	r.Listed, r.Sequence, r.Issued, r.Expires, r.Expired = true, l.Sequence, l.Issued, l.Expires, at.After(l.Expires)
	for i := range l.Services {
		s := &l.Services[i]
		state, since := s.StateAt(at)
		r.Services = append(r.Services, ShownService{Type: s.Type, Name: s.Name, Subject: s.Certificate.Subject.String(), Serial: hex.EncodeToString(s.Certificate.Serial.Bytes()),
			NotAfter: s.Certificate.NotAfter, State: state, Since: since, Addresses: s.Addresses, Prefixes: s.Prefixes, Organisations: s.Organisations, History: s.History})
	}
}
