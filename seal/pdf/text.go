package pdf

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"
)

// textString writes a text string: ASCII as it stands, all else as UTF-16BE
// with its mark (ISO 32000-1 7.9.2.2), which every reader knows.
func textString(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] >= 0x20 && s[i] < 0x7f
	}
	if ascii {
		return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s) + ")"
	}
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return "<" + strings.ToUpper(hex.EncodeToString(b)) + ">"
}

// decodeText reads a text string. PDFDocEncoding above ASCII is read as
// Latin-1: it serves to compare and to show names, no more.
func decodeText(s string) string {
	switch {
	case strings.HasPrefix(s, "\xfe\xff"):
		u := make([]uint16, 0, len(s)/2)
		for i := 2; i+1 < len(s); i += 2 {
			u = append(u, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(u))
	case strings.HasPrefix(s, "\xef\xbb\xbf"):
		return strings.ToValidUTF8(s[3:], "\ufffd")
	}
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// decimal writes a length in user space: four decimals are a 10,000th of a
// point, and no reader takes an exponent.
func decimal(x float64) string {
	s := strconv.FormatFloat(x, 'f', 4, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
