package server

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
	"yinxin/seal"
)

// grantForm lets somebody stamp with a seal (用印授权), or with the id of a grant
// changes that one.
type grantForm struct {
	ID           string    `json:"id"`
	Agency       string    `json:"agency"` // the seal's own if left out
	Officer      string    `json:"officer"`
	Credential   string    `json:"credential"`
	Matters      []string  `json:"matters"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	PerDay       uint64    `json:"perDay"`
	SecondPerson bool      `json:"secondPerson"`
	Operator     string    `json:"operator"`
	Reason       string    `json:"reason" api:"required"`
}

// policyForm sets what bounds all grants of a seal.
type policyForm struct {
	Agencies []string `json:"agencies"`
	Matters  []string `json:"matters"`
	PerDay   uint64   `json:"perDay"`
	Closed   bool     `json:"closed"`
	Networks []string `json:"networks"`
	Operator string   `json:"operator"`
	Reason   string   `json:"reason" api:"required"`
}

func (s *Server) grantRoutes() []endpoint {
	once := []string{"Idempotency-Key"}
	one := func() content { return jsonOf(seal.Seal{}).orWaits() }
	return []endpoint{
		{get, "/api/v1/seals/{id}/grants", agency.ScopeSealRead, "who may stamp with a seal", nil, content{}, jsonOf(listOf[seal.Grant]{}), s.grants},
		{post, "/api/v1/seals/{id}/grants", agency.ScopeSealManage, "let somebody stamp with a seal, or change a grant", once, jsonOf(grantForm{}), one(), s.grant},
		{post, "/api/v1/seals/{id}/grants/{grant}/end", agency.ScopeSealManage, "end a grant", once, jsonOf(changeForm{}), one(), s.ungrant},
		{post, "/api/v1/seals/{id}/policy", agency.ScopeSealManage, "set what bounds all grants of a seal", once, jsonOf(policyForm{}), one(), s.setSealPolicy},
	}
}

func (s *Server) grants(w http.ResponseWriter, r *http.Request) error {
	sl, err := s.ownSeal(r)
	if err != nil {
		return err
	}
	return writeList(w, sl.InEffect(), "")
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) error {
	var form grantForm
	sl, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	g := seal.Grant{ID: form.ID, Agency: form.Agency, Officer: form.Officer, Key: form.Credential, Matters: form.Matters, From: form.From, To: form.To,
		PerDay: form.PerDay, SecondPerson: form.SecondPerson}
	if g.Agency == "" {
		g.Agency = sl.Agency
	}
	sl, err = s.p.Seals.Grant(r.Context(), c, g)
	return answerSeal(w, sl, err)
}

func (s *Server) ungrant(w http.ResponseWriter, r *http.Request) error {
	var form changeForm
	_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	sl, err := s.p.Seals.Ungrant(r.Context(), c, mux.Vars(r)["grant"])
	return answerSeal(w, sl, err)
}

func (s *Server) setSealPolicy(w http.ResponseWriter, r *http.Request) error {
	var form policyForm
	_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	sl, err := s.p.Seals.SetPolicy(r.Context(), c, seal.Policy{Agencies: form.Agencies, Matters: form.Matters, PerDay: form.PerDay, Closed: form.Closed, Networks: form.Networks})
	return answerSeal(w, sl, err)
}
