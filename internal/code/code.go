// Package code makes and reads verification codes (验证码), the 26 characters
// that stand printed under a seal or on a licence and lead to what was recorded
// (protocol.md 6).
//
// New makes one; Parse reads what a person typed and gives its one canonical
// form, which is the key to store and look up; Group is for print.
//
// A code is 128 random bits, so that none can be guessed or found by counting,
// and 2 check bits, so that three of four slips of the finger are told before
// the register is asked.
package code

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Length is the number of characters of a canonical code: 130 bits, 5 each.
const Length = 26

// MaxInput bounds what Parse looks at: a code in groups with generous spacing.
// It keeps a megabyte in a path or a form from being walked.
const MaxInput = 64

// ErrMalformed is anything that is not a code. A code that is well formed but
// unknown is the register's to tell.
var ErrMalformed = errors.New("not a verification code: want 26 letters and digits")

// alphabet is Crockford's base 32: no I, L, O or U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// checkDomain keeps the check bits apart from every other use of SM3 here.
const checkDomain = "yinxin/code/v1\n"

// New makes a code from 16 octets of random.
func New(random io.Reader) (string, error) {
	var secret [16]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return "", fmt.Errorf("verification code: %w", err)
	}
	return encode(secret), nil
}

// Parse reads a code as people write it: lower case, O for 0, I or L for 1,
// with spaces and dashes anywhere. It gives the canonical 26 characters.
func Parse(s string) (string, error) {
	if len(s) > MaxInput {
		return "", ErrMalformed
	}
	var digits [Length]byte
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '-' {
			continue
		}
		v, ok := value(s[i])
		if !ok || n == Length {
			return "", ErrMalformed
		}
		digits[n] = v
		n++
	}
	if n != Length {
		return "", ErrMalformed
	}
	canonical := encode(secretOf(digits))
	if alphabet[digits[Length-1]] != canonical[Length-1] {
		return "", ErrMalformed
	}
	return canonical, nil
}

// Group sets a canonical code in the groups in which it is printed: four of
// five and one of six. Anything else is returned as it is.
func Group(canonical string) string {
	if len(canonical) != Length {
		return canonical
	}
	return strings.Join([]string{canonical[:5], canonical[5:10], canonical[10:15], canonical[15:20], canonical[20:]}, "-")
}

// encode writes the 128 bits and then the 2 check bits, most significant first.
func encode(secret [16]byte) string {
	var out [Length]byte
	bits, acc, n := 0, uint(0), 0
	for _, b := range secret {
		acc = acc<<8 | uint(b)
		for bits += 8; bits >= 5; n++ {
			bits -= 5
			out[n] = alphabet[acc>>bits&31]
		}
		acc &= 1<<bits - 1
	}
	out[n] = alphabet[acc<<2|uint(check(secret))] // three bits are left: 128 = 25*5 + 3
	return string(out[:])
}

func secretOf(digits [Length]byte) (secret [16]byte) {
	bits, acc, n := 0, uint(0), 0
	for _, d := range digits {
		acc = acc<<5 | uint(d)
		bits += 5
		if bits >= 8 && n < len(secret) {
			bits -= 8
			secret[n] = byte(acc >> bits)
			n++
			acc &= 1<<bits - 1
		}
	}
	return secret
}

// check is the first two bits of SM3 over the domain and the 16 octets.
func check(secret [16]byte) byte {
	h := sm3.Sum(append([]byte(checkDomain), secret[:]...))
	return h[0] >> 6
}

// value reads one character; Crockford's reading rules, without his U.
func value(c byte) (byte, bool) {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		c = '0'
	case 'I', 'L':
		c = '1'
	}
	i := strings.IndexByte(alphabet, c)
	return byte(i), i >= 0
}
