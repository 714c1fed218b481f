package pdf

// Objects that nobody reads here are shown by other readers all the same. They
// are walked over by the grammar of parse.go, and nothing is built: a page's
// fonts and pictures would cost more than hashing the file.

// skimObject wants one whole object at an entry's offset.
func (f *File) skimObject(e entry) error {
	o := object{objStart: e.off}
	err := f.growing(e.off, func(p *parser) error {
		p.names = f.names
		defer func() { f.names = p.names[:0] }()
		num, err := p.natural()
		if err != nil {
			return err
		}
		gen, err := p.natural()
		if err == nil {
			err = p.keyword("obj")
		}
		if err == nil && (num != int64(e.num) || gen != int64(e.gen)) {
			err = p.bad("object %d %d does not stand here", e.num, e.gen)
		}
		if err != nil {
			return err
		}
		o.stream, err = p.skimBody()
		o.objEnd, o.dataOff = p.offset(), p.offset()
		o.value = value{kind: kDict, keys: lengthKey, list: []value{p.length}}
		return err
	})
	if err == nil {
		err = f.left.takeParse(o.dataOff - e.off)
	}
	if err == nil && o.stream {
		err = f.measure(&o, int(e.rev))
	}
	if err == nil && o.objEnd > f.revs[e.rev].mark {
		err = ambiguous(e.off, "object %d ends behind its revision", e.num)
	}
	return err
}

var lengthKey = []string{"Length"}

// skimBody walks from "obj" to "endobj" or to the data of a stream. An object
// of nothing is null to every reader.
func (p *parser) skimBody() (stream bool, err error) {
	dict := false
	for first := true; ; first = false {
		if err := p.space(); err != nil {
			return false, err
		}
		w, err := p.bytes()
		switch {
		case err != nil:
			return false, err
		case string(w) == "endobj":
			p.pos += len(w)
			return false, nil
		case string(w) == "stream" && dict:
			p.pos += len(w)
			return true, p.dataStart()
		case !first:
			return false, p.bad("\"endobj\" expected")
		}
		dict = p.b[p.pos] == '<' && p.pos+1 < len(p.b) && p.b[p.pos+1] == '<'
		if err := p.skim(); err != nil {
			return false, err
		}
	}
}

// bytes is word without a copy.
func (p *parser) bytes() ([]byte, error) {
	i := p.pos
	for i < len(p.b) && isRegular(p.b[i]) {
		i++
	}
	if i == len(p.b) && !p.last {
		return nil, errMore
	}
	return p.b[p.pos:i], nil
}
