package main

import (
	"bytes"
	"strings"
	"testing"

	"yinxin/seal/face"
)

func TestSealFace(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	// Nothing is set up: a face is drawn before there is a seal, or a province.
	m.want(0, "seal", "face", "--name", "贵州省档案馆", "--second", "电子证照专用章", "--face-code", "52010000000001", "-o", "face.png")
	want, err := face.Draw(face.Spec{Shape: face.Round, Name: "贵州省档案馆", Second: "电子证照专用章", Code: "52010000000001"})
	if err != nil || !bytes.Equal(m.read("face.png"), want) {
		t.Error("not the face that was asked for", err)
	}
	m.want(0, "seal", "face", "--shape", "name", "--name", "王小明", "--suffix", "印", "--width", "18", "--colour", "blue", "-o", "face.SVG")
	if svg := string(m.read("face.SVG")); !strings.HasPrefix(svg, "<svg ") || !strings.Contains(svg, `width="18mm" height="18mm"`) {
		t.Errorf("%.200s", svg)
	}
	if png := m.want(0, "seal", "face", "--name", "贵州省档案馆"); !strings.HasPrefix(png, "\x89PNG") {
		t.Errorf("%.20q", png)
	}
	for name, c := range map[string]struct {
		code int
		args []string
		say  string
	}{
		"no name":              {64, nil, "--name is missing"},
		"another kind of file": {64, []string{"--name", "局", "-o", "face.jpg"}, ".png or a .svg"},
		"a shape unknown":      {65, []string{"--name", "局", "--shape", "triangle"}, "triangle"},
		"an emblem":            {65, []string{"--name", "局", "--centre", "emblem"}, "uploaded"},
		"a rare character":     {69, []string{"--name", "𬭎利局"}, "𬭎"},
		"no folder":            {73, []string{"--name", "局", "-o", "none/face.png"}, "cannot be written"},
	} {
		if r := m.run(append([]string{"seal", "face"}, c.args...)...); r.code != c.code || !strings.Contains(r.err, c.say) || r.out != "" {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
}
