package server

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal/face"
)

func TestDrawFaceOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path, body = "/api/v1/seals/face", `{"shape":"round","name":"贵州省档案馆","second":"合同专用章","code":"52010000000001","borders":2}`
	want, err := face.Draw(face.Spec{Shape: face.Round, Name: "贵州省档案馆", Second: "合同专用章", Code: "52010000000001", Borders: 2})
	if err != nil {
		t.Fatal(err)
	}
	for accept, media := range map[string]string{"": mediaPNG, "*/*": mediaPNG, "image/png": mediaPNG, "image/svg+xml": mediaSVG, "image/svg+xml, image/png": mediaPNG, "application/json": mediaPNG} {
		a := h.post(t, path, body, header("Accept", accept)).want(t, http.StatusOK, nil)
		if got := a.Header.Get("Content-Type"); got != media || (media == mediaPNG) != bytes.Equal(a.body, want) || (media == mediaSVG) != bytes.HasPrefix(a.body, []byte("<svg ")) {
			t.Errorf("%q: %s, %.40q", accept, got, a.body)
		}
	}
	for bad, c := range map[string]struct {
		status    int
		code, say string
	}{
		`{"shape":"round","name":"𬭎利局"}`:                                    {http.StatusUnprocessableEntity, "REFUSED", "𬭎 (U+2CB4E)"},
		`{"shape":"round"}`:                                                 {http.StatusBadRequest, "BAD_REQUEST", "a name of 0"},
		`{"shape":"round","name":"局","centre":"emblem"}`:                    {http.StatusBadRequest, "BAD_REQUEST", "uploaded"},
		`{"shape":"round","name":"局","font":"/etc/passwd"}`:                 {http.StatusBadRequest, "BAD_REQUEST", "font"},
		`{"shape":"round","name":"` + strings.Repeat("长", maxForm/3) + `"}`: {http.StatusRequestEntityTooLarge, "TOO_LARGE", ""},
	} {
		if p := h.post(t, path, bad).problem(t, c.status, c.code); !strings.Contains(p.Detail, c.say) {
			t.Errorf("%.60s: %s", bad, p.Detail)
		}
	}
	stamps, _ := h.Key(t, provincetest.Agency, agency.ScopeStamp)
	h.post(t, path, body, bearer(stamps)).problem(t, http.StatusForbidden, "FORBIDDEN")
}
