package face

// Cut gives the columns [from, to) of slice i of n of a picture that is width columns
// wide (骑缝章): equal but for rounding, side by side without gap. All who draw or judge
// slices cut here (protocol.md 2).
func Cut(width, n, i int) (from, to int) {
	return width * i / n, width * (i + 1) / n
}
