package act

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 123e6, time.UTC)

// counting gives 0, 1, 2, ... as random octets.
type counting byte

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(*c)
		*c++
	}
	return len(b), nil
}

func TestAnIDIsAUUIDOfItsMillisecond(t *testing.T) {
	id, err := NewID(noon, new(counting))
	if err != nil {
		t.Fatal(err)
	}
	if want := "01a20bb5-e67b-7001-8203-040506070809"; id.String() != want {
		t.Errorf("%s, want %s", id, want)
	}
	if !id.Time().Equal(noon) {
		t.Errorf("its time is %s", id.Time())
	}
	if back, err := ParseID(id.String()); err != nil || back != id {
		t.Error(back, err)
	}
	b, err := json.Marshal(map[string]ID{"id": id})
	if err != nil || string(b) != `{"id":"`+id.String()+`"}` {
		t.Errorf("%s %v", b, err)
	}
	if _, err := NewID(noon, iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
}

func TestIDsAreInTheOrderOfTime(t *testing.T) {
	var last ID
	for i := range 1000 {
		id, err := NewID(noon.Add(time.Duration(i)*time.Millisecond), rand.Reader)
		if err != nil || bytes.Compare(id[:], last[:]) <= 0 || id.String() <= last.String() && i > 0 {
			t.Fatal(id, "after", last, err)
		}
		last = id
	}
}

func TestAnIDHasOneSpelling(t *testing.T) {
	id, err := NewID(noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := id.String()
	for name, s := range map[string]string{
		"nothing": "", "upper case": strings.ToUpper(good), "braces": "{" + good + "}", "a URN": "urn:uuid:" + good, "no dashes": strings.ReplaceAll(good, "-", ""),
		"dashes elsewhere": good[:7] + "-" + good[7:8] + good[9:], "a space": good[:35] + " ", "longer": good + "0", "no hex": "g" + good[1:],
		"version 4": good[:14] + "4" + good[15:], "another variant": good[:19] + "c" + good[20:], "dashes as digits": good[:9] + "-" + good[10:],
	} {
		if s == good {
			continue // it has no letter
		}
		if got, err := ParseID(s); err == nil {
			t.Errorf("%s: %q is %s", name, s, got)
		}
	}
	var other ID
	if other.UnmarshalBinary(id[:15]) == nil || other.UnmarshalBinary(append(id[:], 0)) == nil || other.UnmarshalBinary(id[:]) != nil || other != id {
		t.Error("an id of another length")
	}
}

// The leaf's bytes are for ever: what is signed is their hash.
func TestTheBytesOfALeaf(t *testing.T) {
	l := Leaf{Version: 1, Act: "stamp.made", Time: 1764000000123, Subject: "52000000000001", Record: [32]byte{0xaa, 31: 0xbb}, Nonce: [16]byte{0xcc, 15: 0xdd}}
	got, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := "86" + "01" + "6a" + hex.EncodeToString([]byte("stamp.made")) + "1b0000019ab697e87b" + "6e" + hex.EncodeToString([]byte("52000000000001")) +
		"5820" + "aa" + strings.Repeat("00", 30) + "bb" + "50" + "cc" + strings.Repeat("00", 14) + "dd"
	if hex.EncodeToString(got) != want {
		t.Errorf("%x\nwant %s", got, want)
	}
	if h := LeafHash(got); h != sm3.Sum(append([]byte{0}, got...)) {
		t.Errorf("its hash is %x", h)
	}
	if back, err := ParseLeaf(got); err != nil || back != l {
		t.Error(back, err)
	}
}

// A leaf has one encoding: another could be shown to one and hidden from another.
func TestALeafIsReadStrictly(t *testing.T) {
	good, err := Leaf{Version: 1, Act: "a", Time: 5, Subject: "s"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	long, err := Leaf{Version: 1, Act: strings.Repeat("a", MaxLeaf-80), Time: 5}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) []byte {
		o, _ := hex.DecodeString(old)
		w, _ := hex.DecodeString(with)
		if !bytes.Contains(good, o) {
			t.Fatalf("%s is not in %x", old, good)
		}
		return bytes.Replace(good, o, w, 1)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut off": good[:len(good)-1], "something behind it": append(bytes.Clone(good), 0), "too long": append(long, make([]byte, 200)...),
		"a version to come": replace("8601", "8602"), "version 1 in two octets": replace("8601", "861801"), "an array without end": append(append([]byte{0x9f}, good[1:]...), 0xff),
		"a field less": append([]byte{0x85}, good[1:len(good)-17]...), "a field more": append(append([]byte{0x87}, good[1:]...), 0),
		"a time in two octets": replace("616105", "61611805"), "a short nonce": append(bytes.Clone(good[:len(good)-17]), append([]byte{0x4f}, make([]byte, 15)...)...),
		"a long nonce": append(bytes.Clone(good[:len(good)-17]), append([]byte{0x51}, make([]byte, 17)...)...), "a tag": append([]byte{0xc1}, good...),
	} {
		if l, err := ParseLeaf(b); err == nil {
			t.Errorf("%s: read as %+v", name, l)
		}
	}
	if _, err := (Leaf{Act: strings.Repeat("a", MaxLeaf)}).Encode(); err == nil {
		t.Error("a leaf longer than any may be was written")
	}
}

func TestALeafCommitsToItsRecord(t *testing.T) {
	type record struct {
		B string `cbor:"2,keyasint"`
		A int    `cbor:"1,keyasint"`
	}
	one, err := New(noon, rand.Reader, "test.act", "x", record{"b", 1})
	if err != nil {
		t.Fatal(err)
	}
	if one.Leaf.Record != sm3.Sum(one.Record) || one.Leaf.Time != noon.UnixMilli() || !one.ID.Time().Equal(noon) {
		t.Errorf("%+v", one.Leaf)
	}
	if want := "a20101026162"; hex.EncodeToString(one.Record) != want {
		t.Errorf("the record is %x, want %s", one.Record, want)
	}
	two, err := New(noon, rand.Reader, "test.act", "x", record{"b", 1})
	if err != nil || two.Leaf.Nonce == one.Leaf.Nonce || two.ID == one.ID {
		t.Error("the same record twice has one nonce", err)
	}
	for _, n := range []int64{0, 9, 10, 25} {
		if _, err := New(noon, io.LimitReader(rand.Reader, n), "test.act", "x", 1); err == nil {
			t.Errorf("an act of %d random octets", n)
		}
	}
	if _, err := New(noon, rand.Reader, "test.act", "x", func() {}); err == nil {
		t.Error("a record that cannot be kept")
	}
}

func TestARetrySlotIsOfOneOwnerAndKey(t *testing.T) {
	seen := map[[32]byte]Retry{}
	for _, r := range []Retry{{Owner: "a", Key: "bc"}, {Owner: "ab", Key: "c"}, {Owner: "", Key: "abc"}, {Owner: "abc"}, {Owner: "1", Key: ":a"}, {Owner: "1:", Key: "a"}, {Owner: "", Key: "1:a"}, {}} {
		if other, there := seen[r.Slot()]; there {
			t.Errorf("%+v and %+v share a slot", r, other)
		}
		seen[r.Slot()] = r
	}
	if (Retry{Owner: "a", Key: "b", Request: [32]byte{1}}).Slot() != (Retry{Owner: "a", Key: "b"}).Slot() {
		t.Error("the slot depends on the request")
	}
}

// What a store hands back was perhaps written by a thief.
func TestDecodeIsBounded(t *testing.T) {
	for name, b := range map[string][]byte{
		"nested":             append(bytes.Repeat([]byte{0x81}, 40), 0),
		"an array of 2^32":   {0x9a, 0xff, 0xff, 0xff, 0xff},
		"a text of 2^62":     {0x7b, 0x40, 0, 0, 0, 0, 0, 0, 0},
		"a key twice":        {0xa2, 1, 1, 1, 2},
		"something behind":   {1, 1},
		"invalid UTF-8":      {0x62, 0xff, 0xff},
		"a break of nothing": {0xff},
	} {
		var v any
		if err := Decode(b, &v); err == nil {
			t.Errorf("%s: read as %v", name, v)
		}
	}
}
