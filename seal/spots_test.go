package seal

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sheets are pages of given sizes.
type sheets [][2]float64

func (s sheets) PageCount() int { return len(s) }

func (s sheets) PageSize(n int) (w, h float64, err error) { return s[n-1][0], s[n-1][1], nil }

func a4(n int) sheets {
	out := make(sheets, n)
	for i := range out {
		out[i] = [2]float64{210, 297}
	}
	return out
}

var round = shape{widthMM: 42, heightMM: 42, columns: 496}

// However many pages: the slices of each run, side by side in the order of the pages,
// are the whole face; each stands at the edge of its page, none is thinner than half a
// millimetre, and runs are as equal as can be.
func TestSlicesMakeUpTheFace(t *testing.T) {
	for _, pages := range []int{2, 3, 5, 6, 39, 40, 41, 79, 80, 81, 100, 1000} {
		for _, side := range []Side{Right, Left, ""} {
			for _, parity := range []Parity{AllPages, OddPages, EvenPages, ""} {
				spots, err := (&Riding{Side: side, Pages: parity}).spots(a4(pages), round)
				if err != nil {
					if pages/2 >= 2 {
						t.Fatal(err)
					}
					continue
				}
				checkRuns(t, spots, side, parity, pages)
			}
		}
	}
}

func checkRuns(t *testing.T, spots []Spot, side Side, parity Parity, pages int) {
	t.Helper()
	var lengths []int
	end, before := round.columns, 0
	for _, s := range spots {
		if s.From == 0 {
			if end != round.columns {
				t.Fatalf("a run ends at column %d", end)
			}
			lengths = append(lengths, 0)
			end = 0
		}
		lengths[len(lengths)-1]++
		width := float64(s.To-s.From) * 42 / 496
		edge := s.X == 0
		if side != Left {
			edge = math.Abs(s.X+width-210) < 1e-9
		}
		if s.From != end || !edge || width < 0.5 || s.Y != (297.0-42)/2 || s.Page <= before {
			t.Fatalf("%d pages, %s %s: %+v after column %d of page %d", pages, side, parity, s, end, before)
		}
		if parity == OddPages && s.Page%2 == 0 || parity == EvenPages && s.Page%2 == 1 {
			t.Fatalf("%s has page %d", parity, s.Page)
		}
		end, before = s.To, s.Page
	}
	least, most, all := lengths[0], lengths[0], 0
	for _, n := range lengths {
		least, most, all = min(least, n), max(most, n), all+n
	}
	want := pages
	if parity == OddPages {
		want = (pages + 1) / 2
	} else if parity == EvenPages {
		want = pages / 2
	}
	if end != round.columns || most > maxSlices || most-least > 1 || all != want {
		t.Errorf("%d pages, %s: runs of %v", pages, parity, lengths)
	}
}

func TestSlicesOnPagesOfTheirOwnSizes(t *testing.T) {
	spots, err := (&Riding{At: 10}).spots(sheets{{210, 297}, {297, 210}}, shape{40, 40, 401})
	if err != nil {
		t.Fatal(err)
	}
	want := []Spot{{Page: 1, X: 210 - 40*200/401.0, Y: 10, From: 0, To: 200}, {Page: 2, X: 297 - 40*201/401.0, Y: 10, From: 200, To: 401}}
	if diff := cmp.Diff(want, spots); diff != "" {
		t.Error(diff)
	}
}

func TestRidingSealsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		riding Riding
		doc    sheets
	}{
		"one page":      {Riding{}, a4(1)},
		"no even pages": {Riding{Pages: EvenPages}, a4(1)},
		"one odd page":  {Riding{Pages: OddPages}, a4(2)},
		"below":         {Riding{At: 256}, a4(3)},
		"a low page":    {Riding{At: 200}, sheets{{210, 297}, {210, 200}}},
	} {
		if _, err := c.riding.spots(c.doc, round); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpotsOfAKeyword(t *testing.T) {
	at := []point{{1, 100, 100}, {1, 5, 5}, {2, 205, 290}}
	find := func(Keyword) ([]point, error) { return at, nil }
	for name, c := range map[string]struct {
		k    Keyword
		want []Spot
	}{
		"first":            {Keyword{Which: First}, []Spot{{Page: 1, X: 79, Y: 79}}},
		"last, moved in":   {Keyword{}, []Spot{{Page: 2, X: 210 - 42, Y: 297 - 42}}},
		"every":            {Keyword{Which: Every}, []Spot{{Page: 1, X: 79, Y: 79}, {Page: 1}, {Page: 2, X: 210 - 42, Y: 297 - 42}}},
		"beside and below": {Keyword{Which: First, DX: -10, DY: 2.5}, []Spot{{Page: 1, X: 69, Y: 81.5}}},
	} {
		got, err := Place{Keyword: &c.k}.spots(a4(2), round, find)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	fault := errors.New("fault")
	for name, c := range map[string]struct {
		find finder
		want error
	}{
		"not there":   {func(Keyword) ([]point, error) { return nil, nil }, ErrDocument},
		"everywhere":  {func(Keyword) ([]point, error) { return make([]point, maxKeywordSpots+1), nil }, ErrDocument},
		"cannot look": {func(Keyword) ([]point, error) { return nil, fault }, fault},
	} {
		_, err := Place{Keyword: &Keyword{Text: "盖章", Which: Every}}.spots(a4(2), round, c.find)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
