package server

import (
	"net/http"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
	"yinxin/seal"
	"yinxin/seal/face"
)

// sealRequestForm asks for the certification request of a new seal. Picture is the
// seal's face, PNG in base64; one with its name if left out.
type sealRequestForm struct {
	Name       string     `json:"name"`
	Code       string     `json:"code"`
	Picture    string     `json:"picture"`
	Face       *face.Spec `json:"face"`
	MM         int        `json:"mm"`
	Generation int        `json:"generation"` // 4 or 5, 4 if left out
	Kind       string     `json:"kind"`
	Purpose    string     `json:"purpose"`
	Rank       string     `json:"rank"`
	Emblem     bool       `json:"emblem"`
	MustFile   bool       `json:"mustFile"`
	Operator   string     `json:"operator"`
	Reason     string     `json:"reason" api:"required"`
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
		{get, "/api/v1/seal-requests", agency.ScopeSealRead, "list such requests", listing, content{}, jsonOf(listOf[seal.Request]{}),
			pageOf(func(r *http.Request, of, cursor string, limit int) ([]seal.Request, string, error) {
				return s.p.Seals.Requests(r.Context(), of, cursor, limit)
			})},
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
	m := seal.MakeRequest{Agency: caller.Agency, AgencyName: caller.Name, Name: form.Name, WidthMM: form.MM, HeightMM: form.MM, Face: form.Face, Generation: form.Generation, Who: form.Operator, Why: form.Reason,
		Class: seal.Class{Kind: seal.Kind(form.Kind), Purpose: form.Purpose, Rank: seal.Rank(form.Rank), Emblem: form.Emblem}, MustFile: form.MustFile}
	if m.Name == "" {
		m.Name = caller.Name
	}
	var err error
	if m.PNG, err = picture(form.Picture); err != nil {
		return err
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
