package storetest

import (
	"sync"
	"testing"

	"yinxin/ca"
)

func version(name string, n uint32) ca.ProfileVersion {
	v := ca.ProfileVersion{Name: name, Version: n, LifeDays: 100 + int(n), At: morning, Who: "张三", Why: "试行"}
	v.Permitted, v.RequirePolicy, v.FullCRL, v.FreshestCRL = []ca.Name{{Organization: "贵州省"}, {}}, true, true, true
	return v
}

// caProfiles: versions are 1, 2, 3 of each name, and none is ever lost.
func caProfiles(t *testing.T, b *bench) {
	s := b.CA()
	if all, err := s.ProfileVersions(t.Context()); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	var want []ca.ProfileVersion
	for _, name := range []string{"client", "client-x", "issuing"} {
		for n := uint32(1); n < 4; n++ {
			v := version(name, n)
			a := b.act(t, ca.ActProfile, name, v)
			b.kept(t, "a version", a, func() error { return s.CommitProfile(t.Context(), a, v) })
			want = append(want, v)
		}
	}
	if all, err := s.ProfileVersions(t.Context()); err != nil || !same(all, want) {
		t.Fatalf("%v %s", err, diff(want, all))
	}
	for name, v := range map[string]ca.ProfileVersion{"the same again": version("client", 3), "one left out": version("client", 5), "none before": version("tsa", 2), "version 0": version("tsa", 0)} {
		a := b.act(t, ca.ActProfile, v.Name, v)
		b.unchanged(t, name, ca.ErrProfileChanged, func() error { return s.CommitProfile(t.Context(), a, v) })
	}
}

// caProfileRace: of those who set one version, one does.
func caProfileRace(t *testing.T, b *bench) {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		v := version("client", 1)
		a := b.act(t, ca.ActProfile, v.Name, v)
		wg.Go(func() { errs[i] = b.CA().CommitProfile(t.Context(), a, v) })
	}
	wg.Wait()
	set := 0
	for _, err := range errs {
		if err == nil {
			set++
			continue
		}
		check(t, "who came later", err, ca.ErrProfileChanged)
	}
	if all, err := b.CA().ProfileVersions(t.Context()); err != nil || set != 1 || len(all) != 1 {
		t.Errorf("%d set one version, %d are kept: %v", set, len(all), err)
	}
}
