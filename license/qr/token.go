// Package qr is the code printed on a licence (protocol.md 6): a signed minimal
// licence that any phone opens as an address, and any app can check offline.
//
// Sign makes a Token, Digits its form in the address and Picture the PNG. Parse
// reads digits; Token.Verify checks them under a qr-signer's certificate. A token
// tells what was recorded, never that the sheet it is printed on is genuine.
package qr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"yinxin/certs"
	"yinxin/license/identifier"
)

const (
	version      = 1
	signedPrefix = "yinxin/qr/v1\n" // so that no other signature can be carried here
	maxHolder    = 64               // octets of the masked name
	// MaxDigits bounds what Parse looks at: a version 40 code holds 7,089
	// digits, ours some 500.
	MaxDigits = 2000
	signature = 64 // octets of r||s
)

// ErrMalformed: the digits are no token.
var ErrMalformed = errors.New("not a token of a licence's QR code")

// Minimal is what a token says.
type Minimal struct {
	Identifier identifier.Identifier
	Holder     string // masked
	Issued     Day
	ValidTo    Day // 0: no end
	Shard      uint32
	Position   uint32
}

// Day counts days since 1 January 1970.
type Day uint32

// DayOf gives the day of a date like 2026-11-24, 0 for none.
func DayOf(date string) (Day, error) {
	if date == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, date)
	if err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%q is no date that a code can hold", date)
	}
	return Day(t.Unix() / (24 * 60 * 60)), nil
}

// String is the date, empty for none.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly)
}

// Over tells whether the last day has passed in China.
func (m *Minimal) Over(at time.Time) bool {
	const china = 8 * time.Hour
	return m.ValidTo != 0 && at.Add(china).Unix() >= (int64(m.ValidTo)+1)*24*60*60
}

// Token is a Minimal with its signature.
type Token struct {
	Minimal
	KeyID [8]byte // the first octets of SM3 of the signer's certificate
	body  []byte
	sig   []byte
}

// wire is the array of protocol.md 6. A serial of 32 hex digits stands as 16
// octets between the parts around it, any other as text with them.
type wire struct {
	_        struct{} `cbor:",toarray"`
	Version  uint
	KeyID    []byte
	ID       any
	Holder   string
	Issued   Day
	ValidTo  Day
	Shard    uint32
	Position uint32
}

var encoding, decoding = func() (cbor.EncMode, cbor.DecMode) {
	e, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // the options are constants of the library
	}
	d, err := cbor.DecOptions{MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		panic(err)
	}
	return e, d
}()

// Sign makes a token by a qr-signer's key.
func Sign(ctx context.Context, m Minimal, cert *certs.Certificate, key certs.Signer) (*Token, error) {
	t := &Token{Minimal: m}
	sum := cert.SM3()
	copy(t.KeyID[:], sum[:])
	var err error
	if t.body, err = t.encode(); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	der, err := key.SignMessage(ctx, append([]byte(signedPrefix), t.body...))
	if err != nil {
		return nil, fmt.Errorf("qr token: %w", err)
	}
	t.sig, err = certs.SignatureToRaw(der)
	return t, err
}

func (m *Minimal) check() error {
	if len(m.Holder) > maxHolder || !utf8.ValidString(m.Holder) {
		return fmt.Errorf("%w: the holder's name", ErrMalformed)
	}
	return nil
}

func (t *Token) encode() ([]byte, error) {
	i := t.Identifier
	id := any(i.Short())
	if serial, ok := hexSerial(i.Serial); ok {
		id = []any{i.Type + "." + i.Issuer, serial, i.Version + "." + i.Check}
	}
	return encoding.Marshal(wire{Version: version, KeyID: t.KeyID[:], ID: id, Holder: t.Holder, Issued: t.Issued, ValidTo: t.ValidTo, Shard: t.Shard, Position: t.Position})
}

// hexSerial gives the octets of a serial of 32 upper-case hex digits.
func hexSerial(s string) ([]byte, bool) {
	if len(s) != 32 {
		return nil, false
	}
	n, ok := new(big.Int).SetString(s, 16)
	if !ok || fmt.Sprintf("%032X", n) != s {
		return nil, false
	}
	return n.FillBytes(make([]byte, 16)), true
}

// Body is the CBOR that is signed.
func (t *Token) Body() []byte { return bytes.Clone(t.body) }

// Digits is the decimal form of the integer whose octets are 01 and the token: the
// densest that a QR code knows, and its leading 01 keeps zeros.
func (t *Token) Digits() string {
	b := append(append([]byte{1}, t.body...), t.sig...)
	return new(big.Int).SetBytes(b).String()
}

// Parse reads digits strictly: what Digits would not have written is refused, so
// that one token has one form.
func Parse(digits string) (*Token, error) {
	if len(digits) == 0 || len(digits) > MaxDigits || digits[0] == '0' {
		return nil, ErrMalformed
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return nil, ErrMalformed
		}
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, ErrMalformed
	}
	b := n.Bytes()
	if len(b) <= 1+signature || b[0] != 1 {
		return nil, ErrMalformed
	}
	t := &Token{body: b[1 : len(b)-signature], sig: b[len(b)-signature:]}
	if err := t.decode(); err != nil {
		return nil, err
	}
	again, err := t.encode()
	if err != nil || !bytes.Equal(again, t.body) {
		return nil, fmt.Errorf("%w: it is not in the deterministic form", ErrMalformed)
	}
	return t, t.check()
}

func (t *Token) decode() error {
	var w wire
	if err := decoding.Unmarshal(t.body, &w); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if w.Version != version || len(w.KeyID) != len(t.KeyID) {
		return fmt.Errorf("%w: version or key", ErrMalformed)
	}
	copy(t.KeyID[:], w.KeyID)
	short, ok := shortOf(w.ID)
	if !ok {
		return fmt.Errorf("%w: its identifier", ErrMalformed)
	}
	id, _, err := identifier.ParseShort(short)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	t.Minimal = Minimal{Identifier: id, Holder: w.Holder, Issued: w.Issued, ValidTo: w.ValidTo, Shard: w.Shard, Position: w.Position}
	return nil
}

func shortOf(id any) (string, bool) {
	switch id := id.(type) {
	case string:
		return id, true
	case []any:
		if len(id) != 3 {
			return "", false
		}
		head, ok1 := id[0].(string)
		serial, ok2 := id[1].([]byte)
		tail, ok3 := id[2].(string)
		return fmt.Sprintf("%s.%032X.%s", head, serial, tail), ok1 && ok2 && ok3 && len(serial) == 16
	}
	return "", false
}

// Verify checks the signature by the certificate, which the token's KeyID must
// name. Whether the certificate is a qr-signer's that is trusted is the caller's to
// ask.
func (t *Token) Verify(c *certs.Certificate) error {
	sum := c.SM3()
	if !bytes.Equal(sum[:len(t.KeyID)], t.KeyID[:]) {
		return certs.ErrSignature
	}
	der, err := certs.SignatureFromRaw(t.sig)
	if err != nil {
		return err
	}
	return c.Verify(append([]byte(signedPrefix), t.body...), der)
}
