package seal_test

import (
	"errors"
	"testing"

	"yinxin/seal"
)

// One idempotency key is one step: under the key of a change, or of a grant, nothing
// else is done, and the same again gives what was made.
func TestAKeyIsOfOneStep(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	step := func(key string, request byte) seal.ChangeRequest {
		c := h.change(h.seal)
		c.Retry = retry(key, request)
		return c
	}
	picture, err := smallFace()
	if err != nil {
		t.Fatal(err)
	}
	type made func(key string, request byte) (seal.Seal, error)
	steps := map[string]made{
		"change": func(key string, request byte) (seal.Seal, error) {
			return h.Vary(t.Context(), seal.VaryRequest{ChangeRequest: step(key, request), AgencyName: "示例局", Name: "新名局", PNG: picture})
		},
		"renew": func(key string, request byte) (seal.Seal, error) {
			return h.Renew(t.Context(), seal.VaryRequest{ChangeRequest: step(key, request), AgencyName: "示例局"})
		},
		"grant": func(key string, request byte) (seal.Seal, error) {
			return h.Grant(t.Context(), step(key, request), seal.Grant{Agency: owner})
		},
		"policy": func(key string, request byte) (seal.Seal, error) {
			return h.SetPolicy(t.Context(), step(key, request), seal.Policy{PerDay: 7})
		},
	}
	for name, do := range steps {
		first, err := do(name, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		if again, err := do(name, 1); err != nil || again.Version != first.Version {
			t.Errorf("%s again: version %d after %d, %v", name, again.Version, first.Version, err)
		}
		for other, do := range steps {
			if _, err := do(name, 2); !errors.Is(err, seal.ErrRetryMismatch) {
				t.Errorf("%s under the key of %s: %v", other, name, err)
			}
		}
		if _, err := h.Freeze(t.Context(), step(name, 2)); !errors.Is(err, seal.ErrRetryMismatch) {
			t.Errorf("a freeze under the key of %s: %v", name, err)
		}
		r := request(h.seal)
		r.Retry = retry(name, 2)
		if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrRetryMismatch) {
			t.Errorf("a stamp under the key of %s: %v", name, err)
		}
	}
}
