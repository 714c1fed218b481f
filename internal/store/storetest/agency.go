package storetest

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/internal/agency"
)

const (
	usccA = "11370000MB2852565A"
	usccB = "11110000000021135M"
)

// Agency is the conformance suite of an agency.Store; fresh gives an empty one.
// It drives the store through the office, as everyone does.
func Agency(t *testing.T, fresh func(testing.TB) agency.Store) {
	for name, run := range map[string]func(*testing.T, *agencyBench){
		"register": agencyRegister, "keys": agencyKeys, "revoke": agencyRevoke,
		"rotate": agencyRotate, "close": agencyClose, "networks": agencyNetworks, "refused": agencyRefused,
	} {
		t.Run(name, func(t *testing.T) {
			b := &agencyBench{now: time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC), store: fresh(t)}
			var err error
			b.Office, err = agency.New(agency.Config{Store: b.store, Clock: func() time.Time { return b.now }, Rand: rand.Reader})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Add(t.Context(), agency.AddRequest{ID: usccA, Name: "某市行政审批局", Region: "520000", Who: "test"}); err != nil {
				t.Fatal(err)
			}
			run(t, b)
		})
	}
}

type agencyBench struct {
	*agency.Office
	store agency.Store
	now   time.Time
}

var anywhere = netip.MustParseAddr("192.0.2.7")

func (b *agencyBench) key(t *testing.T, r agency.KeyRequest) (string, agency.APIKey) {
	t.Helper()
	if r.Agency == "" {
		r.Agency = usccA
	}
	if r.Scopes == nil {
		r.Scopes = []string{agency.ScopeStamp}
	}
	secret, key, err := b.CreateKey(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return secret, key
}

func (b *agencyBench) refused(t *testing.T, bearer string) {
	t.Helper()
	if c, err := b.Authenticate(t.Context(), bearer, anywhere); !errors.Is(err, agency.ErrUnauthenticated) {
		t.Fatalf("Authenticate = %+v, %v; want it refused", c, err)
	}
}

func (b *agencyBench) accepted(t *testing.T, bearer string) agency.Caller {
	t.Helper()
	c, err := b.Authenticate(t.Context(), bearer, anywhere)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func agencyRegister(t *testing.T, b *agencyBench) {
	want := agency.Agency{ID: usccA, Name: "某市行政审批局", Region: "520000", State: agency.Active, Created: b.now}
	got, err := b.Show(t.Context(), usccA)
	if err != nil || !cmp.Equal(got, want) {
		t.Fatalf("%v, %s", err, cmp.Diff(want, got))
	}
	if _, err := b.Add(t.Context(), agency.AddRequest{ID: usccA, Name: "另一个", Region: "520000"}); !errors.Is(err, agency.ErrExists) {
		t.Fatalf("added twice: %v", err)
	}
	if _, err := b.Show(t.Context(), usccB); !errors.Is(err, agency.ErrNotFound) {
		t.Fatalf("unknown agency: %v", err)
	}
	if _, err := b.Show(t.Context(), ""); !errors.Is(err, agency.ErrNotFound) {
		t.Fatalf("no agency: %v", err)
	}
	if _, err := b.Add(t.Context(), agency.AddRequest{ID: usccB, Name: "B", Region: "110000"}); err != nil {
		t.Fatal(err)
	}
	all, err := b.List(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != usccB || all[1].ID != usccA {
		t.Fatalf("List = %v, %v", all, err)
	}
}

func agencyKeys(t *testing.T, b *agencyBench) {
	secret, key := b.key(t, agency.KeyRequest{Scopes: []string{"stamp", "seal:read", "stamp"}, Label: "审批系统"})
	if stored, err := b.Key(t.Context(), key.ID); err != nil || !cmp.Equal(stored.Hash, key.Hash) || key.Hash == [32]byte{} {
		t.Fatalf("the hash was not kept: %v, %v", stored, err)
	}
	c := b.accepted(t, secret)
	want := agency.Caller{Agency: usccA, Name: "某市行政审批局", KeyID: key.ID, Scopes: []string{"seal:read", "stamp"}}
	if !cmp.Equal(c, want) || !c.May("stamp") || c.May("admin") || c.ActsFor(usccB) {
		t.Fatal(cmp.Diff(want, c))
	}
	last := byte('A')
	if secret[20] == last {
		last = 'B'
	}
	for _, bad := range []string{
		"", secret[:54], secret + "A", secret[:20] + string(last) + secret[21:], "yx_00000000_" + secret[12:],
		"YX_" + secret[3:], strings.ToUpper(secret), secret[:54] + "_",
	} {
		b.refused(t, bad)
	}
	other, _ := b.key(t, agency.KeyRequest{})
	b.refused(t, secret[:12]+other[12:])
	if all, err := b.Keys(t.Context(), usccA); err != nil || len(all) != 2 {
		t.Fatalf("Keys = %v, %v", all, err)
	}
	if all, err := b.Keys(t.Context(), usccB); err != nil || len(all) != 0 {
		t.Fatalf("another's Keys = %v, %v", all, err)
	}
	b.now = key.Expires
	b.refused(t, secret)
}

func agencyRevoke(t *testing.T, b *agencyBench) {
	secret, key := b.key(t, agency.KeyRequest{})
	b.accepted(t, secret) // now it is cached
	if _, err := b.Revoke(t.Context(), key.ID, "op", "lost"); err != nil {
		t.Fatal(err)
	}
	b.refused(t, secret)
	if _, err := b.Revoke(t.Context(), key.ID, "op", "again"); !errors.Is(err, agency.ErrRevoked) {
		t.Fatalf("revoked twice: %v", err)
	}
	if _, _, err := b.Rotate(t.Context(), key.ID, time.Hour, "op"); !errors.Is(err, agency.ErrRevoked) {
		t.Fatalf("rotated a revoked key: %v", err)
	}
	if _, err := b.Revoke(t.Context(), "ffffffff", "op", ""); !errors.Is(err, agency.ErrNotFound) {
		t.Fatalf("revoked an unknown key: %v", err)
	}
}

func agencyRotate(t *testing.T, b *agencyBench) {
	secret, key := b.key(t, agency.KeyRequest{Networks: []string{"192.0.2.0/24"}})
	next, nextKey, err := b.Rotate(t.Context(), key.ID, time.Hour, "op")
	if err != nil || !cmp.Equal(nextKey.Scopes, key.Scopes) || !cmp.Equal(nextKey.Networks, key.Networks) || nextKey.ID == key.ID {
		t.Fatalf("Rotate = %+v, %v", nextKey, err)
	}
	if _, _, err := b.Rotate(t.Context(), key.ID, 0, "op"); !errors.Is(err, agency.ErrRevoked) {
		t.Fatalf("rotated twice: %v", err)
	}
	b.now = b.now.Add(59 * time.Minute)
	b.accepted(t, secret)
	b.accepted(t, next)
	if _, err := b.Revoke(t.Context(), key.ID, "op", "sooner"); err != nil { // within its grace
		t.Fatal(err)
	}
	b.refused(t, secret)
	b.now = b.now.Add(time.Minute)
	b.refused(t, secret)
	b.accepted(t, next)
}

func agencyClose(t *testing.T, b *agencyBench) {
	secret, _ := b.key(t, agency.KeyRequest{})
	b.accepted(t, secret)
	if err := b.Close(t.Context(), usccA, "op", "撤并"); err != nil {
		t.Fatal(err)
	}
	b.refused(t, secret)
	if err := b.Close(t.Context(), usccA, "op", ""); !errors.Is(err, agency.ErrClosed) {
		t.Fatalf("closed twice: %v", err)
	}
	if _, _, err := b.CreateKey(t.Context(), agency.KeyRequest{Agency: usccA, Scopes: []string{"stamp"}}); !errors.Is(err, agency.ErrClosed) {
		t.Fatalf("a key for a closed agency: %v", err)
	}
}

func agencyNetworks(t *testing.T, b *agencyBench) {
	secret, _ := b.key(t, agency.KeyRequest{Networks: []string{"10.1.0.0/16", "2001:db8::/32"}})
	for addr, want := range map[string]error{
		"10.1.2.3": nil, "::ffff:10.1.2.3": nil, "2001:db8::1": nil, "10.2.0.1": agency.ErrNetwork, "2001:db9::1": agency.ErrNetwork,
	} {
		if _, err := b.Authenticate(t.Context(), secret, netip.MustParseAddr(addr)); !errors.Is(err, want) {
			t.Errorf("from %s: %v, want %v", addr, err, want)
		}
	}
	if _, err := b.Authenticate(t.Context(), secret, netip.Addr{}); !errors.Is(err, agency.ErrNetwork) {
		t.Errorf("from nowhere: %v", err)
	}
}

func agencyRefused(t *testing.T, b *agencyBench) {
	for _, r := range []agency.AddRequest{
		{ID: "11370000MB2852565B", Name: "x", Region: "520000"}, {ID: usccB, Name: "", Region: "520000"},
		{ID: usccB, Name: "a\nb", Region: "520000"}, {ID: usccB, Name: strings.Repeat("长", 70), Region: "520000"},
		{ID: usccB, Name: "x", Region: "52000"}, {ID: usccB, Name: "x", Region: "52000a"},
	} {
		if _, err := b.Add(t.Context(), r); !errors.Is(err, agency.ErrInvalid) {
			t.Errorf("Add(%+v): %v", r, err)
		}
	}
	for _, r := range []agency.KeyRequest{
		{Agency: usccA}, {Agency: usccA, Scopes: []string{"all"}}, {Agency: usccA, Scopes: []string{"stamp"}, Networks: []string{"10.1.2.3/8"}},
		{Agency: usccA, Scopes: []string{"stamp"}, Life: -1}, {Agency: usccA, Scopes: []string{"stamp"}, Life: agency.MaxKeyLife + 1},
		{Agency: usccA, Scopes: []string{"stamp"}, Label: "a\x00"},
	} {
		if _, _, err := b.CreateKey(t.Context(), r); !errors.Is(err, agency.ErrInvalid) {
			t.Errorf("CreateKey(%+v): %v", r, err)
		}
	}
	if _, _, err := b.CreateKey(t.Context(), agency.KeyRequest{Agency: usccB, Scopes: []string{"stamp"}}); !errors.Is(err, agency.ErrNotFound) {
		t.Errorf("a key for an unknown agency: %v", err)
	}
}
