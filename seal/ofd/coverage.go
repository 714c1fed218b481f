package ofd

import (
	"fmt"
	"slices"
)

// judge finds what each stamp leaves out, and what came after it (protocol.md 2, OFD).
func (p *Package) judge(bodies []body, all []*Stamp) error {
	removed, err := p.unlisted(all)
	if err != nil {
		return err
	}
	for i, s := range all {
		if len(s.named) == 0 {
			continue // it could not be read
		}
		s.Whole = s.named[s.dir.list]
		o := others{own: map[string]bool{s.dir.file: true, s.dir.value: true, s.dir.list: true}, earlier: map[string]bool{}, later: map[string]bool{}}
		for k, other := range all {
			if k == i {
				continue
			}
			follows := s.follows(i, other, k)
			if follows {
				s.Later = append(s.Later, k)
			}
			for _, f := range other.dir.files() {
				if follows {
					o.later[f] = true
				} else {
					o.earlier[f] = true
				}
			}
		}
		for _, f := range removed {
			if s.named[f] {
				s.Removed = append(s.Removed, f)
			}
		}
		s.checkRelative(all[:i])
		if err := p.cover(s, bodies, o); err != nil {
			return err
		}
	}
	return nil
}

// follows tells whether another signature came after this one: it stands further
// down the list, or in another document's, and this one does not name it.
func (s *Stamp) follows(i int, other *Stamp, k int) bool {
	names := s.named[other.dir.file] || s.named[other.dir.value]
	if other.dir.body != s.dir.body {
		return !names
	}
	if k > i && names {
		s.Problems = append(s.Problems, "it names a signature that stands behind it in the list")
	}
	return k > i
}

// checkRelative: the signature that OFD 2.0's Relative names must stand before it.
func (s *Stamp) checkRelative(before []*Stamp) {
	if s.wantsAfter == "" {
		return
	}
	if !slices.ContainsFunc(before, func(b *Stamp) bool {
		return b.ID == s.wantsAfter && b.dir.body == s.dir.body && s.named[b.dir.file]
	}) {
		s.Problems = append(s.Problems, fmt.Sprintf("the signature %.40q that it follows is not there, or it does not name it", s.wantsAfter))
	}
}

// others are files that a stamp does not name with reason: its own, and those of
// the signatures before and after it.
type others struct{ own, earlier, later map[string]bool }

// cover sorts the files that a stamp does not name.
func (p *Package) cover(s *Stamp, bodies []body, o others) error {
	var rest []string
	for _, name := range p.Names() {
		switch {
		case s.named[name] || o.own[name]:
		case name == rootFile:
			if len(bodies) == 1 && s.named[bodies[0].root] {
				s.Unnamed = append(s.Unnamed, name)
			} else {
				s.Uncovered = append(s.Uncovered, name)
			}
		case o.earlier[name]:
			s.Unnamed = append(s.Unnamed, name)
		default:
			rest = append(rest, name)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	reached, err := p.reach(bodies)
	if err != nil {
		return err
	}
	for _, name := range rest {
		// A later signature may be added, and not in the place of a picture that was
		// missing.
		switch {
		case reached[name]:
			s.Uncovered = append(s.Uncovered, name)
		case !o.later[name]:
			s.Idle = append(s.Idle, name)
		}
	}
	return nil
}

// unlisted finds signatures that no list names: whoever takes a stamp off a package
// in which more may be added leaves its files, since a later one names them.
func (p *Package) unlisted(all []*Stamp) ([]string, error) {
	known := map[string]bool{}
	for _, s := range all {
		for _, f := range s.dir.files() {
			known[f] = true
		}
		known[s.dir.list] = true
	}
	var found []string
	for _, name := range p.Names() {
		if known[name] || !mayBeSignature(name) || p.Entry(name).Size > maxXML {
			continue
		}
		text, err := p.readUpTo(name, maxXML)
		if unreadable(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if root, err := parseXML(text, signatureGrammar); err == nil && root.name == "Signature" {
			found = append(found, name)
		}
	}
	return found, nil
}
