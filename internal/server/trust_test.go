package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/internal/trust"
	"yinxin/internal/trust/ceremony"
)

// keeper signs a scheme's lists with one offline key.
type keeper struct {
	holder *ceremony.Holder
	last   *certs.SchemeDraft
}

func newKeeper(t *testing.T, now time.Time) *keeper {
	t.Helper()
	o := ceremony.Options{Dir: filepath.Join(t.TempDir(), "key"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: func() time.Time { return now }, Iterations: 10}
	if _, err := ceremony.Make(t.Context(), o, ca.Name{Organization: "示例", CommonName: "离线"}); err != nil {
		t.Fatal(err)
	}
	h, err := ceremony.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return &keeper{holder: h}
}

// list signs the next list.
func (k *keeper) list(t *testing.T, c ceremony.Change) string {
	t.Helper()
	c.Life = certs.ListLife
	d, err := ceremony.Draft(k.last, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.holder.Sign(t.Context(), d, k.last, c.At); err != nil {
		t.Fatal(err)
	}
	k.last = d
	raw, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestSchemesOverHTTP: a server that cannot be stopped takes the week's list.
func TestSchemesOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, _ := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	own, err := certs.ParseBundle(h.get(t, "/trust/bundle").body)
	if err != nil {
		t.Fatal(err)
	}
	regions, err := ceremony.Regions(own)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(t, h.Clock.Now())
	first := k.list(t, ceremony.Change{K: 1, AddKeys: []*certs.Certificate{k.holder.Certificate}, AddRegions: regions, At: h.Clock.Now()})
	list := k.last.List()
	anchor, err := list.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, bundle string, more ...string) answer {
		body := `{"bundle":` + bundle + `,"operator":"张三","reason":"两省互认"` + strings.Join(more, "") + `}`
		return h.post(t, path, body, bearer(admin))
	}
	const schemes, imports = "/api/v1/trust/schemes", "/api/v1/trust/import"
	post(schemes, first, `,"anchor":"00`+anchor[2:]+`"`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	post(schemes, first, `,"anchor":"x"`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	post(schemes, `{}`, `,"anchor":"`+anchor+`"`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	post(schemes, `{}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	post(imports, first).problem(t, http.StatusUnprocessableEntity, "REFUSED") // not trusted yet
	post(schemes, first, `,"anchor":"`+anchor+`"`).want(t, http.StatusCreated, nil)
	post(schemes, first, `,"anchor":"`+anchor+`"`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	published := func() uint64 {
		d, err := certs.ParseSchemeDraft(h.get(t, "/trust/scheme").want(t, http.StatusOK, nil).body)
		if err != nil {
			t.Fatal(err)
		}
		return d.List().Sequence
	}
	if published() != 1 {
		t.Error("the province does not publish under the scheme that names it")
	}
	h.Clock.Move(time.Hour)
	next := k.list(t, ceremony.Change{At: h.Clock.Now()})
	for range 2 { // the second time nothing is new, which is no error
		var s trust.Scheme
		post(imports, next).want(t, http.StatusOK, &s)
		if s.Revision != 2 || s.Name != anchor {
			t.Errorf("%+v", s)
		}
	}
	post(imports, first).problem(t, http.StatusUnprocessableEntity, "REFUSED") // older
	if published() != 2 {
		t.Error("the newer list is not published")
	}
	var all listOf[trust.Scheme]
	h.get(t, schemes, bearer(admin)).want(t, http.StatusOK, &all)
	if len(all.Items) != 1 || all.Items[0].Why != "两省互认" {
		t.Errorf("%+v", all)
	}
	h.post(t, schemes+"/"+anchor+"/remove", `{"operator":"张三","reason":"不再互认"}`, bearer(admin)).want(t, http.StatusOK, nil)
	if published() < 1 || strings.Contains(string(h.get(t, "/trust/bundle").body), "离线") {
		t.Error("a removed scheme is published")
	}
}

// TestListsBetweenAreToBeHad: whoever was away while the keys changed finds each
// list that leads on.
func TestListsBetweenAreToBeHad(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, _ := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	before, err := certs.ParseSchemeDraft(h.get(t, "/trust/scheme").body)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(t, h.Clock.Now())
	n := before.List().Sequence
	d, err := ceremony.Draft(before, ceremony.Change{AddKeys: []*certs.Certificate{k.holder.Certificate}, DropKeys: []string{certs.KeyID(before.Keys()[0])}, Ahead: 9, At: h.Clock.Now(), Life: certs.ListLife})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.holder.Sign(t.Context(), d, before, h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	raw, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	h.post(t, "/api/v1/trust/import", `{"bundle":`+string(raw)+`,"operator":"张三","reason":"移交","handOver":true}`, bearer(admin)).want(t, http.StatusOK, nil)
	b, err := certs.ParseBundle(h.get(t, "/trust/bundle").body)
	if err != nil || len(b.History) != 1 {
		t.Fatal(err)
	}
	for _, sequence := range []uint64{n + 9, n + 10} {
		got, err := certs.ParseSchemeDraft(h.get(t, fmt.Sprintf("/trust/scheme?sequence=%d", sequence)).want(t, http.StatusOK, nil).body)
		if err != nil || got.List().Sequence != sequence {
			t.Error(err)
		}
	}
	h.get(t, fmt.Sprintf("/trust/scheme?sequence=%d", n+5)).problem(t, http.StatusNotFound, "NOT_FOUND")
	for _, bad := range []string{"0", "-1", "x", "18446744073709551616"} {
		h.get(t, "/trust/scheme?sequence="+bad).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
}

// TestWhenListsEnd: whoever watches the metrics is told in time.
func TestWhenListsEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	left := func(list string) (seconds float64) {
		for line := range bytes.Lines(h.get(t, "/metrics").want(t, http.StatusOK, nil).body) {
			if rest, ok := strings.CutPrefix(string(line), `yinxin_trust_list_expires_seconds{list="`+list+`"} `); ok {
				if err := json.Unmarshal([]byte(rest), &seconds); err != nil {
					t.Fatal(err)
				}
			}
		}
		return seconds
	}
	week := certs.ListLife.Seconds()
	for _, list := range []string{"scheme", "520000"} {
		if s := left(list); s > week || s < week-3700 {
			t.Errorf("%s: %f", list, s)
		}
	}
}
