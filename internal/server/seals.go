package server

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/verify/status"
)

// sealForm applies for a seal (申请). Picture is its face, PNG in base64, or face says
// how to draw it; one with its name is drawn if both are left out. The sizes follow
// from the rank if they are left out.
type sealForm struct {
	Agency   string     `json:"agency"` // the caller's own if left out
	Name     string     `json:"name"`   // the agency's if left out
	Picture  string     `json:"picture"`
	Face     *face.Spec `json:"face"`
	MM       int        `json:"mm"`
	WidthMM  int        `json:"widthMm"`
	HeightMM int        `json:"heightMm"`
	Kind     string     `json:"kind"`
	Purpose  string     `json:"purpose"`
	Rank     string     `json:"rank"`
	Emblem   bool       `json:"emblem"`
	MustFile bool       `json:"mustFile"`
	Matters  []string   `json:"matters"`
	PerDay   uint64     `json:"perDay"`
	Closed   bool       `json:"closed"`
	Networks []string   `json:"networks"`
	Operator string     `json:"operator"`
	Reason   string     `json:"reason" api:"required"`
}

// varyForm changes a seal (变更): a new edition under the same code.
type varyForm struct {
	Name     string     `json:"name"`
	Picture  string     `json:"picture"`
	Face     *face.Spec `json:"face"`
	WidthMM  int        `json:"widthMm"`
	HeightMM int        `json:"heightMm"`
	Operator string     `json:"operator"`
	Reason   string     `json:"reason" api:"required"`
}

// filingForm records where a seal was filed (备案).
type filingForm struct {
	Number    string    `json:"number" api:"required"`
	Authority string    `json:"authority" api:"required"`
	At        time.Time `json:"at"`
	Operator  string    `json:"operator"`
	Reason    string    `json:"reason" api:"required"`
}

// cancelForm ends a seal; since is for a compromise or a loss.
type cancelForm struct {
	Grounds  string    `json:"grounds"`
	Operator string    `json:"operator"`
	Reason   string    `json:"reason" api:"required"`
	Since    time.Time `json:"since"`
}

// destroyForm ends the keys of a cancelled seal (销毁).
type destroyForm struct {
	Witness  string `json:"witness" api:"required"`
	Operator string `json:"operator"`
	Reason   string `json:"reason" api:"required"`
}

func (s *Server) sealLifeRoutes() []endpoint {
	one, once := jsonOf(seal.Seal{}), []string{"Idempotency-Key"}
	return []endpoint{
		{post, "/api/v1/seals", agency.ScopeSealManage, "apply for a seal, which is made at once unless a second officer must approve", once, jsonOf(sealForm{}), created(seal.Seal{}).orWaits(), s.applySeal},
		{get, "/api/v1/seals", agency.ScopeSealRead, "list seals", append([]string{"state", "kind"}, listing...), content{}, jsonOf(listOf[seal.Seal]{}), pageOf(s.seals)},
		{get, "/api/v1/seals/{id}", agency.ScopeSealRead, "show a seal", nil, content{}, one, s.seal},
		{get, "/api/v1/seals/{id}/history", agency.ScopeSealRead, "every step of a seal's life: who, when, why", nil, content{}, jsonOf(listOf[seal.Step]{}), s.sealHistory},
		{post, "/api/v1/seals/{id}/file", agency.ScopeSealManage, "record that a seal was filed", once, jsonOf(filingForm{}), one, s.fileSeal},
		{post, "/api/v1/seals/{id}/freeze", agency.ScopeSealManage, "suspend a seal", once, jsonOf(changeForm{}), one, s.changeSeal(s.p.Seals.Freeze)},
		{post, "/api/v1/seals/{id}/thaw", agency.ScopeSealManage, "end a suspension", once, jsonOf(changeForm{}), one, s.changeSeal(s.p.Seals.Thaw)},
		{post, "/api/v1/seals/{id}/change", agency.ScopeSealManage, "give a seal a new edition: name, face or size, on a new key", once, jsonOf(varyForm{}), jsonOf(seal.Seal{}).orWaits(), s.varySeal},
		{post, "/api/v1/seals/{id}/renew", agency.ScopeSealManage, "give a seal a new key and certificate", once, jsonOf(changeForm{}), jsonOf(seal.Seal{}).orWaits(), s.renewSeal},
		{post, "/api/v1/seals/{id}/cancel", agency.ScopeSealManage, "end a seal, for ever", once, jsonOf(cancelForm{}), jsonOf(seal.Seal{}).orWaits(), s.cancelSeal},
		{post, "/api/v1/seals/{id}/destroy", agency.ScopeSealManage, "end the keys of a cancelled seal, before a witness", once, jsonOf(destroyForm{}), jsonOf(seal.Seal{}).orWaits(), s.destroySeal},
	}
}

// picture reads a PNG in base64, nil for none.
func picture(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fail(badRequest, "picture is a PNG in base64")
	}
	return b, nil
}

func (s *Server) applySeal(w http.ResponseWriter, r *http.Request) error {
	var form sealForm
	if err := pictureForm(r, &form, &form.Operator); err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	m := seal.MakeRequest{Agency: form.Agency, Name: form.Name, WidthMM: form.WidthMM, HeightMM: form.HeightMM, MustFile: form.MustFile, Face: form.Face,
		Class:  seal.Class{Kind: seal.Kind(form.Kind), Purpose: form.Purpose, Rank: seal.Rank(form.Rank), Emblem: form.Emblem},
		Policy: seal.Policy{Matters: form.Matters, PerDay: form.PerDay, Closed: form.Closed, Networks: form.Networks},
		Who:    form.Operator, Why: form.Reason, By: caller.By(form.Operator)}
	if m.Agency == "" {
		m.Agency = caller.Agency
	}
	if !caller.ActsFor(m.Agency) {
		return fail(noRight, "the credential does not act for agency "+clipped(m.Agency))
	}
	owner, err := s.p.Agencies.Show(r.Context(), m.Agency)
	if err != nil {
		return err
	}
	if m.AgencyName = owner.Name; m.Name == "" {
		m.Name = owner.Name
	}
	if m.WidthMM == 0 && m.HeightMM == 0 {
		m.WidthMM, m.HeightMM = form.MM, form.MM
	}
	if m.PNG, err = picture(form.Picture); err != nil {
		return err
	}
	if m.Retry, err = retry(r, form, noDocument); err != nil {
		return err
	}
	made, err := s.p.Seals.Make(r.Context(), m)
	if err != nil {
		return waits(w, err)
	}
	w.Header().Set("Location", "/api/v1/seals/"+made.ID)
	return writeJSON(w, http.StatusCreated, made)
}

func (s *Server) seals(r *http.Request, of, cursor string, limit int) ([]seal.Seal, string, error) {
	q := r.URL.Query()
	state, err := queryWord(q, "state", status.SealInForce, status.SealFrozen, status.SealCancelled)
	if err != nil {
		return nil, "", err
	}
	kind, err := queryWord(q, "kind", seal.KindAgency, seal.KindSpecial, seal.KindLegal, seal.KindPerson)
	if err != nil {
		return nil, "", err
	}
	return s.p.Seals.List(r.Context(), seal.SealFilter{Agency: of, State: state, Kind: kind, Cursor: cursor, Limit: limit})
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

func (s *Server) sealHistory(w http.ResponseWriter, r *http.Request) error {
	sl, err := s.ownSeal(r)
	if err != nil {
		return err
	}
	steps, err := s.p.Seals.History(r.Context(), sl.ID)
	if err != nil {
		return err
	}
	return writeList(w, steps, "")
}

// stepOf is the step that a form asks for, by whom and why.
func stepOf(r *http.Request, sl seal.Seal, form any, operator, reason string) (seal.ChangeRequest, error) {
	caller, _ := callerOf(r.Context())
	key, err := retry(r, form, noDocument)
	return seal.ChangeRequest{SealID: sl.ID, Who: operator, Why: reason, By: caller.By(operator), Retry: key}, err
}

// ownStep reads the form of a step in the life of the caller's own seal.
func (s *Server) ownStep(r *http.Request, form any, operator, reason *string) (seal.Seal, seal.ChangeRequest, error) {
	sl, err := s.ownSeal(r)
	if err != nil {
		return sl, seal.ChangeRequest{}, err
	}
	if err := pictureForm(r, form, operator); err != nil {
		return sl, seal.ChangeRequest{}, err
	}
	c, err := stepOf(r, sl, form, *operator, *reason)
	return sl, c, err
}

func answerSeal(w http.ResponseWriter, sl seal.Seal, err error) error {
	if err != nil {
		return waits(w, err)
	}
	return writeJSON(w, http.StatusOK, sl)
}

func (s *Server) changeSeal(do func(context.Context, seal.ChangeRequest) (seal.Seal, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		var form changeForm
		_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
		if err != nil {
			return err
		}
		sl, err := do(r.Context(), c)
		return answerSeal(w, sl, err)
	}
}

func (s *Server) fileSeal(w http.ResponseWriter, r *http.Request) error {
	var form filingForm
	_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	sl, err := s.p.Seals.File(r.Context(), c, seal.Filing{Number: form.Number, Authority: form.Authority, At: form.At})
	return answerSeal(w, sl, err)
}

func (s *Server) cancelSeal(w http.ResponseWriter, r *http.Request) error {
	var form cancelForm
	_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	c.Grounds, c.Since = seal.Grounds(form.Grounds), form.Since
	sl, err := s.p.Seals.Cancel(r.Context(), c)
	return answerSeal(w, sl, err)
}

func (s *Server) destroySeal(w http.ResponseWriter, r *http.Request) error {
	var form destroyForm
	_, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	c.Witness = form.Witness
	sl, err := s.p.Seals.Destroy(r.Context(), c)
	return answerSeal(w, sl, err)
}

func (s *Server) varySeal(w http.ResponseWriter, r *http.Request) error {
	var form varyForm
	sl, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	v, err := s.varying(r, sl, c)
	if err != nil {
		return err
	}
	v.Name, v.Face, v.WidthMM, v.HeightMM = form.Name, form.Face, form.WidthMM, form.HeightMM
	if v.PNG, err = picture(form.Picture); err != nil {
		return err
	}
	sl, err = s.p.Seals.Vary(r.Context(), v)
	return answerSeal(w, sl, err)
}

func (s *Server) renewSeal(w http.ResponseWriter, r *http.Request) error {
	var form changeForm
	sl, c, err := s.ownStep(r, &form, &form.Operator, &form.Reason)
	if err != nil {
		return err
	}
	v, err := s.varying(r, sl, c)
	if err != nil {
		return err
	}
	sl, err = s.p.Seals.Renew(r.Context(), v)
	return answerSeal(w, sl, err)
}

// varying takes the name that stands in the certificate from the register of agencies.
func (s *Server) varying(r *http.Request, sl seal.Seal, c seal.ChangeRequest) (seal.VaryRequest, error) {
	owner, err := s.p.Agencies.Show(r.Context(), sl.Agency)
	return seal.VaryRequest{ChangeRequest: c, AgencyName: owner.Name}, err
}
