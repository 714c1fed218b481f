package certs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Why a bundle is refused, where a caller branches on it.
var (
	// ErrTrustExpired: a list has ended; the Trust that comes with it is good
	// for looking at. A verdict under an ended scheme list, or on what a region
	// with an ended list vouches for, is cannot_confirm.
	ErrTrustExpired = errors.New("the trust list has expired")
	// ErrUnknownAnchor: anchors were given and the bundle begins with none of them.
	ErrUnknownAnchor = errors.New("the trust bundle does not lead to the given trust anchor")
	// ErrRollback: a list with a higher sequence has been seen.
	ErrRollback = errors.New("the trust list is older than one seen before")
	// ErrCannotFollow: the sequence rises by exactly 1 where keys or k change, and
	// by 1 to 1,000 otherwise (protocol.md 3).
	ErrCannotFollow = fmt.Errorf("%w: a scheme list cannot follow the one before it", ErrMalformed)
)

// MaxBundle bounds a bundle's file.
const MaxBundle = 32 << 20

// maxHistoryLists bounds the changes of keys a bundle may lead through.
const maxHistoryLists = 64

// maxSequenceStep is how far a sequence may rise between lists with the same
// keys (protocol.md 3).
const maxSequenceStep = 1000

// Bundle is a scheme list with the region lists that it names, and the earlier
// scheme lists that lead to it from an older anchor (trust.json).
type Bundle struct {
	History []json.RawMessage `json:"history,omitempty"` // oldest first
	Scheme  json.RawMessage   `json:"scheme"`
	Regions []json.RawMessage `json:"regions"`
}

// ParseBundle reads the file; Open checks what is in it.
func ParseBundle(b []byte) (*Bundle, error) {
	if len(b) > MaxBundle {
		return nil, malformed("trust bundle: too long")
	}
	var out Bundle
	if err := strictJSON(b, &out); err != nil {
		return nil, fmt.Errorf("trust bundle: %w", err)
	}
	if len(out.Scheme) == 0 || len(out.History) > maxHistoryLists || len(out.Regions) > maxRegions {
		return nil, malformed("trust bundle")
	}
	return &out, nil
}

// ParseSchemeOrBundle reads a bundle, or a scheme list alone as a bundle without
// region lists.
func ParseSchemeOrBundle(b []byte) (*Bundle, error) {
	bundle, err := ParseBundle(b)
	if err == nil {
		return bundle, nil
	}
	if st, serr := ParseStatement(b); serr == nil && st.Type == TypeSchemeList {
		return &Bundle{Scheme: b, Regions: []json.RawMessage{}}, nil
	}
	return nil, err
}

// Marshal writes the file.
func (b *Bundle) Marshal() ([]byte, error) { return json.MarshalIndent(b, "", " ") }

// TrustOptions say what is known beforehand. Anchors are fingerprints of the
// scheme's keys; Shipped those that came with the program. HighestSeen maps
// "scheme" and region codes to the highest sequence seen.
type TrustOptions struct {
	Anchors     []string
	Shipped     []string
	At          time.Time
	HighestSeen map[string]uint64
}

// scheme is a list with its envelope.
type scheme struct {
	statement *Statement
	list      SchemeList
	keys      []*Certificate
}

func openScheme(raw []byte) (*scheme, error) {
	st, err := ParseStatement(raw)
	if err != nil {
		return nil, fmt.Errorf("scheme list: %w", err)
	}
	return schemeOf(st)
}

func schemeOf(st *Statement) (*scheme, error) {
	s := &scheme{statement: st}
	if st.Type != TypeSchemeList {
		return nil, malformed("scheme list: another statement")
	}
	if err := st.Decode(&s.list); err != nil {
		return nil, err
	}
	if err := s.list.check(); err != nil {
		return nil, err
	}
	for _, der := range s.list.Keys {
		c, err := ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("scheme list: %w", err)
		}
		if !slices.Contains(c.EKUs, OIDEKUTrustList) {
			return nil, fmt.Errorf("scheme list: %w: %s", ErrKeyUsage, c.Subject)
		}
		// Under two certificates too: its holder would count twice.
		if slices.ContainsFunc(s.keys, func(k *Certificate) bool { return bytes.Equal(k.RawSPKI, c.RawSPKI) }) {
			return nil, malformed("scheme list: a key stands twice")
		}
		s.keys = append(s.keys, c)
	}
	return s, nil
}

// signaturesBy counts the keys of by that signed s, each at most once and each
// valid when the list was made.
func (s *scheme) signaturesBy(by *scheme) (n int) {
	for _, c := range by.keys {
		if c.sound(s.list.Iat) == nil && s.statement.SignedBy(c) == nil {
			n++
		}
	}
	return n
}

func (s *scheme) signedByEnough(by *scheme) error {
	if n := s.signaturesBy(by); n < by.list.K {
		return fmt.Errorf("scheme list %d: %w: %d of %d signatures", s.list.Sequence, ErrSignature, n, by.list.K)
	}
	return nil
}

// follows checks list N+1 against list N: protocol.md 3.
func (s *scheme) follows(before *scheme) error {
	if err := s.signedByEnough(before); err != nil {
		return err
	}
	return s.mayFollow(before)
}

// mayFollow is what follows asks but the signatures.
func (s *scheme) mayFollow(before *scheme) error {
	a, err := before.list.Anchor()
	if err != nil {
		return err
	}
	b, err := s.list.Anchor()
	if err != nil {
		return err
	}
	step := s.list.Sequence - before.list.Sequence
	if s.list.Sequence <= before.list.Sequence || a != b && step != 1 || step > maxSequenceStep {
		return fmt.Errorf("%w: scheme list %d after %d", ErrCannotFollow, s.list.Sequence, before.list.Sequence)
	}
	return nil
}

// chain opens the history and the scheme list, each following the one before.
func (b *Bundle) chain() ([]*scheme, error) {
	var out []*scheme
	for _, raw := range append(slices.Clone(b.History), b.Scheme) {
		s, err := openScheme(raw)
		if err != nil {
			return nil, err
		}
		if err := s.signedByEnough(s); err != nil {
			return nil, err
		}
		if len(out) > 0 {
			if err := s.follows(out[len(out)-1]); err != nil {
				return nil, err
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// Anchor is the fingerprint of the keys of the newest scheme list.
func (b *Bundle) Anchor() (string, error) {
	s, err := openScheme(b.Scheme)
	if err != nil {
		return "", err
	}
	return s.list.Anchor()
}

// Anchors are the fingerprints of the keys that its lists have had, oldest first:
// whoever trusts any of them is led to its scheme list.
func (b *Bundle) Anchors() (out []string, err error) {
	for _, raw := range append(slices.Clone(b.History), b.Scheme) {
		s, err := openScheme(raw)
		if err != nil {
			return nil, err
		}
		a, err := s.list.Anchor()
		if err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1] != a {
			out = append(out, a)
		}
	}
	return out, nil
}

// From gives the bundle without the lists that come before an anchor.
func (b *Bundle) From(anchor string) (*Bundle, error) {
	lists, err := b.chain()
	if err != nil {
		return nil, err
	}
	if _, lists, err = anchored(lists, TrustOptions{Anchors: []string{anchor}}); err != nil {
		return nil, err
	}
	out := *b
	out.History = b.History[len(b.History)+1-len(lists):]
	return &out, nil
}

// Named gives the bundle without the lists of regions that its scheme list names no
// more, or by other keys. Who keeps lists keeps those too, to remember what was said.
func (b *Bundle) Named() (*Bundle, error) {
	s, err := openScheme(b.Scheme)
	if err != nil {
		return nil, err
	}
	out := &Bundle{History: b.History, Scheme: b.Scheme, Regions: []json.RawMessage{}}
	for _, raw := range b.Regions {
		if _, _, err := readRegion(raw, &s.list); err == nil {
			out.Regions = append(out.Regions, raw)
		}
	}
	return out, nil
}

// Anchored tells where first trust came from.
const (
	AnchorShipped = "shipped"
	AnchorGiven   = "trust anchor"
	AnchorCaller  = "given by caller" // nothing but the caller's word for the bundle
)

// Open checks every signature of the bundle and gives the trust it grants. With
// anchors, one of them must be the keys of a list of the bundle; without, the
// bundle is taken at the caller's word. An expired list gives a Trust together
// with ErrTrustExpired.
func (b *Bundle) Open(o TrustOptions) (*Trust, error) {
	lists, err := b.chain()
	if err != nil {
		return nil, err
	}
	t := &Trust{Regions: map[string]*Region{}}
	if t.Anchor, lists, err = anchored(lists, o); err != nil {
		return nil, err
	}
	newest := lists[len(lists)-1]
	t.SchemeSequence, t.SchemeExpires = newest.list.Sequence, newest.list.Exp
	if newest.list.Sequence < o.HighestSeen[SchemeIssuer] {
		return nil, fmt.Errorf("%w: scheme list %d, seen %d", ErrRollback, newest.list.Sequence, o.HighestSeen[SchemeIssuer])
	}
	t.Expired = o.At.After(newest.list.Exp)
	for _, raw := range b.Regions {
		r, err := openRegion(raw, &newest.list)
		if err != nil {
			return nil, err
		}
		if r.Sequence < o.HighestSeen[r.Code] {
			return nil, fmt.Errorf("%w: list %d of region %s, seen %d", ErrRollback, r.Sequence, r.Code, o.HighestSeen[r.Code])
		}
		if _, twice := t.Regions[r.Code]; twice {
			return nil, malformed("trust bundle: two lists of one region")
		}
		r.Expired = o.At.After(r.Expires)
		t.Expired = t.Expired || r.Expired
		t.Regions[r.Code] = r
	}
	if t.Expired {
		return t, ErrTrustExpired
	}
	return t, nil
}

// anchored finds the list that a known anchor fits; only what follows it counts.
func anchored(lists []*scheme, o TrustOptions) (string, []*scheme, error) {
	for i, s := range lists {
		fingerprint, err := s.list.Anchor()
		if err != nil {
			return "", nil, err
		}
		match := func(a string) bool { return strings.EqualFold(a, fingerprint) }
		switch {
		case slices.ContainsFunc(o.Anchors, match):
			return AnchorGiven, lists[i:], nil
		case len(o.Anchors) == 0 && slices.ContainsFunc(o.Shipped, match):
			return AnchorShipped, lists[i:], nil
		}
	}
	if len(o.Anchors) > 0 {
		return "", nil, ErrUnknownAnchor
	}
	return AnchorCaller, lists, nil
}

func openRegion(raw []byte, s *SchemeList) (*Region, error) {
	l, st, err := readRegion(raw, s)
	if err != nil {
		return nil, err
	}
	return newRegion(l, st)
}

// readRegion checks a region list against the scheme list that names its signer.
func readRegion(raw []byte, s *SchemeList) (l RegionList, st *Statement, err error) {
	if l, st, err = parseRegion(raw); err != nil {
		return l, nil, err
	}
	if err := l.namedBy(s, st); err != nil {
		return l, nil, err
	}
	return l, st, nil
}

// parseRegion reads a region list; who signed it is still to be asked.
func parseRegion(raw []byte) (l RegionList, st *Statement, err error) {
	st, err = ParseStatement(raw)
	if err != nil {
		return l, nil, fmt.Errorf("region list: %w", err)
	}
	if st.Type != TypeRegionList {
		return l, nil, malformed("region list: another statement")
	}
	if err := st.Decode(&l); err != nil {
		return l, nil, err
	}
	return l, st, l.check()
}

// namedBy checks that a key signed the list that the scheme names for its region.
func (l *RegionList) namedBy(s *SchemeList, st *Statement) error {
	i := slices.IndexFunc(s.Regions, func(r SchemeRegion) bool { return r.Code == l.Iss })
	if i < 0 {
		return fmt.Errorf("region list: %w: the scheme does not name region %s", ErrUnknownIssuer, l.Iss)
	}
	signed := false
	for _, der := range s.Regions[i].Keys {
		c, err := ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("region list: %w", err)
		}
		signed = signed || slices.Contains(c.EKUs, OIDEKUTrustList) && c.sound(l.Iat) == nil && st.SignedBy(c) == nil
	}
	if !signed {
		return fmt.Errorf("region list of %s: %w", l.Iss, ErrSignature)
	}
	return nil
}
