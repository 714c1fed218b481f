package face

import "testing"

// The slices are the whole picture, and no two differ by more than a column.
func TestCut(t *testing.T) {
	for _, width := range []int{1, 40, 354, 496, 4096} {
		for n := 1; n <= min(40, width); n++ {
			at := 0
			for i := range n {
				from, to := Cut(width, n, i)
				if from != at || to-from < width/n || to-from > width/n+1 {
					t.Fatalf("%d columns in %d: slice %d is [%d, %d) after %d", width, n, i, from, to, at)
				}
				at = to
			}
			if at != width {
				t.Fatalf("%d columns in %d: they end at %d", width, n, at)
			}
		}
	}
}
