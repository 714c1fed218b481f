package certs

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
)

func draft(t testing.TB, raw []byte) *SchemeDraft {
	t.Helper()
	d, err := ParseSchemeDraft(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestADraftGoesFromHandToHand(t *testing.T) {
	b := newBench(t)
	before := draft(t, b.bundle(11).Scheme)
	d, err := DraftScheme(b.scheme(12))
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Standing(before); s != (Standing{0, 2, 0, 2}) || s.Enough() {
		t.Fatal(s)
	}
	raw, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	// Two holders sign copies, and the copies are joined, one of them twice.
	one, two := draft(t, raw), draft(t, raw)
	for i, copied := range []*SchemeDraft{one, two} {
		if err := copied.Sign(t.Context(), b.offline[i].signer(), before); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Sign(t.Context(), b.offline[0].signer(), before); !errors.Is(err, ErrSigned) {
		t.Error(err)
	}
	for range 2 {
		if err := one.Merge(two); err != nil {
			t.Fatal(err)
		}
	}
	if s := one.Standing(before); s != (Standing{2, 2, 2, 2}) || !s.Enough() || len(one.Signed()) != 2 {
		t.Fatal(s, one.Signed())
	}
	signed, err := one.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	next := &Bundle{History: []json.RawMessage{b.bundle(11).Scheme}, Scheme: signed}
	if _, err := next.Open(TrustOptions{At: noon}); err != nil {
		t.Error(err)
	}
}

func TestADraftRefuses(t *testing.T) {
	b := newBench(t)
	d, err := DraftScheme(b.scheme(12))
	if err != nil {
		t.Fatal(err)
	}
	other, err := DraftScheme(b.scheme(13))
	if err != nil {
		t.Fatal(err)
	}
	early := spec{name: "早", usage: 0x80, ekus: []OID{OIDEKUTrustList}, to: noon.Add(-time.Second)}.make(t, nil)
	l := b.scheme(12)
	l.Keys = append(l.Keys, early.Raw)
	withEarly, err := DraftScheme(l)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ err, want error }{
		"a stranger's key":         {d.Sign(t.Context(), listSigner(t, "外人").signer(), nil), ErrNotAsked},
		"a key that had expired":   {withEarly.Sign(t.Context(), early.signer(), nil), ErrExpired},
		"another list's signature": {d.Merge(other), ErrMalformed},
		"after itself":             {d.MayFollow(d), ErrCannotFollow},
		"after a later one":        {d.MayFollow(other), ErrCannotFollow},
		"as it should":             {other.MayFollow(d), nil},
	} {
		if !errors.Is(c.err, c.want) || c.want == nil && c.err != nil {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if len(d.Signed()) != 0 {
		t.Error("a refusal left a signature")
	}
	// An unsigned list is a draft and nothing else.
	raw, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Bundle{Scheme: raw}).Open(TrustOptions{At: noon}); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := DraftScheme(SchemeList{}); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// One holder with two certificates for one key would count as two.
func TestAKeyUnderTwoCertificates(t *testing.T) {
	b := newBench(t)
	again := spec{name: "同一密钥", usage: 0x80, ekus: []OID{OIDEKUTrustList}, serial: 9}
	p := again.parts(t, b.offline[0].key, nil)
	c, err := ParseCertificate(p.der())
	if err != nil {
		t.Fatal(err)
	}
	twin := &entity{c, b.offline[0].key}
	l := b.scheme(12)
	l.Keys = raws([]*entity{b.offline[0], twin})
	bundle := &Bundle{Scheme: b.sign(TypeSchemeList, l, b.offline[0], twin)}
	if _, err := bundle.Open(TrustOptions{At: noon}); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}

// The rules of the sequence between two lists, whoever signs.
func TestSequences(t *testing.T) {
	b := newBench(t)
	k := func(list ...*entity) func(*SchemeList) { return func(l *SchemeList) { l.Keys = raws(list) } }
	as := func(*SchemeList) {}
	fewer := func(l *SchemeList) { l.K = 1 }
	for name, c := range map[string]struct {
		n      uint64
		change func(*SchemeList)
		want   error
	}{
		"the next":                  {101, as, nil},
		"a thousand on":             {1100, as, nil},
		"a thousand and one":        {1101, as, ErrCannotFollow},
		"the same":                  {100, as, ErrCannotFollow},
		"lower":                     {99, as, ErrCannotFollow},
		"other keys, the next":      {101, k(b.offline[0], b.offline[2]), nil},
		"other keys, two on":        {102, k(b.offline[0], b.offline[2]), ErrCannotFollow},
		"another order of keys":     {102, k(b.offline[2], b.offline[1], b.offline[0]), ErrCannotFollow},
		"another k, the next":       {101, fewer, nil},
		"another k, two on":         {102, fewer, ErrCannotFollow},
		"the highest that there is": {1<<64 - 1, as, ErrCannotFollow},
	} {
		before, next := b.scheme(100), b.scheme(c.n)
		c.change(&next)
		x, err := DraftScheme(before)
		y, err2 := DraftScheme(next)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(name, err)
		}
		if err := y.MayFollow(x); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHistoriesLeadOneWay(t *testing.T) {
	at := func(states ...ServiceState) (h []ServiceStatus) {
		for i, s := range states {
			h = append(h, ServiceStatus{s, noon.Add(time.Duration(i) * day)})
		}
		return h
	}
	for name, c := range map[string]struct {
		h    []ServiceStatus
		good bool
	}{
		"granted":                     {at(Granted), true},
		"withdrawn":                   {at(Granted, Withdrawn), true},
		"distrusted":                  {at(Granted, Distrusted), true},
		"one after the other":         {at(Granted, Withdrawn, Distrusted), true},
		"never good":                  {[]ServiceStatus{{Granted, noon}, {Distrusted, noon}}, true},
		"none":                        {nil, false},
		"withdrawn from the first":    {at(Withdrawn), false},
		"granted twice":               {at(Granted, Granted), false},
		"withdrawn and granted again": {at(Granted, Withdrawn, Granted), false},
		"distrusted and granted":      {at(Granted, Distrusted, Granted), false},
		"distrusted and withdrawn":    {at(Granted, Distrusted, Withdrawn), false},
		"back in time":                {[]ServiceStatus{{Granted, noon}, {Withdrawn, noon.Add(-1)}}, false},
		"no time":                     {[]ServiceStatus{{State: Granted}}, false},
		"no state":                    {[]ServiceStatus{{Granted, noon}, {"", noon}}, false},
	} {
		if err := checkHistory(c.h); (err == nil) != c.good || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSchemeDraft(f *testing.F) {
	b := newBench(f)
	d, err := DraftScheme(b.scheme(12))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := d.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(b.bundle(12).Scheme))
	f.Add([]byte(`{"payloadType":"application/vnd.yinxin.scheme-list.v1+json","payload":"e30=","signatures":[]}`))
	before := draft(f, b.bundle(11).Scheme)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := ParseSchemeDraft(raw)
		if err != nil {
			return
		}
		again, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseSchemeDraft(again)
		if err != nil || !slices.Equal(back.Payload(), d.Payload()) || !slices.Equal(back.Signed(), d.Signed()) {
			t.Fatal("what was read is not what is written", err)
		}
		if s := d.Standing(before); s.Own > len(d.Keys()) || s.Own > len(d.Signed()) {
			t.Fatal(s)
		}
		_ = d.MayFollow(before)
		_ = d.Merge(back)
	})
}
