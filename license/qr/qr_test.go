package qr

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"image/png"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"yinxin/certs"
	"yinxin/license/identifier"
)

type signer struct{ key *sm2.PrivateKey }

func (s signer) Public() *ecdsa.PublicKey { return &s.key.PublicKey }

func (s signer) SignMessage(_ context.Context, message []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, message, sm2.DefaultSM2SignerOpts)
}

func newSigner(t testing.TB) (*certs.Certificate, signer) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{SerialNumber: big.NewInt(77), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	template.Subject.CommonName = "qr"
	der, err := smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, signer{key}
}

func minimal(t testing.TB, serial string) Minimal {
	t.Helper()
	id, err := identifier.New("11520000MB1A00001X001", "11520000MB1A00001X", serial, "001")
	if err != nil {
		t.Fatal(err)
	}
	return Minimal{Identifier: id, Holder: "贵阳****有限公司", Issued: 20781, ValidTo: 22606, Shard: 3, Position: 1<<20 - 1}
}

func TestReadBack(t *testing.T) {
	cert, key := newSigner(t)
	for _, serial := range []string{"A1B2C3D4E5F6G7H8J9K0", "301213AF0610489FBEC46E8AB9C5C25F", "00000000000000000000000000000000", "7"} {
		m := minimal(t, serial)
		token, err := Sign(t.Context(), m, cert, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(token.Digits())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, got.Minimal); d != "" {
			t.Error(d)
		}
		if err := got.Verify(cert); err != nil {
			t.Error(err)
		}
		other, _ := newSigner(t)
		if err := got.Verify(other); err == nil {
			t.Error("another's certificate verifies it")
		}
	}
}

// Every digit changed gives no token, or one whose signature fails.
func TestEveryDigitCounts(t *testing.T) {
	cert, key := newSigner(t)
	token, err := Sign(t.Context(), minimal(t, "A1B2C3D4E5F6G7H8J9K0"), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	digits := token.Digits()
	for i := range digits {
		for _, d := range []byte("0123456789") {
			if d == digits[i] {
				continue
			}
			if got, err := Parse(digits[:i] + string(d) + digits[i+1:]); err == nil && got.Verify(cert) == nil {
				t.Fatalf("digit %d may be %c", i, d)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	cert, key := newSigner(t)
	token, err := Sign(t.Context(), minimal(t, "A1B2C3D4E5F6G7H8J9K0"), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	octets := func(body []byte) string {
		return new(big.Int).SetBytes(append(append([]byte{1}, body...), token.sig...)).String()
	}
	for name, digits := range map[string]string{
		"empty": "", "a zero before": "0" + token.Digits(), "a letter": token.Digits() + "a", "a sign": "+" + token.Digits(), "too long": strings.Repeat("1", MaxDigits+1),
		"only a signature": octets(nil), "what follows": octets(append(bytes.Clone(token.body), 0)),
		"a longer integer":     octets(bytes.Replace(token.body, []byte{0x88, 0x01}, []byte{0x88, 0x18, 0x01}, 1)),
		"another version":      octets(bytes.Replace(token.body, []byte{0x88, 0x01}, []byte{0x88, 0x02}, 1)),
		"an indefinite length": octets(append(bytes.Replace(token.body, []byte{0x88}, []byte{0x9f}, 1), 0xff)),
		"a shorter array":      octets(bytes.Replace(token.body, []byte{0x88}, []byte{0x87}, 1)),
	} {
		if _, err := Parse(digits); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := minimal(t, "1")
	m.Holder = strings.Repeat("长", 30)
	if _, err := Sign(t.Context(), m, cert, key); err == nil {
		t.Error("a long name was signed")
	}
}

// A usual licence fits the versions that protocol.md 6 promises, and an
// independent reader gets the address back.
func TestPicture(t *testing.T) {
	cert, key := newSigner(t)
	const host = "https://seal.guizhou.example.gov.cn"
	token, err := Sign(t.Context(), minimal(t, "A1B2C3D4E5F6G7H8J9K0"), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for level, most := range map[Level]int{M: 13, Q: 16} {
		code, err := encodeCode(host, token, level)
		if err != nil {
			t.Fatal(err)
		}
		if version := (code.Size - 17) / 4; version > most {
			t.Errorf("level %d takes version %d, more than %d", level, version, most)
		}
		b, err := Picture(host, token, level, 4)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
		if err != nil {
			t.Fatal(err)
		}
		// A drawing, no photograph: of those the reader misses one in sixty.
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
		if err != nil || read.GetText() != Address(host, token) {
			t.Errorf("%v %v", read, err)
		}
	}
	if _, err := Picture(host+strings.Repeat("x", 3000), token, M, 4); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

func TestDays(t *testing.T) {
	for _, date := range []string{"1970-01-02", "2026-11-24", "2031-11-23", ""} {
		d, err := DayOf(date)
		if err != nil || d.String() != date {
			t.Errorf("%s: %s %v", date, d, err)
		}
	}
	for _, bad := range []string{"1969-12-31", "2026-02-30", "x"} {
		if _, err := DayOf(bad); err == nil {
			t.Errorf("%s is a day", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	cert, key := newSigner(f)
	for _, serial := range []string{"A1B2C3D4E5F6G7H8J9K0", "301213AF0610489FBEC46E8AB9C5C25F"} {
		token, err := Sign(f.Context(), minimal(f, serial), cert, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token.Digits())
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if token, err := Parse(digits); err == nil && token.Digits() != digits {
			t.Fatalf("%s is written %s", digits, token.Digits())
		}
	})
}

func BenchmarkPicture(b *testing.B) {
	cert, key := newSigner(b)
	token, err := Sign(b.Context(), minimal(b, "A1B2C3D4E5F6G7H8J9K0"), cert, key)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Picture("https://seal.guizhou.example.gov.cn", token, M, 4); err != nil {
			b.Fatal(err)
		}
	}
}
