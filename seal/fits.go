package seal

import (
	"fmt"
	"slices"
)

// only says in which formats a wish of an order has a meaning. A wish that would be
// passed over would be taken for fulfilled.
var only = []struct {
	what    string
	asked   func(*StampRequest) bool
	formats []string
	why     string
}{
	{"a keyword", func(r *StampRequest) bool { return r.Placement.Keyword != nil }, []string{formatPDF, formatOFD}, "it has no text on pages that could be searched"},
	{"a riding seal", func(r *StampRequest) bool { return r.Placement.Riding != nil }, []string{formatPDF, formatOFD}, "it has no pages that a seal could ride on"},
	{"profile cms", func(r *StampRequest) bool { return r.Order.Profile == ProfileCMS }, []string{formatPDF}, "its stamps are SES_Signature and nothing else"},
	{"level LT or LTA", func(r *StampRequest) bool { return r.Order.Level == LevelLT || r.Order.Level == LevelLTA }, []string{formatPDF}, "it has no place for evidence"},
	{"level B", func(r *StampRequest) bool { return r.Order.Level == LevelB }, []string{formatPDF, formatOFD}, "its stamps are time-stamped"},
	{"certification", func(r *StampRequest) bool { return r.Order.Certify != 0 }, []string{formatPDF}, "protect is what it has"},
	{"a field lock", func(r *StampRequest) bool { return r.Order.Lock != nil }, []string{formatPDF}, "it has no form"},
	{"a printed code", func(r *StampRequest) bool { return r.Order.Mark != nil }, []string{formatPDF}, "a stamp adds nothing to its content; print the code before it is sealed"},
	{"protect", func(r *StampRequest) bool { return r.Order.Protect != "" }, []string{formatOFD}, "it is for OFD"},
	{"a companion signature", func(r *StampRequest) bool { return r.Order.Companion }, []string{formatPDF}, "it has no place for one"},
}

// fits refuses what a format does not know.
func (r *StampRequest) fits(format string) error {
	for _, o := range only {
		if o.asked(r) && !slices.Contains(o.formats, format) {
			return fmt.Errorf("%w: %s is not to be had for %s: %s", ErrOrder, o.what, format, o.why)
		}
	}
	return nil
}

// kept is the order as the register keeps it: nil for the ordinary stamp.
func (o Order) kept() *Order {
	if o == (Order{}) {
		return nil
	}
	return &o
}
