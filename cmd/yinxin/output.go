package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// output is where a command's document goes. It is opened before the act that
// makes the document: a name that cannot be written must not cost a stamp.
type output struct {
	name   string // as it was asked for
	target string // what is replaced, "" if it is written to directly
	file   *os.File
	stream io.Writer
	synced bool // by the caller, many at once
}

const standardOutput = "standard output"

// openOutput prepares to write path, "-" or "" being standard output. A file
// appears under its name only when it is whole.
func (c *call) openOutput(path string) (*output, error) {
	if path == "" || path == "-" {
		return &output{name: standardOutput, stream: c.out}, nil
	}
	target := path
	if info, err := os.Stat(path); err == nil {
		switch {
		case info.IsDir():
			return nil, noWrite(path, errors.New("it is a folder"))
		case !info.Mode().IsRegular():
			// A device or pipe, such as /dev/null: written to, never replaced.
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return nil, noWrite(path, err)
			}
			return &output{name: path, file: f, stream: f}, nil
		}
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return nil, noWrite(path, err)
		}
	}
	var mark [8]byte
	// crypto/rand.Read never fails since Go 1.24.
	rand.Read(mark[:])
	f, err := os.OpenFile(filepath.Join(filepath.Dir(target), ".yinxin-"+hex.EncodeToString(mark[:])), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, noWrite(path, err)
	}
	return &output{name: path, target: target, file: f, stream: f}, nil
}

// standard tells whether it is standard output.
func (o *output) standard() bool { return o.name == standardOutput }

// put writes the document and lets it appear.
func (o *output) put(doc io.WriterTo) error {
	_, err := doc.WriteTo(o.stream)
	if o.file != nil {
		if err == nil && o.target != "" && !o.synced {
			err = o.file.Sync()
		}
		err = errors.Join(err, o.file.Close())
		if err == nil && o.target != "" {
			err = os.Rename(o.file.Name(), o.target)
		}
	}
	if err != nil {
		o.drop()
		return noWrite(o.name, err)
	}
	o.file = nil
	return nil
}

// write puts what do writes as it comes. An error of do's own, such as of the
// register, is told as it is.
func (o *output) write(do func(w io.Writer) error) error {
	var own error
	err := o.put(writerFunc(func(w io.Writer) error {
		checked := &checkedWriter{w: w}
		if err := do(checked); err != nil && checked.err == nil {
			own = err
			return err
		}
		return checked.err
	}))
	if own != nil {
		return own
	}
	return err
}

// writerFunc is a document that is made while it is written.
type writerFunc func(w io.Writer) error

func (f writerFunc) WriteTo(w io.Writer) (int64, error) { return 0, f(w) }

// drop leaves nothing behind of an output that was not put. It may be called
// after put.
func (o *output) drop() {
	if o.file == nil {
		return
	}
	// There is nothing to lose in it, and the error that led here is the one to
	// tell.
	_ = o.file.Close()
	if o.target != "" {
		_ = os.Remove(o.file.Name())
	}
	o.file = nil
}

// checkedWriter remembers that standard output did not take something, so that
// a command does not end well whose answer nobody got.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err != nil {
		c.err = err
	}
	return n, err
}

// plain makes one line of a text that others wrote: names in a file could hold
// what moves a terminal's cursor or turns the direction of writing, and show
// another verdict.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
