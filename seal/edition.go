package seal

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"yinxin/verify/status"
)

// Digest is an SM3 that shows as hex.
type Digest [32]byte

// MarshalText gives its 64 hex digits.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads them, in lower case alone: hex has one spelling here.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("%d characters are no SM3 in hex", len(text))
	}
	var out Digest
	if _, err := hex.Decode(out[:], text); err != nil {
		return fmt.Errorf("no SM3 in hex: %w", err)
	}
	if again, _ := out.MarshalText(); string(again) != string(text) {
		return fmt.Errorf("an SM3 in hex has small letters")
	}
	*d = out
	return nil
}

// MaxEditions bounds a seal's row: with a certificate of a year each they last a
// century, and one changed in a loop does not fill the disk.
const MaxEditions = 100

// Edition is a SESeal that a seal had, under its code: a change makes the next one
// (变更), and this one is replaced from that moment on.
type Edition struct {
	Number     int       `cbor:"1,keyasint" json:"edition"`
	SM3        Digest    `cbor:"2,keyasint" json:"sm3"`
	Name       string    `cbor:"3,keyasint" json:"name"`
	ValidFrom  time.Time `cbor:"4,keyasint" json:"validFrom"`
	ValidTo    time.Time `cbor:"5,keyasint" json:"validTo"`
	KeyID      string    `cbor:"6,keyasint" json:"keyId"`
	CertSerial string    `cbor:"7,keyasint" json:"certificateSerial"`
	WidthMM    int       `cbor:"8,keyasint" json:"widthMm"`
	HeightMM   int       `cbor:"9,keyasint" json:"heightMm"`
	Made       time.Time `cbor:"10,keyasint" json:"made"`
	Replaced   time.Time `cbor:"11,keyasint,omitzero" json:"replaced,omitzero"` // zero: it is the present one
}

// present is the edition that the row itself tells of.
func (s Seal) present() Edition {
	made := s.EditionMade
	if made.IsZero() {
		made = s.Made
	}
	return Edition{Number: max(s.Edition, 1), SM3: s.SM3, Name: s.Name, ValidFrom: s.ValidFrom, ValidTo: s.ValidTo, KeyID: s.KeyID, CertSerial: s.CertSerial,
		WidthMM: s.WidthMM, HeightMM: s.HeightMM, Made: made}
}

// Editions are all that the seal ever had, the present one last.
func (s Seal) Editions() []Edition { return append(slices.Clip(s.Earlier), s.present()) }

// edition finds the one of a SESeal.
func (s Seal) edition(sum [32]byte) (Edition, bool) {
	all := s.Editions()
	i := slices.IndexFunc(all, func(e Edition) bool { return e.SM3 == sum })
	if i < 0 {
		return Edition{}, false
	}
	return all[i], true
}

// as gives the row as it stood under an edition: what a stamp of that time is laid
// out from.
func (s Seal) as(e Edition) Seal {
	s.Edition, s.EditionMade, s.SM3, s.Name, s.ValidFrom, s.ValidTo = e.Number, e.Made, e.SM3, e.Name, e.ValidFrom, e.ValidTo
	s.KeyID, s.CertSerial, s.WidthMM, s.HeightMM = e.KeyID, e.CertSerial, e.WidthMM, e.HeightMM
	return s
}

// IntervalsOf is when an edition was not in force. A freeze is of the seal, whichever
// edition it has; so is its end, and a compromise as of a time before the change says
// more of the old edition than that it was replaced.
func (s Seal) IntervalsOf(e Edition) []status.Interval {
	if e.Replaced.IsZero() {
		return s.Intervals
	}
	out := until(s.Intervals, e.Replaced)
	if n := len(out); n > 0 && out[n-1].Ended() {
		out[n-1].To = time.Time{} // an end has none (until gave it one)
		return out
	}
	return append(out, status.Interval{State: status.SealReplaced, From: e.Replaced})
}

// Listed tells whether a seal list says anything of the seal.
func (s Seal) Listed() bool { return len(s.Intervals) > 0 || len(s.Earlier) > 0 }
