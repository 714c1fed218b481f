package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxJSONDepth bounds nesting: our statements need five levels.
const maxJSONDepth = 16

// strictJSON refuses what two JSON readers could take differently: a member
// that stands twice, text after the value, invalid UTF-8, deep nesting. Then
// it decodes into v; unknown members are left alone, so that a later version
// can add some.
func strictJSON(b []byte, v any) error {
	if !utf8.Valid(b) {
		return malformed("JSON: not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := oneValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed("JSON: something follows the value")
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func oneValue(d *json.Decoder, depth int) error {
	if depth > maxJSONDepth {
		return malformed("JSON: nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: JSON: %w", ErrMalformed, err)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return fmt.Errorf("%w: JSON: %w", ErrMalformed, err)
			}
			name, _ := key.(string)
			if seen[name] {
				return malformed(fmt.Sprintf("JSON: member %q stands twice", name))
			}
			seen[name] = true
		}
		if err := oneValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing delimiter
		return fmt.Errorf("%w: JSON: %w", ErrMalformed, err)
	}
	return nil
}

// Base64 is standard base64 in its one canonical form: padded, no line
// breaks, no stray bits.
type Base64 []byte

// MarshalText writes the canonical form.
func (b Base64) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText accepts the canonical form alone.
func (b *Base64) UnmarshalText(text []byte) error {
	out, err := base64.StdEncoding.Strict().DecodeString(string(text))
	// The decoder passes over line breaks; the canonical form has none.
	if err != nil || base64.StdEncoding.EncodedLen(len(out)) != len(text) {
		return malformed("base64")
	}
	*b = out
	return nil
}
