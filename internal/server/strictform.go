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
	if err := decodeExactly(d, reflect.ValueOf(into).Elem(), ""); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fail(badRequest, "something follows the JSON of the request")
	}
	return nil
}

var errNoJSON = fail(badRequest, "the request is not JSON")

// decodeExactly reads one value into v, which stands in the request under name.
func decodeExactly(d *json.Decoder, v reflect.Value, name string) error {
	t := v.Type()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !reflect.PointerTo(t.Elem()).Implements(unmarshaler) {
		return decodeItems(d, v, name)
	}
	if t.Kind() != reflect.Struct && t.Kind() != reflect.Map || reflect.PointerTo(t).Implements(unmarshaler) {
		// A value of another kind is the library's to read; the document to be
		// sealed has a stricter reader of its own.
		return decodeLeaf(d, v, name)
	}
	open, err := d.Token()
	switch {
	case err != nil:
		return errNoJSON
	case open == nil:
		return nil // null
	case open != json.Delim('{'):
		if name == "" {
			return fail(badRequest, "the request is no JSON object")
		}
		return fail(badRequest, fmt.Sprintf("the member %q is no object", clipped(name)))
	}
	for v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	return decodeMembers(d, v)
}

// decodeItems reads a list of objects.
func decodeItems(d *json.Decoder, v reflect.Value, name string) error {
	open, err := d.Token()
	switch {
	case err != nil:
		return errNoJSON
	case open == nil:
		return nil // null
	case open != json.Delim('['):
		return fail(badRequest, fmt.Sprintf("the member %q is no list", name))
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for d.More() {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := decodeExactly(d, item, name); err != nil {
			return err
		}
		v.Set(reflect.Append(v, item))
	}
	if _, err := d.Token(); err != nil { // the closing bracket
		return errNoJSON
	}
	return nil
}

func decodeLeaf(d *json.Decoder, v reflect.Value, name string) error {
	err := d.Decode(v.Addr().Interface())
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return fail(badRequest, fmt.Sprintf("the member %q cannot be a JSON %s", name, wrong.Value))
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errNoJSON
	}
	return fail(badRequest, fmt.Sprintf("the member %q is not of its type", name)) // a time that is none
}

// decodeMembers reads the members of an object, a struct or a map, and its end.
func decodeMembers(d *json.Decoder, v reflect.Value) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return errNoJSON
		}
		name, _ := token.(string)
		if seen[name] {
			return fail(badRequest, fmt.Sprintf("the member %q stands twice", clipped(name)))
		}
		seen[name] = true
		if v.Kind() == reflect.Map {
			value := reflect.New(v.Type().Elem()).Elem()
			if err := decodeExactly(d, value, name); err != nil {
				return err
			}
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf(name), value)
			continue
		}
		member, ok := memberOf(v, name)
		if !ok {
			return fail(badRequest, fmt.Sprintf("there is no member %q among %s", clipped(name), strings.Join(members(v.Type()), ", ")))
		}
		if err := decodeExactly(d, member, name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return errNoJSON
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func memberOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		// An embedded struct's members stand in the outer one's object.
		if f := v.Type().Field(i); f.Anonymous && f.Tag.Get("json") == "" {
			if member, ok := memberOf(v.Field(i), name); ok {
				return member, true
			}
			continue
		}
		if known, _ := memberName(v.Type().Field(i)); known == name && known != "" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// members are the names that an object may have, told to whoever wrote another.
func members(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		if f.Anonymous && f.Tag.Get("json") == "" {
			names = append(names, members(f.Type)...)
		} else if name, _ := memberName(f); name != "" {
			names = append(names, name)
		}
	}
	return names
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
