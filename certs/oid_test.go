package certs

import (
	"bytes"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func TestOID(t *testing.T) {
	for o, content := range map[OID]string{
		"0.0": "00", "0.39": "27", "1.0": "28", "1.39": "4f", "2.0": "50", "2.40": "78", "2.999": "8837", "2.5.29.15": "551d0f",
		OIDSM2WithSM3: "2a811ccf55018375", "1.2.3.0": "2a0300",
		// From one UUID, 128 bits of it in one component.
		OIDEKUSealMaker: "69a789c5b6f3a78281cd82e699dbbb8ad1e5690101",
	} {
		der := o.DER()
		if hex.EncodeToString(der) != content {
			t.Errorf("%s: %x", o, der)
		}
		if got, ok := oidOf(der); !ok || got != o {
			t.Errorf("%x: %s", der, got)
		}
		// What is not among those known by heart is read by arithmetic.
		if got, ok := oidOf(append(bytes.Clone(der), 5)); !ok || got != o+".5" {
			t.Errorf("%x05: %s", der, got)
		}
	}
	for _, o := range []OID{"", "1", "3.1", "-1.2", "1.", "1..2", "1.2.x", "1.40", "0.45", "1.2.-3", "1.2.+3", " 1.2", "1.2.0x1"} {
		if der := o.DER(); der != nil {
			t.Errorf("%q has the encoding %x", o, der)
		}
	}
	for _, content := range []string{"", "80", "8001", "2a8001", "2a81", "ff"} {
		b, err := hex.DecodeString(content)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := oidOf(b); ok {
			t.Errorf("%s was read as %s", content, got)
		}
	}
	if _, ok := oidOf(append(bytes.Repeat([]byte{0xff}, maxOID), 1)); ok {
		t.Error("an identifier over the limit was read")
	}
	var b cryptobyte.Builder
	AddOID(&b, "no identifier")
	if _, err := b.Bytes(); err == nil {
		t.Error("no identifier was written")
	}
}
