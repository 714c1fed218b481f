package pdf

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
