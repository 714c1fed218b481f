package server

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"yinxin/seal"
)

func (s *Server) seals(w http.ResponseWriter, r *http.Request) error {
	of, err := agencyAsked(r)
	if err != nil {
		return err
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := s.p.Seals.List(r.Context(), of, cursor, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = items[len(items)-1].ID
	}
	return writeList(w, items, next)
}

// ownSeal shows a seal to those who may act for its agency.
func (s *Server) ownSeal(r *http.Request) (seal.Seal, error) {
	sl, err := s.p.Seals.Show(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return sl, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(sl.Agency) {
		return sl, seal.ErrNotFound // that there is one is not everyone's to know
	}
	return sl, nil
}

func (s *Server) seal(w http.ResponseWriter, r *http.Request) error {
	sl, err := s.ownSeal(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, sl)
}

func (s *Server) changeSeal(do func(context.Context, seal.ChangeRequest) (seal.Seal, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		sl, err := s.ownSeal(r)
		if err != nil {
			return err
		}
		var form changeForm
		if err := actForm(r, &form, &form.Operator); err != nil {
			return err
		}
		if sl, err = do(r.Context(), seal.ChangeRequest{SealID: sl.ID, Who: form.Operator, Why: form.Reason}); err != nil {
			return ruled(err)
		}
		return writeJSON(w, http.StatusOK, sl)
	}
}

// cancelForm ends a seal; since is for a compromise.
type cancelForm struct {
	Operator string    `json:"operator"`
	Reason   string    `json:"reason" api:"required"`
	Since    time.Time `json:"since"`
}

func (s *Server) cancelSeal(w http.ResponseWriter, r *http.Request) error {
	sl, err := s.ownSeal(r)
	if err != nil {
		return err
	}
	var form cancelForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	if sl, err = s.p.Seals.Cancel(r.Context(), seal.ChangeRequest{SealID: sl.ID, Who: form.Operator, Why: form.Reason, Since: form.Since}); err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusOK, sl)
}
