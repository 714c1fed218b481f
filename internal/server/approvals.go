package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// approvalRoutes: what waits for a second officer. Which scope a key needs to
// decide is told by the kind of the request, and asked where it is decided.
func (s *Server) approvalRoutes() []endpoint {
	decided := jsonOf(approval.Request{})
	return []endpoint{
		{get, "/api/v1/requests", agency.ScopeRequestRead, "list what was asked for", append([]string{"state"}, listing...), content{}, jsonOf(listOf[approval.Request]{}), s.requests("")},
		{get, "/api/v1/requests/{id}", agency.ScopeRequestRead, "show a request whole, with what was made once it was approved", nil, content{}, decided, s.request},
		{get, "/api/v1/requests/{id}/picture", agency.ScopeRequestRead, "the picture of a seal that is to be made or changed, which the request has only the SM3 of", nil, content{}, raw("image/png"), s.requestedPicture},
		{post, "/api/v1/requests/{id}/approve", agency.ScopeRequestRead, "approve a request as the second officer, and carry it out", nil, jsonOf(decisionForm{}), decided, s.decide(s.p.Approvals.Approve)},
		{post, "/api/v1/requests/{id}/refuse", agency.ScopeRequestRead, "refuse a request as an officer", nil, jsonOf(decisionForm{}), decided, s.decide(s.p.Approvals.Refuse)},
		{post, "/api/v1/requests/{id}/withdraw", agency.ScopeRequestRead, "take one's own request back", nil, jsonOf(decisionForm{}), decided, s.decide(s.p.Approvals.Withdraw)},
		{get, "/api/v1/approval-rules", agency.ScopeRequestRead, "which kinds of act need a second officer", nil, content{}, jsonOf(listOf[approval.Rule]{}), s.rules},
		{post, "/api/v1/approval-rules", agency.ScopeAdmin, "change a rule, which needs a second officer once any rule does", []string{"Idempotency-Key"}, jsonOf(ruleForm{}), jsonOf(approval.Rule{}).orWaits(), s.setRule},
	}
}

type decisionForm struct {
	Operator string `json:"operator"`
	Reason   string `json:"reason"`
}

type ruleForm struct {
	Kind          string `json:"kind" api:"required"`
	SecondOfficer bool   `json:"secondOfficer"`
	Operator      string `json:"operator"`
	Reason        string `json:"reason" api:"required"`
}

// waits answers 202 with the request where an act waits for a second officer, and
// gives any other error on.
func waits(w http.ResponseWriter, err error) error {
	var p *approval.Pending
	if !errors.As(err, &p) {
		return ruled(err)
	}
	w.Header().Set("Location", "/api/v1/requests/"+p.Request.ID.String())
	w.Header().Set("Retry-After", "60") // people decide
	return writeJSON(w, http.StatusAccepted, p.Request)
}

// requests lists those of a kind, or of all for "".
func (s *Server) requests(kind string) route {
	return pageOf(func(r *http.Request, of, cursor string, limit int) ([]approval.Request, string, error) {
		f := approval.Filter{Agency: of, State: approval.State(r.URL.Query().Get("state")), Kind: kind, Cursor: cursor, Limit: limit}
		return s.p.Approvals.List(r.Context(), f)
	})
}

// ownRequest shows a request to those who may act for its agency.
func (s *Server) ownRequest(r *http.Request) (approval.Request, error) {
	id, err := act.ParseID(mux.Vars(r)["id"])
	if err != nil {
		return approval.Request{}, approval.ErrNotFound
	}
	request, err := s.p.Approvals.Show(r.Context(), id)
	if err != nil {
		return request, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(request.Agency) {
		return request, approval.ErrNotFound // that there is one is not everyone's to know
	}
	return request, nil
}

func (s *Server) request(w http.ResponseWriter, r *http.Request) error {
	request, err := s.ownRequest(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, request)
}

// requestedPicture shows what an officer must have seen before a seal is made.
func (s *Server) requestedPicture(w http.ResponseWriter, r *http.Request) error {
	request, err := s.ownRequest(r)
	if err != nil {
		return err
	}
	if request.Kind != seal.KindMake && request.Kind != seal.KindChange {
		return fail(notFound, "only a seal that is to be made or changed has a picture")
	}
	png, err := s.p.RequestedPicture(r.Context(), request)
	if err != nil {
		return ruled(err)
	}
	return writeBytes(w, http.StatusOK, "image/png", png)
}

func (s *Server) decide(do func(context.Context, act.ID, act.Officer, string) (approval.Request, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		request, err := s.ownRequest(r)
		if err != nil {
			return err
		}
		var form decisionForm
		if err := actForm(r, &form, &form.Operator); err != nil {
			return err
		}
		if request, err = do(r.Context(), request.ID, officerOf(r, form.Operator), form.Reason); err != nil {
			return ruled(err)
		}
		return writeJSON(w, http.StatusOK, request)
	}
}

// officerOf is who decides: only a key that is a person's gives a name to a
// decision. A program may take back what it asked for itself.
func officerOf(r *http.Request, operator string) act.Officer {
	caller, _ := callerOf(r.Context())
	by := caller.By(operator)
	by.Name, by.Unverified = caller.Officer, false
	return by
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.p.Approvals.Rules(r.Context())
	if err != nil {
		return err
	}
	return writeList(w, rules, "")
}

func (s *Server) setRule(w http.ResponseWriter, r *http.Request) error {
	var form ruleForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	rule, err := s.p.Approvals.SetRule(r.Context(), form.Kind, form.SecondOfficer, officerOf(r, form.Operator), form.Reason, key)
	if err != nil {
		return waits(w, err)
	}
	return writeJSON(w, http.StatusOK, rule)
}
