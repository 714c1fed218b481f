package pagetext

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// How often loops may turn in one call into PDFium: a second or so of work, and some
// seconds where a page is drawn, for a scan has a hundred million pixels. A full page
// of text takes a hundredth.
const (
	turnsToRead = 1 << 29
	turnsToDraw = 1 << 31
)

// turnsOf gives how many turns an exported function gets, and whether it is one by
// which PDFium is called from outside. Others, such as malloc, it calls itself.
func turnsOf(name string) (int64, bool) {
	switch {
	case strings.HasPrefix(name, "FPDF_RenderPage"), strings.HasPrefix(name, "FPDF_FFLDraw"):
		return turnsToDraw, true
	case strings.HasPrefix(name, "FPDF"), strings.HasPrefix(name, "FORM_"):
		return turnsToRead, true
	}
	return 0, false
}

// metered gives a WebAssembly module that counts the turns of its loops in a global
// variable and traps where they are more than a call may take; each call from outside
// begins with all of them. So whatever a document makes PDFium do ends, after the same
// work on every machine. The runtime can interrupt a module as well, but for that it
// leaves the module at each turn of each loop, which triples the time of a search.
//
// Sections and instructions are those of WebAssembly 2.0 and its exception handling;
// branches count blocks, not octets, so that code can be put in anywhere.
func metered(module []byte, turns func(export string) (int64, bool)) ([]byte, error) {
	if len(module) < 8 || string(module[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errModule
	}
	m := meter{turns: turns, entries: map[uint64]int64{}}
	r := reader{b: module, at: 8}
	out := append([]byte(nil), module[:8]...)
	for r.err == nil && r.at < len(r.b) {
		id := r.byte()
		body := r.bytes(r.uint())
		if r.err != nil {
			break
		}
		m.reader = reader{b: body}
		switch id {
		case sectionImport:
			m.imports()
		case sectionGlobal:
			body = m.global()
		case sectionExport:
			m.exports()
		case sectionCode:
			body = m.code()
		}
		r.err = m.err
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	if r.err == nil && (len(m.entries) == 0 || !m.counts) {
		r.err = errModule
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

var errModule = errors.New("no WebAssembly module of the expected kind")

const (
	sectionImport = 2
	sectionGlobal = 6
	sectionExport = 7
	sectionCode   = 10
)

// meter is at work on a module or one of its sections.
type meter struct {
	reader
	imported uint64           // functions that are imported: they come first in the numbering
	globals  uint64           // and global variables
	budget   uint64           // number of the global variable that counts, 0 before there is one
	entries  map[uint64]int64 // turns of the functions by which PDFium is called from outside
	turns    func(export string) (int64, bool)
	counts   bool // its code does
}

func (m *meter) imports() {
	for range m.uint() {
		m.bytes(m.uint()) // module
		m.bytes(m.uint()) // name
		switch m.byte() {
		case 0: // function
			m.uint()
			m.imported++
		case 1: // table
			m.byte()
			m.limits()
		case 2: // memory
			m.limits()
		case 3: // global variable
			m.bytes(2)
			m.globals++
		case 4: // exception
			m.bytes(1)
			m.uint()
		default:
			m.fail()
		}
		if m.err != nil {
			return
		}
	}
}

func (r *reader) limits() {
	flags := r.byte()
	r.uint()
	if flags&1 != 0 {
		r.uint()
	}
}

// global adds the variable behind those of the module.
func (m *meter) global() []byte {
	n := m.uint()
	m.budget = m.globals + n
	out := binary.AppendUvarint(nil, n+1)
	out = append(out, m.b[m.at:]...)
	const typeInt64, mutable, end = 0x7e, 1, 0x0b
	return append(append(append(out, typeInt64, mutable), constant(turnsToRead)...), end)
}

func (m *meter) exports() {
	for range m.uint() {
		name := string(m.bytes(m.uint()))
		kind, index := m.byte(), m.uint()
		if m.err != nil {
			return
		}
		if turns, outside := m.turns(name); kind == 0 && outside {
			m.entries[index] = turns
		}
	}
}

func (m *meter) code() []byte {
	if m.budget == 0 {
		m.fail()
		return nil
	}
	get := binary.AppendUvarint([]byte{0x23}, m.budget)
	set := binary.AppendUvarint([]byte{0x24}, m.budget)
	const eqz, if0, empty, unreachable, end, sub = 0x50, 0x04, 0x40, 0x00, 0x0b, 0x7d
	count := append(append([]byte{}, get...), eqz, if0, empty, unreachable, end)
	count = append(append(append(append(count, get...), constant(1)...), sub), set...)

	n := m.uint()
	out := binary.AppendUvarint(nil, n)
	for i := range n {
		body := m.bytes(m.uint())
		f := reader{b: body, err: m.err}
		var begin []byte
		if turns, outside := m.entries[m.imported+i]; outside {
			begin = append(constant(turns), set...)
		}
		body = f.function(begin, count)
		if m.err = f.err; m.err != nil {
			return nil
		}
		out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
	}
	m.counts = true
	return out
}

// function puts begin at the beginning of a function's code and count into each loop.
func (r *reader) function(begin, count []byte) []byte {
	for range r.uint() { // local variables
		r.uint()
		r.byte()
		if r.err != nil {
			return nil
		}
	}
	out := append(make([]byte, 0, len(r.b)+len(r.b)/8), r.b[:r.at]...)
	out = append(out, begin...)
	from := r.at
	for r.err == nil && r.at < len(r.b) {
		if op := r.byte(); op == opLoop {
			r.uint() // type of the block
			out = append(append(out, r.b[from:r.at]...), count...)
			from = r.at
		} else {
			r.operands(op)
		}
	}
	if r.err != nil {
		return nil
	}
	return append(out, r.b[from:]...)
}

// constant is i64.const.
func constant(v int64) []byte {
	out := []byte{0x42}
	for ; v >= 0x40; v >>= 7 {
		out = append(out, byte(v)|0x80)
	}
	return append(out, byte(v))
}

// reader of a module; after an error it gives zeros.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w: at octet %d of a part", errModule, r.at)
	}
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bytes(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.b)-r.at) {
		r.fail()
		return nil
	}
	b := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

// uint reads a LEB128 number (WebAssembly 5.2.2); of one with a sign only the length
// is right.
func (r *reader) uint() (v uint64) {
	for shift := 0; shift < 70; shift += 7 { // 64 bits and a sign take ten octets
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail()
	return 0
}
