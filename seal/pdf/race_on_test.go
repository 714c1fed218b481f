//go:build race

package pdf

// instrumented is how many times as much work the race detector makes of ours.
const instrumented = 10
