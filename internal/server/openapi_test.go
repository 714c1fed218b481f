package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

// described is what the tests read of the OpenAPI document.
type described struct {
	OpenAPI    string `json:"openapi"`
	Paths      map[string]map[string]operation
	Components struct {
		Schemas map[string]struct {
			Properties map[string]any
			Required   []string
		}
		SecuritySchemes map[string]any
	}
}

type operation struct {
	OperationID string
	Summary     string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody *struct{ Content map[string]any }
	Responses   map[string]struct{ Content map[string]any }
	Security    []map[string][]string
}

func TestOpenAPISaysWhatTheRoutesAre(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.get(t, "/openapi.json").want(t, http.StatusOK, nil)
	var d described
	if err := json.Unmarshal(a.body, &d); err != nil || d.OpenAPI != "3.1.0" {
		t.Fatal(err, d.OpenAPI)
	}
	// What mux serves is what is described, but for files and metrics.
	served := map[string]bool{}
	err := h.server.router.Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := r.GetPathTemplate()
		if err != nil || path == "/assets/" || path == "/metrics" {
			return err
		}
		methods, err := r.GetMethods()
		for _, m := range methods {
			if m != http.MethodHead {
				served[strings.ToLower(m)+" "+path] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ids, used := map[string]bool{}, map[string]bool{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			what := method + " " + path
			if !served[what] {
				t.Errorf("%s is described and not served", what)
			}
			delete(served, what)
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s: operationId %q, summary %q", what, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
			var declared []string
			for _, p := range op.Parameters {
				used[p.Name] = true
				if p.In == "path" {
					declared = append(declared, "{"+p.Name+"}")
				}
				if p.Required != (p.In == "path") || p.Schema["type"] == nil || slices.Contains(declared, p.Name) {
					t.Errorf("%s: parameter %+v", what, p)
				}
			}
			if want := regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1); !slices.Equal(declared, want) {
				t.Errorf("%s declares %v, not %v", what, declared, want)
			}
			if (method == "post") != (op.RequestBody != nil) {
				t.Errorf("%s: body %v", what, op.RequestBody)
			}
			if len(op.Responses) == 3 {
				delete(op.Responses, "202") // beside the answer of what need not wait
			}
			if _, ok := op.Responses["default"]; !ok || len(op.Responses) != 2 && what != "post /api/v1/certificates/{id}/recover" {
				t.Errorf("%s: responses %v", what, op.Responses)
			}
		}
	}
	for what := range served {
		t.Errorf("%s is served and not described", what)
	}
	for name := range parameters {
		if !used[name] {
			t.Errorf("no route takes the parameter %s", name)
		}
	}
	for _, e := range h.server.endpoints() {
		op := d.Paths[e.path][strings.ToLower(e.method)]
		if (e.scope != "") != (len(op.Security) == 1) || e.scope != "" && !slices.Equal(op.Security[0]["bearer"], []string{e.scope}) {
			t.Errorf("%s %s: security %v", e.method, e.path, op.Security)
		}
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllSubmatch(a.body, -1) {
		if s, ok := d.Components.Schemas[string(ref[1])]; !ok || len(s.Properties) == 0 {
			t.Errorf("%s is referred to and not described", ref[1])
		}
	}
	for name, s := range d.Components.Schemas {
		for _, m := range s.Required {
			if _, ok := s.Properties[m]; !ok {
				t.Errorf("%s requires %s, which it does not have", name, m)
			}
		}
	}
}

// The answers have the members that the document says: each is read strictly into
// the type that its schema was made from, and back into the same JSON.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stamp, licence := h.StampJSON(t, `{"a":1}`), h.Issue(t)
	if err := h.Journal.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin, _ := h.Key(t, provincetest.Agency, "admin")
	pair, waiting := h.pair(t), h.waiting(t)
	asked, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: provincetest.Agency, AgencyName: "示例局", Name: "示例局", Who: "x", Why: "y"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var job jobAnswer
	body, mt := batchForm(t, h.request(), document{"a.json", `{}`})
	h.post(t, jobs, body, media(mt)).want(t, http.StatusAccepted, &job)
	ids := map[string]string{"stamp-jobs": job.ID.String(), "seal-uses": h.askedUse(t).ID.String(), "seal-requests": asked.ID, "requests": waiting.ID.String(), "stamps": stamp.ID.String(), "seals": h.Seal.ID, "certificates": h.Seal.CertSerial, "licences": licence.Identifier}
	for _, e := range h.server.endpoints() {
		v := e.gives.media["application/json"]
		if e.method != get || v == nil {
			continue
		}
		noun, _, _ := strings.Cut(strings.TrimPrefix(e.path, "/api/v1/"), "/")
		path := strings.NewReplacer("{id}", ids[noun], "{code}", stamp.Code, "{shard}", "0", "{grant}", "1").Replace(e.path)
		if e.path == "/api/v1/certificates/{id}/pair" {
			path = "/api/v1/certificates/" + pair.Encryption.Serial + "/pair"
		}
		if e.path == "/journal/proof" {
			path += "?index=0&size=1"
		}
		into := reflect.New(reflect.TypeOf(v)).Interface()
		a := h.get(t, path, bearer(admin)).want(t, http.StatusOK, into)
		if cc := a.Header.Get("Cache-Control"); e.scope != "" && cc != "no-store" {
			t.Errorf("%s: Cache-Control: %s", e.path, cc)
		}
		back, err := json.Marshal(into)
		if err != nil {
			t.Fatal(err)
		}
		var was, is any
		if json.Unmarshal(a.body, &was) != nil || json.Unmarshal(back, &is) != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%s: %.300s is not %.300s", e.path, a.body, back)
		}
	}
}

// A form that lacks a member which the document requires is refused, and one with
// no more than those is not.
func TestRequiredMembersAreRequired(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	form := map[string]string{"typeCode": provincetest.Type, "sealId": h.Seal.ID, "number": "JY1", "holder": "张三", "holderCode": "320124198808240056", "holderType": "111", "validFrom": "2026-01-01", "operator": "x"}
	send := func(path string, without string, more map[string]any) answer {
		body := map[string]any{}
		for name, v := range form {
			if name != without {
				body[name] = v
			}
		}
		for name, v := range more {
			body[name] = v
		}
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return h.call(t, post, path, bytes.NewReader(b), bearer(h.key), media("application/json"))
	}
	check := func(path string, v any, more map[string]any, done int) {
		required, _ := schemas{}.members(reflect.TypeOf(v))["required"].([]string)
		// The operator is not among them, since an officer's key says it; a program's
		// does not.
		for _, name := range append(required, "operator") {
			if a := send(path, name, more); a.StatusCode < 400 || a.StatusCode >= 500 {
				t.Errorf("%s without %s: %d", path, name, a.StatusCode)
			}
		}
		if len(required)+1 != len(form) {
			t.Errorf("%s requires %v", path, required)
		}
		send(path, "", more).want(t, done, nil)
	}
	check("/api/v1/licences", licenceForm{}, nil, http.StatusCreated)
	form = map[string]string{"operator": "x"} // and one of sealId and stamps
	check("/api/v1/stamps", stampForm{}, map[string]any{"document": map[string]any{}, "sealId": h.Seal.ID}, http.StatusOK)
	if a := send("/api/v1/stamps", "", map[string]any{"document": map[string]any{}}); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a stamp by no seal: %d", a.StatusCode)
	}
	form = map[string]string{"operator": "x", "reason": "y"}
	check("/api/v1/seals/"+h.Seal.ID+"/freeze", changeForm{}, nil, http.StatusOK)
	check("/api/v1/seals/"+h.Seal.ID+"/cancel", cancelForm{}, nil, http.StatusOK)
	form = map[string]string{"operator": "x", "grounds": "y", "reason": "superseded"}
	check("/api/v1/certificates/"+h.Seal.CertSerial+"/revoke", revokeForm{}, nil, http.StatusOK)
}
