package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/crl"
	"yinxin/ca/escrow"
	"yinxin/ca/outside"
	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
	"yinxin/internal/trust/ceremony"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/seal/face"
)

// Exit codes (interface.md). 0 to 3 of verify are verdicts.
const (
	exitOK       = 0
	exitUsage    = 64
	exitBadInput = 65
	exitRefused  = 69
	exitInternal = 70
	exitNoWrite  = 73
	exitInUse    = 75
	exitNoRight  = 77
)

// verdictError carries a verdict's exit code past the error printing.
type verdictError int

func (verdictError) Error() string { return "verdict" }

// badInputError is a file or value that cannot be used; exit code 65.
type badInputError struct {
	what string
	err  error
}

func (e *badInputError) Error() string { return fmt.Sprintf("%s cannot be used: %v", e.what, e.err) }
func (e *badInputError) Unwrap() error { return e.err }

func badInput(what string, err error) error { return &badInputError{what, err} }

// noWriteError is an output that was asked for and cannot be written; exit code
// 73.
type noWriteError struct {
	what string
	err  error
}

func (e *noWriteError) Error() string { return fmt.Sprintf("%s cannot be written: %v", e.what, e.err) }
func (e *noWriteError) Unwrap() error { return e.err }

func noWrite(what string, err error) error { return &noWriteError{what, err} }

// explain gives an error's exit code and its one sentence: joined errors, and
// names with line breaks in them, are put on one line.
func explain(err error) (int, string) {
	code, sentence := classify(err)
	return code, plain(strings.ReplaceAll(sentence, "\n", "; "))
}

func classify(err error) (int, string) {
	var u usageError
	var b *badInputError
	var w *noWriteError
	switch {
	case errors.As(err, &u):
		return exitUsage, err.Error()
	case errors.As(err, &b):
		return exitBadInput, err.Error()
	case errors.As(err, &w):
		return exitNoWrite, err.Error()
	}
	for _, known := range knownExits {
		if errors.Is(err, known.err) {
			if known.do == "" {
				return known.code, err.Error()
			}
			return known.code, err.Error() + "; " + known.do
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return exitInternal, "it was interrupted before anything was done"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EDQUOT):
		return exitNoWrite, err.Error() + "; nothing was lost, make room and try again"
	case errors.Is(err, fs.ErrPermission):
		return exitNoRight, err.Error()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist):
		return exitBadInput, err.Error()
	}
	return exitInternal, err.Error()
}

// renewAdvice is for a service that signs no more. Its issuer may have been lost too.
const renewAdvice = "yinxin ca renew services gives it a new certificate, after yinxin ca renew issuing where its issuer has ended"

// knownExits are the errors of the offices and what to do about them.
var knownExits = []struct {
	err  error
	code int
	do   string
}{
	{hsm.ErrInUse, exitInUse, "a server or another command has it open: ask that server over HTTP, or stop it"},
	{bolt.ErrInUse, exitInUse, "a server or another command has it open: ask that server over HTTP, or stop it"},
	{hsm.ErrWrongPassphrase, exitNoRight, ""},
	{hsm.ErrCorrupt, exitBadInput, "restore the keys from a backup; nothing was changed"},
	{hsm.ErrWrite, exitNoWrite, "nothing was lost; make room and try again"},
	{hsm.ErrNotFound, exitBadInput, ""},
	{hsm.ErrSuspended, exitRefused, ""},
	{hsm.ErrDestroyed, exitRefused, ""},
	{hsm.ErrRecipient, exitBadInput, ""},
	{bolt.ErrCorrupt, exitBadInput, "nothing was changed"},
	{bolt.ErrMissing, exitBadInput, ""},
	{bolt.ErrWrite, exitNoWrite, "nothing was lost; make room and try again"},
	{errJournal, exitBadInput, "restore the data folder from a backup"},
	{province.ErrIdentity, exitUsage, ""},
	{province.ErrDamaged, exitBadInput, "restore it from a backup, or begin in a new folder; nothing was changed"},
	{province.ErrWrite, exitNoWrite, ""},
	{province.ErrNoProvince, exitBadInput, "yinxin init makes one"},
	{province.ErrSuspect, exitBadInput, ""},
	{province.ErrExists, exitRefused, "name a new folder"},
	{face.ErrSpec, exitBadInput, ""},
	{face.ErrGlyph, exitRefused, ""},
	{agency.ErrNotFound, exitBadInput, ""},
	{agency.ErrInvalid, exitBadInput, ""},
	{agency.ErrExists, exitRefused, ""},
	{agency.ErrClosed, exitRefused, ""},
	{agency.ErrRevoked, exitRefused, ""},
	{outside.ErrNotFound, exitBadInput, ""},
	{outside.ErrBadCertificate, exitBadInput, ""},
	{outside.ErrRefused, exitRefused, ""},
	{outside.ErrChanged, exitRefused, ""},
	{seal.ErrTaken, exitRefused, ""},
	{seal.ErrManyPending, exitRefused, ""},
	{seal.ErrDocument, exitBadInput, ""},
	{seal.ErrOrder, exitUsage, ""},
	{seal.ErrCompanion, exitRefused, ""},
	{seal.ErrTooLarge, exitBadInput, ""},
	{seal.ErrNotFound, exitBadInput, ""},
	{seal.ErrNoRight, exitNoRight, ""},
	{seal.ErrNotInForce, exitRefused, ""},
	{seal.ErrRefused, exitRefused, ""},
	{seal.ErrQuota, exitRefused, ""},
	{seal.ErrChanged, exitRefused, ""},
	{ca.ErrNotFound, exitBadInput, ""},
	{ca.ErrLost, exitBadInput, "restore the data folder from a backup; nothing was changed"},
	{ca.ErrRevoked, exitRefused, ""},
	{ca.ErrRefused, exitRefused, ""},
	{ca.ErrKeyTaken, exitRefused, "make a key for this certificate alone"},
	{ca.ErrTwinned, exitRefused, ""},
	{ca.ErrKeyCompromised, exitRefused, "make a new key"},
	{ca.ErrProfileChanged, exitRefused, "look at it again"},
	{ca.ErrSerialTaken, exitInternal, "nothing was issued; the machine's random source is broken"},
	{ca.ErrEnded, exitRefused, renewAdvice},
	{tsa.ErrClockBackwards, exitRefused, "set the clock right"},
	{tsa.ErrCertificate, exitRefused, ""},
	{tsa.ErrSigner, exitRefused, ""},
	{tsa.ErrOutside, exitRefused, "nothing was sealed"},
	{ca.ErrBadRequest, exitBadInput, ""},
	{approval.ErrNotFound, exitBadInput, ""},
	{approval.ErrNoRight, exitNoRight, "an officer's key is given by --officer-key-file"},
	{approval.ErrSameOfficer, exitNoRight, ""},
	{approval.ErrRefused, exitRefused, ""},
	{approval.ErrNotGranted, exitRefused, ""},
	{approval.ErrDecided, exitRefused, ""},
	{approval.ErrExpired, exitRefused, ""},
	{approval.ErrTooMany, exitRefused, ""},
	{approval.ErrChanged, exitRefused, ""},
	{approval.ErrClock, exitRefused, ""},
	{escrow.ErrNotFound, exitBadInput, ""},
	{escrow.ErrRefused, exitRefused, ""},
	{agency.ErrUnauthenticated, exitNoRight, ""},
	{agency.ErrNetwork, exitNoRight, ""},
	{ca.ErrNotHeld, exitRefused, ""},
	{crl.ErrNoList, exitBadInput, ""},
	{crl.ErrClockBackwards, exitRefused, "set the clock; the lists that were published stand"},
	{crl.ErrEnded, exitRefused, ""},
	{certs.ErrRollback, exitRefused, "get the newest lists from a province of the scheme"},
	{certs.ErrTrustExpired, exitRefused, "get the newest lists from a province of the scheme"},
	{certs.ErrCannotFollow, exitRefused, "the lists between them are needed, and the sequence of a list with other keys is the next number"},
	{certs.ErrTakenBack, exitRefused, ""},
	{certs.ErrTwoLists, exitRefused, "ask the scheme's keepers which of them is theirs; nothing was changed"},
	{certs.ErrUnknownAnchor, exitRefused, ""},
	{certs.ErrSigned, exitRefused, ""},
	{certs.ErrNotAsked, exitRefused, ""},
	{certs.ErrSignature, exitRefused, ""},
	{trust.ErrRefused, exitRefused, ""},
	{trust.ErrNotTrusted, exitRefused, ""},
	{trust.ErrStale, exitRefused, ""},
	{trust.ErrChanged, exitRefused, "try again"},
	{trust.ErrNoKey, exitRefused, "yinxin ca renew scheme where that key has ended, else yinxin ca renew services"},
	{trust.ErrNotNamed, exitRefused, "have the scheme's keepers add this province's bundle to the next list"},
	{ceremony.ErrRefused, exitRefused, ""},
	{ceremony.ErrExists, exitRefused, "name a new folder"},
	{ceremony.ErrNoKey, exitBadInput, "yinxin trust key makes one"},
	{certs.ErrMalformed, exitBadInput, ""},
	{license.ErrNotFound, exitBadInput, ""},
	{license.ErrNoRight, exitNoRight, ""},
	{license.ErrRefused, exitRefused, ""},
	{license.ErrExists, exitRefused, ""},
	{license.ErrChanged, exitRefused, ""},
}
