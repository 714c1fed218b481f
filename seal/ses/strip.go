package ses

import (
	"bytes"
	"encoding/binary"

	"github.com/emmansun/gmsm/sm3"
)

// A register keeps a stamp without its seal, since the seal is the same in
// each and most of the bytes (protocol.md 8). The stripped form is the offset
// of the seal, four octets, and the rest of the stamp.
const stripHeader = 4

// Strip takes the seal out of a stamp and gives its SM3.
func Strip(stamp []byte) (stripped []byte, sealSM3 [32]byte, err error) {
	s, err := ParseStamp(stamp)
	if err != nil {
		return nil, sealSM3, err
	}
	at := bytes.Index(stamp, s.Seal.Raw)
	if at < 0 {
		return nil, sealSM3, malformed("stamp: its seal is not in it")
	}
	return strip(stamp, at, len(s.Seal.Raw)), sm3.Sum(s.Seal.Raw), nil
}

// StripKnown is Strip for whoever built the stamp and so knows the seal.
func StripKnown(stamp, seal []byte) ([]byte, error) {
	// The seal stands behind two headers and the version.
	const near = 64
	at := bytes.Index(stamp[:min(len(stamp), near+len(seal))], seal)
	if at < 0 {
		return nil, malformed("stamp: its seal is not in it")
	}
	return strip(stamp, at, len(seal)), nil
}

func strip(stamp []byte, at, n int) []byte {
	out := make([]byte, 0, stripHeader+len(stamp)-n)
	out = binary.BigEndian.AppendUint32(out, uint32(at))
	return append(append(out, stamp[:at]...), stamp[at+n:]...)
}

// Restore puts the seal back: Restore of Strip is the stamp.
func Restore(stripped, seal []byte) ([]byte, error) {
	if len(stripped) < stripHeader {
		return nil, malformed("stripped stamp")
	}
	at := int64(binary.BigEndian.Uint32(stripped))
	rest := stripped[stripHeader:]
	if at > int64(len(rest)) || len(rest)+len(seal) > MaxStamp {
		return nil, malformed("stripped stamp")
	}
	return bytes.Join([][]byte{rest[:at], seal, rest[at:]}, nil), nil
}
