package server

import (
	"net/http"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/internal/sheet"
)

const (
	mediaCSV   = "text/csv"
	mediaLines = "application/jsonl"
)

// certificateQuery are the parameters of a list of certificates beside those of
// every list.
var certificateQuery = []string{"state", "profile", "issuedBy", "subject", "serial", "expiresAfter", "expiresBefore", "issuedAfter", "issuedBefore"}

// certificates gives a page of the list, or to whoever accepts a table or lines the
// whole of it, from the cursor on.
func (s *Server) certificates(w http.ResponseWriter, r *http.Request) error {
	f, err := certificateFilter(r)
	if err != nil {
		return err
	}
	for media, format := range map[string]sheet.Format{mediaCSV: sheet.CSV, mediaLines: sheet.Lines} {
		if accepts(r, media) {
			return s.exportCertificates(w, r, f, media, format)
		}
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
	if f.Agency, err = agencyAsked(r); err != nil {
		return f, err
	}
	f.State, f.Profile, f.Issuer = q.Get("state"), q.Get("profile"), q.Get("issuedBy")
	f.Subject, f.Serial = q.Get("subject"), strings.ToLower(q.Get("serial"))
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

// exportEvery is how many rows are written before a client that reads slowly is
// given its time anew: what stops one that never reads must not stop a million rows.
const exportEvery = 10_000

// exportCertificates streams. What fails on the way breaks the connection off, so
// that half a list does not look whole.
func (s *Server) exportCertificates(w http.ResponseWriter, r *http.Request, f ca.Filter, media string, format sheet.Format) error {
	now := s.clock()
	columns := sheet.Columns[ca.Row]{Header: ca.Columns(), Cells: func(r ca.Row) []string { return r.Cells(now) }}
	out := &lateHeader{ResponseWriter: w, media: media}
	list, err := sheet.New(out, columns, sheet.Options{Format: format, BOM: r.URL.Query().Get("bom") == "true"})
	if err != nil {
		return err
	}
	connection := http.NewResponseController(w)
	err = s.p.CA.Each(r.Context(), f, func(row ca.Row) error {
		if list.Rows()%exportEvery == 0 {
			// A writer that knows no deadline, such as a recorder's, needs none.
			_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		return list.Put(row)
	})
	if err != nil {
		return ruled(err)
	}
	if err := list.End(); err != nil {
		return err
	}
	out.begin() // an empty list too
	return nil
}

// lateHeader begins an answer at its first octet: until then a problem can still be
// answered.
type lateHeader struct {
	http.ResponseWriter
	media string
	begun bool
}

func (l *lateHeader) begin() {
	if l.begun {
		return
	}
	l.begun = true
	h := l.Header()
	h.Set("Content-Type", l.media)
	if l.media == mediaCSV {
		h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present") // RFC 7111, RFC 4180 3
		h.Set("Content-Disposition", `attachment; filename="certificates.csv"`)
	}
	l.WriteHeader(http.StatusOK)
}

func (l *lateHeader) Write(b []byte) (int, error) {
	l.begin()
	return l.ResponseWriter.Write(b)
}
