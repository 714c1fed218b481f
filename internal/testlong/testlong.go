// Package testlong holds the one switch that turns on the long tests:
// go test ./... -long.
package testlong

import "flag"

var long = flag.Bool("long", false, "run the long tests: 20,000 mutants per format, large files, kill loops")

// Enabled tells whether the long tests were asked for. Call it after
// flag.Parse, that is, from inside a test.
func Enabled() bool { return *long }

// Count gives n for an ordinary run and nLong under -long.
func Count(n, nLong int) int {
	if *long {
		return nLong
	}
	return n
}
