package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/code"
	"yinxin/license"
	"yinxin/license/qr"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/portal"
	"yinxin/verify/status"
)

// tokenForm holds the digits of a QR code, or the whole address in it.
type tokenForm struct {
	Token string `json:"token" api:"required"`
}

func (s *Server) showRecord(w http.ResponseWriter, r *http.Request) error {
	return s.portal.ShowRecord(w, r, mux.Vars(r)["code"])
}

// recordByCode tells what was recorded; nothing in it is personal.
func (s *Server) recordByCode(ctx context.Context, typed string) (portal.Record, error) {
	canonical, err := code.Parse(typed)
	if err != nil {
		return portal.Record{}, portal.ErrBadCode
	}
	if l, err := s.p.Licences.ByCode(ctx, canonical); err == nil {
		return s.licenceRecord(l), nil
	} else if !errors.Is(err, license.ErrNotFound) {
		return portal.Record{}, err
	}
	st, err := s.p.Seals.ByCode(ctx, canonical)
	if errors.Is(err, seal.ErrNotFound) {
		return portal.Record{}, portal.ErrNoRecord
	}
	if err != nil {
		return portal.Record{}, err
	}
	sl, err := s.p.Seals.Show(ctx, st.SealID)
	if err != nil {
		return portal.Record{}, err
	}
	state := "in_force"
	switch sl.State {
	case status.SealFrozen:
		state = "suspended"
	case status.SealCancelled, status.SealReplaced:
		state = "ended"
	}
	rec := portal.Record{Record: state, Kind: "stamp", PageCount: st.Pages, AsOf: s.clock().UTC().Format(time.RFC3339), Notice: portal.NotPaper(), Fields: []portal.Field{
		{Name: "seal", Zh: "印章名称", En: "Seal", Value: sl.Name}, {Name: "sealId", Zh: "印章编码", En: "Seal code", Value: sl.ID},
		{Name: "sealedAt", Zh: "盖章时间", En: "Sealed at", Value: st.SealedAt.Format(time.RFC3339)}, {Name: "format", Zh: "文件格式", En: "Format", Value: st.Format},
	}}
	if st.Pages > 0 {
		rec.Fields = append(rec.Fields, portal.Field{Name: "pageCount", Zh: "页数", En: "Pages", Value: strconv.Itoa(st.Pages)})
	}
	return rec, nil
}

func (s *Server) record(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.recordByCode(r.Context(), mux.Vars(r)["code"])
	switch {
	case errors.Is(err, portal.ErrBadCode):
		return failBy(badRequest, err)
	case errors.Is(err, portal.ErrNoRecord):
		return failBy(notFound, err)
	case err != nil:
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusOK, rec)
}

// recordByToken is the fallback of the page /q: the reader agreed to send the token
// of a QR code. Whatever host stands before it is ignored (protocol.md 6).
func (s *Server) recordByToken(w http.ResponseWriter, r *http.Request) error {
	var form tokenForm
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
