package province

import (
	"bytes"
	"context"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/seal"
)

// What the province says of its seals is good under the trust that it publishes,
// and under that alone.
func TestAnswersVerifyUnderTheProvincesTrust(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	h.clock.move(time.Minute)
	if _, err := h.Seals.Freeze(t.Context(), seal.ChangeRequest{SealID: h.seal.ID, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	trust, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func(context.Context) ([]byte, error){
		"seal-status": func(ctx context.Context) ([]byte, error) {
			return h.Seals.Status(ctx, h.seal.ID, h.seal.SM3, time.Time{}, "n")
		},
		"seal-list": h.Seals.SealList,
	} {
		raw, err := ask(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkStatement(t, name, raw, trust, foreign, h.clock.now())
	}
}

func checkStatement(t *testing.T, name string, raw []byte, trust, foreign *certs.Trust, now time.Time) {
	t.Helper()
	st, err := certs.ParseStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, region, err := trust.CheckStatement(st, now); err != nil || st.Type != name || region.Code != "520000" {
		t.Errorf("%s: %s, %v", name, st.Type, err)
	}
	if _, _, err := foreign.CheckStatement(st, now); err == nil {
		t.Errorf("%s is good under another province's trust", name)
	}
	for _, i := range []int{10, len(raw) / 3, len(raw) / 2, len(raw) - 20} {
		b := bytes.Clone(raw)
		b[i] ^= 1
		if st, err := certs.ParseStatement(b); err == nil {
			if _, _, err := trust.CheckStatement(st, now); err == nil {
				t.Errorf("%s is good with octet %d changed", name, i)
			}
		}
	}
}
