package pdf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"rsc.io/qr"
)

// Mark is a verification code printed beside the seal (protocol.md 2). Text is what
// MarkCode or MarkQR gives and alone decides what is drawn; X and Y are as in Spot,
// MarkSize tells how large it will be.
type Mark struct {
	Text string
	Page int
	X, Y float64
}

const (
	markEm     = 3.0 // mm; 8.5 points can be read by everyone
	markPitch  = 4.2 // from line to line
	markLine   = 20  // characters of the host in a line
	maxMark    = 160 // characters: a host name has at most 253, and no printed one has
	monoWidth  = 600 // of Go Mono's glyphs, in thousandths of an em
	qrModule   = 0.5 // mm: printed and photographed by a phone, 0.4 is the least
	qrQuiet    = 4   // modules, ISO/IEC 18004 6.3.8
	perMille   = 1000
	chinesePt  = 1000 // the width of a Chinese glyph
	wordOfMark = "验证码"
)

// MarkCode is the text of a mark that shows a code, in its groups, and the host to
// ask.
func MarkCode(grouped, host string) string { return wordOfMark + " " + grouped + " " + host }

// MarkQR is that of a QR code that leads to the code's page; base is like
// https://seal.example.gov.cn.
func MarkQR(base, canonical string) string { return base + "/v/" + canonical }

// A host is written as DNS has it, with a port where there is one.
var (
	markCode = regexp.MustCompile(`^验证码 ([0-9A-HJKMNP-TV-Z]{5}(?:-[0-9A-HJKMNP-TV-Z]{5}){3}-[0-9A-HJKMNP-TV-Z]{6}) ([0-9A-Za-z.-]+(?::[0-9]{1,5})?)$`)
	markQR   = regexp.MustCompile(`^https?://[0-9A-Za-z.-]+(?::[0-9]{1,5})?/v/[0-9A-HJKMNP-TV-Z]{26}$`)
)

// drawnMark is a mark as it goes into a file: content draws it with its lower left
// corner at 0 0, in thousandths of a millimetre.
type drawnMark struct {
	text              string
	content           string
	widthMM, heightMM float64
}

// MarkSize is the size in mm of the mark with this text.
func MarkSize(text string) (width, height float64, err error) {
	m, err := drawMark(text)
	if err != nil {
		return 0, 0, err
	}
	return m.widthMM, m.heightMM, nil
}

func drawMark(text string) (*drawnMark, error) {
	if utf8.RuneCountInString(text) <= maxMark {
		if m := markCode.FindStringSubmatch(text); m != nil {
			return drawCode(text, m[1], m[2]), nil
		}
		if markQR.MatchString(text) {
			return drawQR(text)
		}
	}
	return nil, fmt.Errorf("%w: %q is no mark", ErrOptions, text)
}

// drawCode sets four lines or more: the word, the code in two, the host.
func drawCode(text, grouped, host string) *drawnMark {
	const half = 18 // three groups and their dashes
	lines := []string{wordOfMark, grouped[:half], grouped[half:]}
	for ; len(host) > markLine; host = host[markLine:] {
		lines = append(lines, host[:markLine])
	}
	lines = append(lines, host)
	m := &drawnMark{text: text, heightMM: markPitch * float64(len(lines))}
	var b bytes.Buffer
	const em = markEm * perMille
	for i, line := range lines {
		y := m.heightMM*perMille - markPitch*perMille*float64(i) - em
		fmt.Fprintf(&b, "q %s 0 0 %s 0 %s cm\n", decimal(em/perMille), decimal(em/perMille), decimal(y))
		width := 0
		for _, r := range line {
			advance := monoWidth
			if r > unicodeLatin {
				advance = chinesePt
			}
			fmt.Fprintf(&b, "%s 1 0 0 1 %d 0 cm\n", glyphs[r], advance)
			width += advance
		}
		b.WriteString("Q\n")
		m.widthMM = max(m.widthMM, float64(width)*markEm/perMille)
	}
	m.content = b.String()
	return m
}

// unicodeLatin ends what Go Mono's glyphs are of.
const unicodeLatin = 0xff

// drawQR paints the modules as a stencil, so that no reader leaves hairlines between
// them. There is no ground: what the page shows is never covered.
func drawQR(text string) (*drawnMark, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("%w: a QR code: %v", ErrOptions, err)
	}
	row := (code.Size + 7) / 8
	bits := bytes.Repeat([]byte{0xff}, row*code.Size) // 1 is not painted, ISO 32000-1 8.9.6.2
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				bits[y*row+x/8] &^= 0x80 >> (x % 8)
			}
		}
	}
	const module = qrModule * perMille
	side := decimal(module * float64(code.Size))
	at := decimal(module * qrQuiet)
	size := qrModule * float64(code.Size+2*qrQuiet)
	return &drawnMark{text: text, widthMM: size, heightMM: size,
		content: fmt.Sprintf("q %s 0 0 %s %s %s cm\nBI /W %d /H %d /IM true /F /AHx ID %s> EI\nQ\n", side, side, at, at, code.Size, code.Size, strings.ToUpper(hex.EncodeToString(bits)))}, nil
}

// form is the appearance stream's object.
func (m *drawnMark) form(s spot) string {
	draw, space := m.drawing(s), ""
	if s.calibrated {
		space = "/ColorSpace << /CS " + calGray + " >> "
	}
	return fmt.Sprintf("<< /Type /XObject /Subtype /Form /FormType 1 /BBox [0 0 %s %s] /Matrix %s /Resources << %s>> /Length %d >>\nstream\n%s\nendstream",
		decimal(s.w), decimal(s.h), matrices[s.rotate], space, len(draw), draw)
}

// drawing is in black.
func (m *drawnMark) drawing(s spot) string {
	black := "0 g"
	if s.calibrated {
		black = "/CS cs 0 sc"
	}
	scale := strconv.FormatFloat(s.w/(m.widthMM*perMille), 'f', 6, 64)
	return fmt.Sprintf("q %s %s 0 0 %s 0 0 cm\n%sQ\n", black, scale, scale, m.content)
}

// MarkContents is a mark's text as it stands in a file.
func MarkContents(text string) string { return textString(text) }
