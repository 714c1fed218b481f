package server

import (
	"net/http"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/internal/sheet"
)

// certificateQuery are the parameters of a list of certificates beside those of
// every list.
var certificateQuery = []string{"state", "profile", "issuedBy", "serial", "expiresAfter", "expiresBefore", "issuedAfter", "issuedBefore"}

// searchForm looks for a part of the subject too, which may be a person's name: it is
// the body's, since addresses stand in the logs of whatever is on the way.
type searchForm struct {
	Subject       string    `json:"subject" api:"required"`
	Agency        string    `json:"agency"`
	State         string    `json:"state"`
	Profile       string    `json:"profile"`
	IssuedBy      string    `json:"issuedBy"`
	Serial        string    `json:"serial"`
	ExpiresAfter  time.Time `json:"expiresAfter"`
	ExpiresBefore time.Time `json:"expiresBefore"`
	IssuedAfter   time.Time `json:"issuedAfter"`
	IssuedBefore  time.Time `json:"issuedBefore"`
	Limit         int       `json:"limit"`
	Cursor        string    `json:"cursor"`
}

func (s *Server) searchCertificates(w http.ResponseWriter, r *http.Request) error {
	var form searchForm
	if err := smallForm(r, &form); err != nil {
		return err
	}
	switch {
	case form.Subject == "":
		return fail(badRequest, "subject is a part of the subject")
	case form.Limit == 0:
		form.Limit = aPage
	case form.Limit < 0 || form.Limit > maxPage:
		return errLimit
	}
	return s.listCertificates(w, r, ca.Filter{Agency: form.Agency, Profile: form.Profile, Issuer: form.IssuedBy, State: form.State, Subject: form.Subject, Serial: strings.ToLower(form.Serial),
		ExpiresAfter: form.ExpiresAfter, ExpiresBefore: form.ExpiresBefore, IssuedAfter: form.IssuedAfter, IssuedBefore: form.IssuedBefore, Cursor: form.Cursor, Limit: form.Limit})
}

func (s *Server) certificates(w http.ResponseWriter, r *http.Request) error {
	f, err := certificateFilter(r)
	if err != nil {
		return err
	}
	return s.listCertificates(w, r, f)
}

// listCertificates gives a page of the list, or to whoever accepts a table or lines
// the whole of it, from the cursor on.
func (s *Server) listCertificates(w http.ResponseWriter, r *http.Request, f ca.Filter) (err error) {
	if f.Agency, err = agencyListed(r, f.Agency); err != nil {
		return err
	}
	if media, format, ok := asTable(r); ok {
		now := s.clock()
		columns := sheet.Columns[ca.Row]{Header: ca.Columns(), Cells: func(r ca.Row) []string { return r.Cells(now) }}
		out := &lateHeader{ResponseWriter: w, media: media, name: "certificates"}
		return export(out, r, columns, format, func(put func(ca.Row) error) error { return s.p.CA.Each(r.Context(), f, put) })
	}
	items, next, err := s.p.CA.Certificates(r.Context(), f)
	if err != nil {
		return ruled(err)
	}
	return writeList(w, items, next)
}

func certificateFilter(r *http.Request) (f ca.Filter, err error) {
	q := r.URL.Query()
	if f.Cursor, f.Limit, err = page(r); err != nil {
		return f, err
	}
	f.Agency, f.State, f.Profile, f.Issuer = q.Get("agency"), q.Get("state"), q.Get("profile"), q.Get("issuedBy")
	if f.Serial = strings.ToLower(q.Get("serial")); q.Has("subject") {
		return f, fail(badRequest, "a subject may be a person's name, which does not belong in an address: look for it by POST /api/v1/certificates/search")
	}
	for _, t := range []struct {
		name string
		into *time.Time
	}{{"expiresAfter", &f.ExpiresAfter}, {"expiresBefore", &f.ExpiresBefore}, {"issuedAfter", &f.IssuedAfter}, {"issuedBefore", &f.IssuedBefore}} {
		if *t.into, err = queryTime(q, t.name); err != nil {
			return f, err
		}
	}
	return f, nil
}
