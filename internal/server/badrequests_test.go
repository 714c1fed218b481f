package server

import (
	"encoding/pem"
	"net/http"
	"testing"

	"yinxin/ca"
	"yinxin/ca/catest"
	"yinxin/certs"
	"yinxin/internal/province/provincetest"
)

func csrPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// Each bad request is told what it is, and nothing is issued or intended.
func TestBadRequestsOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issue := func(der []byte) answer { return h.post(t, "/api/v1/certificates", certificateBody(t, csrPEM(der))) }
	for name, der := range catest.Bad(t) {
		t.Run(name, func(t *testing.T) { issue(der).problem(t, http.StatusBadRequest, "BAD_REQUEST") })
	}
	issue(catest.Large(t)).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	issue(catest.Trivial(t)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	tsa, err := h.CA.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	issue(catest.On(t, tsa.Key)).problem(t, http.StatusConflict, "KEY_TAKEN")
	var l listOf[ca.Row]
	if h.get(t, "/api/v1/certificates", bearer(h.key)).want(t, http.StatusOK, &l); len(l.Items) != 1 {
		t.Errorf("bad requests left %d certificates", len(l.Items)-1)
	}
	if gone, err := h.CA.Abandoned(t.Context()); err != nil || len(gone) != 0 {
		t.Error("an intent:", gone, err)
	}
}

func TestACompromisedKeyOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := certificateBody(t, certificateRequest(t, false))
	var row ca.Row
	h.post(t, "/api/v1/certificates", body).want(t, http.StatusCreated, &row)
	h.post(t, "/api/v1/certificates/"+row.Serial+"/revoke", `{"operator":"x","grounds":"stolen","reason":"keyCompromise"}`).want(t, http.StatusOK, &row)
	if row.Revocation == nil || row.Revocation.Reason != certs.ReasonKeyCompromise || row.Agency != provincetest.Agency {
		t.Fatalf("%+v", row)
	}
	h.post(t, "/api/v1/certificates", body).problem(t, http.StatusUnprocessableEntity, "KEY_COMPROMISED")
}
