package server

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
	"yinxin/seal/face"
)

const because = `"operator":"张三","reason":"y"`

// An agency's own credential applies; the application waits where two officers are
// demanded, and the same request again tells what became of it.
func TestAnAgencyAppliesForASeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var made, same seal.Seal
	body := `{` + because + `,"name":"新章","rank":"township","perDay":3,"matters":["m"]}`
	a := h.post(t, "/api/v1/seals", body, key("k")).want(t, http.StatusCreated, &made)
	if a.Header.Get("Location") != "/api/v1/seals/"+made.ID || made.Agency != provincetest.Agency || made.WidthMM != 42 || made.Policy.PerDay != 3 || made.Class.Rank != seal.RankTownship {
		t.Errorf("%+v", made)
	}
	if h.post(t, "/api/v1/seals", body, key("k")).want(t, http.StatusCreated, &same); same.ID != made.ID {
		t.Error("a retry made another seal")
	}
	h.post(t, "/api/v1/seals", `{`+because+`,"name":"别章"}`, key("k")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	for what, c := range map[string]struct {
		body, code string
		status     int
	}{
		"of another agency":         {`"agency":"` + provincetest.Stranger + `"`, "FORBIDDEN", http.StatusForbidden},
		"no grounds":                {`"reason":""`, "BAD_REQUEST", http.StatusBadRequest},
		"a wrong size":              {`"rank":"township","mm":45`, "REFUSED", http.StatusUnprocessableEntity},
		"no such rank":              {`"rank":"x"`, "REFUSED", http.StatusUnprocessableEntity},
		"an emblem that was drawn":  {`"rank":"county","emblem":true`, "REFUSED", http.StatusUnprocessableEntity},
		"a picture that is none":    {`"picture":"AAAA"`, "REFUSED", http.StatusUnprocessableEntity},
		"no base64":                 {`"picture":"*"`, "BAD_REQUEST", http.StatusBadRequest},
		"a network that is none":    {`"networks":["10.0.0.1/8"]`, "REFUSED", http.StatusUnprocessableEntity},
		"a purpose of no such seal": {`"purpose":"finance"`, "REFUSED", http.StatusUnprocessableEntity},
	} {
		body := `{` + because + `,` + c.body + `}`
		if what == "no grounds" {
			body = `{"operator":"张三",` + c.body + `}`
			h.post(t, "/api/v1/seals", body).problem(t, http.StatusUnprocessableEntity, "REFUSED")
			continue
		}
		h.post(t, "/api/v1/seals", body).problem(t, c.status, c.code)
	}
	h.strict(t, ca.KindIssue(ca.ProfileAgencySeal))
	zhang, li := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeSealManage), h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	var waiting approval.Request
	body = `{"reason":"y","name":"第三章"}`
	h.post(t, "/api/v1/seals", body, bearer(zhang), key("z")).want(t, http.StatusAccepted, &waiting)
	h.get(t, "/api/v1/requests/"+waiting.ID.String()+"/picture", bearer(li)).want(t, http.StatusOK, nil)
	h.post(t, "/api/v1/requests/"+waiting.ID.String()+"/approve", `{}`, bearer(li)).want(t, http.StatusOK, nil)
	h.post(t, "/api/v1/seals", body, bearer(zhang), key("z")).want(t, http.StatusCreated, &made)
	var steps listOf[seal.Step]
	h.get(t, "/api/v1/seals/"+made.ID+"/history", bearer(h.key)).want(t, http.StatusOK, &steps)
	if len(steps.Items) != 1 || steps.Items[0].Request != waiting.ID.String() || steps.Items[0].Approved == "" || steps.Items[0].Who == "" {
		t.Errorf("%+v", steps)
	}
}

// The life of a seal by HTTP, with every interval and step to be read afterwards.
func TestTheLifeOfASealByHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var s seal.Seal
	h.post(t, "/api/v1/seals", `{`+because+`,"name":"新章","mustFile":true}`).want(t, http.StatusCreated, &s)
	path := "/api/v1/seals/" + s.ID
	h.Clock.Move(time.Minute)
	stamp := func() answer {
		return h.post(t, "/api/v1/stamps", `{"sealId":"`+s.ID+`","operator":"x","document":{"a":1}}`)
	}
	stamp().problem(t, http.StatusUnprocessableEntity, "REFUSED") // it waits to be filed
	h.post(t, path+"/file", `{`+because+`,"number":"黔备2026-1","authority":"省公安厅","at":"2126-01-01T00:00:00Z"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path+"/file", `{`+because+`,"number":"黔备2026-1","authority":"省公安厅"}`).want(t, http.StatusOK, &s)
	stamp().want(t, http.StatusOK, nil)
	h.Clock.Move(time.Second)
	picture, err := face.Default(30, 300)
	if err != nil {
		t.Fatal(err)
	}
	change := `{` + because + `,"name":"更名局","widthMm":30,"heightMm":30,"picture":"` + base64.StdEncoding.EncodeToString(picture) + `"}`
	s = seal.Seal{}
	h.post(t, path+"/change", change, key("c")).want(t, http.StatusOK, &s)
	if s.Edition != 2 || s.Name != "更名局" || s.WidthMM != 30 || len(s.Earlier) != 1 || s.Filing != nil {
		t.Errorf("%+v", s)
	}
	if h.post(t, path+"/change", change, key("c")).want(t, http.StatusOK, &s); s.Edition != 2 {
		t.Error("a retry changed it again")
	}
	h.post(t, path+"/file", `{`+because+`,"number":"2","authority":"省公安厅"}`).want(t, http.StatusOK, nil)
	h.post(t, path+"/renew", `{`+because+`}`).want(t, http.StatusOK, &s)
	if s.Edition != 3 || s.Name != "更名局" || s.Filing == nil {
		t.Errorf("%+v", s)
	}
	h.Clock.Move(time.Second)
	stamp().want(t, http.StatusOK, nil)
	h.post(t, path+"/destroy", `{`+because+`,"witness":"李四"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED") // it is not cancelled
	h.post(t, path+"/cancel", `{`+because+`,"grounds":"whim"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path+"/cancel", `{`+because+`,"grounds":"rename","since":"2026-01-01T00:00:00Z"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path+"/cancel", `{`+because+`,"grounds":"merger"}`).want(t, http.StatusOK, &s)
	h.post(t, path+"/destroy", `{`+because+`,"witness":"张 三"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED") // who asks is no witness
	h.post(t, path+"/destroy", `{`+because+`,"witness":"李四"}`).want(t, http.StatusOK, &s)
	if s.Destroyed == nil || len(s.Destroyed.Keys) != 3 || s.End.Grounds != seal.GroundsMerger {
		t.Errorf("%+v", s)
	}
	var steps listOf[seal.Step]
	h.get(t, path+"/history", bearer(h.key)).want(t, http.StatusOK, &steps)
	var names []string
	for _, step := range steps.Items {
		names = append(names, step.Name)
	}
	want := []string{seal.ActMade, seal.ActFiled, seal.ActVaried, seal.ActFiled, seal.ActRenewed, seal.ActCancelled, seal.ActDestroyed}
	if asJSON(t, names) != asJSON(t, want) {
		t.Errorf("%v, want %v", names, want)
	}
	theirs, _ := h.Key(t, provincetest.Stranger, agency.ScopeSealRead, agency.ScopeSealManage)
	h.get(t, path+"/history", bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.post(t, path+"/grants", `{`+because+`}`, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	var list listOf[seal.Seal]
	if h.get(t, "/api/v1/seals?state=cancelled", bearer(h.key)).want(t, http.StatusOK, &list); len(list.Items) != 1 || list.Items[0].ID != s.ID {
		t.Errorf("%+v", list)
	}
	if h.get(t, "/api/v1/seals?kind=person", bearer(h.key)).want(t, http.StatusOK, &list); len(list.Items) != 0 {
		t.Errorf("%+v", list)
	}
}

// Who may stamp is said by grants, given and ended over HTTP.
func TestGrantsByHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := "/api/v1/seals/" + h.Seal.ID
	theirs, id := h.Key(t, provincetest.Stranger, agency.ScopeStamp)
	other, _ := h.Key(t, provincetest.Stranger, agency.ScopeStamp)
	stamp := func(with, matter string) answer {
		return h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","matterCode":"`+matter+`","document":{"a":1}}`, bearer(with))
	}
	stamp(theirs, "m").problem(t, http.StatusForbidden, "FORBIDDEN")
	var s seal.Seal
	h.post(t, path+"/grants", `{`+because+`,"agency":"`+provincetest.Stranger+`","credential":"`+id+`","matters":["m"],"perDay":2}`, key("g")).want(t, http.StatusOK, &s)
	if h.post(t, path+"/grants", `{`+because+`,"agency":"`+provincetest.Stranger+`","credential":"`+id+`","matters":["m"],"perDay":2}`, key("g")).want(t, http.StatusOK, &s); len(s.Policy.Grants) != 1 {
		t.Errorf("a retry granted twice: %+v", s.Policy)
	}
	var all listOf[seal.Grant]
	if h.get(t, path+"/grants", bearer(h.key)).want(t, http.StatusOK, &all); len(all.Items) != 2 || all.Items[1].ID != "1" || all.Items[1].Who != "张三" {
		t.Errorf("%+v", all)
	}
	stamp(other, "m").problem(t, http.StatusForbidden, "FORBIDDEN")
	stamp(theirs, "n").problem(t, http.StatusForbidden, "FORBIDDEN")
	stamp(theirs, "m").want(t, http.StatusOK, nil)
	stamp(theirs, "m").want(t, http.StatusOK, nil)
	stamp(theirs, "m").problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path+"/grants/1/end", `{`+because+`}`).want(t, http.StatusOK, nil)
	h.post(t, path+"/grants/1/end", `{`+because+`}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	stamp(theirs, "m").problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/policy", `{`+because+`,"networks":["10.1.0.0/16"]}`).want(t, http.StatusOK, nil)
	if p := stamp(h.key, "").problem(t, http.StatusForbidden, "FORBIDDEN"); p.Detail == "" {
		t.Error("nothing is said of the network")
	}
	h.post(t, path+"/policy", `{`+because+`,"networks":["127.0.0.0/8"]}`).want(t, http.StatusOK, nil)
	stamp(h.key, "").want(t, http.StatusOK, nil)
	h.post(t, path+"/policy", `{`+because+`,"closed":true}`).want(t, http.StatusOK, nil)
	stamp(h.key, "").problem(t, http.StatusForbidden, "FORBIDDEN")
}

// askedUse is a use that waits for a second person.
func (h *house) askedUse(t testing.TB) (r approval.Request) {
	t.Helper()
	sum := sm3.Sum([]byte(`{"a":1}`))
	body := `{"sealId":"` + h.Seal.ID + `","digest":"` + hex.EncodeToString(sum[:]) + `","title":"批复",` + because + `}`
	h.post(t, "/api/v1/seal-uses", body, key("use")).want(t, http.StatusAccepted, &r)
	return r
}

// One use of a seal: asked, approved by another, made once, and of this document alone.
func TestAUseThatASecondPersonApproves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeSealApprove)
	zhang := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeSealApprove)
	path := "/api/v1/seals/" + h.Seal.ID
	h.post(t, path+"/policy", `{`+because+`,"closed":true}`).want(t, http.StatusOK, nil)
	sum := sm3.Sum([]byte(`{"a":1}`))
	ask := `{"sealId":"` + h.Seal.ID + `","digest":"` + hex.EncodeToString(sum[:]) + `","title":"批复",` + because + `}`
	h.post(t, "/api/v1/seal-uses", ask).problem(t, http.StatusForbidden, "FORBIDDEN") // nothing is granted
	h.post(t, path+"/grants", `{`+because+`,"secondPerson":true}`).want(t, http.StatusOK, nil)
	h.post(t, "/api/v1/seal-uses", `{"sealId":"`+h.Seal.ID+`","digest":"AB","title":"批复",`+because+`}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	asked := h.askedUse(t)
	use := "/api/v1/seal-uses/" + asked.ID.String()
	stamp := func(id, document string, sets ...set) answer {
		return h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","approvalId":"`+id+`","document":`+document+`}`, sets...)
	}
	stamp("", `{"a":1}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	stamp(asked.ID.String(), `{"a":1}`).problem(t, http.StatusUnprocessableEntity, "REFUSED") // not approved yet
	h.post(t, use+"/approve", `{}`, bearer(zhang)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, use+"/approve", `{"reason":"同意"}`, bearer(li)).want(t, http.StatusOK, nil)
	var answered useAnswer
	if h.post(t, "/api/v1/seal-uses", ask, key("use")).want(t, http.StatusOK, &answered); answered.State != approval.StateApproved || answered.Stamp != nil {
		t.Errorf("%+v", answered)
	}
	stamp(asked.ID.String(), `{"a":2}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")                                                                                               // another document
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"李四","approvalId":"`+asked.ID.String()+`","document":{"a":1}}`).problem(t, http.StatusUnprocessableEntity, "REFUSED") // who approved it
	first := stamp(asked.ID.String(), `{"a":1}`, key("s")).want(t, http.StatusOK, nil)
	if again := stamp(asked.ID.String(), `{"a":1}`, key("s")).want(t, http.StatusOK, nil); string(again.body) != string(first.body) {
		t.Error("a retry gives another stamp")
	}
	stamp(asked.ID.String(), `{"a":1}`).problem(t, http.StatusUnprocessableEntity, "REFUSED") // used up
	h.get(t, use, bearer(li)).want(t, http.StatusOK, &answered)
	var made struct {
		StampID act.ID `json:"stampId"`
	}
	if json.Unmarshal(first.body, &made) != nil || answered.Stamp == nil || *answered.Stamp != made.StampID {
		t.Errorf("%+v %.100s", answered, first.body)
	}
	var list listOf[approval.Request]
	if h.get(t, "/api/v1/seal-uses", bearer(li)).want(t, http.StatusOK, &list); len(list.Items) != 1 {
		t.Errorf("%+v", list)
	}
	h.waiting(t) // of another kind
	if h.get(t, "/api/v1/seal-uses", bearer(li)).want(t, http.StatusOK, &list); len(list.Items) != 1 {
		t.Errorf("%+v", list)
	}
	theirs := h.officerKey(t, provincetest.Stranger, "王五", agency.ScopeSealApprove)
	h.get(t, use, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.get(t, "/api/v1/seal-uses/"+h.waiting(t).ID.String(), bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
}
