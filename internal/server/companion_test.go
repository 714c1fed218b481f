package server

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"yinxin/internal/province/provincetest"
	"yinxin/verify"
)

// Profile and companion are asked for over HTTP, and the companion's root is had there.
func TestProfileAndCompanion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.get(t, "/ca/companion.cer").want(t, http.StatusNotFound, nil)
	body, mt := form(t, part{"request", strings.TrimSuffix(h.request(), "}") + `,"profile":"cms","companion":true}`}, part{"document", string(provincetest.Decision(t, "decision.pdf"))})
	a := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", "application/pdf"), header("Idempotency-Key", "k")).want(t, http.StatusOK, nil)
	r := h.verdict(t, a.body, verify.Valid)
	if len(r.Stamps) != 2 || r.Stamps[0].Standard != "GB/T 38540-2020 (CMS)" || r.Stamps[1].Role != "companion" {
		t.Errorf("%+v", r.Stamps)
	}
	again := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", "application/pdf"), header("Idempotency-Key", "k")).want(t, http.StatusOK, nil)
	if string(again.body) != string(a.body) {
		t.Error("a retry gets other bytes")
	}
	root := h.get(t, "/ca/companion.cer").want(t, http.StatusOK, nil)
	if c, err := x509.ParseCertificate(root.body); err != nil || !c.IsCA {
		t.Errorf("the companion's root: %v", err)
	}
	// Neither is for what is no PDF.
	for _, more := range []string{`"profile":"cms"`, `"companion":true`} {
		doc := strings.TrimSuffix(h.request(), "}") + `,` + more + `,"document":{"a":1}}`
		h.post(t, "/api/v1/stamps", doc, media("application/json")).want(t, http.StatusBadRequest, nil)
	}
}
