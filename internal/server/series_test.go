package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"yinxin/internal/province/provincetest"
	"yinxin/verify"
)

// severally is the answer to several stamps.
type severally struct {
	seriesAnswer
	Document json.RawMessage `json:"document"`
}

// Several organs seal one document in one request (联合行文).
func TestSeveralStampsInOneRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	second := h.MakeSeal(t, provincetest.Agency, "示例二局")
	item := func(id string, x int) string {
		return fmt.Sprintf(`{"sealId":"%s","placement":{"page":1,"x":%d,"y":100},"matterCode":"M%d"}`, id, x, x)
	}
	request := `{"operator":"张三","reason":"联合行文","stamps":[` + item(h.Seal.ID, 20) + `,` + item(second.ID, 80) + `]}`
	pdf := string(provincetest.Decision(t, "decision.pdf"))
	body, mt := form(t, part{"request", request}, part{"document", pdf})
	a := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", "application/pdf"), key("k"))
	a.want(t, http.StatusOK, nil)
	r := h.verdict(t, a.body, verify.Valid)
	if !strings.HasPrefix(string(a.body), pdf) || len(r.Stamps) != 2 || r.Stamps[0].Seal.ID != h.Seal.ID || r.Stamps[1].Seal.ID != second.ID {
		t.Fatalf("%+v", r.Stamps)
	}
	ids := strings.Split(a.Header.Get("Yinxin-Stamp-Id"), ", ")
	if len(ids) != 2 || len(strings.Split(a.Header.Get("Yinxin-Verification-Code"), ", ")) != 2 {
		t.Fatalf("%v", a.Header)
	}
	var first, other entryAnswer
	h.get(t, "/api/v1/stamps/"+ids[0], bearer(h.key)).want(t, http.StatusOK, &first)
	h.get(t, "/api/v1/stamps/"+ids[1], bearer(h.key)).want(t, http.StatusOK, &other)
	if len(first.With) != 1 || first.With[0] != other.ID || first.Matter != "M20" || other.Matter != "M80" || other.Reason != "联合行文" || other.Expected != 2 {
		t.Errorf("%+v %+v", first.Stamp, other.Stamp)
	}
	// The same request again, and its answer as JSON.
	again := h.post(t, "/api/v1/stamps", body, media(mt), header("Accept", "application/pdf"), key("k"))
	if !bytes.Equal(again.body, a.body) {
		t.Error("a retry gave another document")
	}
	var s severally
	h.post(t, "/api/v1/stamps", body, media(mt), key("k")).want(t, http.StatusOK, &s)
	var encoded string
	if err := json.Unmarshal(s.Document, &encoded); err != nil {
		t.Fatal(err)
	}
	inside, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !bytes.Equal(inside, a.body) || len(s.Stamps) != 2 || s.StampID != first.ID || s.Stamps[1].StampID != other.ID || s.Stamps[1].Receipt.Leaf == nil {
		t.Errorf("%+v %v", s.seriesAnswer, err)
	}
	// JSON in the request itself.
	whole := strings.TrimSuffix(request, "}") + `,"document":{"a":1}}`
	h.post(t, "/api/v1/stamps", whole).want(t, http.StatusOK, &s)
	if r := h.verdict(t, s.Document, verify.Valid); len(r.Stamps) != 2 {
		t.Errorf("%d stamps on the JSON", len(r.Stamps))
	}
}

func TestBadRequestsForSeveralStamps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one := `{"sealId":"` + h.Seal.ID + `"}`
	for request, want := range map[string]struct {
		status int
		code   string
	}{
		`"stamps":[]`: {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":{}`: {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[` + one + `],"sealId":"` + h.Seal.ID + `"`:                                                  {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[` + one + `],"placement":{"page":1}`:                                                        {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[` + one + `],"profile":"cms"`:                                                               {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[` + one + `],"detached":true`:                                                               {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[{"sealId":"` + h.Seal.ID + `","sealId":"x"}]`:                                               {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[{"sealId":"` + h.Seal.ID + `","seal":"x"}]`:                                                 {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[{"sealId":"` + h.Seal.ID + `","mark":{"kind":"qr"}}]`:                                       {http.StatusBadRequest, "BAD_REQUEST"}, // JSON has no page
		`"stamps":[` + strings.TrimSuffix(strings.Repeat(one+",", 31), ",") + `]`:                              {http.StatusBadRequest, "BAD_REQUEST"},
		`"stamps":[` + one + `,{"sealId":"99999999999999"}]`:                                                   {http.StatusNotFound, "NOT_FOUND"},
		`"stamps":[` + one + `,{"sealId":"` + h.Seal.ID + `","placement":{"page":1,"x":1,"y":2,"riding":{}}}]`: {http.StatusBadRequest, "BAD_REQUEST"},
	} {
		h.post(t, "/api/v1/stamps", `{"operator":"张三",`+request+`,"document":{"a":1}}`).problem(t, want.status, want.code)
	}
	var all listOf[map[string]any]
	if h.get(t, "/api/v1/stamps", bearer(h.key)).want(t, http.StatusOK, &all); len(all.Items) != 0 {
		t.Errorf("%d stamps were made", len(all.Items))
	}
}
