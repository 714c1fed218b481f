package province

import "testing"

// BenchmarkTrust is what every judgement asks first: whether anything has changed.
func BenchmarkTrust(b *testing.B) {
	h := newHouse(b)
	for b.Loop() {
		if _, err := h.Trust(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
