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
