package ca

import (
	"testing"

	"yinxin/certs"
)

// FuzzParseRequest: whatever comes in, the reader ends, and what it takes is a key
// on the curve.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range requestSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := parseRequest(b)
		if (key == nil) == (err == nil) {
			t.Fatal("neither a key nor an error, or both")
		}
		if key == nil {
			return
		}
		if pt, err := point(key); err != nil || len(pt) != 65 {
			t.Fatalf("a key off the curve: %v", err)
		}
		if _, err := certs.ParsePublicKey(b); err == nil {
			t.Fatal("a bare key is taken for a request")
		}
	})
}
