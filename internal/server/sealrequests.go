package server

import (
	"encoding/base64"
	"net/http"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
	"yinxin/seal"
)

// sealRequestForm asks for the certification request of a new seal. Picture is the
// seal's face, PNG in base64; one with its name if left out.
type sealRequestForm struct {
	Name       string `json:"name"`
	Code       string `json:"code"`
	Picture    string `json:"picture"`
	MM         int    `json:"mm"`
	Generation int    `json:"generation"` // 4 or 5, 4 if left out
	Operator   string `json:"operator"`
	Reason     string `json:"reason" api:"required"`
}

// sealCertificateForm brings the certificate that an outside authority issued, and
// those above it, PEM.
type sealCertificateForm struct {
	Certificate string `json:"certificate" api:"required"`
	Chain       string `json:"chain"`
	Operator    string `json:"operator"`
	Reason      string `json:"reason" api:"required"`
}

func (s *Server) sealRequestRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/seal-requests", agency.ScopeSealManage, "make a seal's key and the request for an outside authority's certificate", []string{"Idempotency-Key"},
			jsonOf(sealRequestForm{}), created(seal.Request{}), s.askSeal},
		{get, "/api/v1/seal-requests", agency.ScopeSealRead, "list such requests", listing, content{}, jsonOf(listOf[seal.Request]{}), s.sealRequests},
		{get, "/api/v1/seal-requests/{id}", agency.ScopeSealRead, "show such a request", nil, content{}, jsonOf(seal.Request{}), s.sealRequest},
		{post, "/api/v1/seal-requests/{id}/certificate", agency.ScopeSealManage, "make the seal on the certificate that came; again gives the same seal", nil,
			jsonOf(sealCertificateForm{}), created(seal.Seal{}), s.importSeal},
		{post, "/api/v1/seal-requests/{id}/withdraw", agency.ScopeSealManage, "give up a request that nobody will answer", nil, jsonOf(changeForm{}), jsonOf(seal.Request{}), s.recallSeal},
	}
}

func (s *Server) askSeal(w http.ResponseWriter, r *http.Request) error {
	var form sealRequestForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	m := seal.MakeRequest{Agency: caller.Agency, AgencyName: caller.Name, Name: form.Name, WidthMM: form.MM, HeightMM: form.MM, Generation: form.Generation, Who: form.Operator, Why: form.Reason}
	if m.Name == "" {
		m.Name = caller.Name
	}
	if form.Picture != "" {
		var err error
		if m.PNG, err = base64.StdEncoding.Strict().DecodeString(form.Picture); err != nil {
			return fail(badRequest, "picture is a PNG in base64")
		}
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	out, err := s.p.Seals.Ask(r.Context(), m, form.Code, key)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, out)
}

func (s *Server) sealRequests(w http.ResponseWriter, r *http.Request) error {
	of, err := agencyAsked(r)
	if err != nil {
		return err
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := s.p.Seals.Requests(r.Context(), of, cursor, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = items[len(items)-1].ID
	}
	return writeList(w, items, next)
}

// ownSealRequest shows a request to those who may act for its agency.
func (s *Server) ownSealRequest(r *http.Request) (seal.Request, error) {
	out, err := s.p.Seals.Request(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return out, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(out.Agency) {
		return out, seal.ErrNotFound // that there is one is not everyone's to know
	}
	return out, nil
}

func (s *Server) sealRequest(w http.ResponseWriter, r *http.Request) error {
	out, err := s.ownSealRequest(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *Server) importSeal(w http.ResponseWriter, r *http.Request) error {
	asked, err := s.ownSealRequest(r)
	if err != nil {
		return err
	}
	var form sealCertificateForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	made, err := s.p.Seals.Import(r.Context(), asked.ID, []byte(form.Certificate), []byte(form.Chain), form.Operator, form.Reason)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, made)
}

func (s *Server) recallSeal(w http.ResponseWriter, r *http.Request) error {
	asked, err := s.ownSealRequest(r)
	if err != nil {
		return err
	}
	var form changeForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	if asked, err = s.p.Seals.Recall(r.Context(), asked.ID, form.Operator, form.Reason); err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusOK, asked)
}
