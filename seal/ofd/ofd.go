// Package ofd reads sealed OFD packages (GB/T 33190, GM/T 0099): which stamps are
// in one, what each covers, where it is shown and what came after it.
//
// Call [Open] first. (*Package).Stamps gives the signatures. The reader never
// repairs: a package that two readers could take differently is refused
// (ErrAmbiguous, ErrMalformed), because a seal on it would say different things to
// different people. It reads over io.ReaderAt, and what a stamp covers is hashed as
// it is inflated, so that memory does not grow with the package.
//
// A Package is for one goroutine at a time: it has a budget of work, which reading
// takes from.
package ofd

import (
	"bytes"
	"errors"
	"fmt"
)

// Kinds of refusal; test with errors.Is.
var (
	// ErrMalformed: no OFD package, or one that breaks its syntax.
	ErrMalformed = errors.New("malformed OFD package")
	// ErrAmbiguous: two readers could read this package differently.
	ErrAmbiguous = errors.New("ambiguous OFD package")
	// ErrEncrypted: an entry is encrypted; what it shows cannot be judged.
	ErrEncrypted = errors.New("encrypted OFD package")
	// ErrTooLarge: one of the limits in limits.go was reached.
	ErrTooLarge = errors.New("OFD package beyond the limits")
	// ErrNoEntry: there is no entry of this name.
	ErrNoEntry = errors.New("no such entry in the OFD package")
)

// Looks tells a file that begins as a zip archive, which of all that is sealed only
// an OFD package does; whether it is one is for Open to say.
func Looks(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func ambiguous(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrAmbiguous, fmt.Sprintf(format, args...))
}

func tooLarge(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrTooLarge, fmt.Sprintf(format, args...))
}

func noEntry(name string) error { return fmt.Errorf("%w: %q", ErrNoEntry, name) }
