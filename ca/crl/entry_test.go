package crl

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// entry is revokedCertificates' member as the standard library writes it.
type entry struct {
	Serial     *big.Int
	At         time.Time
	Extensions []extension `asn1:"optional"`
}

type extension struct {
	ID    asn1.ObjectIdentifier
	Value []byte
}

// Entries are as the standard library writes them, of every form that they have.
func TestEntriesAreDER(t *testing.T) {
	long := "7fffffffffffffffffffffffffffffffffffffff"
	at := time.Date(2026, 11, 24, 4, 5, 6, 0, time.UTC)
	late := time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, serial := range []string{"01", "7f", "80", "0080", "00ff00", "4a0102030405060708090a0b0c0d0e0f", long} {
		for _, reason := range []int{certs.ReasonUnspecified, certs.ReasonKeyCompromise, certs.ReasonCertificateHold, certs.ReasonRemoveFromCRL} {
			for _, when := range []time.Time{at, late} {
				for _, since := range []time.Time{{}, at.Add(-time.Hour)} {
					r := ca.Revocation{Serial: serial, At: when, Reason: reason, Invalidity: since}
					n, _ := new(big.Int).SetString(serial, 16)
					want, err := asn1.Marshal(entryOf(t, n, r))
					if err != nil {
						t.Fatal(err)
					}
					if got, err := appendEntry(nil, &r); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%+v: %x\nwant %x, %v", r, got, want, err)
					}
				}
			}
		}
	}
	for _, serial := range []string{"", "00", "xy", "4", "00" + long + "00"} {
		if got, err := appendEntry(nil, &ca.Revocation{Serial: serial, At: at}); err == nil {
			t.Errorf("serial number %q was written: %x", serial, got)
		}
	}
}

func entryOf(t *testing.T, serial *big.Int, r ca.Revocation) entry {
	t.Helper()
	e := entry{Serial: serial, At: r.At}
	add := func(id int, value any, params string) {
		v, err := asn1.MarshalWithParams(value, params)
		if err != nil {
			t.Fatal(err)
		}
		e.Extensions = append(e.Extensions, extension{asn1.ObjectIdentifier{2, 5, 29, id}, v})
	}
	if r.Reason != 0 {
		add(21, asn1.Enumerated(r.Reason), "")
	}
	if !r.Invalidity.IsZero() {
		add(24, r.Invalidity, "generalized")
	}
	return e
}
