package seal_test

import (
	"errors"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/seal"
)

func TestTheRegisterFindsAStamp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.make(t, seal.Policy{Agencies: []string{stranger}})
	h.clock.move(time.Minute)
	var made []seal.Stamped
	for i, r := range []seal.StampRequest{request(h.seal), request(other), request(other), request(h.seal)} {
		if i == 1 {
			r.Agency = stranger
		}
		if i > 1 {
			r.Matter, r.Reason, r.Expected = "000101", "事由", 2
		}
		made = append(made, h.stamp(t, r))
		h.clock.move(time.Minute)
	}
	for i, want := range made {
		got, err := h.Entry(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		byCode, err := h.ByCode(t.Context(), want.Code)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, want.Stamp)
		checkSame(t, byCode, want.Stamp)
		if !got.SealedAt.Equal(h.clock.now().Add(time.Duration(i-len(made)) * time.Minute).Truncate(time.Second)) {
			t.Errorf("stamp %d was sealed at %s", i, got.SealedAt)
		}
	}
	second, last := made[1].SealedAt, made[3].SealedAt
	for name, c := range map[string]struct {
		f    seal.Filter
		want []int
	}{
		"all":          {seal.Filter{}, []int{0, 1, 2, 3}},
		"of a seal":    {seal.Filter{SealID: other.ID}, []int{1, 2}},
		"of an agency": {seal.Filter{Agency: owner}, []int{0, 2, 3}},
		"of a matter":  {seal.Filter{Matter: "000101"}, []int{2, 3}},
		"from":         {seal.Filter{From: second}, []int{1, 2, 3}},
		"to":           {seal.Filter{To: second}, []int{0, 1}},
		"between":      {seal.Filter{From: second, To: last.Add(-time.Second)}, []int{1, 2}},
		"after":        {seal.Filter{Cursor: made[1].ID.String()}, []int{2, 3}},
		"all of it":    {seal.Filter{SealID: other.ID, Agency: stranger, Matter: "000101"}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			got := h.pages(t, c.f, limit)
			if len(got) != len(c.want) {
				t.Errorf("%s by %d: %d rows, want %d", name, limit, len(got), len(c.want))
				continue
			}
			for i, row := range got {
				checkSame(t, row, made[c.want[i]].Stamp)
			}
		}
	}
	if _, err := h.Entry(t.Context(), act.ID{}); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown stamp: %v", err)
	}
	if _, err := h.ByCode(t.Context(), "0"); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown code: %v", err)
	}
	if _, _, err := h.Entries(t.Context(), seal.Filter{Cursor: "x", Limit: 1}); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("a cursor that is none: %v", err)
	}
}

// pages reads a list to its end.
func (h *house) pages(t *testing.T, f seal.Filter, limit int) (all []seal.Stamp) {
	t.Helper()
	f.Limit = limit
	for {
		rows, next, err := h.Entries(t.Context(), f)
		if err != nil || len(rows) > limit {
			t.Fatal(len(rows), err)
		}
		all = append(all, rows...)
		if next == "" {
			return all
		}
		f.Cursor = next
	}
}
