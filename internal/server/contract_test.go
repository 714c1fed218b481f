package server

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

// filled puts something into each parameter of a route's path.
func filled(path string) string {
	return pathParameter.ReplaceAllStringFunc(path, func(p string) string {
		if p == "{level}" || p == "{index}" || p == "{shard}" {
			return "0"
		}
		return "none"
	})
}

func TestEveryRouteAsksForItsScope(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	revoked, id := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	if _, err := h.Agencies.Revoke(t.Context(), id, "test", "lost"); err != nil {
		t.Fatal(err)
	}
	for _, e := range h.server.endpoints() {
		if e.scope == "" {
			continue
		}
		t.Run(e.method+" "+e.path, func(t *testing.T) {
			call := func(sets ...set) answer { return h.call(t, e.method, filled(e.path), strings.NewReader("{}"), sets...) }
			none := call()
			none.problem(t, http.StatusUnauthorized, "UNAUTHENTICATED")
			if none.Header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			for name, key := range map[string]string{"wrong": "yx_00000000_" + strings.Repeat("A", 43), "revoked": revoked, "empty": "", "cut": h.key[:40]} {
				call(bearer(key)).problem(t, http.StatusUnauthorized, "UNAUTHENTICATED")
				if a := call(header("Authorization", key)); a.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s without Bearer: %d", name, a.StatusCode)
				}
			}
			var others []string
			for _, s := range agency.Scopes() {
				if implied := e.scope == agency.ScopeRequestRead && slices.Contains(agency.ReadsRequests, s); s != e.scope && s != agency.ScopeAdmin && !implied {
					others = append(others, s)
				}
			}
			without, _ := h.Key(t, provincetest.Agency, others...)
			call(bearer(without)).problem(t, http.StatusForbidden, "FORBIDDEN")
			with, _ := h.Key(t, provincetest.Agency, e.scope)
			if a := call(header("Authorization", "bearer "+with)); a.StatusCode == http.StatusUnauthorized {
				t.Error("the scheme's name is not read in any case")
			}
			if a := call(bearer(with)); a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden || a.StatusCode >= 500 {
				t.Errorf("with its scope: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestAKeyIsGoodFromItsNetworksAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for network, want := range map[string]int{"127.0.0.0/8": http.StatusOK, "10.1.0.0/16": http.StatusForbidden} {
		secret, _, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: provincetest.Agency, Scopes: []string{agency.ScopeSealRead}, Networks: []string{network}, Who: "test"})
		if err != nil {
			t.Fatal(err)
		}
		// What a client says of its address counts for nothing.
		h.get(t, "/api/v1/seals", bearer(secret), header("X-Forwarded-For", "10.1.2.3"), header("Forwarded", "for=10.1.2.3")).want(t, want, nil)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/v1/seals", nil)
	r.RemoteAddr = "@" // a unix socket has no address
	r.Header.Set("Authorization", "Bearer "+h.key)
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("from nowhere: %d", w.Code)
	}
}

// What belongs to another agency is answered like what is not there, to the last
// octet but the request's id.
func TestAnotherAgencysThingsAreNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stamp := h.StampJSON(t, `{"a":1}`)
	licence := h.Issue(t)
	pair := h.pair(t)
	var asked seal.Request
	h.post(t, "/api/v1/seal-requests", `{"operator":"x","reason":"y"}`).want(t, http.StatusCreated, &asked)
	request := h.waiting(t).ID.String()
	var job jobAnswer
	h.post(t, jobs, h.request()).want(t, http.StatusAccepted, &job)
	var scopes []string
	for _, s := range agency.Scopes() {
		if s != agency.ScopeAdmin {
			scopes = append(scopes, s)
		}
	}
	theirs, _ := h.Key(t, provincetest.Stranger, scopes...)
	admin, _ := h.Key(t, provincetest.Stranger, agency.ScopeAdmin)
	for _, c := range []struct{ method, path, there, none string }{
		{get, "/api/v1/stamps/ID", stamp.ID.String(), "01900000-0000-7000-8000-000000000000"},
		{get, "/api/v1/stamps/ID", stamp.ID.String(), "no-such-form"},
		{get, "/api/v1/seals/ID", h.Seal.ID, "52000000009999"},
		{post, "/api/v1/seals/ID/freeze", h.Seal.ID, "52000000009999"},
		{post, "/api/v1/seals/ID/thaw", h.Seal.ID, "52000000009999"},
		{post, "/api/v1/seals/ID/cancel", h.Seal.ID, "52000000009999"},
		{get, "/api/v1/certificates/ID", h.Seal.CertSerial, "01"},
		{post, "/api/v1/certificates/ID/revoke", h.Seal.CertSerial, "01"},
		{post, "/api/v1/certificates/ID/hold", pair.Signing.Serial, "01"},
		{post, "/api/v1/certificates/ID/release", pair.Signing.Serial, "01"},
		{post, "/api/v1/certificates/ID/renew", pair.Signing.Serial, "01"},
		{post, "/api/v1/certificates/ID/recover", pair.Encryption.Serial, "01"},
		{get, "/api/v1/certificates/ID/pair", pair.Encryption.Serial, "01"},
		{get, "/api/v1/requests/ID", request, "01900000-0000-7000-8000-000000000000"},
		{post, "/api/v1/requests/ID/approve", request, "01900000-0000-7000-8000-000000000000"},
		{post, "/api/v1/requests/ID/refuse", request, "01900000-0000-7000-8000-000000000000"},
		{post, "/api/v1/requests/ID/withdraw", request, "01900000-0000-7000-8000-000000000000"},
		{get, "/api/v1/seal-requests/ID", asked.ID, "52000000009999"},
		{post, "/api/v1/seal-requests/ID/withdraw", asked.ID, "52000000009999"},
		{get, "/api/v1/stamp-jobs/ID", job.ID.String(), "01900000-0000-7000-8000-000000000000"},
		{get, "/api/v1/stamp-jobs/ID/items", job.ID.String(), "no-such-form"},
		{post, "/api/v1/stamp-jobs/ID/cancel", job.ID.String(), "01900000-0000-7000-8000-000000000000"},
		{get, "/api/v1/licences/ID", licence.Identifier, "1.2.156.3005.2.none"},
		{get, "/api/v1/licences/ID/qr.png", licence.Identifier, "1.2.156.3005.2.none"},
		{post, "/api/v1/licences/ID/suspend", licence.Identifier, "1.2.156.3005.2.none"},
		{post, "/api/v1/licences/ID/resume", licence.Identifier, "1.2.156.3005.2.none"},
		{post, "/api/v1/licences/ID/revoke", licence.Identifier, "1.2.156.3005.2.none"},
	} {
		ask := func(id string) Problem {
			a := h.call(t, c.method, strings.Replace(c.path, "ID", id, 1), strings.NewReader(`{"operator":"x","reason":"y"}`), bearer(theirs))
			p := a.problem(t, http.StatusNotFound, "NOT_FOUND")
			p.RequestID = ""
			return p
		}
		if there, none := ask(c.there), ask(c.none); there != none {
			t.Errorf("%s %s: %+v is not %+v", c.method, c.path, there, none)
		}
		if c.method == get {
			h.get(t, strings.Replace(c.path, "ID", c.there, 1), bearer(admin)).want(t, http.StatusOK, nil)
			h.get(t, strings.Replace(c.path, "ID", c.there, 1), bearer(h.key)).want(t, http.StatusOK, nil)
		}
	}
	for _, list := range []string{"stamps", "seals", "certificates", "licences", "requests", "escrow", "seal-requests", "stamp-jobs"} {
		h.get(t, "/api/v1/"+list+"?agency="+provincetest.Agency, bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
		var own listOf[map[string]any]
		if h.get(t, "/api/v1/"+list, bearer(theirs)).want(t, http.StatusOK, &own); len(own.Items) != 0 || own.Items == nil {
			t.Errorf("%s shows a stranger %v", list, own.Items)
		}
		if h.get(t, "/api/v1/"+list+"?agency="+provincetest.Agency, bearer(admin)).want(t, http.StatusOK, &own); len(own.Items) == 0 {
			t.Errorf("%s shows the operator nothing", list)
		}
	}
	// A stamp with another's seal.
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","document":{}}`, bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
	if s, err := h.Seals.Show(t.Context(), h.Seal.ID); err != nil || s.Version != h.Seal.Version {
		t.Errorf("the seal was changed: %+v %v", s, err)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, e := range h.server.endpoints() {
		path := filled(e.path)
		a := h.call(t, http.MethodDelete, path, nil)
		a.problem(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
		allow := strings.Split(a.Header.Get("Allow"), ", ")
		if !slices.Contains(allow, e.method) || slices.Contains(allow, http.MethodDelete) {
			t.Errorf("%s: Allow: %v", path, allow)
		}
		if e.method != get {
			continue
		}
		whole, head := h.get(t, path, bearer(h.key)), h.call(t, http.MethodHead, path, nil, bearer(h.key))
		if head.StatusCode != whole.StatusCode || len(head.body) != 0 || head.Header.Get("Content-Type") != whole.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %q", path, head.StatusCode, head.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/nothing", "/api/v1/", "/api/v1/stamps/", "/api/v2/verify", "/assets/nothing", "/assets/", "/status/99", "/status/x", "/status/-1",
		"/crl/tsa.crl", "/ca/none.cer", "/ca/tsa.cer", "/journal/tile/0/9", "/journal/tile/9/0"} {
		a := h.get(t, path)
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	h.get(t, "/nothing").problem(t, http.StatusNotFound, "NOT_FOUND")
	// A person is answered by a page, a program by a problem.
	browser := header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for path, status := range map[string]int{"/nothing": http.StatusNotFound, "/v/a/b": http.StatusNotFound, "/status/x": http.StatusNotFound} {
		if a := h.get(t, path, browser).want(t, status, nil); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	h.get(t, "/api/v1/nothing", browser).problem(t, http.StatusNotFound, "NOT_FOUND")
}

func TestProblemsInBothLanguages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for accept, chinese := range map[string]bool{"": true, "zh": true, "zh-CN,zh;q=0.9,en;q=0.8": true, "en": false, "en-GB,zh": false, "fr": true, "fr,en;q=0.5": false} {
		sets := []set{header("Accept-Language", accept)}
		p := h.get(t, "/nothing", sets...).problem(t, http.StatusNotFound, "NOT_FOUND")
		if got := p.Title == notFound.zh; got != chinese {
			t.Errorf("Accept-Language %q: %q", accept, p.Title)
		}
	}
	seen := map[string]bool{}
	for _, r := range everyRefusal {
		if r.code == "" || r.zh == "" || r.en == "" || r.status < 400 || seen[r.code] {
			t.Errorf("%+v", r)
		}
		seen[r.code] = true
	}
}

func TestFormsAreReadInOneWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	licence := h.Issue(t)
	good := `"operator":"x","reason":"y"`
	for name, body := range map[string]string{
		"nothing":           ``,
		"no JSON":           `operator=x`,
		"no object":         `["operator"]`,
		"a string":          `"operator"`,
		"unknown member":    `{` + good + `,"reasons":"z"}`,
		"member twice":      `{` + good + `,"operator":"z"}`,
		"other letters":     `{"Operator":"x","reason":"y"}`,
		"escaped twice":     `{` + good + `,"\u006fperator":"z"}`,
		"wrong type":        `{"operator":7,"reason":"y"}`,
		"something follows": `{` + good + `}{}`,
		"not UTF-8":         "{" + good + ",\"a\":\"\xff\"}",
		"not closed":        `{` + good,
		"a comma too many":  `{` + good + `,}`,
	} {
		for _, path := range []string{"/api/v1/seals/" + h.Seal.ID + "/freeze", "/api/v1/licences/" + licence.Identifier + "/revoke"} {
			p := h.post(t, path, body).problem(t, http.StatusBadRequest, "BAD_REQUEST")
			if p.Detail == "" || strings.Contains(p.Detail, "struct") || strings.Contains(p.Detail, "Go") || strings.Contains(p.Detail, "json:") {
				t.Errorf("%s: %q", name, p.Detail)
			}
		}
	}
	for body, want := range map[string]string{
		`["operator"]`:         "the request is no JSON object",
		`{` + good + `,"a":1}`: `there is no member "a" among operator, `,
		`{"operator":7}`:       `the member "operator" cannot be a JSON number`,
	} {
		if p := h.post(t, "/api/v1/seals/"+h.Seal.ID+"/freeze", body).problem(t, http.StatusBadRequest, "BAD_REQUEST"); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %q does not say %q", body, p.Detail, want)
		}
	}
	for body, want := range map[string]string{
		`{"mark":"qr"}`:        `the member "mark" is no object`,
		`{"mark":{"at":"x"}}`:  `there is no member "at" among kind, where`,
		`{"placement":[]}`:     `the member "placement" is no object`,
		`{"stamps":[{"x":1}]}`: `there is no member "x" among sealId, `,
		`{"stamps":[true]}`:    `the member "stamps" is no object`,
		`{"stamps":{}}`:        `the member "stamps" is no list`,
	} {
		if p := h.post(t, "/api/v1/stamps", body).problem(t, http.StatusBadRequest, "BAD_REQUEST"); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %q does not say %q", body, p.Detail, want)
		}
	}
	h.post(t, "/api/v1/seals/"+h.Seal.ID+"/freeze", `{"operator":"","reason":""}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, "/api/v1/seals/"+h.Seal.ID+"/freeze", `{`+good+`,"since":"2026-01-01T00:00:00Z"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	h.post(t, "/api/v1/seals/"+h.Seal.ID+"/cancel", `{`+good+`,"since":"yesterday"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	if s, err := h.Seals.Show(t.Context(), h.Seal.ID); err != nil || s.Version != h.Seal.Version {
		t.Errorf("the seal was changed: %+v %v", s, err)
	}
	for _, q := range []string{"limit=0", "limit=501", "limit=x", "limit=-1"} {
		for _, list := range []string{"stamps", "seals", "certificates", "licences", "requests", "escrow", "seal-requests", "stamp-jobs"} {
			h.get(t, "/api/v1/"+list+"?"+q, bearer(h.key)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
		}
	}
	h.get(t, "/api/v1/stamps?from=yesterday", bearer(h.key)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
}
