package certs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrTwoLists: somebody signed two lists with one sequence. Which of them others
// have seen is not to be known, so neither replaces the one at hand.
var ErrTwoLists = errors.New("two different lists bear the same sequence")

// Advance gives the bundle that b, which is trusted, becomes by what next brings: a
// scheme list that follows b's over lists that follow one another, and newer lists
// of its regions. b and next are unchanged. ErrRollback tells that next is older in
// some part and newer in none.
func (b *Bundle) Advance(next *Bundle) (*Bundle, error) {
	have, err := b.chain()
	if err != nil {
		return nil, err
	}
	news, err := next.chain()
	if err != nil {
		return nil, err
	}
	last := have[len(have)-1].list.Sequence
	older := news[len(news)-1].list.Sequence < last
	chain, err := join(have, news)
	if err != nil {
		return nil, err
	}
	chain = shorten(chain)
	newest := chain[len(chain)-1]
	if len(chain) > maxHistoryLists+1 {
		return nil, malformed("trust bundle: the keys have changed too often since the anchor; trust a newer one")
	}
	r := regionLists{scheme: &newest.list, at: map[string]regionList{}, seen: map[string]regionList{}}
	if err := r.join(b.Regions, next.Regions); err != nil {
		return nil, err
	}
	if risen := r.risen || newest.list.Sequence > last; !risen && (older || r.fallen) {
		return nil, fmt.Errorf("%w: scheme list %d, seen %d", ErrRollback, news[len(news)-1].list.Sequence, last)
	}
	out := &Bundle{Scheme: newest.statement.Raw, Regions: r.raws()}
	for _, s := range chain[:len(chain)-1] {
		out.History = append(out.History, s.statement.Raw)
	}
	return out, nil
}

// join appends to a chain the lists of another that come after its last.
func join(have, news []*scheme) ([]*scheme, error) {
	out := slices.Clone(have)
	for _, s := range news {
		last := out[len(out)-1]
		switch {
		case s.list.Sequence < last.list.Sequence:
			continue
		case s.list.Sequence == last.list.Sequence:
			if !bytes.Equal(s.statement.Payload, last.statement.Payload) {
				return nil, fmt.Errorf("%w: scheme list %d", ErrTwoLists, s.list.Sequence)
			}
			continue
		}
		if err := s.follows(last); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// shorten leaves out the lists that a chain holds together without: of each set of
// keys the first and the last stay, for the change of keys is from one list to the
// very next.
func shorten(chain []*scheme) []*scheme {
	var out []*scheme
	for _, s := range chain {
		for n := len(out); n > 0 && out[n-1].sameKeys(s) && (n == 1 || s.follows(out[n-2]) == nil); n = len(out) {
			out = out[:n-1]
		}
		out = append(out, s)
	}
	return out
}

func (s *scheme) sameKeys(o *scheme) bool {
	a, err := s.list.keySet()
	b, err2 := o.list.keySet()
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

type regionList struct {
	list    RegionList
	payload []byte
	raw     json.RawMessage
}

// regionLists are the newest lists of the regions that a scheme list names.
type regionLists struct {
	scheme *SchemeList
	at     map[string]regionList
	// seen are those at hand, whoever may sign for the region by now: a new key, or
	// being dropped for a while, is no way to take anything back.
	seen          map[string]regionList
	risen, fallen bool
}

func (r *regionLists) join(had, news []json.RawMessage) error {
	for _, raw := range had {
		l, st, err := parseRegion(raw)
		if err != nil {
			return err
		}
		kept := regionList{l, st.Payload, raw}
		r.seen[l.Iss] = kept
		if l.namedBy(r.scheme, st) == nil {
			r.at[l.Iss] = kept
		}
	}
	for _, raw := range news {
		if err := r.take(raw); err != nil {
			return err
		}
	}
	return nil
}

// take is a list of the news.
func (r *regionLists) take(raw json.RawMessage) error {
	l, st, err := readRegion(raw, r.scheme)
	if err != nil {
		return err
	}
	was, known := r.seen[l.Iss]
	_, stands := r.at[l.Iss]
	same := known && bytes.Equal(st.Payload, was.payload)
	switch {
	case known && l.Sequence < was.list.Sequence:
		r.fallen = true
		return nil
	case known && l.Sequence == was.list.Sequence && !same:
		return fmt.Errorf("%w: list %d of region %s", ErrTwoLists, l.Sequence, l.Iss)
	case same && stands:
		return nil
	case known:
		if err := l.keeps(&was.list); err != nil {
			return err
		}
	}
	if _, err := newRegion(l, st); err != nil { // its certificates can be read
		return err
	}
	r.risen = true
	r.seen[l.Iss] = regionList{l, st.Payload, raw}
	r.at[l.Iss] = r.seen[l.Iss]
	return nil
}

// raws are in the order of the scheme list.
func (r *regionLists) raws() []json.RawMessage {
	out := []json.RawMessage{}
	for _, named := range r.scheme.Regions {
		if l, ok := r.at[named.Code]; ok {
			out = append(out, l.raw)
		}
	}
	return out
}
