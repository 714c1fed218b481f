package outside

import (
	"bytes"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"yinxin/ca/outside/outsidetest"
)

// A chain is a stranger's file: it gives certificates, few, or one error.
func FuzzParseChain(f *testing.F) {
	root := outsidetest.New(f, "root", nil, time.Now)
	sub := outsidetest.New(f, "sub", root, time.Now)
	f.Add([]byte{})
	f.Add(root.DER)
	f.Add(root.PEM())
	f.Add(append(sub.PEM(), root.PEM()...))
	f.Add(append([]byte("subject=CN = sub\n\n"), append(sub.PEM(), "text behind it"...)...))
	f.Add(bytes.Repeat(root.PEM(), maxChain+1))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		chain, err := parseChain(b)
		if err != nil && !errors.Is(err, ErrBadCertificate) {
			t.Error(err)
		}
		if err != nil && chain != nil || len(chain) > maxChain {
			t.Errorf("%d certificates, %v", len(chain), err)
		}
	})
}
