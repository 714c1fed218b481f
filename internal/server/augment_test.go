package server

import (
	"bytes"
	"net/http"
	"testing"

	"yinxin/internal/province/provincetest"
	"yinxin/verify"
)

func TestAugment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	plain := h.stamp(t, string(provincetest.Decision(t, "decision.pdf")), header("Accept", mediaPDF)).want(t, http.StatusOK, nil).body
	body, mt := form(t, part{"document", string(plain)})
	for name, a := range map[string]answer{
		"raw":        h.post(t, "/api/v1/augment", string(plain), media(mediaPDF)),
		"octets, LT": h.post(t, "/api/v1/augment?evidence=LT", string(plain), media(mediaOctets)),
		"a form":     h.post(t, "/api/v1/augment?evidence=LTA", body, media(mt)),
	} {
		a.want(t, http.StatusOK, nil)
		if a.Header.Get("Content-Type") != mediaPDF || !bytes.HasPrefix(a.body, plain) || len(a.body) == len(plain) {
			t.Errorf("%s: %s, %d octets for %d", name, a.Header.Get("Content-Type"), len(a.body), len(plain))
		}
		h.verdict(t, a.body, verify.Valid)
	}
	two, twoType := form(t, part{"document", string(plain)}, part{"more", "x"})
	other, otherType := form(t, part{"file", string(plain)})
	none, noneType := form(t)
	for name, c := range map[string]struct {
		path, body, media string
		status            int
		code              string
	}{
		"not sealed":    {"", string(provincetest.Decision(t, "decision.pdf")), mediaPDF, http.StatusUnprocessableEntity, "REFUSED"},
		"altered":       {"", string(bytes.Replace(plain, []byte("/M (D:2"), []byte("/M (D:1"), 1)), mediaPDF, http.StatusUnprocessableEntity, "REFUSED"},
		"nothing":       {"", "", mediaPDF, http.StatusUnprocessableEntity, "REFUSED"},
		"level T":       {"?evidence=T", string(plain), mediaPDF, http.StatusBadRequest, "BAD_REQUEST"},
		"JSON":          {"", "{}", "application/json", http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"},
		"two parts":     {"", two, twoType, http.StatusBadRequest, "BAD_REQUEST"},
		"another part":  {"", other, otherType, http.StatusBadRequest, "BAD_REQUEST"},
		"no part":       {"", none, noneType, http.StatusBadRequest, "BAD_REQUEST"},
		"cut-off parts": {"", body[:len(body)-20], mt, http.StatusBadRequest, "BAD_REQUEST"},
	} {
		t.Run(name, func(t *testing.T) {
			h.post(t, "/api/v1/augment"+c.path, c.body, media(c.media)).problem(t, c.status, c.code)
		})
	}
}
