package status

import (
	"errors"
	"fmt"
	"time"
)

// LicenceState is the state of a licence; its number is what the four bits of a
// status list hold (protocol.md 5).
type LicenceState string

const (
	LicenceValid       LicenceState = "valid"
	LicenceRevoked     LicenceState = "revoked"     // 吊销
	LicenceSuspended   LicenceState = "suspended"   // 暂扣
	LicenceCancelled   LicenceState = "cancelled"   // 注销
	LicenceSuperseded  LicenceState = "superseded"  // a newer version
	LicenceTransferred LicenceState = "transferred" // 转出
	LicenceWithdrawn   LicenceState = "withdrawn"   // 撤销
	LicenceUnknown     LicenceState = "unknown"     // not in the register; never in a list
)

var licenceStates = [...]LicenceState{
	LicenceValid, LicenceRevoked, LicenceSuspended, LicenceCancelled,
	LicenceSuperseded, LicenceTransferred, LicenceWithdrawn,
}

// LicenceStateOf turns four bits of a status list into a state; an unassigned
// number is not ok, and never taken for valid.
func LicenceStateOf(nibble byte) (LicenceState, bool) {
	if int(nibble) >= len(licenceStates) {
		return LicenceUnknown, false
	}
	return licenceStates[nibble], true
}

// Nibble is the number of the state in a status list.
func (s LicenceState) Nibble() (byte, bool) {
	for n, known := range licenceStates {
		if s == known {
			return byte(n), true
		}
	}
	return 0, false
}

// LicenceStatus answers what the state of a licence is, as known at AsOf.
type LicenceStatus struct {
	Head
	Identifier   string       `json:"identifier"` // GB/T 36904, root included
	State        LicenceState `json:"state"`
	StateSince   time.Time    `json:"stateSince,omitzero"`
	AsOf         time.Time    `json:"asOf"`
	Nonce        string       `json:"nonce,omitempty"`
	SupersededBy string       `json:"supersededBy,omitempty"`
	Version      uint64       `json:"version"`
}

// Validate refuses an answer that contradicts itself.
func (l LicenceStatus) Validate() error {
	if err := l.Head.validate(); err != nil {
		return err
	}
	if l.Identifier == "" {
		return errors.New("the licence status names no licence")
	}
	if _, ok := l.State.Nibble(); !ok && l.State != LicenceUnknown {
		return fmt.Errorf("%q is no state of a licence", clip(string(l.State)))
	}
	if l.AsOf.IsZero() || l.AsOf.After(l.Iat) {
		return errors.New("the licence status was signed before what it tells was known")
	}
	if l.StateSince.After(l.AsOf) {
		return errors.New("the licence status tells a change after it was known")
	}
	if l.SupersededBy != "" && l.State != LicenceSuperseded {
		return errors.New("the licence status names a successor of a licence that has none")
	}
	if len(l.Nonce) > MaxNonce {
		return fmt.Errorf("the nonce is longer than %d characters", MaxNonce)
	}
	return nil
}

// ShardSize is how many positions one shard of the status list has.
const ShardSize = 1 << 20

// StatusList is one shard of a region's licences, four bits each.
type StatusList struct {
	Head
	Shard  uint32    `json:"shard"`
	Number uint64    `json:"number"` // only rises
	AsOf   time.Time `json:"asOf"`
	Count  int       `json:"count"` // positions that Bits holds
	Bits   []byte    `json:"bits"`  // zlib of the nibbles, least significant first; base64 in the JSON
}

// Validate refuses a list that contradicts itself. What Bits inflates to is for
// license/statuslist, which has the limit for it.
func (l StatusList) Validate() error {
	if err := l.Head.validate(); err != nil {
		return err
	}
	if l.Count <= 0 || l.Count > ShardSize {
		return fmt.Errorf("a status list has 1 to %d positions", ShardSize)
	}
	if l.AsOf.IsZero() || l.AsOf.After(l.Iat) {
		return errors.New("the status list was signed before what it tells was known")
	}
	if len(l.Bits) == 0 {
		return errors.New("the status list is empty")
	}
	return nil
}
