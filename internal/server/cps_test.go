package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"yinxin/ca"
	"yinxin/certs"
)

// The statement is what certificates name, and tells of the profiles as they are
// set now.
func TestPracticeStatement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issuing, err := h.CA.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	if named := h.Identity.URL + "/cps"; !strings.Contains(string(issuing.Certificate.Raw), named) {
		t.Errorf("no certificate names %s", named)
	}
	text := h.get(t, "/cps").want(t, http.StatusOK, nil)
	if !strings.HasPrefix(text.Header.Get("Content-Type"), "text/plain") || !strings.Contains(string(text.body), "贵州省") || strings.Contains(string(text.body), "For demonstration only") {
		t.Errorf("%s", text.body)
	}
	for _, p := range []certs.OID{certs.OIDPolicyAgencySeal, certs.OIDPolicyPerson, certs.OIDPolicyService, certs.OIDPolicyDemonstration} {
		if !strings.Contains(string(text.body), string(p)) {
			t.Errorf("it says nothing of policy %s", p)
		}
	}
	if err := h.CA.SetProfile(t.Context(), ca.ProfileChange{Name: ca.ProfileClient, LifeDays: 77, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	text = h.get(t, "/cps").want(t, http.StatusOK, nil)
	for _, p := range h.CA.Profiles() {
		if !strings.Contains(string(text.body), fmt.Sprintf("%s: %d ", p.Name, p.LifeDays)) {
			t.Errorf("it says nothing of %d days of %s", p.LifeDays, p.Name)
		}
	}
}
