package certs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
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
	o := oneReading{d, map[string]string{}}
	o.want(reflect.TypeOf(v))
	if err := o.value(0); err != nil {
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

// oneReading passes over a text that all readers take alike. encoding/json
// takes Payload for payload, other readers do not, so a member whose name
// differs from one of ours in its case alone is refused.
type oneReading struct {
	d     *json.Decoder
	names map[string]string // ours, by their folded form
}

func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// want takes the names of a type's members, those of its parts too.
func (o oneReading) want(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		o.want(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" {
				o.names[fold(name)] = name
			}
			o.want(f.Type)
		}
	}
}

func (o oneReading) value(depth int) error {
	d := o.d
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
			folded := fold(name)
			if ours, ok := o.names[folded]; ok && ours != name {
				return malformed(fmt.Sprintf("JSON: member %q in the place of %q", name, ours))
			}
			if seen[folded] {
				return malformed(fmt.Sprintf("JSON: member %q stands twice", name))
			}
			seen[folded] = true
		}
		if err := o.value(depth + 1); err != nil {
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
