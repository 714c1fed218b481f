package storetest

import (
	"testing"

	"yinxin/ca/outside"
	"yinxin/certs"
)

// Outside is the conformance suite of an outside.Store.
func Outside(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){"life": outsideLife})
}

func newAuthority(id string) outside.Authority {
	return outside.Authority{ID: id, Name: "某电子认证服务有限公司", Certificate: []byte("der of " + id), Addresses: []string{"http://ca.example.cn/list.crl"},
		Organisations: []string{usccA}, History: []outside.Change{{State: certs.Granted, Since: morning, At: morning, Who: "张三", Why: "持证机构"}}}
}

func outsideLife(t *testing.T, b *bench) {
	s := b.Outside()
	_, err := s.Authority(t.Context(), "a1")
	check(t, "none yet", err, outside.ErrNotFound)
	var want []outside.Authority
	for _, id := range []string{"a1", "b2"} {
		next := newAuthority(id)
		a := b.act(t, outside.ActAdded, id, next)
		early := b.act(t, outside.ActWithdrawn, id, next)
		b.unchanged(t, "a change of what is not there", outside.ErrChanged, func() error { return s.CommitAuthority(t.Context(), early, next, 1) })
		b.kept(t, "an authority", a, func() error { return s.CommitAuthority(t.Context(), a, next, 0) })
		again := b.act(t, outside.ActAdded, id, next)
		b.unchanged(t, "a second of that id", outside.ErrChanged, func() error { return s.CommitAuthority(t.Context(), again, next, 0) })
		want = append(want, next)
	}
	ended := want[1]
	ended.History = append(ended.History[:1:1], outside.Change{State: certs.Withdrawn, Since: morning, At: morning, Who: "x", Why: "y"})
	a := b.act(t, outside.ActWithdrawn, ended.ID, ended)
	b.kept(t, "its end", a, func() error { return s.CommitAuthority(t.Context(), a, ended, 1) })
	late := b.act(t, outside.ActDistrusted, ended.ID, ended)
	b.unchanged(t, "an end by whoever did not know of it", outside.ErrChanged, func() error { return s.CommitAuthority(t.Context(), late, ended, 1) })
	want[1] = ended
	if got, err := s.Authorities(t.Context()); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	if got, err := s.Authority(t.Context(), "b2"); err != nil || !same(got, ended) {
		t.Errorf("%v %s", err, diff(ended, got))
	}
}
