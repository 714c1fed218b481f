package server

import (
	"context"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"yinxin/ca"
)

// certificateForm asks for a certificate; CSR is PEM.
type certificateForm struct {
	Profile    string `json:"profile" api:"required"`
	CommonName string `json:"commonName"`
	CSR        string `json:"csr" api:"required"`
	Dual       bool   `json:"dual"` // with an encryption certificate, whose key the key centre makes
	Operator   string `json:"operator"`
	Reason     string `json:"reason" api:"required"`
}

// revokeForm revokes a certificate: reason is RFC 5280's, grounds are in words.
type revokeForm struct {
	Operator       string    `json:"operator"`
	Grounds        string    `json:"grounds" api:"required"`
	Reason         string    `json:"reason" api:"required"`
	WithTwin       bool      `json:"withTwin"` // the encryption certificate that goes with it too
	InvalidityDate time.Time `json:"invalidityDate"`
}

// renewForm renews a certificate; CSR is PEM, on a new key or the old one's.
type renewForm struct {
	CSR       string `json:"csr" api:"required"`
	Supersede bool   `json:"supersede"` // revoke the old one at once
	Operator  string `json:"operator"`
	Reason    string `json:"reason" api:"required"`
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request) error {
	var form certificateForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(form.CSR))
	if block == nil {
		return fail(badRequest, "csr is a PKCS#10 request in PEM")
	}
	caller, _ := callerOf(r.Context())
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	req := ca.IssueRequest{Profile: form.Profile, Agency: caller.Agency, AgencyName: caller.Name, CommonName: form.CommonName,
		CSR: block.Bytes, Who: form.Operator, Why: form.Reason, Retry: key, By: caller.By(form.Operator)}
	if form.Dual {
		return s.issuePair(w, r, req)
	}
	row, err := s.p.CA.Issue(r.Context(), req)
	if err != nil {
		return waits(w, err)
	}
	return writeJSON(w, http.StatusCreated, row)
}

func (s *Server) ownCertificate(r *http.Request) (ca.Row, error) {
	row, err := s.p.CA.Certificate(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return row, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(row.Agency) {
		return row, ca.ErrNotFound // that there is one is not everyone's to know
	}
	return row, nil
}

func (s *Server) certificate(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, row)
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request) error {
	old, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	var form renewForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(form.CSR))
	if block == nil {
		return fail(badRequest, "csr is a PKCS#10 request in PEM")
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return err
	}
	holder, err := s.p.Agencies.Show(r.Context(), old.Agency)
	if err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	row, err := s.p.CA.RenewCertificate(r.Context(), ca.RenewRequest{Serial: old.Serial, AgencyName: holder.Name, CSR: block.Bytes, Supersede: form.Supersede,
		Who: form.Operator, Why: form.Reason, Retry: key, By: caller.By(form.Operator)})
	if err != nil {
		return waits(w, err)
	}
	return writeJSON(w, http.StatusCreated, row)
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	var form revokeForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	reason, ok := ca.Reasons[form.Reason]
	if !ok {
		return fail(badRequest, "reason is one of RFC 5280 5.3.1, such as keyCompromise")
	}
	caller, _ := callerOf(r.Context())
	rows, err := s.p.CA.RevokePair(r.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: reason, Invalidity: form.InvalidityDate,
		Who: form.Operator, Why: form.Grounds, By: caller.By(form.Operator)}, form.WithTwin)
	if err != nil {
		return waits(w, err)
	}
	return writeJSON(w, http.StatusOK, rows[0])
}

// changeCertificate holds or releases one.
func (s *Server) changeCertificate(do func(context.Context, ca.HoldRequest) (ca.Row, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		row, err := s.ownCertificate(r)
		if err != nil {
			return err
		}
		var form changeForm
		if err := actForm(r, &form, &form.Operator); err != nil {
			return err
		}
		if row, err = do(r.Context(), ca.HoldRequest{Serial: row.Serial, Who: form.Operator, Why: form.Reason}); err != nil {
			return ruled(err)
		}
		return writeJSON(w, http.StatusOK, row)
	}
}
