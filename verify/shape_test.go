package verify_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yinxin/verify"
)

// The report of interface.md, as it stands there.
const promisedReport = `{
  "verdict": "valid", "indication": "TOTAL_PASSED",
  "reasons": [{"code": "...", "zh": "...", "en": "..."}],
  "format": "pdf", "digest": {"alg": "SM3", "value": "hex"}, "checkedAt": "2026-11-23T08:40:00Z",
  "stamps": [{
    "index": 0, "verdict": "valid", "indication": "TOTAL_PASSED", "subIndication": "",
    "standard": "GB/T 38540-2020", "seal": {"id": "52010000000001", "name": "...", "validFrom": "...", "validTo": "...", "maker": "..."},
    "signer": {"subject": "...", "serial": "hex", "issuer": "...", "region": "520000"},
    "sealedAt": "...", "timeSource": "timestamp", "role": "seal", "coversWholeDocument": true, "laterChanges": [],
    "checks": [{"id": "dataHash", "result": "pass", "detail": ""}]
  }],
  "licence": null,
  "freshness": {"trust": {"anchor": "shipped", "scheme": 12, "regions": {"520000": 128, "440000": 128}}, "status": [{"source": "ocsp", "asOf": "...", "stale": false}]}
}`

// shape reduces JSON to its members and kinds of values; an array to its first
// element, and none to the other's.
func shape(t testing.TB, d *json.Decoder) any {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		var members []any
		for d.More() {
			if v == '{' {
				name, err := d.Token()
				if err != nil {
					t.Fatal(err)
				}
				members = append(members, name)
			}
			members = append(members, shape(t, d))
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		if v == '[' {
			members = members[:min(len(members), 1)]
		}
		return append([]any{v.String()}, members...)
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	}
	return nil
}

func TestShapeOfTheReport(t *testing.T) {
	doc, in := rich(t)
	r := judge(doc, nil, in)
	// Regions are a map, in JSON sorted by their codes.
	want := shape(t, json.NewDecoder(strings.NewReader(promisedReport)))
	got := shape(t, json.NewDecoder(bytes.NewReader(r.JSON())))
	// laterChanges of the first stamp holds words; the promise shows none.
	text := strings.Replace(asJSON(t, got), `["[","string"]`, `["["]`, 1)
	if diff := cmp.Diff(strings.Replace(asJSON(t, want), `"520000","number","440000"`, `"440000","number","520000"`, 1), text); diff != "" {
		t.Error(diff)
	}
	// What is empty is there all the same: a program must not meet null for a list.
	for _, b := range [][]byte{decision, []byte("x"), nil} {
		r := judge(b, nil, verify.Input{At: noon})
		for _, member := range []string{`"stamps": []`, `"licence": null`, `"status": []`, `"regions": {}`} {
			if !bytes.Contains(r.JSON(), []byte(member)) {
				t.Errorf("%q: no %s in %s", b, member, r.JSON())
			}
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
