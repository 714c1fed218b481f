// Package metadata is an electronic licence as a JSON document: the metadata of
// GB/T 36903-2018 under the names in use, and where its state is published
// (protocol.md 10).
//
// The licence office fills a Document and calls Encode before it is sealed; a
// verifier calls Parse on what was sealed. Both refuse the same things.
package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"yinxin/certs"
	"yinxin/license/identifier"
)

// Schema is the member by which a sealed JSON document says that it is a licence.
// Any other document is none, whatever else stands in it.
const Schema = "yinxin:licence:1"

// Limits: a licence is a page, and every verifier reads it.
const (
	maxText       = 1000 // runes of a field
	maxExtensions = 64
)

// ErrMalformed: the document says that it is a licence and is not one.
var ErrMalformed = errors.New("the licence in the document is not well-formed")

// Document is a licence with the place of its state.
type Document struct {
	Licence Licence
	Status  Place
}

// Place is where the state of the licence is published (protocol.md 5).
type Place struct {
	Region   string `json:"region"` // GB/T 2260
	Shard    uint32 `json:"shard"`
	Position uint32 `json:"position"`
}

// Licence holds the fields of GB/T 36903; the comment gives the pinyin name that
// OFD licences have for each.
type Licence struct {
	Identifier    string // ZZBS
	Name          string // ZZMC
	Number        string // ZZBH
	TypeCode      string // ZZLXDM
	Authority     string // ZZBFJG
	AuthorityCode string // ZZBFJGDM, a USCC
	Issued        string // ZZBFRQ, 2006-01-02
	Holder        string // CZZT
	HolderCode    string // CZZTDM
	HolderType    string // CZZTDMLXDM: 001 USCC, 111 resident identity, ...
	From          string // ZZYXQQSRQ
	To            string // ZZYXQJZRQ, empty for a licence without an end
	// Extensions are what a licence's type has beside: names begin KZ_.
	Extensions map[string]string
}

// Types of holder codes (GB/T 36903, annex A).
const (
	HolderUSCC     = "001"
	HolderResident = "111"
)

// field is one member of the JSON object, with the rule for its text.
type field struct {
	name     string
	required bool
	text     func(*Licence) *string
}

var fields = [...]field{
	{"certificateIdentifier", true, func(l *Licence) *string { return &l.Identifier }},
	{"certificateName", true, func(l *Licence) *string { return &l.Name }},
	{"certificateNumber", true, func(l *Licence) *string { return &l.Number }},
	{"certificateTypeCode", true, func(l *Licence) *string { return &l.TypeCode }},
	{"certificateIssuingAuthorityName", true, func(l *Licence) *string { return &l.Authority }},
	{"certificateIssuingAuthorityCode", true, func(l *Licence) *string { return &l.AuthorityCode }},
	{"certificateIssuedDate", true, func(l *Licence) *string { return &l.Issued }},
	{"certificateHolderName", true, func(l *Licence) *string { return &l.Holder }},
	{"certificateHolderCode", true, func(l *Licence) *string { return &l.HolderCode }},
	{"certificateHolderType", true, func(l *Licence) *string { return &l.HolderType }},
	{"certificateEffectiveDate", true, func(l *Licence) *string { return &l.From }},
	{"certificateExpiringDate", false, func(l *Licence) *string { return &l.To }},
}

// members of the document: another could say what no reader of licences shows.
var members = []string{"schema", "licence", "status", "_seals"}

// Is tells whether a JSON document says that it is a licence. The text must have
// passed seal/jsondoc, which refuses a name that stands twice.
func Is(doc []byte) bool {
	var root map[string]json.RawMessage
	var schema string
	return json.Unmarshal(doc, &root) == nil && json.Unmarshal(root["schema"], &schema) == nil && schema == Schema
}

// Encode gives the document to be sealed.
func (d Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	licence := map[string]string{}
	for _, f := range fields {
		if text := *f.text(&d.Licence); text != "" {
			licence[f.name] = text
		}
	}
	maps.Copy(licence, d.Licence.Extensions)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Schema  string            `json:"schema"`
		Licence map[string]string `json:"licence"`
		Status  Place             `json:"status"`
	}{Schema, licence, d.Status})
	return out.Bytes(), err
}

// Parse reads a document that Is a licence. Names are matched as they stand: the
// library's decoding into structs would take "Licence" for "licence".
func Parse(doc []byte) (Document, error) {
	var d Document
	var root, licence, place map[string]json.RawMessage
	if err := json.Unmarshal(doc, &root); err != nil {
		return d, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for name := range root {
		if !slices.Contains(members, name) {
			return d, malformed(fmt.Sprintf("a licence has no member %.80q", name))
		}
	}
	if json.Unmarshal(root["licence"], &licence) != nil || json.Unmarshal(root["status"], &place) != nil || licence == nil {
		return d, malformed("`licence` and `status` must be objects")
	}
	for _, f := range fields {
		raw, ok := licence[f.name]
		if ok && json.Unmarshal(raw, f.text(&d.Licence)) != nil {
			return d, malformed(f.name + " must be a string")
		}
		delete(licence, f.name)
	}
	if len(licence) > maxExtensions {
		return d, malformed("too many fields")
	}
	d.Licence.Extensions = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(licence)) {
		var text string
		if json.Unmarshal(licence[name], &text) != nil {
			return d, malformed("every field must be a string")
		}
		d.Licence.Extensions[name] = text
	}
	if len(place) != 3 || json.Unmarshal(place["region"], &d.Status.Region) != nil ||
		json.Unmarshal(place["shard"], &d.Status.Shard) != nil || json.Unmarshal(place["position"], &d.Status.Position) != nil {
		return d, malformed("`status` holds region, shard and position")
	}
	return d, d.check()
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

func (d *Document) check() error {
	l := &d.Licence
	for _, f := range fields {
		text := *f.text(l)
		if text == "" && f.required || !plain(text) {
			return malformed(f.name + " is missing or no plain text")
		}
	}
	for name, text := range l.Extensions {
		if !strings.HasPrefix(name, "KZ_") || len(name) > 64 || !plain(name) || !plain(text) {
			return malformed("a field that GB/T 36903 does not know must be named KZ_")
		}
	}
	i, _, err := identifier.Parse(l.Identifier)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	case i.Type != l.TypeCode || i.Issuer != l.AuthorityCode:
		return malformed("its identifier is of another type or authority")
	case len(d.Status.Region) != 6 || strings.Trim(d.Status.Region, "0123456789") != "":
		return malformed("the region of its status")
	}
	from, err1 := date(l.From)
	_, err2 := date(l.Issued)
	if err1 != nil || err2 != nil {
		return malformed("a date is not like 2026-11-24")
	}
	if l.To == "" {
		return nil
	}
	if to, err := date(l.To); err != nil || to.Before(from) {
		return malformed("it ends before it begins")
	}
	return nil
}

func plain(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// zone is China's; the dates of a licence are days there.
var zone = time.FixedZone("CST", 8*60*60)

func date(s string) (time.Time, error) { return time.ParseInLocation(time.DateOnly, s, zone) }

// Day is the date of a moment in China.
func Day(t time.Time) string { return t.In(zone).Format(time.DateOnly) }

// HolderFits checks the holder's code by its own check character, which a mistyped
// one fails: when issuing, for what others have issued is theirs.
func (d *Document) HolderFits() error {
	l := &d.Licence
	if l.HolderType == HolderUSCC && !certs.USCCValid(l.HolderCode) || l.HolderType == HolderResident && !residentValid(l.HolderCode) {
		return malformed("the check character of the holder's code is wrong")
	}
	return nil
}

// residentValid checks a resident identity number by GB 11643-1999.
func residentValid(s string) bool {
	if len(s) != 18 || strings.Trim(s[:17], "0123456789") != "" {
		return false
	}
	sum := 0
	for i, w := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * w
	}
	return s[17] == "10X98765432"[sum%11]
}

// Term is the time in which the licence is valid: from the first moment of its
// first day, to before the first moment after its last; a zero to has no end.
func (l *Licence) Term() (from, to time.Time) {
	from, _ = date(l.From) // check has read both
	if l.To != "" {
		to, _ = date(l.To)
		to = to.AddDate(0, 0, 1)
	}
	return from.UTC(), to.UTC()
}

// Masked is the holder as shown to whoever holds no right to the name: enough to
// compare with a sheet of paper.
func (l *Licence) Masked() string { return Mask(l.Holder, l.HolderType) }

// Mask keeps the family name of a person, and of an organisation, whose names are
// long and public, its place and what it is.
func Mask(name, holderType string) string {
	r := []rune(name)
	n := len(r)
	switch {
	case n <= 1:
		return strings.Repeat("*", n)
	case holderType != HolderUSCC || n < 5:
		return string(r[:1]) + strings.Repeat("*", min(n-1, 4))
	case n < 9:
		return string(r[:2]) + strings.Repeat("*", n-2)
	}
	return string(r[:2]) + strings.Repeat("*", min(n-6, 6)) + string(r[n-4:])
}
