package escrow_test

import (
	"bytes"
	"testing"

	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca/catest"
	"yinxin/ca/escrow"
)

// delivered is a response of ours.
func delivered(t testing.TB) []byte {
	t.Helper()
	h := newHouse(t)
	p, err := h.Issue(t.Context(), order(t, catest.Key(t), ""))
	h.fatal(err)
	return p.Delivery.Response
}

// A response that is altered anywhere is refused, or shows other certificates;
// the agency never takes another key for its own.
func TestAnAlteredResponse(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	p, err := h.Issue(t.Context(), order(t, k, ""))
	h.fatal(err)
	der := p.Delivery.Response
	_, _, key := h.opened(k, p)
	for i := range der {
		bad := bytes.Clone(der)
		bad[i] ^= 1
		got, err := parsed(func() (smx509.CSRResponse, error) { return smx509.ParseCSRResponse(k, bad) })
		if err == nil && !got.EncryptPrivateKey.Equal(key) {
			t.Errorf("octet %d of %d: another key", i, len(der))
		}
	}
}

// parsed takes a reader that panics for one that refuses.
func parsed[T any](read func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = escrow.ErrRefused
		}
	}()
	return read()
}

func TestParseResponseIsStrict(t *testing.T) {
	good := delivered(t)
	signing, envelope, encryption, err := escrow.ParseResponse(good)
	if err != nil || len(signing) == 0 || len(envelope) == 0 || len(encryption) == 0 || bytes.Equal(signing, encryption) {
		t.Fatal(err)
	}
	build := func(parts ...func(*cryptobyte.Builder)) []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, p := range parts {
				p(b)
			}
		})
		return b.BytesOrPanic()
	}
	in := func(tag asn1.Tag, values ...[]byte) func(*cryptobyte.Builder) {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(tag, func(b *cryptobyte.Builder) {
				for _, v := range values {
					b.AddBytes(v)
				}
			})
		}
	}
	zero, one := asn1.Tag(0).ContextSpecific().Constructed(), asn1.Tag(1).ContextSpecific().Constructed()
	if same := build(in(asn1.SET, signing), in(zero, envelope), in(one, encryption)); !bytes.Equal(same, good) {
		t.Fatal("the test builds another response")
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut off": good[:len(good)-1], "something behind it": append(bytes.Clone(good), 0), "a SEQUENCE of certificates": build(in(asn1.SEQUENCE, signing), in(zero, envelope), in(one, encryption)),
		"two signing certificates": build(in(asn1.SET, signing, signing), in(zero, envelope), in(one, encryption)), "no key": build(in(asn1.SET, signing), in(one, encryption)),
		"two keys": build(in(asn1.SET, signing), in(zero, envelope, envelope), in(one, encryption)), "no encryption certificate": build(in(asn1.SET, signing), in(zero, envelope)),
		"the other order": build(in(asn1.SET, signing), in(one, encryption), in(zero, envelope)), "too long": build(in(asn1.SET, signing), in(zero, make([]byte, escrow.MaxResponse)), in(one, encryption)),
		"something in it": build(in(asn1.SET, signing), in(zero, envelope), in(one, encryption), in(asn1.SET)),
	} {
		if _, _, _, err := escrow.ParseResponse(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	good := delivered(f)
	for _, n := range []int{0, 2, 10, len(good) / 2, len(good) - 1, len(good)} {
		f.Add(good[:n])
	}
	f.Add([]byte{0x30, 0x80, 0x31, 0x80, 0, 0})
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		signing, envelope, encryption, err := escrow.ParseResponse(b)
		if err == nil && (len(signing) < 2 || len(envelope) < 2 || len(encryption) < 2 || len(signing)+len(envelope)+len(encryption) > len(b)) {
			t.Fatalf("%d %d %d octets of %d", len(signing), len(envelope), len(encryption), len(b))
		}
	})
}

// BenchmarkPair: two certificates, a key and an envelope, each durable: six
// commits and two files.
func BenchmarkPair(b *testing.B) {
	h := newHouse(b)
	for b.Loop() {
		r := order(b, catest.Key(b), "")
		if _, err := h.Issue(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
