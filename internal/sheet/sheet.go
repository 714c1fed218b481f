// Package sheet writes lists row by row, in constant memory, for people's
// spreadsheets and for programs: New begins one, Put adds a row, End ends it.
package sheet

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Format of a list.
type Format string

const (
	CSV   Format = "csv"   // RFC 4180, in UTF-8
	JSON  Format = "json"  // one array
	Lines Format = "jsonl" // an object a line
)

// ErrFormat: no such format.
var ErrFormat = errors.New("the format is csv, json or jsonl")

// Columns say what a table shows of a value. The JSON formats give the value whole.
type Columns[T any] struct {
	Header []string
	Cells  func(T) []string
}

// Options of New. BOM begins a CSV file with a byte-order mark, without which Excel
// takes Chinese for something else.
type Options struct {
	Format Format
	BOM    bool
}

// Writer writes one list.
type Writer[T any] struct {
	out     *bufio.Writer
	csv     *csv.Writer
	columns Columns[T]
	format  Format
	rows    int
}

// New begins a list.
func New[T any](w io.Writer, columns Columns[T], o Options) (*Writer[T], error) {
	s := &Writer[T]{out: bufio.NewWriterSize(w, 64<<10), columns: columns, format: o.Format}
	switch o.Format {
	case CSV:
		if o.BOM {
			s.out.WriteString("\ufeff") // errors stay until Flush
		}
		s.csv = csv.NewWriter(s.out)
		s.csv.UseCRLF = true // RFC 4180 2
		return s, s.csv.Write(columns.Header)
	case JSON:
		return s, s.out.WriteByte('[')
	case Lines:
		return s, nil
	}
	return nil, ErrFormat
}

// Put adds a row.
func (s *Writer[T]) Put(v T) error {
	defer func() { s.rows++ }()
	if s.format == CSV {
		cells := s.columns.Cells(v)
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		return s.csv.Write(cells)
	}
	if s.format == JSON && s.rows > 0 {
		s.out.WriteString(",")
	}
	if s.format == JSON {
		s.out.WriteString("\n")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.out.Write(b)
	if s.format == Lines {
		return s.out.WriteByte('\n')
	}
	return nil
}

// End ends the list and gives the first error of writing it.
func (s *Writer[T]) End() error {
	if s.csv != nil {
		s.csv.Flush()
		if err := s.csv.Error(); err != nil {
			return err
		}
	}
	if s.format == JSON {
		s.out.WriteString("\n]\n")
	}
	return s.out.Flush()
}

// Rows counts what was put.
func (s *Writer[T]) Rows() int { return s.rows }

// inert keeps a cell from being a formula: names and grounds are for others to
// choose, and a spreadsheet runs what begins with one of these (CWE-1236), in a
// Chinese or Japanese one their full-width forms too. The quote is what a
// spreadsheet itself puts before a text; a program that reads the file takes it off
// or asks for JSON.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
