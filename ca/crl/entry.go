package crl

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"yinxin/ca"
	"yinxin/certs"
)

// Entries are put together from their octets, since a list may have a million: of no
// part is the length above 127, so that each is one octet.

var (
	// reasonCode { id-ce-cRLReasons, OCTET STRING { ENUMERATED: the octet that follows } }
	reasonExtension = []byte{0x30, 10, 0x06, 3, 0x55, 0x1d, 21, 0x04, 3, 0x0a, 1}
	// invalidityDate { id-ce-invalidityDate, OCTET STRING { GeneralizedTime: what follows } }
	invalidityExtension = []byte{0x30, 24, 0x06, 3, 0x55, 0x1d, 24, 0x04, 17, 0x18, 15}
)

const (
	utcTime         = "060102150405Z"
	generalizedTime = "20060102150405Z"
	// maxSerial: RFC 5280 4.1.2.2.
	maxSerial = 20
)

func (c *content) addEntries(b *cryptobyte.Builder) {
	entry := make([]byte, 0, entryRoom)
	for i := range c.entries {
		var err error
		if entry, err = appendEntry(entry[:0], &c.entries[i]); err != nil {
			b.SetError(err)
			return
		}
		b.AddBytes(entry)
	}
}

// appendEntry appends a member of revokedCertificates (RFC 5280 5.1).
func appendEntry(out []byte, r *ca.Revocation) ([]byte, error) {
	serial, err := hex.DecodeString(r.Serial)
	serial = bytes.TrimLeft(serial, "\x00")
	if err != nil || len(serial) == 0 || len(serial) > maxSerial {
		return out, fmt.Errorf("serial number %q", r.Serial)
	}
	begin := len(out)
	out = append(out, 0x30, 0, 0x02, byte(len(serial)))
	if serial[0]&0x80 != 0 { // it is positive
		out[begin+3]++
		out = append(out, 0)
	}
	out = appendTime(append(out, serial...), r.At)
	if extensions := len(out); r.Reason != certs.ReasonUnspecified || !r.Invalidity.IsZero() {
		out = append(out, 0x30, 0)
		if r.Reason != certs.ReasonUnspecified { // RFC 5280 5.3.1: absent rather than 0
			out = append(append(out, reasonExtension...), byte(r.Reason))
		}
		if !r.Invalidity.IsZero() {
			out = r.Invalidity.AppendFormat(append(out, invalidityExtension...), generalizedTime)
		}
		out[extensions+1] = byte(len(out) - extensions - 2)
	}
	out[begin+1] = byte(len(out) - begin - 2)
	return out, nil
}

func appendTime(out []byte, t time.Time) []byte {
	if t.Year() < 2050 { // RFC 5280 5.1.2.4
		return t.AppendFormat(append(out, 0x17, byte(len(utcTime))), utcTime)
	}
	return t.AppendFormat(append(out, 0x18, byte(len(generalizedTime))), generalizedTime)
}
