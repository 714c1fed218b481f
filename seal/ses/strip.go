package ses

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A register keeps a stamp without what is the same in many: its seal, the
// certificate in it, and the certificates of the time-stamp authority (protocol.md
// 8). The stripped form is the number of parts, for each the four octets of its
// offset in the stamp, and the rest of the stamp.
const (
	maxParts = 8
	notTaken = math.MaxUint32 // the offset of a part that is not in the stamp
)

// Strip takes parts out of a stamp, which stand in it in this order; one that is
// not found stays.
func Strip(stamp []byte, parts ...[]byte) []byte {
	out := make([]byte, 1, len(stamp))
	out[0] = byte(len(parts))
	rest, pos := make([][2]int, 0, maxParts+1), 0
	for _, p := range parts {
		at := -1
		if len(p) > 0 {
			at = bytes.Index(stamp[pos:], p)
		}
		if at < 0 {
			out = binary.BigEndian.AppendUint32(out, notTaken)
			continue
		}
		out = binary.BigEndian.AppendUint32(out, uint32(pos+at))
		rest = append(rest, [2]int{pos, pos + at})
		pos += at + len(p)
	}
	for _, r := range append(rest, [2]int{pos, len(stamp)}) {
		out = append(out, stamp[r[0]:r[1]]...)
	}
	return out
}

// Restore puts the same parts back: Restore of Strip is the stamp.
func Restore(stripped []byte, parts ...[]byte) ([]byte, error) {
	if len(stripped) == 0 || int(stripped[0]) != len(parts) || len(parts) > maxParts || len(stripped) < 1+4*len(parts) {
		return nil, malformed("stripped stamp")
	}
	offsets, rest := stripped[1:1+4*len(parts)], stripped[1+4*len(parts):]
	var out []byte
	for i, p := range parts {
		at := int64(binary.BigEndian.Uint32(offsets[4*i:]))
		if at == notTaken {
			continue
		}
		before := at - int64(len(out))
		if before < 0 || before > int64(len(rest)) || at+int64(len(p)) > MaxStamp {
			return nil, malformed("stripped stamp")
		}
		out = append(append(out, rest[:before]...), p...)
		rest = rest[before:]
	}
	return append(out, rest...), nil
}
