package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/gorilla/mux"

	"yinxin/license"
	"yinxin/verify/status"
)

// licenceForm is the JSON that asks for a licence.
type licenceForm struct {
	Type       string            `json:"typeCode" api:"required"`
	SealID     string            `json:"sealId" api:"required"`
	Number     string            `json:"number" api:"required"`
	Holder     string            `json:"holder" api:"required"`
	HolderCode string            `json:"holderCode" api:"required"`
	HolderType string            `json:"holderType" api:"required"`
	ValidFrom  string            `json:"validFrom" api:"required"`
	ValidTo    string            `json:"validTo"`
	Extensions map[string]string `json:"extensions"`
	MatterCode string            `json:"matterCode"`
	Operator   string            `json:"operator"`
	Reason     string            `json:"reason"`
}

// changeForm asks for a step in the life of a licence, or of a seal.
type changeForm struct {
	Operator string `json:"operator"`
	Reason   string `json:"reason" api:"required"`
}

type licenceTypeForm struct {
	Code     string `json:"code" api:"required"`
	Name     string `json:"name" api:"required"`
	Operator string `json:"operator"`
}

// licenceAnswer is a licence with its sealed document, which follows as it is.
type licenceAnswer struct {
	license.Licence
	Document json.RawMessage `json:"document"`
}

func (s *Server) issueLicence(w http.ResponseWriter, r *http.Request) error {
	var form licenceForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	issued, err := s.p.Licences.Issue(r.Context(), license.IssueRequest{Type: form.Type, SealID: form.SealID, Agency: caller.Agency, AgencyName: caller.Name, Key: caller.KeyID, Officer: caller.Officer, Peer: peer(r),
		Number: form.Number, Holder: form.Holder, HolderCode: form.HolderCode, HolderType: form.HolderType, From: form.ValidFrom, To: form.ValidTo,
		Extensions: form.Extensions, Matter: form.MatterCode, Operator: form.Operator, Reason: form.Reason, Retry: key})
	if err != nil {
		return ruled(err)
	}
	s.metrics.licences.Inc()
	return writeAround(w, http.StatusCreated, issued.Licence, bytes.NewReader(issued.Document))
}

func (s *Server) licences(r *http.Request, of, cursor string, limit int) ([]license.Licence, string, error) {
	q := r.URL.Query()
	return s.p.Licences.List(r.Context(), license.Filter{Agency: of, Type: q.Get("type"), State: status.LicenceState(q.Get("state")), Cursor: cursor, Limit: limit})
}

// ownLicence shows a licence to those who may act for its authority.
func (s *Server) ownLicence(r *http.Request) (license.Licence, error) {
	l, err := s.p.Licences.Show(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return l, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(l.Agency) {
		return l, license.ErrNotFound // that there is one is not everyone's to know
	}
	return l, nil
}

func (s *Server) licence(w http.ResponseWriter, r *http.Request) error {
	l, err := s.ownLicence(r)
	if err != nil {
		return err
	}
	doc, err := s.p.Licences.Document(r.Context(), l.Identifier)
	if err != nil {
		return err
	}
	return writeAround(w, http.StatusOK, l, bytes.NewReader(doc))
}

func (s *Server) licencePicture(w http.ResponseWriter, r *http.Request) error {
	l, err := s.ownLicence(r)
	if err != nil {
		return err
	}
	png, _, err := s.p.Licences.Picture(r.Context(), l.Identifier)
	if err != nil {
		return err
	}
	return writeBytes(w, http.StatusOK, "image/png", png)
}

func (s *Server) changeLicence(do func(context.Context, license.ChangeRequest) (license.Licence, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, err := s.ownLicence(r)
		if err != nil {
			return err
		}
		var form changeForm
		if err := actForm(r, &form, &form.Operator); err != nil {
			return err
		}
		if l, err = do(r.Context(), license.ChangeRequest{Identifier: l.Identifier, Who: form.Operator, Why: form.Reason}); err != nil {
			return ruled(err)
		}
		return writeJSON(w, http.StatusOK, l)
	}
}

func (s *Server) licenceTypes(w http.ResponseWriter, r *http.Request) error {
	types, err := s.p.Licences.Types(r.Context())
	if err != nil {
		return err
	}
	return writeList(w, types, "")
}

func (s *Server) defineLicenceType(w http.ResponseWriter, r *http.Request) error {
	var form licenceTypeForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	t, err := s.p.Licences.Define(r.Context(), form.Code, form.Name, form.Operator)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, t)
}

func (s *Server) licenceStatus(w http.ResponseWriter, r *http.Request) error {
	signed, err := inTurn(r.Context(), s, func(ctx context.Context) ([]byte, error) {
		return s.p.Licences.Status(ctx, mux.Vars(r)["id"], r.URL.Query().Get("nonce"))
	})
	if err != nil {
		return ruled(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, "application/json", signed)
}
