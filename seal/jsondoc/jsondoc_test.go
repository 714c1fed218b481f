package jsondoc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"
	"github.com/gowebpki/jcs"

	"yinxin/internal/testlong"
)

func canonical(t testing.TB, d *Document, n int) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteCanonical(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func decision(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/decision.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// covers is the covering rule of protocol.md 2, by encoding/json and
// gowebpki/jcs alone.
func covers(t testing.TB, doc []byte, n int) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatal(err)
	}
	if raw, ok := m[Member]; ok {
		var entries []string
		if err := json.Unmarshal(raw, &entries); err != nil {
			t.Fatal(err)
		}
		delete(m, Member)
		if n > 0 {
			m[Member], _ = json.Marshal(entries[:n])
		}
	}
	// Marshal would escape <, > and &, which RFC 8785 takes back out.
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want, err := jcs.Transform(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

func TestDecision(t *testing.T) {
	doc := decision(t)
	want := covers(t, doc, 0)
	current := doc
	for n := range 3 {
		d, err := Parse(current)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Stamps()) != n {
			t.Fatalf("%d stamps, want %d", len(d.Stamps()), n)
		}
		if diff := cmp.Diff(want, canonical(t, d, 0)); diff != "" {
			t.Fatal(diff)
		}
		for i := range n + 1 {
			if diff := cmp.Diff(covers(t, current, i), canonical(t, d, i)); diff != "" {
				t.Fatal(diff)
			}
			sum, err := d.Digest(i)
			if err != nil || sum != sm3.Sum([]byte(covers(t, current, i))) {
				t.Fatal("digest is not that of the canonical form", err)
			}
		}
		if _, err := d.Digest(n + 1); err == nil {
			t.Fatal("a stamp that is not there has a digest")
		}
		stamp := bytes.Repeat([]byte{byte(n), 0xfb, 0xff}, 7+n)
		next, err := d.Append(stamp)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(next)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(stamp, again.Stamps()[n]); diff != "" {
			t.Fatal(diff)
		}
		current = next
	}
}

func TestAppendText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, `{"_seals":["AQ=="]}`},
		{" { \n} \n", " { \n\"_seals\":[\"AQ==\"]} \n"},
		{"{\"a\":1\n}\n", "{\"a\":1\n,\"_seals\":[\"AQ==\"]}\n"},
		{`{"_seals":["AA=="]}`, `{"_seals":["AA==","AQ=="]}`},
		{`{"_seals" : [ "AA==" ] ,"z":{}}`, `{"_seals" : [ "AA==" ,"AQ=="] ,"z":{}}`},
		{`{"b":1,"\u005fseals":["AA\u003d="],"a":[]}`, `{"b":1,"\u005fseals":["AA\u003d=","AQ=="],"a":[]}`},
	} {
		d, err := Parse([]byte(c.in))
		if err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		got, err := d.Append([]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

// The member sorts among the others by UTF-16 code units.
func TestMemberSorts(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"a":1,"Z":2,"_seals":["AA=="]}`, `{"Z":2,"_seals":["AA=="],"a":1}`},
		{`{"a":1,"_seals":["AA=="]}`, `{"_seals":["AA=="],"a":1}`},
		{`{"_seals":["AA=="],"Z":1,"Y":2}`, `{"Y":2,"Z":1,"_seals":["AA=="]}`},
		{`{"_seals":["AA=="]}`, `{"_seals":["AA=="]}`},
		{"{\"\uff5e\":1,\"\U00020000\":2,\"_seals\":[\"AA==\"],\"\ud7ff\":3}",
			"{\"_seals\":[\"AA==\"],\"\ud7ff\":3,\"\U00020000\":2,\"\uff5e\":1}"},
		{`{"_seals":["AA=="],"o":{"_seals":[]}}`, `{"_seals":["AA=="],"o":{"_seals":[]}}`},
	} {
		d, err := Parse([]byte(c.in))
		if err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		if got := canonical(t, d, 1); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}

var refused = []struct{ name, doc string }{
	{"empty", ``}, {"space", " \n"}, {"array", `[]`}, {"string", `"a"`}, {"null", `null`},
	{"a PDF too", `{"a":"%PDF-1.7"}`}, {"bom", "\xef\xbb\xbf{}"}, {"utf-16", "{\x00}\x00"}, {"trailing", `{}x`}, {"two roots", `{}{}`},
	{"unclosed", `{"a":1`}, {"unclosed string", `{"a`}, {"lone brace", `{`}, {"trailing comma", `{"a":1,}`},
	{"array comma", `{"a":[1,]}`}, {"lone comma", `{,}`}, {"no colon", `{"a" 1}`}, {"bare name", `{a:1}`},
	{"duplicate", `{"a":1,"a":1}`}, {"duplicate unescaped", `{"a":1,"\u0061":2}`},
	{"duplicate far", `{"b":1,"a":{"x":1,"y":2,"x":3},"c":0}`}, {"duplicate astral", `{"𠮷":1,"\ud842\udfb7":2}`},
	{"lone high", `{"a":"\ud800"}`}, {"lone low", `{"a":"\udc00x"}`}, {"high high", `{"a":"\ud800\ud800"}`},
	{"swapped", `{"a":"\udc00\ud800"}`}, {"high at end", `{"a":"\ud800\u00"}`}, {"lone in name", `{"\udfff":1}`},
	{"invalid utf-8", "{\"a\":\"\xff\"}"}, {"overlong", "{\"a\":\"\xc0\x80\"}"}, {"raw surrogate", "{\"a\":\"\xed\xa0\x80\"}"},
	{"control", "{\"a\":\"\n\"}"}, {"nul", "{\"a\":\"\x00\"}"}, {"bad escape", `{"a":"\x"}`}, {"short u", `{"a":"\u12"}`},
	{"form feed", "{\f}"}, {"nbsp", "{\u00a0}"}, {"literal", `{"a":nul}`}, {"literal more", `{"a":truefalse}`}, {"case", `{"a":True}`},
	{"leading zero", `{"a":01}`}, {"plus", `{"a":+1}`}, {"dot", `{"a":.5}`}, {"dot end", `{"a":1.}`}, {"bare minus", `{"a":-}`},
	{"hex", `{"a":0x10}`}, {"nan", `{"a":NaN}`}, {"infinity", `{"a":Infinity}`}, {"exponent", `{"a":1e}`}, {"underscore", `{"a":1_000}`},
	{"too exact", `{"a":9007199254740993}`}, {"overflow", `{"a":1e400}`}, {"underflow", `{"a":5e-325}`}, {"half ulp", `{"a":0.10000000000000001}`},
	{"huge exponent", `{"a":1e999999999999999999999}`}, {"tiny exponent", `{"a":-1e-999999999}`}, {"third", `{"a":0.33333333333333333}`},
	{"empty seals", `{"_seals":[]}`}, {"null seals", `{"_seals":null}`}, {"object seals", `{"_seals":{}}`}, {"string seals", `{"_seals":"AA=="}`},
	{"number entry", `{"_seals":[1]}`}, {"null entry", `{"_seals":["AA==",null]}`}, {"array entry", `{"_seals":[["AA=="]]}`},
	{"empty entry", `{"_seals":[""]}`}, {"seals comma", `{"_seals":["AA==",]}`}, {"url base64", `{"_seals":["-_8="]}`},
	{"no padding", `{"_seals":["AA"]}`}, {"stray bits", `{"_seals":["AB=="]}`}, {"line break", `{"_seals":["AA\n=="]}`}, {"space", `{"_seals":["AA== "]}`},
	{"seals twice", `{"_seals":["AA=="],"_seals":["AA=="]}`}, {"seals twice escaped", `{"_seals":["AA=="],"\u005Fseals":["AA=="]}`},
	{"deep", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`},
	{"very deep", strings.Repeat(`{"a":`, 1<<20)},
}

func TestRefused(t *testing.T) {
	for _, c := range refused {
		var syntax *SyntaxError
		if _, err := Parse([]byte(c.doc)); !errors.As(err, &syntax) {
			t.Errorf("%s: %.60q accepted or another error: %v", c.name, c.doc, err)
		}
	}
	if _, err := Parse(make([]byte, MaxSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Error("over 10 MB:", err)
	}
	many := `{"_seals":["AA=="` + strings.Repeat(`,"AA=="`, MaxStamps) + `]}`
	if _, err := Parse([]byte(many)); !errors.Is(err, ErrTooLarge) {
		t.Error("over the number of stamps:", err)
	}
	full := strings.Replace(many, `,"AA=="`, "", 1)
	d, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Append([]byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Error("append to a full document:", err)
	}
	long := []byte(`{"a":"` + strings.Repeat("x", MaxSize-10) + `"}`)
	if d, err = Parse(long); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Append([]byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Error("append past 10 MB:", err)
	}
}

// A large document may have some stamps and a small one many: what verifying
// all of them hashes is bounded, and nothing is sealed that could not be
// verified.
func TestStampsForTheSize(t *testing.T) {
	large := func(stamps int) []byte {
		return []byte(`{"_seals":["AA=="` + strings.Repeat(`,"AA=="`, stamps-1) + `],"a":"` + strings.Repeat("x", 9<<20) + `"}`)
	}
	const most = MaxHashed / (9<<20 + 500)
	d, err := Parse(large(most))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Append([]byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Error("one more than can be verified was put in:", err)
	}
	if _, err := Parse(large(most + 1)); !errors.Is(err, ErrTooLarge) {
		t.Error("one more than can be verified is read:", err)
	}
	if d, err = Parse(large(most - 1)); err != nil {
		t.Fatal(err)
	}
	if sealed, err := d.Append([]byte{1}); err != nil {
		t.Error(err)
	} else if _, err = Parse(sealed); err != nil {
		t.Error("sealed, but not to be read:", err)
	}
}

func TestNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0", "0e999999999999": "0", "0.1": "0.1", "128.50": "128.5", "1e21": "1e+21", "1E20": "100000000000000000000",
		"1e-7": "1e-7", "0.000001": "0.000001", "-1.5e-10": "-1.5e-10", "5e-324": "5e-324", "1.7976931348623157e308": "1.7976931348623157e+308",
		"9007199254740992": "9007199254740992", "123456789012345678e0": "", "100000000000000000000000": "1e+23", "0.1e1": "1", "-120": "-120",
		"10e-1": "1", "0.00000000000000000000000000001e29": "1", "2.2250738585072014e-308": "2.2250738585072014e-308", "1234567890123456": "1234567890123456",
		"1" + strings.Repeat("0", 400) + "e-400": "1", "0." + strings.Repeat("0", 200000) + "1e200001": "1",
	} {
		d, err := Parse([]byte(`{"a":` + in + `}`))
		if want == "" {
			if err == nil {
				t.Errorf("%s accepted", in)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.40s: %v", in, err)
		} else if got := canonical(t, d, 0); got != `{"a":`+want+`}` {
			t.Errorf("%.40s: %s, want %s", in, got, want)
		}
	}
}

// Every double's canonical form passes and stays as it is.
func TestNumbersKeep(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range testlong.Count(100000, 2000000) {
		f := math.Float64frombits(r.Uint64())
		want, err := jcs.NumberToJSON(f)
		if err != nil {
			continue
		}
		for _, in := range []string{want, strconv.FormatFloat(f, 'e', -1, 64)} {
			d, err := Parse([]byte(`{"a":` + in + `}`))
			if err != nil {
				t.Fatalf("%s: %v", in, err)
			}
			if got := canonical(t, d, 0); got != `{"a":`+want+`}` {
				t.Fatalf("%s: %s, want %s", in, got, want)
			}
		}
	}
}

// generate writes a document at random, with white space, escapes and members
// in disorder.
func generate(r *rand.Rand, depth int) string {
	space := func() string { return []string{"", "", " ", "\n\t"}[r.IntN(4)] }
	text := func() string {
		var b strings.Builder
		b.WriteByte('"')
		for range r.IntN(6) {
			b.WriteString([]string{"a", "Z", "_", "é", "章", "\U00020bb7", "\uffee", "\ue000", `\"`, `\\`, `\/`, `\b`, `\u0000`, `\u001F`, `\ud842\udfb7`, `\u00e9`, "\x7f", "\u2028", "<"}[r.IntN(19)])
		}
		return b.String() + `"`
	}
	kind := r.IntN(7)
	if depth == 0 {
		kind = 0
	}
	if depth > 4 {
		kind = 2 + r.IntN(5)
	}
	var b strings.Builder
	switch kind {
	case 0:
		b.WriteString("{" + space())
		seen := map[string]bool{Member: true}
		for range r.IntN(8) {
			key := text()
			var name string
			if json.Unmarshal([]byte(key), &name) != nil || seen[name] {
				continue
			}
			if len(seen) > 1 {
				b.WriteString("," + space())
			}
			seen[name] = true
			b.WriteString(key + space() + ":" + space() + generate(r, depth+1) + space())
		}
		b.WriteString("}")
	case 1:
		b.WriteString("[" + space())
		for i := range r.IntN(5) {
			if i > 0 {
				b.WriteString("," + space())
			}
			b.WriteString(generate(r, depth+1) + space())
		}
		b.WriteString("]")
	case 2, 3:
		b.WriteString(text())
	case 4:
		b.WriteString([]string{"true", "false", "null"}[r.IntN(3)])
	case 5:
		b.WriteString(strconv.Itoa(r.IntN(1<<30) - 1<<29))
	default:
		b.WriteString(strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(60)-30)), "eg"[r.IntN(2)], -1, 64))
	}
	return b.String()
}

// gowebpki/jcs is the witness that our own canonical form is RFC 8785's.
func TestAgainstJCS(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range testlong.Count(5000, 100000) {
		doc := generate(r, 0)
		want, err := jcs.Transform([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		d, err := Parse([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if diff := cmp.Diff(string(want), canonical(t, d, 0)); diff != "" {
			t.Fatalf("%s\n%s", doc, diff)
		}
		sealed, err := d.Append([]byte(doc[:1+r.IntN(len(doc))]))
		if err != nil {
			t.Fatal(err)
		}
		if d, err = Parse(sealed); err != nil {
			t.Fatal(err)
		}
		if want, err = jcs.Transform(sealed); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), canonical(t, d, 1)); diff != "" {
			t.Fatalf("%s\n%s", sealed, diff)
		}
	}
}

// An object of a million members in the worst order is read in a second or so.
func TestManyMembers(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := 700000; i > 0; i-- {
		b.WriteString(`"` + strconv.FormatInt(int64(i), 36) + `":0,`)
	}
	b.WriteString(`"~":0}`)
	if _, err := Parse([]byte(b.String())); err != nil {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(decision(f))
	for _, c := range refused {
		if len(c.doc) < 1000 {
			f.Add([]byte(c.doc))
		}
	}
	f.Add([]byte(`{"b":1,"\u005fseals":["AA\u003d="],"a":[-0,1e21,{"":""}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := Parse(doc)
		if err != nil {
			return
		}
		n := len(d.Stamps())
		if got, want := canonical(t, d, n), covers(t, doc, n); got != want {
			t.Fatalf("canonical form\n%s, jcs has\n%s", got, want)
		}
		before, _ := d.Digest(n)
		sealed, err := d.Append([]byte("stamp"))
		if err != nil {
			t.Skip()
		}
		again, err := Parse(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Stamps()) != n+1 || string(again.Stamps()[n]) != "stamp" {
			t.Fatal("the stamp is not the last")
		}
		if after, _ := again.Digest(n); after != before {
			t.Fatal("what the stamp covers changed with it")
		}
		if base64.StdEncoding.EncodeToString(again.Stamps()[n]) != string(again.encoded[n]) {
			t.Fatal("not canonical base64")
		}
	})
}

func BenchmarkParseDigest(b *testing.B) {
	doc := decision(b)
	d, _ := Parse(doc)
	doc, _ = d.Append(bytes.Repeat([]byte("stamp"), 4400))
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		d, err := Parse(doc)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Digest(0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	d, _ := Parse(decision(b))
	stamp := bytes.Repeat([]byte("stamp"), 4400)
	for b.Loop() {
		if _, err := d.Append(stamp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJCSWitness(b *testing.B) {
	doc := decision(b)
	for b.Loop() {
		if _, err := jcs.Transform(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseUnsealed(b *testing.B) {
	doc := decision(b)
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}
