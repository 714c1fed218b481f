package server

import (
	"context"
	"net/http"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// useForm asks a second person for one use of a seal (用印审批). Digest is the SM3 of
// the document as it will be sent, in hex.
type useForm struct {
	SealID     string `json:"sealId" api:"required"`
	Digest     string `json:"digest" api:"required"`
	Title      string `json:"title" api:"required"`
	MatterCode string `json:"matterCode"`
	Operator   string `json:"operator"`
	Reason     string `json:"reason" api:"required"`
}

// useAnswer is a use as it stands: the request, and the stamp that used it up.
type useAnswer struct {
	approval.Request
	Stamp *act.ID `json:"stampId,omitempty"`
}

func (s *Server) useRoutes() []endpoint {
	decided := jsonOf(approval.Request{})
	return []endpoint{
		{post, "/api/v1/seal-uses", agency.ScopeStamp, "ask a second person for one use of a seal; asked again under the same key it tells what became of it", []string{"Idempotency-Key"},
			jsonOf(useForm{}), jsonOf(useAnswer{}).orWaits(), s.askUse},
		{get, "/api/v1/seal-uses", agency.ScopeRequestRead, "list the uses that were asked for", append([]string{"state"}, listing...), content{}, jsonOf(listOf[approval.Request]{}), s.requests(seal.KindUse)},
		{get, "/api/v1/seal-uses/{id}", agency.ScopeRequestRead, "show a use that was asked for, and the stamp that was made of it", nil, content{}, jsonOf(useAnswer{}), s.use},
		{post, "/api/v1/seal-uses/{id}/approve", agency.ScopeRequestRead, "approve a use as the second person", nil, jsonOf(decisionForm{}), decided, s.decideUse(s.p.Approvals.Approve)},
		{post, "/api/v1/seal-uses/{id}/refuse", agency.ScopeRequestRead, "refuse a use", nil, jsonOf(decisionForm{}), decided, s.decideUse(s.p.Approvals.Refuse)},
		{post, "/api/v1/seal-uses/{id}/withdraw", agency.ScopeRequestRead, "take one's own question back", nil, jsonOf(decisionForm{}), decided, s.decideUse(s.p.Approvals.Withdraw)},
	}
}

func (s *Server) askUse(w http.ResponseWriter, r *http.Request) error {
	var form useForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	u := seal.UseRequest{SealID: form.SealID, Agency: caller.Agency, Title: form.Title, Matter: form.MatterCode, Reason: form.Reason, By: caller.By(form.Operator), Officer: caller.Officer}
	if err := (*seal.Digest)(&u.Document).UnmarshalText([]byte(form.Digest)); err != nil {
		return fail(badRequest, "digest is the SM3 of the document, 64 hex digits in small letters")
	}
	var err error
	if u.Retry, err = retry(r, form, noDocument); err != nil {
		return err
	}
	name, err := s.p.Seals.AskUse(r.Context(), u)
	if err != nil {
		return waits(w, err)
	}
	id, err := act.ParseID(name)
	if err != nil {
		return err
	}
	return s.showUse(w, r, id)
}

func (s *Server) showUse(w http.ResponseWriter, r *http.Request, id act.ID) error {
	request, err := s.p.Approvals.Show(r.Context(), id)
	if err != nil {
		return err
	}
	use, err := s.p.Seals.Use(r.Context(), id)
	if err != nil {
		return err
	}
	answer := useAnswer{Request: request}
	if use.Spent != (act.ID{}) {
		answer.Stamp = &use.Spent
	}
	return writeJSON(w, http.StatusOK, answer)
}

// ownUse shows a use to those who may act for its agency.
func (s *Server) ownUse(r *http.Request) (approval.Request, error) {
	request, err := s.ownRequest(r)
	if err == nil && request.Kind != seal.KindUse {
		err = approval.ErrNotFound
	}
	return request, err
}

func (s *Server) use(w http.ResponseWriter, r *http.Request) error {
	request, err := s.ownUse(r)
	if err != nil {
		return err
	}
	return s.showUse(w, r, request.ID)
}

func (s *Server) decideUse(do func(context.Context, act.ID, act.Officer, string) (approval.Request, error)) route {
	decide := s.decide(do)
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := s.ownUse(r); err != nil {
			return err
		}
		return decide(w, r)
	}
}
