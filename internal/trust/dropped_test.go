package trust_test

import (
	"errors"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/trust"
)

// TestASchemeNamesARegionNoMore: what is kept of a region that its scheme dropped, or
// whose list key it replaced, grants nothing and hinders nothing. It stays remembered:
// under its new key the region takes nothing back, and once named again neither.
func TestASchemeNamesARegionNoMore(t *testing.T) {
	k := newKeyring(t)
	for name, change := range map[string]func(*union, *town){
		"dropped": func(u *union, _ *town) { u.list.Regions = u.list.Regions[:1] },
		"another key": func(u *union, b *town) {
			b.source.list = []certs.StatementSigner{k.signer("新列表", morning.Add(-time.Hour))}
			u.list.Regions[1].Keys = []certs.Base64{b.source.list[0].Certificate.Raw}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newTown(t, k, "520000"), newTown(t, k, "440000")
			u := newUnion(t, k, a, b)
			add(t, a, u.sign(morning), u.anchor())
			add(t, b, u.last, u.anchor())
			good := b.source.services[0].History
			b.serve(k.signer("x", morning).Certificate)
			journal, err := certs.ParseCertificate(b.source.services[0].Certificate)
			if err != nil {
				t.Fatal(err)
			}
			b.serve(journal, certs.ServiceStatus{State: certs.Distrusted, Since: morning})
			if _, err := a.Import(t.Context(), because(b.bundle(), "")); err != nil {
				t.Fatal(err)
			}
			named := u.list.Regions
			change(u, b)
			b.now = b.now.Add(2 * time.Hour)
			if _, err := a.Import(t.Context(), because(u.sign(morning), "")); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Import(t.Context(), because(u.last, "")); !errors.Is(err, trust.ErrNothingNewer) {
				t.Errorf("the same again: %v", err)
			}
			for range 2 {
				if got := a.trusted(); len(got.Regions) != 1 || len(a.bundle().Regions) != 1 {
					t.Fatalf("%+v", got.Regions)
				}
				a.restart()
			}
			if name == "dropped" {
				u.list.Regions = named
				if _, err := a.Import(t.Context(), because(u.sign(morning), "")); err != nil {
					t.Fatal(err)
				}
			}
			// The region says now that its journal was never distrusted.
			b.source.services[0].History = good
			b.source.state += "x"
			if _, err := b.Import(t.Context(), because(u.last, "")); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Import(t.Context(), because(b.bundle(), "")); !errors.Is(err, certs.ErrTakenBack) {
				t.Errorf("taken back: %v", err)
			}
			b.serve(journal, certs.ServiceStatus{State: certs.Distrusted, Since: morning})
			b.now = b.now.Add(2 * time.Hour)
			if _, err := a.Import(t.Context(), because(b.bundle(), "")); err != nil || len(a.trusted().Regions) != 2 {
				t.Errorf("%v", err)
			}
		})
	}
}
