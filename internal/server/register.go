package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/seal"
)

func (s *Server) stamps(w http.ResponseWriter, r *http.Request) error {
	caller, _ := callerOf(r.Context())
	q := r.URL.Query()
	f := seal.Filter{SealID: q.Get("seal"), Matter: q.Get("matter"), Agency: caller.Agency}
	if asked := q.Get("agency"); asked != "" {
		f.Agency = asked
	}
	if !caller.ActsFor(f.Agency) {
		return fail(noRight, "")
	}
	var err error
	if f.Cursor, f.Limit, err = page(r); err != nil {
		return err
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if *into, err = queryTime(q, name); err != nil {
			return err
		}
	}
	items, next, err := s.p.Seals.Entries(r.Context(), f)
	if err != nil {
		return err
	}
	return writeList(w, items, next)
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
		return seal.ErrNotFound // that there is such a stamp is not everyone's to know
	}
	receipt, err := s.p.Journal.Receipt(r.Context(), id)
	if err != nil && !errors.Is(err, journal.ErrNotCovered) {
		return err
	}
	return writeJSON(w, http.StatusOK, entryAnswer{st, receipt})
}
