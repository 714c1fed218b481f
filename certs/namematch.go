package certs

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Equal compares two names by RFC 5280 7.1: attribute by attribute, whatever
// string type each is written in, without regard to case and with white space
// folded. Of RFC 4518 the normalisation NFKC is left out: names that differ in
// it alone stay different, which never joins two names into one.
func (n Name) Equal(o Name) bool {
	if bytes.Equal(n.Raw, o.Raw) {
		return true
	}
	return n.depth() == o.depth() && n.within(o)
}

// within tells whether n lies in the subtree of base: base's RDNs come first in
// n (RFC 5280 4.2.1.10).
func (n Name) within(base Name) bool {
	mine, theirs := n.parts, base.parts
	for rdn := 0; len(theirs) > 0; rdn++ {
		a, b := leading(mine, rdn), leading(theirs, rdn)
		if !sameRDN(mine[:a], theirs[:b]) {
			return false
		}
		mine, theirs = mine[a:], theirs[b:]
	}
	return true
}

func (n Name) depth() int {
	if len(n.parts) == 0 {
		return 0
	}
	return n.parts[len(n.parts)-1].rdn + 1
}

// leading counts the attributes of one RDN at the head of a list.
func leading(parts []namePart, rdn int) int {
	i := 0
	for i < len(parts) && parts[i].rdn == rdn {
		i++
	}
	return i
}

// sameRDN compares two sets of attributes, in whatever order they stand.
func sameRDN(a, b []namePart) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	var used [maxNameParts]bool
next:
	for _, p := range a {
		for i, q := range b {
			if !used[i] && p.equal(q) {
				used[i] = true
				continue next
			}
		}
		return false
	}
	return true
}

func (p namePart) equal(q namePart) bool {
	if p.oid != q.oid {
		return false
	}
	if p.opaque != nil || q.opaque != nil {
		return bytes.Equal(p.opaque, q.opaque)
	}
	return p.value == q.value || strings.EqualFold(foldSpace(p.value), foldSpace(q.value))
}

// opaque tells of a name with an attribute of which only the octets are known: that
// it differs from another is not to be said.
func (n Name) opaque() bool {
	return slices.ContainsFunc(n.parts, func(p namePart) bool { return p.opaque != nil })
}

// foldSpace leaves one space where white space stands, and none at the ends
// (RFC 4518 2.6.1).
func foldSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// relative is base with one more RDN, whose attributes fragment holds as the
// content of a SET: nameRelativeToCRLIssuer.
func (n Name) relative(fragment []byte) (Name, error) {
	in := cryptobyte.String(n.Raw)
	var rdns cryptobyte.String
	if !in.ReadASN1(&rdns, asn1.SEQUENCE) {
		return Name{}, malformed("name")
	}
	raw, err := encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(rdns)
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(fragment) })
		})
	})
	if err != nil {
		return Name{}, err
	}
	return (&dialect{foreign: true}).name(raw)
}
