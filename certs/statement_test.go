package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type payload struct {
	Iss string    `json:"iss"`
	Iat time.Time `json:"iat"`
	Exp time.Time `json:"exp"`
}

func head(iss string) payload { return payload{iss, noon, noon.Add(day)} }

// The test vector of secure-systems-lab/dsse, protocol.md.
func TestPAE(t *testing.T) {
	const want = "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
	if got := string(pae("http://example.com/HelloWorld", []byte("hello world"))); got != want {
		t.Fatal(got)
	}
	// Lengths keep the two apart: what moves from one to the other is signed
	// otherwise.
	if bytes.Equal(pae("ab", []byte("c")), pae("a", []byte("bc"))) {
		t.Fatal("type and payload run into each other")
	}
}

func TestStatement(t *testing.T) {
	by := spec{name: "状态服务", usage: 0x80}.make(t, nil)
	b, err := SignStatement(t.Context(), TypeSealList, head("520000"), by.Certificate, by.key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseStatement(b)
	if err != nil || s.Type != TypeSealList || s.Issuer != "520000" || !s.IssuedAt.Equal(noon) || !s.Expires.Equal(noon.Add(day)) || len(s.KeyIDs) != 1 {
		t.Fatalf("%+v %v", s, err)
	}
	var p payload
	if err := s.Decode(&p); err != nil || p != head("520000") {
		t.Fatal(p, err)
	}
	if err := s.SignedBy(by.Certificate); err != nil {
		t.Fatal(err)
	}
	other := spec{name: "状态服务", usage: 0x80}.on(t, by.key, nil)
	other2 := spec{name: "状态服务", usage: 0x80, serial: 7}.on(t, by.key, nil)
	for _, c := range []*Certificate{spec{name: "别家"}.make(t, nil).Certificate, other2.Certificate, other.Certificate} {
		// The same key under another certificate did not sign as that one.
		if err := s.SignedBy(c); !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
	}
	for _, i := range []int{-1, 1} {
		if err := s.VerifySignature(i, by.Certificate); !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
	}
}

// sealed is an envelope by hand.
func sealed(t *testing.T, typ, body string, by *entity) string {
	t.Helper()
	der, err := by.key.SignMessage(t.Context(), pae(typ, []byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := SignatureToRaw(der)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	return `{"payloadType":"` + typ + `","payload":"` + b64([]byte(body)) + `","signatures":[{"keyid":"` + KeyID(by.Certificate) + `","sig":"` + b64(raw) + `"}]}`
}

func TestStrictStatement(t *testing.T) {
	by := spec{name: "状态服务", usage: 0x80}.make(t, nil)
	const usual = `{"iss":"520000","iat":"2026-11-24T04:00:00Z","exp":"2026-11-25T04:00:00Z"}`
	const typ = "application/vnd.yinxin.seal-list.v1+json"
	good := sealed(t, typ, usual, by)
	deep := usual[:len(usual)-1] + `,"x":` + strings.Repeat("[", maxJSONDepth+1) + strings.Repeat("]", maxJSONDepth+1) + "}"
	var e envelope
	if err := json.Unmarshal([]byte(good), &e); err != nil {
		t.Fatal(err)
	}
	sig := base64.StdEncoding.EncodeToString(e.Signatures[0].Sig)
	swap := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the envelope", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	body := func(old, with string) string { return sealed(t, typ, strings.Replace(usual, old, with, 1), by) }
	one := good[strings.Index(good, `{"keyid"`) : len(good)-2]
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"as it is":                    {good, nil},
		"white space":                 {" " + good + "\n", nil},
		"a member of a later version": {body(`{"iss"`, `{"new":[1,{}],"iss"`), nil},
		"nothing":                     {"", ErrMalformed},
		"an array":                    {"[" + good + "]", ErrMalformed},
		"text behind":                 {good + "x", ErrMalformed},
		"twice":                       {good + good, ErrMalformed},
		"a member twice":              {swap(`"payload":`, `"payload":"e30=","payload":`), ErrMalformed},
		"a member twice, escaped":     {swap(`"payload":`, `"p\u0061yload":"e30=","payload":`), ErrMalformed},
		"a member in capitals too":    {swap(`"payload":`, `"Payload":"e30=","payload":`), ErrMalformed},
		"exp twice in the payload":    {body(`}`, `,"exp":"2036-11-25T04:00:00Z"}`), ErrMalformed},
		"EXP beside exp":              {body(`}`, `,"EXP":"2036-11-25T04:00:00Z"}`), ErrMalformed},
		"iſs beside iss":              {body(`}`, `,"iſs":"440000"}`), ErrMalformed},
		"text behind the payload":     {sealed(t, typ, usual+"{}", by), ErrMalformed},
		"payload of no object":        {sealed(t, typ, `"x"`, by), ErrMalformed},
		"payload not UTF-8":           {sealed(t, typ, strings.Replace(usual, "520000", "\xff", 1), by), ErrMalformed},
		"nested too deeply":           {sealed(t, typ, deep, by), ErrMalformed},
		"nested a million deep":       {strings.Repeat("[", 1_000_000), ErrMalformed},
		"another type":                {sealed(t, "application/vnd.yinxin.qr.v1+json", usual, by), ErrUnsupported},
		"another version":             {sealed(t, "application/vnd.yinxin.seal-list.v2+json", usual, by), ErrUnsupported},
		"another vendor":              {sealed(t, "application/vnd.example.seal-list.v1+json", usual, by), ErrUnsupported},
		"type in capitals":            {sealed(t, strings.ToUpper(typ), usual, by), ErrUnsupported},
		"no iss":                      {body(`"iss":"520000",`, ""), ErrMalformed},
		"no iat":                      {body(`"iat":"2026-11-24T04:00:00Z",`, ""), ErrMalformed},
		"no exp":                      {body(`,"exp":"2026-11-25T04:00:00Z"`, ""), ErrMalformed},
		"null for exp":                {body(`"2026-11-25T04:00:00Z"`, "null"), ErrMalformed},
		"exp before iat":              {body("2026-11-25", "2026-11-23"), ErrMalformed},
		"exp at iat":                  {body("2026-11-25", "2026-11-24"), ErrMalformed},
		"time of Beijing":             {body("2026-11-25T04:00:00Z", "2026-11-25T04:00:00+08:00"), ErrMalformed},
		"time without a zone":         {body("2026-11-25T04:00:00Z", "2026-11-25T04:00:00"), ErrMalformed},
		"time as a number":            {body(`"2026-11-25T04:00:00Z"`, "1795579200"), ErrMalformed},
		"iss as a number":             {body(`"520000"`, "520000"), ErrMalformed},
		"no signature":                {swap(one, ""), ErrMalformed},
		"a signature twice":           {swap(one, one+","+one), ErrMalformed},
		"17 signatures":               {swap(one, strings.Repeat(one+",", maxSignatures)+one), ErrMalformed},
		"keyid in capitals":           {swap(KeyID(by.Certificate), strings.ToUpper(KeyID(by.Certificate))), ErrMalformed},
		"keyid cut":                   {swap(KeyID(by.Certificate), KeyID(by.Certificate)[2:]), ErrMalformed},
		"signature of 63 octets":      {swap(sig, base64.StdEncoding.EncodeToString(e.Signatures[0].Sig[1:])), ErrMalformed},
		"base64 of another alphabet":  {swap(sig, strings.TrimRight(sig, "=")), ErrMalformed},
		"base64 with a line break":    {swap(sig, sig[:4]+`\n`+sig[4:]), ErrMalformed},
		"base64 with stray bits":      {swap(sig, sig[:len(sig)-3]+string(sig[len(sig)-3]+1)+"=="), ErrMalformed},
		"payload missing":             {`{"payloadType":"` + typ + `","signatures":[` + one + `]}`, ErrMalformed},
		"too long":                    {good + strings.Repeat(" ", MaxStatement), ErrMalformed},
		"a byte-order mark":           {"\ufeff" + good, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseStatement([]byte(c.text))
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && s.SignedBy(by.Certificate) != nil {
				t.Fatal("the signature is not good")
			}
		})
	}
}

func TestAStatementSaysWhatWasSigned(t *testing.T) {
	by := spec{name: "状态服务", usage: 0x80}.make(t, nil)
	b, err := SignStatement(t.Context(), TypeSealStatus, head("520000"), by.Certificate, by.key)
	if err != nil {
		t.Fatal(err)
	}
	// Another type in the same words is another statement.
	s, err := ParseStatement(bytes.Replace(b, []byte(TypeSealStatus), []byte(TypeLicenceStatus), 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SignedBy(by.Certificate); !errors.Is(err, ErrSignature) {
		t.Fatal("a seal's status passed for a licence's:", err)
	}
	for i := range b {
		for bit := range 8 {
			changed := bytes.Clone(b)
			changed[i] ^= 1 << bit
			if s, err := ParseStatement(changed); err == nil && s.SignedBy(by.Certificate) == nil {
				t.Fatalf("octet %d was changed and the signature is good: %s", i, changed)
			}
		}
	}
}

func TestWhatIsNotSigned(t *testing.T) {
	by := spec{name: "状态服务", usage: 0x80}.make(t, nil)
	for name, c := range map[string]struct {
		typ     string
		payload any
		want    error
	}{
		"an unknown type":    {"qr", head("520000"), ErrUnsupported},
		"no exp":             {TypeSealList, payload{Iss: "520000", Iat: noon}, ErrMalformed},
		"time of Beijing":    {TypeSealList, payload{"520000", noon.In(time.FixedZone("", 8*3600)), noon.Add(day)}, ErrMalformed},
		"a text":             {TypeSealList, "x", ErrMalformed},
		"what JSON lacks":    {TypeSealList, func() {}, nil},
		"a list by itself":   {TypeSealList, []payload{head("520000")}, ErrMalformed},
		"iat of another day": {TypeSealList, payload{"520000", noon.Add(2 * day), noon}, ErrMalformed},
	} {
		if _, err := SignStatement(t.Context(), c.typ, c.payload, by.Certificate, by.key); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
