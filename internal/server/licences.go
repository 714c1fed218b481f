package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
	"yinxin/license"
	"yinxin/license/qr"
	"yinxin/verify"
	"yinxin/verify/portal"
	"yinxin/verify/status"
)

// licenceForm is the JSON that asks for a licence.
type licenceForm struct {
	Type       string            `json:"typeCode"`
	SealID     string            `json:"sealId"`
	Number     string            `json:"number"`
	Holder     string            `json:"holder"`
	HolderCode string            `json:"holderCode"`
	HolderType string            `json:"holderType"`
	ValidFrom  string            `json:"validFrom"`
	ValidTo    string            `json:"validTo"`
	Extensions map[string]string `json:"extensions"`
	MatterCode string            `json:"matterCode"`
	Operator   string            `json:"operator"`
	Reason     string            `json:"reason"`
}

func (s *Server) issueLicence(w http.ResponseWriter, r *http.Request) error {
	var form licenceForm
	if err := smallForm(r, &form); err != nil {
		return err
	}
	key, err := retry(r, form, [32]byte{})
	if err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	issued, err := s.p.Licences.Issue(r.Context(), license.IssueRequest{Type: form.Type, SealID: form.SealID, Agency: caller.Agency, AgencyName: caller.Name, Key: caller.KeyID,
		Number: form.Number, Holder: form.Holder, HolderCode: form.HolderCode, HolderType: form.HolderType, From: form.ValidFrom, To: form.ValidTo,
		Extensions: form.Extensions, Matter: form.MatterCode, Operator: form.Operator, Reason: form.Reason, Retry: key})
	if err != nil {
		return ruled(err)
	}
	s.metrics.licences.Inc()
	return writeAround(w, http.StatusCreated, issued.Licence, issued.Document)
}

func (s *Server) licences(w http.ResponseWriter, r *http.Request) error {
	caller, _ := callerOf(r.Context())
	q := r.URL.Query()
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	f := license.Filter{Agency: q.Get("agency"), Type: q.Get("type"), State: status.LicenceState(q.Get("state")), Cursor: cursor, Limit: limit}
	if f.Agency == "" && !caller.May(agency.ScopeAdmin) {
		f.Agency = caller.Agency
	}
	if f.Agency != "" && !caller.ActsFor(f.Agency) {
		return fail(noRight, "")
	}
	items, err := s.p.Licences.List(r.Context(), f)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = items[len(items)-1].Identifier
	}
	return writeJSON(w, http.StatusOK, map[string]any{"items": orEmpty(items), "next": next})
}

// ownLicence shows a licence to those who may act for its authority.
func (s *Server) ownLicence(r *http.Request) (license.Licence, error) {
	l, err := s.p.Licences.Show(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return l, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(l.Agency) {
		return l, fail(notFound, "")
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
	w.Header().Set("Cache-Control", "no-store")
	return writeAround(w, http.StatusOK, l, doc)
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
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, "image/png", png)
}

func (s *Server) changeLicence(do func(context.Context, license.ChangeRequest) (license.Licence, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, err := s.ownLicence(r)
		if err != nil {
			return err
		}
		var form struct {
			Operator string `json:"operator"`
			Reason   string `json:"reason"`
		}
		if err := smallForm(r, &form); err != nil {
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
	return writeJSON(w, http.StatusOK, map[string]any{"items": orEmpty(types), "next": ""})
}

func (s *Server) defineLicenceType(w http.ResponseWriter, r *http.Request) error {
	var form struct {
		Code     string `json:"code"`
		Name     string `json:"name"`
		Operator string `json:"operator"`
	}
	if err := smallForm(r, &form); err != nil {
		return err
	}
	t, err := s.p.Licences.Define(r.Context(), form.Code, form.Name, form.Operator)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, t)
}

func (s *Server) licenceStatus(w http.ResponseWriter, r *http.Request) error {
	signed, err := s.p.Licences.Status(r.Context(), mux.Vars(r)["id"], r.URL.Query().Get("nonce"))
	if err != nil {
		return ruled(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, "application/json", signed)
}

// recordByToken is the fallback of the page /q: the reader agreed to send the token
// of a QR code. Whatever host stands before it is ignored (protocol.md 6).
func (s *Server) recordByToken(w http.ResponseWriter, r *http.Request) error {
	var form struct {
		Token string `json:"token"`
	}
	if err := smallForm(r, &form); err != nil {
		return err
	}
	token, err := qr.Parse(form.Token[strings.LastIndexByte(form.Token, '#')+1:])
	if err != nil {
		return failBy(badRequest, qr.ErrMalformed)
	}
	report, err := s.p.JudgeToken(r.Context(), token)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusOK, s.tokenRecord(token, report))
}

// tokenRecord gives the token's own masked fields, which its signature covers, and
// what the register says of them. Of a token that nobody vouches for nothing is
// repeated: it could say anything in our name.
func (s *Server) tokenRecord(token *qr.Token, t verify.TokenReport) portal.Record {
	rec := portal.Record{Record: string(t.Record), Kind: "licence", AsOf: s.clock().UTC().Format(time.RFC3339), Notice: portal.NotPaper(), Fields: []portal.Field{}}
	if t.Why != "" {
		reason, _ := verify.Explain(t.Why)
		rec.Reasons = []verify.Reason{reason}
	}
	if t.Region == "" {
		return rec
	}
	rec.Fields = licenceFields(token.Identifier.String(), token.Holder, token.Issued.String(), token.ValidTo.String(), t.State, t.StateSince)
	return rec
}

func licenceFields(id, holder, issued, to string, state status.LicenceState, since time.Time) []portal.Field {
	fields := []portal.Field{
		{Name: "identifier", Zh: "证照标识", En: "Identifier", Value: id},
		{Name: "holder", Zh: "持有人(已遮盖)", En: "Holder (masked)", Value: holder},
		{Name: "issued", Zh: "颁发日期", En: "Issued", Value: issued},
	}
	if to != "" {
		fields = append(fields, portal.Field{Name: "validTo", Zh: "有效期至", En: "Valid to", Value: to})
	}
	if !since.IsZero() {
		fields = append(fields, portal.Field{Name: "stateSince", Zh: "状态起始", En: "In this state since", Value: since.UTC().Format(time.RFC3339)})
	}
	return append(fields, portal.Field{Name: "state", Zh: "登记状态", En: "State", Value: stateWords[state]})
}

// stateWords are the states of protocol.md 5 as people say them.
var stateWords = map[status.LicenceState]string{
	status.LicenceValid: "有效 valid", status.LicenceRevoked: "吊销 revoked", status.LicenceSuspended: "暂扣 suspended", status.LicenceCancelled: "注销 cancelled",
	status.LicenceSuperseded: "已换发 superseded", status.LicenceTransferred: "转出 transferred", status.LicenceWithdrawn: "撤销 withdrawn", status.LicenceUnknown: "没有登记 not recorded",
}

// licenceRecord is what stands under a licence's printed verification code.
func (s *Server) licenceRecord(l license.Licence) portal.Record {
	record := map[status.LicenceState]verify.Recorded{status.LicenceValid: verify.InForce, status.LicenceSuspended: verify.Suspended}[l.State]
	if record == "" || l.Over(s.clock()) {
		record = verify.Ended
	}
	fields := append([]portal.Field{{Name: "name", Zh: "证照名称", En: "Licence", Value: l.Name}, {Name: "authority", Zh: "颁发机构", En: "Issuing authority", Value: l.AgencyName}},
		licenceFields(l.Identifier, l.Holder, l.Issued, l.To, l.State, l.StateSince)...)
	return portal.Record{Record: string(record), Kind: "licence", AsOf: s.clock().UTC().Format(time.RFC3339), Notice: portal.NotPaper(), Fields: fields}
}
