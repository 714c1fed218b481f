package seal_test

import (
	"errors"
	"slices"
	"strings"
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
		"of the owner": {seal.Filter{Agency: owner}, []int{0, 1, 2, 3}},
		"of who asked": {seal.Filter{Agency: stranger}, []int{1}},
		"of nobody":    {seal.Filter{Agency: "11520000009390000Q"}, nil},
		"by whom":      {seal.Filter{Operator: made[0].Operator}, []int{0, 1, 2, 3}},
		"by another":   {seal.Filter{Operator: "别人"}, nil},
		"of a format":  {seal.Filter{Format: made[0].Format}, []int{0, 1, 2, 3}},
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
	if _, _, err := h.Entries(t.Context(), seal.Filter{Format: "doc", Limit: 1}); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("a format that there is not: %v", err)
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

// An export has what the pages have, and a cell of it is no formula's business: the
// row is as wide as the header.
func TestEveryUseIsGiven(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var made, given []act.ID
	for range 5 {
		made = append(made, h.stamp(t, request(h.seal)).ID)
		h.clock.move(time.Second)
	}
	err := h.EachUse(t.Context(), seal.Filter{SealID: h.seal.ID}, func(s seal.Stamp) error {
		given = append(given, s.ID)
		if len(s.Cells()) != len(seal.UseColumns()) || s.Cells()[0] != s.ID.String() {
			t.Errorf("%q under %q", s.Cells(), seal.UseColumns())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(given, made) {
		t.Errorf("%v, want %v", given, made)
	}
	stop := errors.New("stop")
	if err := h.EachUse(t.Context(), seal.Filter{}, func(seal.Stamp) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	for _, bad := range []seal.Filter{{Operator: "a\x00b"}, {Matter: strings.Repeat("m", 201)}, {From: h.clock.now(), To: h.clock.now().Add(-time.Hour)}} {
		if _, _, err := h.Entries(t.Context(), bad); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
