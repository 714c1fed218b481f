package certs

import (
	"bytes"

	"github.com/emmansun/gmsm/sm3"
)

// ParseLenient reads an SM2 certificate of the field, with the slips that
// authorities' programs have left there, and tells which it passed over. What
// it gives is as good as its octets: the signature is over what was received.
//
// It is for showing and for judging others' certificates with a notice. What
// protects stays with ParseCertificate, which reads the same, without an
// oversight, wherever it reads at all. Basic constraints, extended key usages,
// name and policy constraints and critical extensions are read as strictly as
// there.
func ParseLenient(der []byte) (*Certificate, []Oversight, error) {
	d := &dialect{lenient: true}
	if len(der) > MaxCertificate {
		return nil, nil, malformed("certificate: too long")
	}
	minimal, ok := minimalLengths(der, 0)
	if !ok || bytes.Equal(minimal, der) {
		c, err := d.certificate(der)
		return c, d.seen, err
	}
	tbs, ok := firstWithin(der)
	if !ok {
		return nil, nil, malformed("certificate")
	}
	d.overlook(OversightLength)
	c, err := d.certificate(minimal)
	if err != nil {
		return nil, nil, err
	}
	c.Raw = bytes.Clone(der)
	c.RawTBS = c.Raw[tbs.from:tbs.to]
	c.sum = sm3.Sum(der)
	return c, d.seen, nil
}

// maxBERDepth bounds nesting: a certificate's takes ten.
const maxBERDepth = 24

// minimalLengths rewrites every length, down through constructed elements, as
// DER has it. Indefinite lengths and tags of many octets are not read.
func minimalLengths(ber []byte, depth int) ([]byte, bool) {
	if depth == maxBERDepth {
		return nil, false
	}
	out := make([]byte, 0, len(ber))
	for len(ber) > 0 {
		tag := ber[0]
		head, n, ok := berLength(ber)
		if !ok || tag&0x1f == 0x1f {
			return nil, false
		}
		content := ber[head : head+n]
		if tag&0x20 != 0 {
			if content, ok = minimalLengths(content, depth+1); !ok {
				return nil, false
			}
		}
		out = appendLength(append(out, tag), len(content))
		out = append(out, content...)
		ber = ber[head+n:]
	}
	return out, true
}

// berLength gives the octets of tag and length, and of the content behind them.
func berLength(ber []byte) (head, n int, ok bool) {
	if len(ber) < 2 {
		return 0, 0, false
	}
	head, n = 2, int(ber[1])
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 8 || len(ber) < 2+octets {
			return 0, 0, false
		}
		n = 0
		for _, b := range ber[2 : 2+octets] {
			if n > MaxCertificate {
				return 0, 0, false
			}
			n = n<<8 | int(b)
		}
		head += octets
	}
	return head, n, n <= len(ber)-head
}

func appendLength(out []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(out, byte(n))
	case n < 0x100:
		return append(out, 0x81, byte(n))
	case n < 0x10000:
		return append(out, 0x82, byte(n>>8), byte(n))
	}
	return append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
}

// extent is where an element stands.
type extent struct{ from, to int }

// firstWithin finds the first element of a constructed one.
func firstWithin(ber []byte) (extent, bool) {
	from, n, ok := berLength(ber)
	if !ok || from+n != len(ber) {
		return extent{}, false
	}
	head, m, ok := berLength(ber[from:])
	return extent{from, from + head + m}, ok
}
