package face

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Shape of a drawn seal.
type Shape string

const (
	Round  Shape = "round"
	Oval   Shape = "oval"
	Square Shape = "square" // rows, read from left to right
	Person Shape = "name"   // columns, read from right to left
)

// Centre is what stands in the middle of a round or oval seal. The national emblem
// is never drawn: its picture is the State's (国徽法), so it comes as an upload.
type Centre string

const (
	Star   Centre = "star"
	NoStar Centre = "none"
)

// Colour of the ink.
type Colour string

const (
	Red   Colour = "red"
	Blue  Colour = "blue"
	Black Colour = "black"
)

// Weight of the characters' strokes.
type Weight string

const (
	Regular Weight = "regular"
	Bold    Weight = "bold"
)

// Limits of a drawn face. The picture stands in every stamp that the seal makes, and
// the characters must still be read when it is printed.
const (
	MinMM     = 10
	MaxMM     = 60 // 国发〔1999〕25号 knows nothing larger
	MaxName   = 40 // characters
	maxPerson = 20
	maxSecond = 16
	maxCode   = 20
	minCellMM = 1.0 // width of a character: below, a scan shows a blot
)

// Spec says what a drawn face shows.
type Spec struct {
	Shape    Shape  `json:"shape" api:"required"`
	Name     string `json:"name" api:"required"` // around, or all over a square
	Second   string `json:"second,omitempty"`    // 专用章 and the like, from left to right below the centre
	Code     string `json:"code,omitempty"`      // the seal code, in small digits at the lower edge
	Centre   Centre `json:"centre,omitempty"`    // star for round, none for oval by default
	Suffix   string `json:"suffix,omitempty"`    // 印 or 之印 behind a person's name
	Colour   Colour `json:"colour,omitempty"`    // red by default
	Weight   Weight `json:"weight,omitempty"`    // bold by default
	Borders  int    `json:"borders,omitempty"`
	WidthMM  int    `json:"widthMm"`
	HeightMM int    `json:"heightMm"`
}

var (
	// ErrSpec: no face can be drawn so.
	ErrSpec = errors.New("such a face cannot be drawn")
	// ErrGlyph: the font lacks a character. A box in its place would be a seal with
	// another name.
	ErrGlyph = errors.New("the font of drawn seals lacks a character")
)

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...))
}

// usual sizes in millimetres, of agencies, invoices, finance and persons.
var usual = map[Shape][2]int{Round: {42, 42}, Oval: {40, 30}, Square: {25, 25}, Person: {20, 20}}

// complete fills in what was left to us and checks that all of it goes together.
func (s Spec) complete() (Spec, error) {
	size, ok := usual[s.Shape]
	if !ok {
		return s, refused("the shape is %q, not round, oval, square or name", s.Shape)
	}
	if s.WidthMM == 0 && s.HeightMM == 0 {
		s.WidthMM, s.HeightMM = size[0], size[1]
	}
	if s.Centre == "" && s.Shape == Round {
		s.Centre = Star
	}
	if s.Borders == 0 {
		s.Borders = 1
	}
	orElse(&s.Centre, NoStar)
	orElse(&s.Colour, Red)
	orElse(&s.Weight, Bold)
	if err := s.check(); err != nil {
		return s, err
	}
	if lacking := Missing(s.Name + s.Second + s.Code + s.Suffix); len(lacking) > 0 {
		return s, fmt.Errorf("%w: %s; upload a picture of the seal instead", ErrGlyph, quotedRunes(lacking))
	}
	return s, nil
}

func orElse[T ~string](v *T, other T) {
	if *v == "" {
		*v = other
	}
}

func (s *Spec) check() error {
	around := s.Shape == Round || s.Shape == Oval
	switch {
	case s.WidthMM < MinMM || s.HeightMM < MinMM || s.WidthMM > MaxMM || s.HeightMM > MaxMM:
		return refused("%d by %d mm, where %d to %d can be", s.WidthMM, s.HeightMM, MinMM, MaxMM)
	case s.Shape == Round && s.WidthMM != s.HeightMM:
		return refused("a round face of %d by %d mm", s.WidthMM, s.HeightMM)
	case s.Shape == Oval && s.WidthMM < s.HeightMM:
		return refused("an oval face is wider than high, not %d by %d mm", s.WidthMM, s.HeightMM)
	case s.Shape == Oval && s.WidthMM > 2*s.HeightMM:
		return refused("an oval face of %d by %d mm is too flat for its characters", s.WidthMM, s.HeightMM)
	case s.Centre != Star && s.Centre != NoStar:
		return refused("the centre is %q, not star or none; an emblem is uploaded as a picture", s.Centre)
	case s.Centre == Star && !around:
		return refused("a %s face has no star", s.Shape)
	case s.Colour != Red && s.Colour != Blue && s.Colour != Black:
		return refused("the colour is %q, not red, blue or black", s.Colour)
	case s.Weight != Regular && s.Weight != Bold:
		return refused("the weight is %q, not regular or bold", s.Weight)
	case s.Borders < 1 || s.Borders > 2:
		return refused("%d borders, where 1 or 2 can be", s.Borders)
	case s.Code != "" && !around:
		return refused("a %s face has no code along its edge", s.Shape)
	case s.Second != "" && s.Shape == Person, s.Suffix != "" && s.Shape != Person:
		return refused("a second line belongs to a seal of a body, 印 to that of a person")
	case s.Suffix != "" && s.Suffix != "印" && s.Suffix != "之印":
		return refused("behind a name stands 印 or 之印, not %q", s.Suffix)
	}
	return s.checkTexts()
}

func (s *Spec) checkTexts() error {
	most := MaxName
	if s.Shape == Person {
		most = maxPerson
	}
	for _, t := range []struct {
		what, text  string
		least, most int
	}{{"name", s.Name, 1, most}, {"second line", s.Second, 0, maxSecond}, {"code", s.Code, 0, maxCode}} {
		if n := utf8.RuneCountInString(t.text); !utf8.ValidString(t.text) || n < t.least || n > t.most {
			return refused("a %s of %d characters, where %d to %d can be", t.what, n, t.least, t.most)
		}
		if strings.ContainsAny(t.text, " \t\r\n\u3000") {
			return refused("a space or a line break in the %s", t.what)
		}
	}
	if strings.Trim(s.Code, "0123456789") != "" {
		return refused("the code is not of digits")
	}
	return nil
}
