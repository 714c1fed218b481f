package agency_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/agency"
)

// A key with a person's name on it speaks for that person, as its successor does.
func TestAnOfficersKey(t *testing.T) {
	r := newRegister(t)
	secret, key, err := r.CreateKey(t.Context(), agency.KeyRequest{Agency: owner, Officer: "张三", Scopes: []string{agency.ScopeCertificateApprove}, Who: "x"})
	if err != nil || key.Officer != "张三" {
		t.Fatal(key, err)
	}
	rotated, next, err := r.Rotate(t.Context(), key.ID, time.Hour, "x")
	if err != nil || next.Officer != "张三" {
		t.Fatal(next, err)
	}
	for bearer, id := range map[string]string{secret: key.ID, rotated: next.ID} {
		c, err := r.Authenticate(t.Context(), bearer, netip.MustParseAddr("10.0.0.1"))
		if want := (act.Officer{Name: "张三", KeyID: id, Agency: owner}); err != nil || c.By("李四") != want || !c.By("").Known() {
			t.Errorf("%+v %v", c, err)
		}
	}
	program := agency.Caller{Agency: owner, KeyID: "1"}
	if by := program.By("李四"); by.Name != "李四" || program.By("").Known() {
		t.Errorf("a program's key: %+v", by)
	}
	for _, name := range []string{" 张三", "张\n三", "张\u202e三", strings.Repeat("x", agency.MaxName+1)} {
		if _, _, err := r.CreateKey(t.Context(), agency.KeyRequest{Agency: owner, Officer: name, Scopes: []string{agency.ScopeStamp}, Who: "x"}); !errors.Is(err, agency.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
