// Package status is what a region says, signed, about its seals and licences
// (protocol.md 5): the payloads of the statements seal-status, seal-list,
// licence-status and status-list.
//
// An office fills one of these structs, calls its Validate, and signs it with
// certs.SignStatement under the Type... constant; a verifier decodes the payload
// into the same struct and calls Validate before it believes a word of it. Both
// sides thus refuse the same things. The package knows nothing of trust.
package status

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// The statement types of protocol.md 1 whose payloads stand here.
const (
	TypeSealStatus    = "seal-status"
	TypeSealList      = "seal-list"
	TypeLicenceStatus = "licence-status"
	TypeStatusList    = "status-list"
)

const (
	// MaxIntervals stops a signer's runaway register, or a stolen status key,
	// from making every verifier walk a history without end.
	MaxIntervals = 1000
	// MaxListed bounds the seals of one seal list: a province has some ten
	// thousand agencies, a few seals each.
	MaxListed = 1_000_000
	// MaxNonce stops a caller from having the region sign text of its choice.
	MaxNonce = 64
)

// Head is what every signed statement has (protocol.md 1). Times are UTC.
type Head struct {
	Iss string    `json:"iss"`
	Iat time.Time `json:"iat"`
	Exp time.Time `json:"exp"`
}

func (h Head) validate() error {
	switch {
	case h.Iss == "":
		return errors.New("the statement does not say which region makes it")
	case h.Iat.IsZero() || h.Exp.IsZero():
		return errors.New("the statement lacks its time of issue or its end")
	case !h.Exp.After(h.Iat):
		return errors.New("the statement ends before it begins")
	}
	return nil
}

func validSM3(s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != s {
		return fmt.Errorf("%q is not an SM3 value in lower-case hex", clip(s))
	}
	return nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
