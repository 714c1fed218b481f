package crl_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
)

// extension gives an extension's value; nil where there is none.
func extension(t *testing.T, l *smx509.RevocationList, oid string, critical bool) []byte {
	t.Helper()
	for _, e := range l.Extensions {
		if e.Id.String() == oid {
			if e.Critical != critical {
				t.Errorf("%s: critical is %v", oid, e.Critical)
			}
			return e.Value
		}
	}
	return nil
}

func reasons(l *smx509.RevocationList) map[string]int {
	out := map[string]int{}
	for _, e := range l.RevokedCertificateEntries {
		out[e.SerialNumber.Text(16)] = e.ReasonCode
	}
	return out
}

// The 64 shards hold each revoked certificate once, in the shard that its serial
// names, and each names its own address.
func TestShardsDivideTheList(t *testing.T) {
	o := open(t)
	want := map[string]int{}
	for range 40 {
		serial := o.issue()
		o.revoke(serial, certs.ReasonSuperseded, time.Time{})
		want[serial.Text(16)] = certs.ReasonSuperseded
	}
	got := map[string]int{}
	for i := 0x40; i < 0x80; i++ {
		shard := fmt.Sprintf("%02x", i)
		l := o.fetch("issuing-" + shard)
		for serial, reason := range reasons(l) {
			if ca.Shard(serial) != shard {
				t.Errorf("%s is in shard %s", serial, shard)
			}
			got[serial] = reason
		}
		// IssuingDistributionPoint of nothing but [0] { [0] { [6] URI } }.
		uri := "https://seal.example/crl/issuing-" + shard + ".crl"
		n := byte(len(uri))
		idp := append([]byte{0x30, n + 6, 0xa0, n + 4, 0xa0, n + 2, 0x86, n}, uri...)
		if v := extension(t, l, "2.5.29.28", true); !bytes.Equal(v, idp) {
			t.Errorf("%s: %x", shard, v)
		}
		if extension(t, l, "2.5.29.27", true) != nil || extension(t, l, "2.5.29.46", false) != nil {
			t.Errorf("%s: a shard has a delta", shard)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(reasons(o.fetch("issuing"))) != fmt.Sprint(want) {
		t.Errorf("shards: %v\nwant %v", got, want)
	}
}

// The list that a certificate names speaks of it, as a relying party reads both; a
// full list does too, and no other shard and no delta.
func TestACertificateIsCoveredByTheListItNames(t *testing.T) {
	o := open(t)
	serial := o.issue().Text(16)
	row, err := o.Certificate(t.Context(), serial)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		t.Fatal(err)
	}
	its, other := "issuing-"+ca.Shard(serial), "issuing-40"
	if its == other {
		other = "issuing-41"
	}
	if want := crl.Address(o.Authority, its); len(c.CRLURLs) != 1 || c.CRLURLs[0] != want {
		t.Errorf("it names %v, want %s", c.CRLURLs, want)
	}
	for name, covers := range map[string]bool{its: true, "issuing": true, other: false, "issuing-delta": false, "root": false} {
		list, err := certs.ParseCRL(o.fresh(name).DER)
		if err != nil {
			t.Fatal(err)
		}
		if list.Covers(c) != covers {
			t.Errorf("%s covers it: %v", name, !covers)
		}
	}
}

func TestWhatFullListsSay(t *testing.T) {
	o := open(t)
	for _, name := range []string{"root", "issuing"} {
		l := o.fetch(name)
		if extension(t, l, "2.5.29.28", true) != nil || extension(t, l, "2.5.29.27", true) != nil {
			t.Errorf("%s: a full list says that it is a part", name)
		}
		uri := "https://seal.example/crl/issuing-delta.crl"
		n := byte(len(uri))
		freshest := append([]byte{0x30, n + 8, 0x30, n + 6, 0xa0, n + 4, 0xa0, n + 2, 0x86, n}, uri...)
		if v := extension(t, l, "2.5.29.46", false); name == "issuing" && !bytes.Equal(v, freshest) || name == "root" && v != nil {
			t.Errorf("%s: freshest: %x", name, v)
		}
		since := append([]byte{0x18, 15}, noon.Format("20060102150405Z")...)
		if v := extension(t, l, "2.5.29.60", false); !bytes.Equal(v, since) {
			t.Errorf("%s: expired certificates: %x", name, v)
		}
		if !bytes.Equal(l.AuthorityKeyId, o.certificate(ca.Purpose(name)).SubjectKeyID) {
			t.Errorf("%s: key %x", name, l.AuthorityKeyId)
		}
	}
}

func TestWhoHasNoList(t *testing.T) {
	o := open(t)
	for _, name := range []string{"tsa", "scheme", "", "-", "../root", "root-40", "root-delta", "issuing-3f", "issuing-80", "issuing-4A", "issuing-4", "issuing-400", "issuing-delta-40", "issuing-", "ISSUING", "issuing.2"} {
		if _, err := o.lists.List(t.Context(), name); !errors.Is(err, crl.ErrNoList) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := o.lists.Fresh(t.Context(), name, noon); !errors.Is(err, crl.ErrNoList) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A delta with the full list that it names, or with any later one, tells what the
// newest full list tells (RFC 5280 5.2.4).
func TestDeltasMakeOldListsWhole(t *testing.T) {
	o := open(t)
	client := func() *big.Int { return o.issueOf(ca.ProfileClient) }
	hold := func(s *big.Int) {
		if _, err := o.Hold(t.Context(), ca.HoldRequest{Serial: s.Text(16), Who: "x", Why: "y"}); err != nil {
			t.Fatal(err)
		}
	}
	release := func(s *big.Int) {
		if _, err := o.Release(t.Context(), ca.HoldRequest{Serial: s.Text(16), Who: "x", Why: "y"}); err != nil {
			t.Fatal(err)
		}
	}
	before, between, back, lost, twice := o.issue(), client(), client(), client(), client()
	o.revoke(before, certs.ReasonSuperseded, time.Time{})
	hold(back)
	hold(lost)
	o.lists.Publish(t.Context())
	var fulls []*smx509.RevocationList
	steps := []func(){
		func() { hold(between); hold(twice) },
		func() { release(back) },
		func() { release(between); release(twice) },
		func() { o.revoke(lost, certs.ReasonKeyCompromise, time.Time{}); hold(twice) },
		func() { o.revoke(before, certs.ReasonKeyCompromise, noon) },
	}
	for i, step := range steps {
		fulls = append(fulls, o.fetch("issuing"))
		o.now = o.now.Add(time.Minute)
		step()
		o.lists.Publish(t.Context())
		l, err := o.lists.Fresh(t.Context(), "issuing-delta", o.now)
		if err != nil {
			t.Fatal(err)
		}
		delta, truth := o.read(l), reasons(o.read(o.fresh("issuing")))
		for _, full := range fulls {
			if full.Number.Uint64() < l.Base.Number || full.Number.Cmp(delta.Number) >= 0 {
				t.Errorf("step %d: list %d does not go with delta %d over %d", i, full.Number, delta.Number, l.Base.Number)
			}
			if got := combined(full, delta); fmt.Sprint(got) != fmt.Sprint(truth) {
				t.Errorf("step %d: %v\nwant %v", i, got, truth)
			}
		}
	}
	if l := o.fetch("issuing-delta"); !slices.ContainsFunc(l.RevokedCertificateEntries, func(e smx509.RevocationListEntry) bool { return e.ReasonCode == certs.ReasonRemoveFromCRL }) {
		t.Error("no release was told")
	}
}

// fresh gives the list of this second.
func (o *office) fresh(name string) crl.List {
	o.t.Helper()
	l, err := o.lists.Fresh(o.t.Context(), name, o.now)
	if err != nil {
		o.t.Fatal(err)
	}
	return l
}

// combined is what a relying party knows from both.
func combined(full, delta *smx509.RevocationList) map[string]int {
	out := reasons(full)
	for serial, reason := range reasons(delta) {
		if out[serial] = reason; reason == certs.ReasonRemoveFromCRL {
			delete(out, serial)
		}
	}
	return out
}

// A full list and the delta that is issued with it have one number.
func TestAFullListComesWithItsDelta(t *testing.T) {
	o := open(t)
	o.lists.Publish(t.Context())
	o.revoke(o.issue(), certs.ReasonSuperseded, time.Time{})
	o.now = o.now.Add(time.Hour)
	o.lists.Publish(t.Context())
	full, delta := o.fetch("issuing"), o.fetch("issuing-delta")
	if full.Number.Cmp(delta.Number) != 0 || !full.ThisUpdate.Equal(delta.ThisUpdate) || len(delta.RevokedCertificateEntries) != 1 {
		t.Errorf("%d of %s, and %d of %s", full.Number, full.ThisUpdate, delta.Number, delta.ThisUpdate)
	}
	o.now = o.now.Add(5 * time.Minute)
	o.lists.Publish(t.Context())
	if next, standing := o.header("issuing-delta"), o.header("issuing"); next.Number <= standing.Number || standing.Number != full.Number.Uint64() {
		t.Errorf("the next delta has number %d after %d", next.Number, standing.Number)
	}
}
