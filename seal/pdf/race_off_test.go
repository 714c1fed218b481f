//go:build !race

package pdf

const instrumented = 1
