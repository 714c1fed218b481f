package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/ca/escrow"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func pairBody(t testing.TB, key *sm2.PrivateKey) string {
	return asJSON(t, certificateForm{Profile: ca.ProfilePerson, CommonName: "李四", CSR: string(catest.PEM(t, key)), Dual: true, Operator: "x", Reason: "y"})
}

// pair is a pair of certificates that was delivered.
func (h *house) pair(t testing.TB) (issued escrow.Issued) {
	t.Helper()
	h.post(t, "/api/v1/certificates", pairBody(t, catest.Key(t))).want(t, http.StatusCreated, &issued)
	return issued
}

// waiting is a request that nobody decided yet.
func (h *house) waiting(t testing.TB) (r approval.Request) {
	t.Helper()
	asker := h.officerKey(t, provincetest.Agency, "孙七", agency.ScopeEscrowRecover)
	form := recoverForm{To: string(catest.PEM(t, catest.Key(t))), Reason: "y"}
	h.post(t, "/api/v1/certificates/"+h.pair(t).Encryption.Serial+"/recover", asJSON(t, form), bearer(asker)).want(t, http.StatusAccepted, &r)
	return r
}

// strict makes a kind of act need a second officer.
func (h *house) strict(t testing.TB, kind string) {
	t.Helper()
	admin := h.officerKey(t, provincetest.Agency, "管理员", agency.ScopeAdmin)
	var rule approval.Rule
	h.post(t, "/api/v1/approval-rules", asJSON(t, ruleForm{Kind: kind, SecondOfficer: true, Reason: "双人"}), bearer(admin)).want(t, http.StatusOK, &rule)
	if !rule.SecondOfficer || rule.Version != 1 || rule.By.Name != "管理员" {
		t.Fatalf("%+v", rule)
	}
}

// A certificate that needs two officers: asked, shown whole, approved by the
// other, and had by the one who asked under the same idempotency key.
func TestACertificateByTwoOfficers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.strict(t, ca.KindIssue(ca.ProfileClient))
	zhang := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeCertificateIssue, agency.ScopeCertificateApprove)
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	outside := h.officerKey(t, provincetest.Stranger, "王五", agency.ScopeCertificateApprove)
	csr := certificateRequest(t, false)
	body := asJSON(t, certificateForm{Profile: ca.ProfileClient, CommonName: "审批系统", CSR: csr, Reason: "启用"})
	var asked approval.Request
	a := h.post(t, "/api/v1/certificates", body, bearer(zhang), key("k")).want(t, http.StatusAccepted, &asked)
	if a.Header.Get("Location") != "/api/v1/requests/"+asked.ID.String() || a.Header.Get("Retry-After") == "" || asked.State != approval.StatePending || asked.By.Name != "张三" {
		t.Fatalf("%v %+v", a.Header, asked)
	}
	var again approval.Request
	if h.post(t, "/api/v1/certificates", body, bearer(zhang), key("k")).want(t, http.StatusAccepted, &again); again.ID != asked.ID {
		t.Error("a retry asks twice")
	}
	path := "/api/v1/requests/" + asked.ID.String()
	var shown approval.Request
	h.get(t, path, bearer(li)).want(t, http.StatusOK, &shown)
	var content ca.AskedIssue
	if err := json.Unmarshal(shown.Content, &content); err != nil || strings.TrimSpace(content.CSR) != strings.TrimSpace(csr) || content.CommonName != "审批系统" || content.AgencyName != "示例局" || content.Why != "启用" {
		t.Errorf("the officer is shown %s", shown.Content)
	}
	h.get(t, path, bearer(outside)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.post(t, path+"/approve", `{}`, bearer(zhang)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/approve", `{}`, bearer(outside)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.post(t, path+"/approve", `{"operator":"李四"}`).problem(t, http.StatusForbidden, "FORBIDDEN") // a program's key
	h.post(t, path+"/approve", `{"operator":"张三"}`, bearer(li)).problem(t, http.StatusForbidden, "FORBIDDEN")
	var done approval.Request
	h.post(t, path+"/approve", `{"reason":"同意"}`, bearer(li)).want(t, http.StatusOK, &done)
	var made, row ca.Row
	if done.Outcome == nil || json.Unmarshal(done.Outcome.Answer, &made) != nil || made.Serial != done.Outcome.Ref || done.Decided.By.Name != "李四" {
		t.Fatalf("%+v", done)
	}
	h.post(t, "/api/v1/certificates", body, bearer(zhang), key("k")).want(t, http.StatusCreated, &row)
	c, err := certs.ParseCertificate(row.DER)
	if err != nil || row.Serial != made.Serial || c.Subject.CommonName != "审批系统" {
		t.Errorf("%v %+v", err, row)
	}
	h.post(t, path+"/refuse", `{"reason":"不"}`, bearer(li)).problem(t, http.StatusConflict, "CONFLICT")
	h.post(t, path+"/withdraw", `{}`, bearer(zhang)).problem(t, http.StatusConflict, "CONFLICT")
	for _, id := range []string{"x", strings.Repeat("0", 36), "01a20bb5-e67b-7001-8203-040506070809"} {
		h.get(t, "/api/v1/requests/"+id, bearer(li)).problem(t, http.StatusNotFound, "NOT_FOUND")
	}
}

func TestRefusedWithdrawnAndExpired(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.strict(t, ca.KindIssue(ca.ProfileClient))
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	ask := func(k string) (string, string) {
		body := certificateBody(t, certificateRequest(t, false))
		var r approval.Request
		h.post(t, "/api/v1/certificates", body, key(k)).want(t, http.StatusAccepted, &r)
		return body, "/api/v1/requests/" + r.ID.String()
	}
	told := func(body, k, words string) {
		t.Helper()
		if p := h.post(t, "/api/v1/certificates", body, key(k)).problem(t, http.StatusUnprocessableEntity, "REFUSED"); !strings.Contains(p.Detail, words) {
			t.Errorf("%s: %s", k, p.Detail)
		}
	}
	body, path := ask("refused")
	h.post(t, path+"/refuse", `{}`, bearer(li)).problem(t, http.StatusUnprocessableEntity, "REFUSED") // why?
	h.post(t, path+"/refuse", `{"reason":"材料不全"}`, bearer(li)).want(t, http.StatusOK, nil)
	told(body, "refused", "材料不全")
	body, path = ask("withdrawn")
	h.post(t, path+"/withdraw", `{"operator":"x"}`, bearer(li)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/withdraw", `{"operator":"x"}`).want(t, http.StatusOK, nil)
	told(body, "withdrawn", "withdrawn")
	_, path = ask("expired")
	h.Clock.Move(approval.Life)
	var r approval.Request
	if h.get(t, path, bearer(li)).want(t, http.StatusOK, &r); r.State != approval.StateExpired {
		t.Errorf("it is %s", r.State)
	}
	h.post(t, path+"/approve", `{}`, bearer(li)).problem(t, http.StatusConflict, "CONFLICT")
	h.Clock.Move(-time.Hour)
	h.post(t, path+"/approve", `{}`, bearer(li)).problem(t, http.StatusConflict, "CONFLICT")
	var l listOf[approval.Request]
	h.get(t, "/api/v1/requests?state=expired", bearer(li)).want(t, http.StatusOK, &l)
	if len(l.Items) != 1 || l.Items[0].ID != r.ID {
		t.Errorf("%+v", l)
	}
	h.get(t, "/api/v1/requests?state=lost", bearer(li)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.get(t, "/api/v1/requests?agency="+provincetest.Stranger, bearer(li)).problem(t, http.StatusForbidden, "FORBIDDEN")
}

// A rule is loosened by two officers, never by one.
func TestRulesNeedTwoOnceOneDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	kind := ca.KindIssue(ca.ProfileClient)
	h.strict(t, kind)
	one, two := h.officerKey(t, provincetest.Agency, "甲", agency.ScopeAdmin), h.officerKey(t, provincetest.Agency, "乙", agency.ScopeAdmin)
	form := asJSON(t, ruleForm{Kind: kind, Reason: "放开"})
	var r approval.Request
	h.post(t, "/api/v1/approval-rules", form, bearer(one), key("r")).want(t, http.StatusAccepted, &r)
	path := "/api/v1/requests/" + r.ID.String()
	h.post(t, path+"/approve", `{}`, bearer(one)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/approve", `{}`, bearer(two)).want(t, http.StatusOK, &r)
	var l listOf[approval.Rule]
	h.get(t, "/api/v1/approval-rules", bearer(one)).want(t, http.StatusOK, &l)
	rules := map[string]approval.Rule{}
	for _, rule := range l.Items {
		rules[rule.Kind] = rule
	}
	if got := rules[kind]; got.SecondOfficer || got.Version != 2 || got.By.Name != "甲" || got.Approved.Name != "乙" {
		t.Errorf("%+v", got)
	}
	if !rules[escrow.KindRecover].SecondOfficer {
		t.Error("recovery needs no second officer")
	}
	for name, form := range map[string]ruleForm{"fixed": {Kind: escrow.KindRecover, Reason: "x"}, "of rules": {Kind: approval.KindRule, Reason: "x"}, "unknown": {Kind: "x", Reason: "x"}, "no reason": {Kind: kind}} {
		h.post(t, "/api/v1/approval-rules", asJSON(t, form), bearer(one)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
		_ = name
	}
	h.post(t, "/api/v1/certificates", certificateBody(t, certificateRequest(t, false))).want(t, http.StatusCreated, nil)
}

// A pair of certificates over HTTP: the agency opens what it got, a retry gets the
// same octets, and the signing key's compromise ends both.
func TestAPairOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	agencyKey := catest.Key(t)
	body := pairBody(t, agencyKey)
	var issued escrow.Issued
	first := h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusCreated, &issued)
	h.Clock.Move(time.Minute)
	if again := h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusCreated, nil); !bytes.Equal(again.body, first.body) {
		t.Error("a retry is answered otherwise")
	}
	got, err := smx509.ParseCSRResponse(agencyKey, issued.Response)
	if err != nil || !got.EncryptPrivateKey.PublicKey.Equal(got.EncryptCerts[0].PublicKey) || !bytes.Equal(got.EncryptCerts[0].Raw, issued.Encryption.DER) {
		t.Fatal("the response is not opened by the agency's key:", err)
	}
	var shown escrow.Issued
	h.get(t, "/api/v1/certificates/"+issued.Signing.Serial+"/pair", bearer(h.key)).want(t, http.StatusOK, &shown)
	if !bytes.Equal(shown.Response, issued.Response) {
		t.Error("another response is shown")
	}
	h.get(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/pair", bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.post(t, "/api/v1/certificates", strings.Replace(body, `"dual":true`, `"dual":false`, 1), key("k")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	revoked := func(serial string) bool {
		var row ca.Row
		h.get(t, "/api/v1/certificates/"+serial, bearer(h.key)).want(t, http.StatusOK, &row)
		return row.Revocation != nil
	}
	h.post(t, "/api/v1/certificates/"+issued.Signing.Serial+"/revoke", asJSON(t, revokeForm{Operator: "x", Grounds: "y", Reason: "keyCompromise"})).want(t, http.StatusOK, nil)
	if !revoked(issued.Signing.Serial) || !revoked(issued.Encryption.Serial) {
		t.Error("the encryption key was delivered under a key that is compromised, and is good still")
	}
	second := h.pair(t)
	h.post(t, "/api/v1/certificates/"+second.Signing.Serial+"/revoke", asJSON(t, revokeForm{Operator: "x", Grounds: "y", Reason: "superseded"})).want(t, http.StatusOK, nil)
	if revoked(second.Encryption.Serial) {
		t.Error("the encryption certificate went too, unasked")
	}
}

// An escrowed key is handed out by two officers, whatever the rules say.
func TestRecoveryOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issued, newOwner := h.pair(t), catest.Key(t)
	zhang, li := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeEscrowRecover), h.officerKey(t, provincetest.Agency, "李四", agency.ScopeEscrowRecover)
	weak := h.officerKey(t, provincetest.Agency, "王五", agency.ScopeCertificateApprove)
	form := asJSON(t, recoverForm{To: string(catest.PEM(t, newOwner)), Reason: "遗失", Case: "(2026)黔01号"})
	path := "/api/v1/certificates/" + issued.Encryption.Serial + "/recover"
	h.post(t, path, form).problem(t, http.StatusForbidden, "FORBIDDEN") // a program
	h.post(t, path, form, bearer(weak)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, "/api/v1/certificates/"+issued.Signing.Serial+"/recover", form, bearer(zhang)).problem(t, http.StatusNotFound, "NOT_FOUND")
	var r approval.Request
	h.post(t, path, form, bearer(zhang)).want(t, http.StatusAccepted, &r)
	at := "/api/v1/requests/" + r.ID.String()
	h.post(t, at+"/approve", `{}`, bearer(zhang)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, at+"/approve", `{}`, bearer(weak)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, at+"/approve", `{"reason":"核对无误"}`, bearer(li)).want(t, http.StatusOK, &r)
	var got escrow.Recovery
	if r.Outcome == nil || json.Unmarshal(r.Outcome.Answer, &got) != nil {
		t.Fatalf("%+v", r)
	}
	c, err := certs.ParseCertificate(issued.Encryption.DER)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sm2.ParseEnvelopedPrivateKey(newOwner, got.Envelope)
	if err != nil || !key.PublicKey.Equal(c.PublicKey) {
		t.Fatal("another key was handed out:", err)
	}
	var l listOf[escrow.Held]
	h.get(t, "/api/v1/escrow", bearer(li)).want(t, http.StatusOK, &l)
	if len(l.Items) != 1 || l.Items[0].Uses != 2 || l.Items[0].State != escrow.StateDelivered {
		t.Errorf("%+v", l.Items)
	}
}

// What a program says of its operator is marked as its own word, and the officer
// whom it names cannot be the second one, however the name is written.
func TestAProgramsOperatorIsUnverified(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.strict(t, ca.KindIssue(ca.ProfileClient))
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	wang := h.officerKey(t, provincetest.Agency, "王五", agency.ScopeCertificateApprove, agency.ScopeCertificateIssue)
	for _, operator := range []string{"李四", " 李 四", "李·四"} {
		body := asJSON(t, certificateForm{Profile: ca.ProfileClient, CommonName: "系统", CSR: certificateRequest(t, false), Operator: operator, Reason: "启用"})
		var r, shown approval.Request
		h.post(t, "/api/v1/certificates", body).want(t, http.StatusAccepted, &r)
		path := "/api/v1/requests/" + r.ID.String()
		if a := h.get(t, path, bearer(wang)).want(t, http.StatusOK, &shown); !shown.By.Unverified || !bytes.Contains(a.body, []byte(`"unverified":true`)) {
			t.Errorf("%q: %s", operator, a.body)
		}
		h.post(t, path+"/approve", `{}`, bearer(li)).problem(t, http.StatusForbidden, "FORBIDDEN")
		// Nor is it theirs to take back: that the program named them makes it nobody's.
		h.post(t, path+"/withdraw", `{}`, bearer(li)).problem(t, http.StatusForbidden, "FORBIDDEN")
		h.post(t, path+"/approve", `{}`, bearer(wang)).want(t, http.StatusOK, nil)
	}
	var r approval.Request
	h.post(t, "/api/v1/certificates", asJSON(t, certificateForm{Profile: ca.ProfileClient, CommonName: "系统", CSR: certificateRequest(t, false), Reason: "启用"}), bearer(wang)).want(t, http.StatusAccepted, &r)
	if r.By.Unverified || r.By.Name != "王五" {
		t.Errorf("an officer's own: %+v", r.By)
	}
}

// Whoever polls the request finds what was made in it, a pair too; whoever sends the
// first request again gets the answer that it would have got at once.
func TestARequestGivesWhatWasMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.strict(t, ca.KindIssue(ca.ProfilePerson))
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	k := catest.Key(t)
	body := pairBody(t, k)
	var r approval.Request
	h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusAccepted, &r)
	path := "/api/v1/requests/" + r.ID.String()
	h.post(t, path+"/approve", `{}`, bearer(li)).want(t, http.StatusOK, nil)
	var polled approval.Request
	first := h.get(t, path, bearer(h.key)).want(t, http.StatusOK, &polled)
	h.Clock.Move(time.Minute)
	if again := h.get(t, path, bearer(h.key)).want(t, http.StatusOK, nil); !bytes.Equal(first.body, again.body) {
		t.Error("a poll is answered otherwise")
	}
	var made, issued escrow.Issued
	if polled.Outcome == nil || json.Unmarshal(polled.Outcome.Answer, &made) != nil {
		t.Fatalf("%s", first.body)
	}
	h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusCreated, &issued)
	if got, err := smx509.ParseCSRResponse(k, made.Response); err != nil || !bytes.Equal(made.Response, issued.Response) || !bytes.Equal(got.EncryptCerts[0].Raw, made.Encryption.DER) {
		t.Error("another pair:", err)
	}
}

// A renewal that supersedes waits whole, and the retry finds it done.
func TestASupersedingRenewalByTwoOfficers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var old, row ca.Row
	h.post(t, "/api/v1/certificates", certificateBody(t, certificateRequest(t, false))).want(t, http.StatusCreated, &old)
	h.strict(t, ca.KindIssue(ca.ProfileClient))
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	body := asJSON(t, renewForm{CSR: certificateRequest(t, false), Supersede: true, Operator: "x", Reason: "到期"})
	renew := "/api/v1/certificates/" + old.Serial + "/renew"
	var r approval.Request
	h.post(t, renew, body, key("k")).want(t, http.StatusAccepted, &r)
	h.post(t, "/api/v1/requests/"+r.ID.String()+"/approve", `{}`, bearer(li)).want(t, http.StatusOK, &r)
	var now ca.Row
	if h.get(t, "/api/v1/certificates/"+old.Serial, bearer(h.key)).want(t, http.StatusOK, &now); now.Revocation == nil || now.Revocation.Reason != certs.ReasonSuperseded {
		t.Errorf("the old one: %+v", now.Revocation)
	}
	if h.post(t, renew, body, key("k")).want(t, http.StatusCreated, &row); r.Outcome == nil || row.Serial != r.Outcome.Ref {
		t.Errorf("%+v", row)
	}
	h.post(t, renew, body, key("other")).problem(t, http.StatusUnprocessableEntity, "REFUSED")
}

// A seal that two officers make: the second sees its face before it is made.
func TestASealByTwoOfficersOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.strict(t, ca.KindIssue(ca.ProfileAgencySeal))
	_, k, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: provincetest.Agency, Officer: "张三", Scopes: []string{agency.ScopeCertificateIssue}, Who: "test"})
	if err != nil {
		t.Fatal(err)
	}
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	stranger := h.officerKey(t, provincetest.Stranger, "王五", agency.ScopeCertificateApprove)
	_, err = h.Seals.Make(t.Context(), seal.MakeRequest{Agency: provincetest.Agency, AgencyName: "示例局", Name: "新章", Who: "张三", Why: "启用",
		By: act.Officer{Name: "张三", KeyID: k.ID, Agency: provincetest.Agency}})
	var p *approval.Pending
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	path := "/api/v1/requests/" + p.Request.ID.String()
	if a := h.get(t, path+"/picture", bearer(li)).want(t, http.StatusOK, nil); a.Header.Get("Content-Type") != "image/png" || !bytes.HasPrefix(a.body, []byte("\x89PNG")) {
		t.Errorf("%v %.20q", a.Header, a.body)
	}
	h.get(t, path+"/picture", bearer(stranger)).problem(t, http.StatusNotFound, "NOT_FOUND")
	var done approval.Request
	h.post(t, path+"/approve", `{}`, bearer(li)).want(t, http.StatusOK, &done)
	var made seal.Seal
	h.get(t, "/api/v1/seals/"+done.Outcome.Ref, bearer(h.key)).want(t, http.StatusOK, &made)
	if made.Name != "新章" || made.Agency != provincetest.Agency {
		t.Errorf("%+v", made)
	}
	h.get(t, "/api/v1/requests/"+h.waiting(t).ID.String()+"/picture", bearer(li)).problem(t, http.StatusNotFound, "NOT_FOUND")
}
