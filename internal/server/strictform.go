package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// decodeForm reads a request's JSON in the one way that all readers share. A member
// that it does not know is refused: a misspelt one would be passed over, and the
// seal put elsewhere than meant. So is one that stands twice or in other letters,
// which the library takes for the same.
func decodeForm(b []byte, into any) error {
	if !utf8.Valid(b) {
		return fail(badRequest, "the request is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := exactMembers(d, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fail(badRequest, "something follows the JSON of the request")
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(b, into); {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return fail(badRequest, fmt.Sprintf("the member %q cannot be a JSON %s", wrong.Field, wrong.Value))
	default:
		return fail(badRequest, "a member of the request is not of its type")
	}
}

var errNoJSON = fail(badRequest, "the request is not JSON")

// exactMembers walks over one value of the type t.
func exactMembers(d *json.Decoder, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct && t.Kind() != reflect.Map || reflect.PointerTo(t).Implements(unmarshaler) {
		// A value of another kind is the library's to refuse; the document to be
		// sealed has a stricter reader of its own.
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return errNoJSON
		}
		return nil
	}
	open, err := d.Token()
	switch {
	case err != nil:
		return errNoJSON
	case open == nil:
		return nil // null
	case open != json.Delim('{'):
		return fail(badRequest, "the request has something else where an object belongs")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return errNoJSON
		}
		name, _ := token.(string)
		member, ok := memberType(t, name)
		switch {
		case !ok:
			return fail(badRequest, fmt.Sprintf("there is no member %q", clipped(name)))
		case seen[name]:
			return fail(badRequest, fmt.Sprintf("the member %q stands twice", clipped(name)))
		}
		seen[name] = true
		if err := exactMembers(d, member); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return errNoJSON
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func memberType(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for i := range t.NumField() {
		if known, _ := memberName(t.Field(i)); known == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// memberName is a field's name in JSON, empty for none, and whether it may be left out.
func memberName(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		return "", false
	}
	return name, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
}

func clipped(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}
