//go:build !race

package verify_test

const instrumented = 1
