package certs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// scheme of the tests: three offline keys, two of which are needed, and two
// regions, each with its list signer and its services.
type bench struct {
	t       testing.TB
	offline []*entity
	signer  map[string]*entity // of region lists
	ca      *entity
	status  *entity
}

func listSigner(t testing.TB, name string) *entity {
	return spec{name: name, usage: 0x80, ekus: []OID{OIDEKUTrustList}}.make(t, nil)
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, signer: map[string]*entity{}, ca: root(t, "省根")}
	for i := range 3 {
		b.offline = append(b.offline, listSigner(t, fmt.Sprint("离线", i)))
	}
	for _, code := range []string{"520000", "440000"} {
		b.signer[code] = listSigner(t, "列表"+code)
	}
	b.status = spec{name: "状态", usage: 0x80, ekus: []OID{OIDEKUStatusSigner}}.make(t, b.ca)
	return b
}

func raws(list []*entity) (out []Base64) {
	for _, e := range list {
		out = append(out, e.Raw)
	}
	return out
}

// scheme list n, by the offline keys, two of them needed.
func (b *bench) scheme(n uint64) SchemeList {
	l := SchemeList{Iss: SchemeIssuer, Iat: noon, Exp: noon.Add(ListLife), Sequence: n, K: 2, Keys: raws(b.offline)}
	for _, code := range []string{"520000", "440000"} {
		l.Regions = append(l.Regions, SchemeRegion{Code: code, Name: code, URL: "https://" + code, Keys: raws([]*entity{b.signer[code]})})
	}
	return l
}

func (b *bench) region(code string) RegionList {
	granted := []ServiceStatus{{Granted, noon.Add(-30 * day)}}
	return RegionList{Iss: code, Iat: noon, Exp: noon.Add(ListLife), Sequence: 7, Name: code, URL: "https://" + code, Services: []RegionService{
		{Type: ServiceAgencyCA, Name: "根", Certificate: b.ca.Raw, Prefixes: []string{code[:2]}, History: granted},
		{Type: ServiceStatusSigner, Name: "状态", Certificate: b.status.Raw, Prefixes: []string{code[:2]}, History: granted},
	}}
}

// sign makes the envelope without the checks of whoever signs honestly.
func (b *bench) sign(typ string, list any, by ...*entity) json.RawMessage {
	b.t.Helper()
	var signers []StatementSigner
	for _, e := range by {
		signers = append(signers, e.signer())
	}
	raw, err := signStatement(b.t.Context(), typ, list, signers)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// bundle has list n by the first two keys, and both region lists.
func (b *bench) bundle(n uint64) *Bundle {
	out := &Bundle{Scheme: b.sign(TypeSchemeList, b.scheme(n), b.offline[:2]...)}
	for _, code := range []string{"520000", "440000"} {
		out.Regions = append(out.Regions, b.sign(TypeRegionList, b.region(code), b.signer[code]))
	}
	return out
}

func anchorOf(t testing.TB, l SchemeList) string {
	t.Helper()
	a, err := l.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type verdict struct {
	bundle *Bundle
	o      TrustOptions
	want   error
	anchor string // of a bundle that is opened
}

func (b *bench) judge(t *testing.T, cases map[string]verdict) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.o.At.IsZero() {
				c.o.At = noon.Add(time.Hour)
			}
			file, err := c.bundle.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			read, err := ParseBundle(file)
			if err != nil {
				t.Fatal(err)
			}
			trust, err := read.Open(c.o)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			expired := errors.Is(err, ErrTrustExpired)
			if granted := err == nil || expired; granted != (trust != nil) || granted && (ended(trust) != expired || c.anchor != "" && trust.Anchor != c.anchor) {
				t.Fatalf("trust %+v with %v", trust, err)
			}
		})
	}
}

// ended tells whether any list of the bundle has.
func ended(t *Trust) bool {
	out := t.Expired
	for _, r := range t.Regions {
		out = out || r.Expired
	}
	return out
}

func TestAnchors(t *testing.T) {
	b := newBench(t)
	own := anchorOf(t, b.scheme(12))
	other := strings.Repeat("ab", 32)
	good := b.bundle(12)
	b.judge(t, map[string]verdict{
		"known":                          {good, TrustOptions{Anchors: []string{own}}, nil, AnchorGiven},
		"known, in capitals":             {good, TrustOptions{Anchors: []string{strings.ToUpper(own)}}, nil, AnchorGiven},
		"known, among others":            {good, TrustOptions{Anchors: []string{other, own}}, nil, AnchorGiven},
		"shipped":                        {good, TrustOptions{Shipped: []string{other, own}}, nil, AnchorShipped},
		"given and shipped":              {good, TrustOptions{Anchors: []string{own}, Shipped: []string{own}}, nil, AnchorGiven},
		"none":                           {good, TrustOptions{}, nil, AnchorCaller},
		"none that fits was shipped":     {good, TrustOptions{Shipped: []string{other}}, nil, AnchorCaller},
		"unknown":                        {good, TrustOptions{Anchors: []string{other}}, ErrUnknownAnchor, ""},
		"another than the shipped":       {good, TrustOptions{Anchors: []string{other}, Shipped: []string{own}}, ErrUnknownAnchor, ""},
		"the anchor of a smaller number": {good, TrustOptions{Anchors: []string{anchorOf(t, SchemeList{K: 1, Keys: raws(b.offline)})}}, ErrUnknownAnchor, ""},
	})
	for _, s := range []string{"", own[2:], own + "00", strings.Repeat("g", 64)} {
		if CheckAnchor(s) == nil {
			t.Errorf("%q passes for an anchor", s)
		}
	}
	if got, err := good.Anchor(); err != nil || got != own || CheckAnchor(own) != nil {
		t.Fatal(got, err)
	}
}

func TestSchemeSignatures(t *testing.T) {
	b := newBench(t)
	k := b.offline
	with := func(change func(*SchemeList), by ...*entity) *Bundle {
		l := b.scheme(12)
		change(&l)
		return &Bundle{Scheme: b.sign(TypeSchemeList, l, by...)}
	}
	as := func(*SchemeList) {}
	stranger, sealer := listSigner(t, "外人"), spec{name: "制章者", usage: 0x80, ekus: []OID{OIDEKUSealMaker}}.make(t, nil)
	old := spec{name: "过期", usage: 0x80, ekus: []OID{OIDEKUTrustList}, to: noon.Add(-time.Second)}.make(t, nil)
	keys := func(list ...*entity) func(*SchemeList) { return func(l *SchemeList) { l.Keys = raws(list) } }
	var forged envelope
	if err := json.Unmarshal(with(as, k[0], k[1]).Scheme, &forged); err != nil {
		t.Fatal(err)
	}
	forged.Payload = Base64(strings.Replace(string(forged.Payload), `"sequence":12`, `"sequence":13`, 1))
	altered, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	b.judge(t, map[string]verdict{
		"two of three":               {with(as, k[0], k[1]), TrustOptions{}, nil, AnchorCaller},
		"another two":                {with(as, k[2], k[1]), TrustOptions{}, nil, AnchorCaller},
		"three":                      {with(as, k...), TrustOptions{}, nil, AnchorCaller},
		"two and a stranger":         {with(as, k[0], stranger, k[1]), TrustOptions{}, nil, AnchorCaller},
		"one of three":               {with(as, k[0]), TrustOptions{}, ErrSignature, ""},
		"one and a stranger":         {with(as, k[0], stranger), TrustOptions{}, ErrSignature, ""},
		"none of them":               {with(as, stranger), TrustOptions{}, ErrSignature, ""},
		"altered":                    {&Bundle{Scheme: altered}, TrustOptions{}, ErrSignature, ""},
		"a key that had expired":     {with(keys(old, k[0]), old, k[0]), TrustOptions{}, ErrSignature, ""},
		"a key for something else":   {with(keys(sealer, k[0]), sealer, k[0]), TrustOptions{}, ErrKeyUsage, ""},
		"a key twice":                {with(keys(k[0], k[0]), k[0]), TrustOptions{}, ErrMalformed, ""},
		"more needed than there are": {with(func(l *SchemeList) { l.K = 4 }, k...), TrustOptions{}, ErrMalformed, ""},
		"none needed":                {with(func(l *SchemeList) { l.K = 0 }, k[0]), TrustOptions{}, ErrMalformed, ""},
		"no keys":                    {with(func(l *SchemeList) { l.K, l.Keys = 1, nil }, k[0]), TrustOptions{}, ErrMalformed, ""},
		"17 keys":                    {with(keys(slices.Repeat(k[:1], 17)...), k[0]), TrustOptions{}, ErrMalformed, ""},
		"sequence 0":                 {with(func(l *SchemeList) { l.Sequence = 0 }, k...), TrustOptions{}, ErrMalformed, ""},
		"of a region":                {with(func(l *SchemeList) { l.Iss = "520000" }, k...), TrustOptions{}, ErrMalformed, ""},
		"it lives 8 days":            {with(func(l *SchemeList) { l.Exp = noon.Add(8 * day) }, k...), TrustOptions{}, ErrMalformed, ""},
		"a region twice":             {with(func(l *SchemeList) { l.Regions = append(l.Regions, l.Regions[0]) }, k...), TrustOptions{}, ErrMalformed, ""},
		"a region without a key":     {with(func(l *SchemeList) { l.Regions[0].Keys = nil }, k...), TrustOptions{}, ErrMalformed, ""},
		"a region of five digits":    {with(func(l *SchemeList) { l.Regions[0].Code = "52000" }, k...), TrustOptions{}, ErrMalformed, ""},
		"a region list in its place": {&Bundle{Scheme: b.sign(TypeRegionList, b.region("520000"), k...)}, TrustOptions{}, ErrMalformed, ""},
		"under another type":         {&Bundle{Scheme: b.sign(TypeStatusList, b.scheme(12), k...)}, TrustOptions{}, ErrMalformed, ""},
		"sequence over 64 bits":      {&Bundle{Scheme: b.sign(TypeSchemeList, json.RawMessage(`{"iss":"scheme","iat":"2026-11-24T04:00:00Z","exp":"2026-11-25T04:00:00Z","sequence":18446744073709551616}`), k...)}, TrustOptions{}, ErrMalformed, ""},
	})
}

func TestStrictBundle(t *testing.T) {
	b := newBench(t)
	good, err := b.bundle(12).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	scheme := string(b.bundle(12).Scheme)
	for name, text := range map[string]string{
		"nothing": "", "an array": "[]", "no scheme": `{"regions":[]}`, "text behind": string(good) + "x", "scheme twice": `{"scheme":` + scheme + `,"scheme":` + scheme + `}`,
		"SCHEME": `{"SCHEME":` + scheme + `}`, "65 lists before": `{"history":[` + strings.Repeat(scheme+",", MaxHistoryLists) + scheme + `],"scheme":` + scheme + `}`,
		"101 regions": `{"scheme":` + scheme + `,"regions":[` + strings.Repeat("1,", maxRegions) + `1]}`,
		"too long":    string(good) + strings.Repeat(" ", MaxBundle),
	} {
		if _, err := ParseBundle([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{`{"scheme":1}`, `{"scheme":null}`, `{"scheme":{}}`, `{"scheme":"x"}`} {
		read, err := ParseBundle([]byte(text))
		if err != nil {
			continue
		}
		if _, err := read.Open(TrustOptions{At: noon}); err == nil {
			t.Errorf("%s was opened", text)
		}
	}
}
