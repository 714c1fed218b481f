package server

import (
	"net/http"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/escrow"
	"yinxin/internal/agency"
)

// escrowRoutes: pairs of certificates and the keys that are kept.
func (s *Server) escrowRoutes() []endpoint {
	return []endpoint{
		{get, "/api/v1/certificates/{id}/pair", agency.ScopeCertificateIssue, "a pair of certificates by either's serial, as it was delivered", nil, content{}, jsonOf(escrow.Issued{}), s.pair},
		{post, "/api/v1/certificates/{id}/recover", agency.ScopeEscrowRecover, "ask for an escrowed key; another officer must approve", []string{"Idempotency-Key"}, jsonOf(recoverForm{}),
			content{status: http.StatusAccepted, media: map[string]any{"application/json": approval.Request{}}}, s.recover},
		{get, "/api/v1/escrow", agency.ScopeEscrowRecover, "list the keys that the key centre keeps, retired ones too", append([]string{"state"}, listing...), content{}, jsonOf(listOf[escrow.Held]{}), s.escrowed},
	}
}

// recoverForm asks for an escrowed key: to is a PKCS#10 request or a certificate
// of this authority, in PEM; case is a court's number.
type recoverForm struct {
	To       string `json:"to" api:"required"`
	Case     string `json:"case"`
	Operator string `json:"operator"`
	Reason   string `json:"reason" api:"required"`
}

// issuePair issues a signing and an encryption certificate.
func (s *Server) issuePair(w http.ResponseWriter, r *http.Request, req ca.IssueRequest) error {
	pair, err := s.p.Escrow.Issue(r.Context(), req)
	if err != nil {
		return waits(w, err)
	}
	issued, err := s.p.Escrow.Issued(r.Context(), pair)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, issued)
}

func (s *Server) pair(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	pair, err := s.p.Escrow.Pair(r.Context(), row.Serial)
	if err != nil {
		return err
	}
	issued, err := s.p.Escrow.Issued(r.Context(), pair)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusOK, issued)
}

func (s *Server) recover(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	var form recoverForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	request, err := s.p.Escrow.AskRecovery(r.Context(), escrow.RecoveryRequest{Serial: row.Serial, To: []byte(form.To), Why: form.Reason, Case: form.Case,
		By: officerOf(r, form.Operator), Retry: key})
	if err != nil {
		return ruled(err)
	}
	w.Header().Set("Location", "/api/v1/requests/"+request.ID.String())
	return writeJSON(w, http.StatusAccepted, request)
}

func (s *Server) escrowed(w http.ResponseWriter, r *http.Request) error {
	of, err := agencyAsked(r)
	if err != nil {
		return err
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	f := escrow.Filter{Agency: of, State: escrow.State(r.URL.Query().Get("state")), Cursor: cursor, Limit: limit}
	items, next, err := s.p.Escrow.List(r.Context(), f)
	if err != nil {
		return err
	}
	return writeList(w, items, next)
}
