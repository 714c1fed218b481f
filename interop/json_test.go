package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gowebpki/jcs"

	"yinxin/internal/testlong"
	"yinxin/verify"
)

// decisionJSON holds the awkward values of RFC 8785.
func decisionJSON(t testing.TB) []byte {
	t.Helper()
	return read(t, "../cmd/yinxin/decisions/decision.json")
}

// jcsDigest makes what stamp n covers by encoding/json and another's RFC 8785
// (protocol.md 2): the document with the n entries before it, and without the
// member for the first.
func jcsDigest(t testing.TB, doc []byte, n int) (covered [32]byte, stamp []byte) {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatal(err)
	}
	var entries []string
	if err := json.Unmarshal(m["_seals"], &entries); err != nil {
		t.Fatal(err)
	}
	if delete(m, "_seals"); n > 0 {
		m["_seals"], _ = json.Marshal(entries[:n]) // strings always marshal
	}
	plain, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := jcs.Transform(plain)
	if err != nil {
		t.Fatal(err)
	}
	if stamp, err = base64.StdEncoding.Strict().DecodeString(entries[n]); err != nil {
		t.Fatal(err)
	}
	return sm3.Sum(canonical), stamp
}

func TestJCSOfAnotherGivesTheDigest(t *testing.T) {
	h := newHouse(t)
	doc := decisionJSON(t)
	for range 3 {
		doc = h.sealJSON(t, doc)
	}
	if r := h.judge(t, doc); r.Verdict != verify.Valid {
		t.Fatalf("%s %v", r.Verdict, r.Reasons)
	}
	for n := range 3 {
		want, stamp := jcsDigest(t, doc, n)
		var s sesSignature
		decode(t, stamp, &s)
		if !bytes.Equal(s.ToSign.DataHash.Bytes, want[:]) || s.ToSign.PropertyInfo != "json:jcs" {
			t.Errorf("stamp %d covers %x, another's canonical form gives %x", n, s.ToSign.DataHash.Bytes, want)
		}
	}
}

// Sealing changes no value that another's parser sees.
func TestSealedJSONIsTheSameDocument(t *testing.T) {
	h := newHouse(t)
	doc := decisionJSON(t)
	var before, after map[string]any
	if err := json.Unmarshal(doc, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(h.sealJSON(t, h.sealJSON(t, doc)), &after); err != nil {
		t.Fatal(err)
	}
	if entries, ok := after["_seals"].([]any); !ok || len(entries) != 2 {
		t.Error("not two seals")
	}
	delete(after, "_seals")
	a, _ := json.Marshal(before) // what was just unmarshalled marshals
	b, _ := json.Marshal(after)
	if !bytes.Equal(a, b) {
		t.Error("the document says something else once sealed")
	}
}

// python gives an interpreter whose OpenSSL has SM3.
func python(t testing.TB) string {
	t.Helper()
	path := testlong.Tool(t, "python3", "python3")
	if err := exec.Command(path, "-c", "import hashlib; hashlib.new('sm3')").Run(); err != nil {
		testlong.Missing(t, "SM3 in python3's hashlib", "python3 and libssl3")
	}
	return path
}

// testdata/check.py is a second reading of protocol.md 2 in another language:
// it finds stamps by itself and compares their dataHash with hashlib's SM3.
// It prints a line for each document.
func check(t testing.TB, kind string, docs ...[]byte) (string, bool) {
	t.Helper()
	args := []string{"testdata/check.py", kind}
	for _, d := range docs {
		args = append(args, write(t, "doc", d))
	}
	return run(t, python(t), args...)
}

func TestPythonChecksJSON(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc := h.sealJSON(t, h.sealJSON(t, decisionJSON(t)))
	altered := bytes.Replace(doc, []byte("128.50"), []byte("128.51"), 1)
	second := bytes.Clone(doc) // the first stamp's text, which the second covers
	second[bytes.Index(second, []byte(`"_seals"`))+200] ^= 1
	last := bytes.LastIndexByte(doc, '}')
	spaced := []byte(strings.Replace(string(doc[:last]), "{", "{ \n", 1) + "\n}") // white space is not covered
	if bytes.Equal(altered, doc) || bytes.Equal(spaced, doc) {
		t.Fatal("nothing was altered")
	}
	if out, ok := check(t, "json", doc, spaced); !ok || out != "good good\ngood good\n" {
		t.Errorf("%q", out)
	}
	if out, ok := check(t, "json", altered, second); ok || out != "bad bad\ngood bad\n" {
		t.Errorf("altered: %q", out)
	}
}
