package pdf

import "bytes"

// skim is value without a value.
func (p *parser) skim() error {
	if err := p.space(); err != nil {
		return err
	}
	if p.deep++; p.deep > maxDepth {
		return p.bad("nested deeper than %d", maxDepth)
	}
	if p.many++; p.many > maxValues {
		return tooMany("values in an object", maxValues)
	}
	err := p.skimBare()
	p.deep--
	return err
}

func (p *parser) skimBare() error {
	switch c := p.b[p.pos]; c {
	case '/':
		_, err := p.skimName()
		return err
	case '(':
		return p.skimLiteral()
	case '[':
		p.pos++
		for {
			if err := p.space(); err != nil {
				return err
			}
			if p.b[p.pos] == ']' {
				p.pos++
				return nil
			}
			if err := p.skim(); err != nil {
				return err
			}
		}
	case '<':
		if p.pos+1 >= len(p.b) {
			return p.short()
		}
		if p.b[p.pos+1] == '<' {
			p.pos += 2
			return p.skimDict()
		}
		return p.skimHex()
	default:
		if isDelim(c) {
			return p.bad("%q out of place", c)
		}
		return p.skimWord()
	}
}

// skimDict refuses a key that stands twice, as dict does.
func (p *parser) skimDict() error {
	first := len(p.names)
	defer func() { p.names = p.names[:first] }()
	var seen map[string]bool
	for {
		if err := p.space(); err != nil {
			return err
		}
		if p.b[p.pos] == '>' {
			if p.pos+1 >= len(p.b) {
				return p.short()
			}
			if p.b[p.pos+1] != '>' {
				return p.bad("\">>\" expected")
			}
			p.pos += 2
			return nil
		}
		if p.b[p.pos] != '/' {
			return p.bad("a key expected in a dictionary")
		}
		key, err := p.skimName()
		if err != nil {
			return err
		}
		if seen == nil && len(p.names)-first == 16 { // look keys up, not through
			seen = make(map[string]bool)
			for _, k := range p.names[first:] {
				seen[string(k)] = true
			}
		}
		twice := seen[string(key)]
		if seen == nil {
			for _, k := range p.names[first:] {
				twice = twice || bytes.Equal(k, key)
			}
		} else {
			seen[string(key)] = true
		}
		if twice {
			return ambiguous(p.offset(), "key /%.40s twice in one dictionary", key)
		}
		p.names = append(p.names, key)
		if p.deep == 1 && string(key) == "Length" {
			p.length, err = p.value()
		} else {
			err = p.skim()
		}
		if err != nil {
			return err
		}
	}
}

// skimName gives the name decoded.
func (p *parser) skimName() ([]byte, error) {
	i := p.pos + 1
	for i < len(p.b) && isRegular(p.b[i]) {
		if p.b[i] == '#' {
			s, err := p.name()
			return []byte(s), err
		}
		i++
	}
	if i == len(p.b) && !p.last {
		return nil, errMore
	}
	name := p.b[p.pos+1 : i]
	p.pos = i
	return name, nil
}

func (p *parser) skimLiteral() error {
	deep := 0
	for i := p.pos; i < len(p.b); i++ {
		switch p.b[i] {
		case '(':
			deep++
		case ')':
			if deep--; deep == 0 {
				p.pos = i + 1
				return nil
			}
		case '\\':
			i++
		}
	}
	p.pos = len(p.b)
	return p.short()
}

func (p *parser) skimHex() error {
	for i := p.pos + 1; i < len(p.b); i++ {
		if p.b[i] == '>' {
			p.pos = i + 1
			return nil
		}
		if _, ok := unhex(p.b[i]); !ok && !isSpace(p.b[i]) {
			p.pos = i
			return p.bad("not a hexadecimal digit")
		}
	}
	p.pos = len(p.b)
	return p.short()
}

// skimWord: a word of PDF, a number, or a reference. A number that is not
// plainly an integer is left to number.
func (p *parser) skimWord() error {
	w, err := p.bytes()
	if err != nil {
		return err
	}
	switch string(w) {
	case "true", "false", "null":
		p.pos += len(w)
		return nil
	}
	if n, ok := naturalOf(string(w)); ok {
		p.pos += len(w)
		return p.skimRef(n)
	}
	if _, err := p.number(string(w)); err != nil {
		return err
	}
	p.pos += len(w)
	return nil
}

// skimRef goes over what makes a number a reference, if it is one.
func (p *parser) skimRef(num int64) error {
	back := p.pos
	next := func() ([]byte, error) {
		if err := p.space(); err != nil {
			return nil, err
		}
		return p.bytes()
	}
	w, err := next()
	if err == nil {
		if gen, ok := naturalOf(string(w)); ok && gen <= 65535 {
			p.pos += len(w)
			if w, err = next(); err == nil && string(w) == "R" {
				p.pos++
				if num <= 0 || num > maxObjectNum {
					return p.bad("reference to object %d", num)
				}
				return nil
			}
		}
	}
	if err == errMore {
		return err
	}
	p.pos = back
	return nil
}
