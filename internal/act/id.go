package act

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// ID is a UUID version 7 (RFC 9562 5.7): time-ordered, so that neighbouring
// acts land on neighbouring pages of the store (protocol.md 8).
type ID [16]byte

// NewID makes an id for now, at millisecond resolution.
func NewID(now time.Time, random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		return ID{}, fmt.Errorf("id: %w", err)
	}
	ms := now.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

// Time is the millisecond the id was made.
func (id ID) Time() time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

// String gives the usual 8-4-4-4-12 form.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// MarshalText and UnmarshalText let an ID stand in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// MarshalBinary keeps an ID 16 octets in CBOR, where text would be 36.
func (id ID) MarshalBinary() ([]byte, error) { return id[:], nil }

// UnmarshalBinary reads what MarshalBinary wrote.
func (id *ID) UnmarshalBinary(b []byte) error {
	if len(b) != len(id) {
		return errBadID
	}
	copy(id[:], b)
	return nil
}

var errBadID = errors.New("not an id: want a UUID of 36 characters")

// ParseID reads the canonical lower-case form only, so that one id has one
// spelling in registers and URLs.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, errBadID
	}
	b, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return id, errBadID
	}
	copy(id[:], b)
	if id.String() != s || id[6]>>4 != 7 || id[8]>>6 != 2 {
		return ID{}, errBadID
	}
	return id, nil
}
