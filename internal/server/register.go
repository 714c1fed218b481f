package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/internal/sheet"
	"yinxin/seal"
)

// useQuery are the parameters of the seal-use register beside those of every list.
var useQuery = []string{"seal", "operator", "matter", "format", "key", "from", "to", "bom"}

// useSheet shows the register as a table.
var useSheet = sheet.Columns[seal.Stamp]{Header: seal.UseColumns(), Cells: seal.Stamp.Cells}

// stamps gives a page of the register, or to whoever accepts a table or lines the
// whole of it. An agency is shown what it asked for and what was sealed with its
// seals.
func (s *Server) stamps(w http.ResponseWriter, r *http.Request) error {
	f, err := useFilter(r)
	if err != nil {
		return err
	}
	if media, format, ok := asTable(r); ok {
		out := &lateHeader{ResponseWriter: w, media: media, name: "seal-uses"}
		return export(out, r, useSheet, format, func(put func(seal.Stamp) error) error { return s.p.Seals.EachUse(r.Context(), f, put) })
	}
	items, next, err := s.p.Seals.Entries(r.Context(), f)
	if err != nil {
		return ruled(err)
	}
	return writeList(w, items, next)
}

func useFilter(r *http.Request) (f seal.Filter, err error) {
	q := r.URL.Query()
	f = seal.Filter{SealID: q.Get("seal"), Operator: q.Get("operator"), Matter: q.Get("matter"), Format: q.Get("format"), Key: q.Get("key")}
	if _, err := queryWord(q, "format", slices.Sorted(maps.Keys(mediaOf))...); err != nil {
		return f, err
	}
	if f.Agency, err = agencyAsked(r); err != nil {
		return f, err
	}
	if f.Cursor, f.Limit, err = page(r); err != nil {
		return f, err
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if *into, err = queryTime(q, name); err != nil {
			return f, err
		}
	}
	return f, nil
}

// entryAnswer is an entry of the register with its receipt, which has its proof as
// soon as a checkpoint covers it.
type entryAnswer struct {
	seal.Stamp
	Receipt journal.Receipt `json:"receipt"`
}

func (s *Server) entry(w http.ResponseWriter, r *http.Request) error {
	id, err := act.ParseID(mux.Vars(r)["id"])
	if err != nil {
		return seal.ErrNotFound
	}
	st, err := s.p.Seals.Entry(r.Context(), id)
	if err != nil {
		return err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(st.Agency) {
		owner, err := s.p.Seals.Show(r.Context(), st.SealID)
		if err != nil {
			return err
		}
		if !caller.ActsFor(owner.Agency) {
			return seal.ErrNotFound // that there is such a stamp is not everyone's to know
		}
	}
	receipt, err := s.p.Journal.Receipt(r.Context(), id)
	if err != nil && !errors.Is(err, journal.ErrNotCovered) {
		return err
	}
	return writeJSON(w, http.StatusOK, entryAnswer{st, receipt})
}
