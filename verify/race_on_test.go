//go:build race

package verify_test

// instrumented is how many times as much work the race detector makes of ours.
const instrumented = 10
