//go:build ignore

// make writes decision.ofd, the demonstration's decision as an OFD package
// (GB/T 33190): run it as "go run make.go" in this folder. Its fonts are named, not
// embedded, as most producers do.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
	"unicode"
)

const (
	width, height = 210.0, 297.0
	left, right   = 28.0, 26.0
	body, title   = 5.6, 7.8 // sizes of characters, 三号 and 二号
	leading       = 9.8
	song, fang    = 2, 3 // fonts, by their IDs
	head          = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	space         = ` xmlns:ofd="http://www.ofdspec.org/2016"`
)

var letter = []string{
	"贵阳示例食品有限公司：",
	"　　你（单位）于2026年11月9日向本机关提出的食品经营许可（新办）申请，经审查，符合《中华人民共和国食品安全法》《食品经营许可和备案管理办法》规定的条件。根据《中华人民共和国行政许可法》第三十八条第一款的规定，本机关决定准予行政许可。",
	"　　许可项目：食品经营许可证（主体业态：餐饮服务经营者；经营项目：热食类食品制售、冷食类食品制售）。有效期自2026年11月23日至2031年11月22日。",
	"　　如不服本决定，可以在收到本决定书之日起六十日内向观山湖区人民政府申请行政复议，也可以在六个月内依法向人民法院提起行政诉讼。",
}

var table = [][3]string{
	{"序号", "项目", "内容"},
	{"1", "经营场所", "贵州省贵阳市观山湖区示例路1号"},
	{"2", "面积", "128.50平方米"},
	{"3", "从业人员", "6人"},
}

// sheet is a page in the making. IDs are of the whole document.
type sheet struct {
	ids  *int
	body bytes.Buffer
}

func (s *sheet) id() int { *s.ids++; return *s.ids }

func advance(c rune, size float64) float64 {
	if c < 0x2e80 {
		return size / 2
	}
	return size
}

func measure(text string, size float64) (mm float64) {
	for _, c := range text {
		mm += advance(c, size)
	}
	return mm
}

// text puts one line on the page, its top left at x, y.
func (s *sheet) text(x, y, size float64, font int, text string) {
	var deltas []string
	chars := []rune(text)
	for i := 0; i < len(chars)-1; {
		n := 1
		for i+n < len(chars)-1 && advance(chars[i+n], size) == advance(chars[i], size) {
			n++
		}
		deltas = append(deltas, fmt.Sprintf("g %d %g", n, advance(chars[i], size)))
		i += n
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(&s.body, `<ofd:TextObject ID="%d" Boundary="%.4g %.4g %.4g %.4g" Font="%d" Size="%g"><ofd:TextCode X="0" Y="%.4g" DeltaX="%s">%s</ofd:TextCode></ofd:TextObject>`,
		s.id(), x, y, measure(text, size), size*1.2, font, size, size, strings.Join(deltas, " "), escaped.String())
}

func (s *sheet) centred(y, size float64, font int, text string) {
	s.text((width-measure(text, size))/2, y, size, font, text)
}

// paragraph breaks a text into lines; no line begins with what closes something, and
// none within a number.
func (s *sheet) paragraph(y float64, text string) float64 {
	var line []rune
	var mm float64
	for _, c := range text {
		number := len(line) > 0 && unicode.IsDigit(line[len(line)-1]) && unicode.IsDigit(c)
		if mm+advance(c, body) > width-left-right && !number && !strings.ContainsRune("，。；：、）》", c) {
			s.text(left, y, body, fang, string(line))
			y, line, mm = y+leading, nil, 0
		}
		line, mm = append(line, c), mm+advance(c, body)
	}
	s.text(left, y, body, fang, string(line))
	return y + leading
}

func (s *sheet) rule(x, y, w, h float64) {
	const pen = 0.3
	fmt.Fprintf(&s.body, `<ofd:PathObject ID="%d" Boundary="%g %g %g %g" LineWidth="%g"><ofd:StrokeColor Value="0 0 0"/><ofd:AbbreviatedData>M 0 0 L %g %g</ofd:AbbreviatedData></ofd:PathObject>`,
		s.id(), x, y, max(w, pen), max(h, pen), pen, w, h)
}

func (s *sheet) xml() string {
	return head + `<ofd:Page` + space + `><ofd:Content><ofd:Layer ID="` + fmt.Sprint(s.id()) + `">` + s.body.String() + `</ofd:Layer></ofd:Content></ofd:Page>`
}

func first(ids *int) string {
	s := sheet{ids: ids}
	s.centred(37, title, song, "行政许可决定书")
	s.centred(52, body, fang, "观市监许准〔2026〕第0117号")
	y := 70.0
	for _, p := range letter {
		y = s.paragraph(y, p)
	}
	signed := "贵阳市观山湖区市场监督管理局（盖章）"
	s.text(width-right-measure(signed, body), y+2.5*leading, body, fang, signed)
	date := "2026年11月23日"
	s.text(width-right-(measure(signed, body)+measure(date, body))/2, y+3.5*leading, body, fang, date)
	return s.xml()
}

func second(ids *int) string {
	s := sheet{ids: ids}
	s.centred(37, title, song, "附件：许可事项明细")
	columns := [4]float64{left, left + 20, left + 56, width - right}
	const row = 12.0
	for i, cells := range table {
		y := 56 + float64(i)*row
		s.rule(left, y, width-left-right, 0)
		for k, c := range cells {
			s.text(columns[k]+3, y+3, body, fang, c)
		}
	}
	bottom := 56 + float64(len(table))*row
	s.rule(left, bottom, width-left-right, 0)
	for _, x := range columns {
		s.rule(x, 56, 0, bottom-56)
	}
	s.paragraph(bottom+leading, "　　本附件与决定书正文具有同等效力，须与正文一并使用。加盖骑缝章有效。")
	return s.xml()
}

func main() {
	ids := 5 // fonts and pages come before
	one, two := first(&ids), second(&ids)
	files := [][2]string{
		{"OFD.xml", head + `<ofd:OFD` + space + ` Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>8c7d4c1e5b6f4a0f9d2e3a1b0c9d8e7f</ofd:DocID><ofd:Title>行政许可决定书</ofd:Title>` +
			`<ofd:CreationDate>2026-11-23</ofd:CreationDate></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`},
		{"Doc_0/Document.xml", head + `<ofd:Document` + space + `><ofd:CommonData><ofd:MaxUnitID>` + fmt.Sprint(ids) + `</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>` +
			`<ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages><ofd:Page ID="4" BaseLoc="Pages/Page_0/Content.xml"/><ofd:Page ID="5" BaseLoc="Pages/Page_1/Content.xml"/></ofd:Pages></ofd:Document>`},
		{"Doc_0/PublicRes.xml", head + `<ofd:Res` + space + ` BaseLoc="Res"><ofd:Fonts><ofd:Font ID="2" FontName="宋体" FamilyName="宋体"/><ofd:Font ID="3" FontName="仿宋" FamilyName="仿宋"/></ofd:Fonts></ofd:Res>`},
		{"Doc_0/Pages/Page_0/Content.xml", one},
		{"Doc_0/Pages/Page_1/Content.xml", two},
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f[0], Method: zip.Deflate, Modified: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("decision.ofd", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
