package certs

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// Keys change by one list that both the old and the new keys signed, one higher
// than the list before.
func TestKeysChange(t *testing.T) {
	b := newBench(t)
	old := b.offline
	renewed := []*entity{listSigner(t, "新0"), listSigner(t, "新1"), listSigner(t, "新2")}
	list := func(n uint64, k int, keys []*entity) SchemeList {
		l := b.scheme(n)
		l.K, l.Keys = k, raws(keys)
		return l
	}
	sign := func(l SchemeList, by ...*entity) json.RawMessage { return b.sign(TypeSchemeList, l, by...) }
	both := []*entity{old[0], old[1], renewed[0], renewed[1]}
	eleven, twelve := sign(list(11, 2, old), old[0], old[2]), sign(list(12, 2, renewed), both...)
	from := func(keys []*entity) TrustOptions {
		return TrustOptions{Anchors: []string{anchorOf(t, list(1, 2, keys))}}
	}
	lists := func(raw ...json.RawMessage) *Bundle {
		return &Bundle{History: raw[:len(raw)-1], Scheme: raw[len(raw)-1]}
	}
	later := sign(list(900, 2, renewed), renewed[1], renewed[2])
	b.judge(t, map[string]verdict{
		"from the old keys":             {lists(eleven, twelve), from(old), nil, AnchorGiven},
		"from the new keys":             {lists(eleven, twelve), from(renewed), nil, AnchorGiven},
		"and later lists":               {lists(eleven, twelve, later), from(old), nil, AnchorGiven},
		"the list between is missing":   {lists(twelve), from(old), ErrUnknownAnchor, ""},
		"the old keys did not sign":     {lists(eleven, sign(list(12, 2, renewed), renewed...)), from(old), ErrSignature, ""},
		"one old key signed":            {lists(eleven, sign(list(12, 2, renewed), old[0], renewed[0], renewed[1])), from(old), ErrSignature, ""},
		"the new keys did not sign":     {lists(eleven, sign(list(12, 2, renewed), old...)), from(old), ErrSignature, ""},
		"one new key signed":            {lists(eleven, sign(list(12, 2, renewed), old[0], old[1], renewed[0])), from(old), ErrSignature, ""},
		"a list passed over":            {lists(eleven, sign(list(13, 2, renewed), both...)), from(old), ErrMalformed, ""},
		"the same number":               {lists(eleven, sign(list(11, 2, renewed), both...)), from(old), ErrMalformed, ""},
		"a smaller number":              {lists(eleven, sign(list(10, 2, renewed), both...)), from(old), ErrMalformed, ""},
		"fewer needed, one higher":      {lists(eleven, sign(list(12, 1, old), old[0], old[1])), from(old), nil, AnchorGiven},
		"fewer needed, two higher":      {lists(eleven, sign(list(13, 1, old), old[0], old[1])), from(old), ErrMalformed, ""},
		"fewer needed, by as few":       {lists(eleven, sign(list(12, 1, old), old[0])), from(old), ErrSignature, ""},
		"another order of keys, two on": {lists(eleven, sign(list(13, 2, []*entity{old[1], old[0], old[2]}), old...)), from(old), ErrMalformed, ""},
		"the same keys, 1,000 higher":   {lists(eleven, sign(list(1011, 2, old), old...)), from(old), nil, AnchorGiven},
		"the same keys, 1,001 higher":   {lists(eleven, sign(list(1012, 2, old), old...)), from(old), ErrMalformed, ""},
		"the same keys, falling":        {lists(eleven, sign(list(10, 2, old), old...)), from(old), ErrMalformed, ""},
		"the same keys, the same":       {lists(eleven, eleven), from(old), ErrMalformed, ""},
		"back to the old keys alone":    {lists(eleven, twelve, sign(list(13, 2, old), old...)), from(old), ErrSignature, ""},
		"lists in the wrong order":      {lists(twelve, eleven), from(old), ErrSignature, ""},
	})
}

func TestRollbackAndExpiry(t *testing.T) {
	b := newBench(t)
	seen := func(code string, n uint64) TrustOptions { return TrustOptions{HighestSeen: map[string]uint64{code: n}} }
	at := func(t time.Time) TrustOptions { return TrustOptions{At: t} }
	good := b.bundle(12)
	early := b.region("440000")
	early.Exp = noon.Add(2 * day)
	mixed := &Bundle{Scheme: good.Scheme, Regions: []json.RawMessage{good.Regions[0], b.sign(TypeRegionList, early, b.signer["440000"])}}
	b.judge(t, map[string]verdict{
		"the highest seen":                {good, seen(SchemeIssuer, 12), nil, AnchorCaller},
		"a higher one seen":               {good, seen(SchemeIssuer, 13), ErrRollback, ""},
		"a region's highest":              {good, seen("520000", 7), nil, AnchorCaller},
		"a higher one of a region":        {good, seen("520000", 8), ErrRollback, ""},
		"a higher one of another region":  {good, seen("110000", 8), nil, AnchorCaller},
		"in its last second":              {good, at(noon.Add(ListLife)), nil, AnchorCaller},
		"a second later":                  {good, at(noon.Add(ListLife + time.Second)), ErrTrustExpired, AnchorCaller},
		"a region's list alone has ended": {mixed, at(noon.Add(3 * day)), ErrTrustExpired, AnchorCaller},
		"ended, and a higher one seen":    {good, TrustOptions{At: noon.Add(ListLife + time.Second), HighestSeen: map[string]uint64{SchemeIssuer: 13}}, ErrRollback, ""},
	})
	trust, err := mixed.Open(at(noon.Add(3 * day)))
	if !errors.Is(err, ErrTrustExpired) || trust.Regions["520000"].Expired || !trust.Regions["440000"].Expired {
		t.Fatal("which region's list has ended is not told apart:", err)
	}
}
