package certs

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// nameConstraints is RFC 5280 4.2.1.10.
type nameConstraints struct{ permitted, excluded []GeneralName }

// maxSubtrees bounds the constraints of an authority: each is compared with
// each name below it.
const maxSubtrees = 256

func (d *dialect) nameConstraints(c *Certificate, v *cryptobyte.String) bool {
	var seq, list cryptobyte.String
	var present, ok bool
	n := &nameConstraints{}
	if !v.ReadASN1(&seq, asn1.SEQUENCE) || seq.Empty() { // "MUST NOT ... be an empty sequence"
		return false
	}
	for tag, out := range []*[]GeneralName{&n.permitted, &n.excluded} {
		if !seq.ReadOptionalASN1(&list, &present, asn1.Tag(tag).ContextSpecific().Constructed()) {
			return false
		}
		if present {
			if *out, ok = d.subtrees(list); !ok {
				return false
			}
		}
	}
	c.names = n
	return seq.Empty()
}

// subtrees reads the content of GeneralSubtrees. minimum is 0 and maximum
// absent: others have no meaning in this profile.
func (d *dialect) subtrees(list cryptobyte.String) ([]GeneralName, bool) {
	var out []GeneralName
	for !list.Empty() {
		var tree, minimum cryptobyte.String
		var present bool
		if len(out) == maxSubtrees || !list.ReadASN1(&tree, asn1.SEQUENCE) {
			return nil, false
		}
		base, ok := d.generalName(&tree)
		if !ok || !tree.ReadOptionalASN1(&minimum, &present, asn1.Tag(0).ContextSpecific()) || !tree.Empty() ||
			present && !bytes.Equal(minimum, []byte{0}) || base.Form == FormIP && !goodMask(base.Value) {
			return nil, false
		}
		out = append(out, base)
	}
	return out, len(out) > 0
}

// goodMask wants an address and a mask of ones before zeros.
func goodMask(b []byte) bool {
	if len(b) != 8 && len(b) != 32 {
		return false
	}
	end := false
	for _, m := range b[len(b)/2:] {
		for bit := 7; bit >= 0; bit-- {
			one := m>>bit&1 == 1
			if one && end {
				return false
			}
			end = end || !one
		}
	}
	return true
}

// allowedNames checks every name of a certificate against the constraints of
// one above it: RFC 5280 6.1.3 (b) and (c). work counts comparisons.
func (c *Certificate) allowedNames(n *nameConstraints, work *int) error {
	if n == nil {
		return nil
	}
	if c.namesUnread {
		return fmt.Errorf("%w: its alternative names cannot be read", ErrNameConstraint)
	}
	for _, name := range c.constrainedNames() {
		if *work += len(n.permitted) + len(n.excluded); *work > maxNameWork {
			return fmt.Errorf("%w: too many names and constraints", ErrNameConstraint)
		}
		if err := n.allows(name); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrNameConstraint, c.Subject, err)
		}
	}
	return nil
}

// maxNameWork bounds the comparisons of names for one leaf, whatever the ways
// up: the lists of an authority and of a leaf multiply.
const maxNameWork = 1 << 18

const oidEmailAddress OID = "1.2.840.113549.1.9.1"

// constrainedNames are the subject, its addresses of e-mail and the
// alternative names. The addresses in a subject count beside those in
// subjectAltName too: a mail program may show either.
func (c *Certificate) constrainedNames() []GeneralName {
	var out []GeneralName
	if len(c.Subject.parts) > 0 {
		out = append(out, GeneralName{Form: FormDirectory, Value: c.RawSubject, Directory: c.Subject})
	}
	for _, p := range c.Subject.parts {
		if p.oid == oidEmailAddress {
			out = append(out, GeneralName{Form: FormEmail, Value: []byte(p.value)})
		}
	}
	return append(out, c.AltNames...)
}

func (n *nameConstraints) allows(name GeneralName) error {
	for _, base := range n.excluded {
		if base.Form != name.Form {
			continue
		}
		in, err := inSubtree(name, base, true)
		if err != nil {
			return err
		}
		if in {
			return fmt.Errorf("%s is excluded", name)
		}
	}
	constrained := false
	for _, base := range n.permitted {
		if base.Form != name.Form {
			continue
		}
		constrained = true
		in, err := inSubtree(name, base, false)
		if err != nil {
			return err
		}
		if in {
			return nil
		}
	}
	if constrained {
		return fmt.Errorf("%s is not permitted", name)
	}
	return nil
}

// String is for messages.
func (g GeneralName) String() string {
	switch g.Form {
	case FormDirectory:
		return g.Directory.String()
	case FormEmail, FormDNS, FormURI:
		return fmt.Sprintf("%q", g.Value)
	}
	return fmt.Sprintf("a name of form %d", g.Form)
}
