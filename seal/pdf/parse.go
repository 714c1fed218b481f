package pdf

import "fmt"

// value reads one direct object or reference.
func (p *parser) value() (value, error) {
	if err := p.space(); err != nil {
		return null, err
	}
	if p.deep++; p.deep > maxDepth {
		return null, p.bad("nested deeper than %d", maxDepth)
	}
	defer func() { p.deep-- }()
	if p.many++; p.many > maxValues {
		return null, fmt.Errorf("%w: at byte %d: an object of more than %d values", ErrTooLarge, p.offset(), maxValues)
	}
	start := p.offset()
	v, err := p.bare()
	v.start, v.end = start, p.offset()
	return v, err
}

func (p *parser) bare() (value, error) {
	switch c := p.b[p.pos]; c {
	case '/':
		s, err := p.name()
		return value{kind: kName, text: s}, err
	case '(':
		s, err := p.literal()
		return value{kind: kString, text: s}, err
	case '[':
		p.pos++
		list, err := p.array()
		return value{kind: kArray, list: list}, err
	case '<':
		if p.pos+1 >= len(p.b) {
			return null, p.short()
		}
		if p.b[p.pos+1] == '<' {
			p.pos += 2
			return p.dict()
		}
		s, err := p.hexString()
		return value{kind: kString, text: s, hex: true}, err
	default:
		if isDelim(c) {
			return null, p.bad("%q out of place", c)
		}
		return p.wordValue()
	}
}

func (p *parser) wordValue() (value, error) {
	w, err := p.word()
	if err != nil {
		return null, err
	}
	var v value
	switch w {
	case "true":
		v = value{kind: kBool, num: 1}
	case "false":
		v = value{kind: kBool}
	case "null":
	default:
		if v, err = p.number(w); err != nil {
			return null, err
		}
	}
	p.pos += len(w)
	if p.refs && v.kind == kInt && isDigit(w[0]) {
		return p.maybeRef(v)
	}
	return v, nil
}

// maybeRef turns "12 0" into a reference if "R" follows.
func (p *parser) maybeRef(v value) (value, error) {
	back := p.pos
	give := func(err error) (value, error) {
		if err == errMore {
			return null, err
		}
		p.pos = back
		return v, nil
	}
	if err := p.space(); err != nil {
		return give(err)
	}
	w, err := p.word()
	if err != nil {
		return give(err)
	}
	gen, ok := naturalOf(w)
	if !ok || gen > 65535 {
		return give(nil)
	}
	p.pos += len(w)
	if err = p.space(); err != nil {
		return give(err)
	}
	if w, err = p.word(); err != nil || w != "R" {
		return give(err)
	}
	p.pos++
	if v.num <= 0 || v.num > maxObjectNum {
		return null, p.bad("reference to object %d", v.num)
	}
	return value{kind: kRef, num: v.num, gen: gen}, nil
}

func (p *parser) array() ([]value, error) {
	var list []value
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.b[p.pos] == ']' {
			p.pos++
			return list, nil
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// dict reads up to ">>". A key that stands twice is refused: some readers take
// the first, some the last.
func (p *parser) dict() (value, error) {
	d := value{kind: kDict}
	var seen map[string]bool
	for {
		if err := p.space(); err != nil {
			return null, err
		}
		if p.b[p.pos] == '>' {
			if p.pos+1 >= len(p.b) {
				return null, p.short()
			}
			if p.b[p.pos+1] != '>' {
				return null, p.bad("\">>\" expected")
			}
			p.pos += 2
			return d, nil
		}
		if p.b[p.pos] != '/' {
			return null, p.bad("a key expected in a dictionary")
		}
		key, err := p.name()
		if err != nil {
			return null, err
		}
		v, err := p.value()
		if err != nil {
			return null, err
		}
		if len(d.keys) == 16 { // a large dictionary: look keys up, not through
			seen = make(map[string]bool)
			for _, k := range d.keys {
				seen[k] = true
			}
		}
		if seen[key] || len(d.keys) < 16 && d.has(key) {
			return null, ambiguous(p.offset(), "key /%.40s twice in one dictionary", key)
		}
		if seen != nil {
			seen[key] = true
		}
		d.keys, d.list = append(d.keys, key), append(d.list, v)
	}
}

func (p *parser) name() (string, error) {
	i := p.pos + 1
	escaped := false
	for i < len(p.b) && isRegular(p.b[i]) {
		escaped = escaped || p.b[i] == '#'
		i++
	}
	if i == len(p.b) && !p.last {
		return "", errMore
	}
	raw := p.b[p.pos+1 : i]
	p.pos = i
	if !escaped {
		return string(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for j := 0; j < len(raw); j++ {
		if raw[j] != '#' {
			out = append(out, raw[j])
			continue
		}
		if j+2 >= len(raw) {
			return "", p.bad("bad # in a name")
		}
		hi, ok := unhex(raw[j+1])
		lo, ok2 := unhex(raw[j+2])
		if !ok || !ok2 || hi|lo == 0 {
			return "", p.bad("bad # in a name")
		}
		out = append(out, hi<<4|lo)
		j += 2
	}
	return string(out), nil
}

func (p *parser) hexString() (string, error) {
	out := make([]byte, 0, 64)
	half := -1
	for i := p.pos + 1; i < len(p.b); i++ {
		c := p.b[i]
		if c == '>' {
			if half >= 0 {
				out = append(out, byte(half)<<4)
			}
			p.pos = i + 1
			return string(out), nil
		}
		n, ok := unhex(c)
		switch {
		case !ok && isSpace(c):
		case !ok:
			p.pos = i
			return "", p.bad("not a hexadecimal digit")
		case half < 0:
			half = int(n)
		default:
			out = append(out, byte(half)<<4|n)
			half = -1
		}
	}
	p.pos = len(p.b)
	return "", p.short()
}

func (p *parser) literal() (string, error) {
	var out []byte
	deep := 0
	for i := p.pos; i < len(p.b); i++ {
		switch c := p.b[i]; c {
		case '(':
			if deep++; deep > 1 {
				out = append(out, c)
			}
		case ')':
			if deep--; deep == 0 {
				p.pos = i + 1
				return string(out), nil
			}
			out = append(out, c)
		case '\r': // any end of line in a string is LF, ISO 32000-1 7.3.4.2
			if i+1 < len(p.b) && p.b[i+1] == '\n' {
				i++
			}
			out = append(out, '\n')
		case '\\':
			var n int
			if out, n = escape(out, p.b[i+1:]); n == 0 {
				return "", p.short()
			}
			i += n
		default:
			out = append(out, c)
		}
	}
	p.pos = len(p.b)
	return "", p.short()
}

// escape appends what stands after a backslash and tells its length, 0 if the
// window ends too early to know.
func escape(out, b []byte) ([]byte, int) {
	if len(b) < 3 {
		return out, 0
	}
	switch c := b[0]; c {
	case 'n':
		return append(out, '\n'), 1
	case 'r':
		return append(out, '\r'), 1
	case 't':
		return append(out, '\t'), 1
	case 'b':
		return append(out, '\b'), 1
	case 'f':
		return append(out, '\f'), 1
	case '\n':
		return out, 1
	case '\r':
		if b[1] == '\n' {
			return out, 2
		}
		return out, 1
	default:
		if c < '0' || c > '7' {
			return append(out, c), 1
		}
	}
	n, v := 0, 0
	for n < 3 && b[n] >= '0' && b[n] <= '7' {
		v = v*8 + int(b[n]-'0')
		n++
	}
	return append(out, byte(v)), n
}
