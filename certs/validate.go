package certs

import "fmt"

// validation is the state of RFC 5280 6.1.2 while a path is read from its
// anchor down to its leaf. What needs no state (dates, names in a row, basic
// constraints, key usage, critical extensions) the walk has asked already.
type validation struct {
	o        *PathOptions
	graph    policyGraph
	explicit int // certificates until a policy must be valid
	mapping  int // until mappings no longer count
	wildcard int // until anyPolicy no longer counts
	names    []*nameConstraints
	key      publicKey // working_public_key, with inherited parameters
	work     *int      // comparisons of names
}

// validate is RFC 5280 6.1 over a path whose last certificate is the anchor.
// The anchor's own constraints count as in RFC 5937; its policies do not.
func (w *walk) validate(path []*Certificate) (*Path, error) {
	n := len(path) - 1
	anchor := path[n]
	if n == 0 { // it is trusted as it is
		return &Path{Certificates: path, key: anchor.key}, nil
	}
	v := validation{o: &w.o, graph: newPolicyGraph(), explicit: n + 1, mapping: n + 1, wildcard: n + 1, key: anchor.key, work: &w.names}
	for _, limit := range []struct {
		set bool
		out *int
	}{{w.o.ExplicitPolicy, &v.explicit}, {w.o.InhibitMapping, &v.mapping}, {w.o.InhibitAnyPolicy, &v.wildcard}} {
		if limit.set {
			*limit.out = 0
		}
	}
	v.narrow(anchor)
	for i := n - 1; i >= 0; i-- {
		if err := v.take(path[i], path[i+1], i == 0); err != nil {
			return nil, err
		}
		if i > 0 {
			if err := v.pass(path[i]); err != nil {
				return nil, err
			}
		}
	}
	return v.finish(path)
}

// take is 6.1.3: a certificate by what stands above it.
func (v *validation) take(c, issuer *Certificate, leaf bool) error {
	if !whole(issuer.key) { // the walk could not check it
		if err := c.algorithm.check(v.key, c.RawTBS, c.Signature, v.o.AllowSHA1); err != nil {
			return fmt.Errorf("%w: of %s on %s", err, issuer.Subject, c.Subject)
		}
	}
	selfIssued := c.selfIssued()
	if leaf || !selfIssued {
		for _, n := range v.names {
			if err := c.allowedNames(n, v.work); err != nil {
				return err
			}
		}
	}
	v.graph.extend(c, v.wildcard > 0 || !leaf && selfIssued)
	if v.explicit == 0 && v.graph.null() {
		return fmt.Errorf("%w: at %s", ErrPolicy, c.Subject)
	}
	return nil
}

// pass is 6.1.4: what a certificate says of those below it.
func (v *validation) pass(c *Certificate) error {
	for _, m := range c.policy.mappings {
		if m.issuer == OIDAnyPolicy || m.subject == OIDAnyPolicy {
			return fmt.Errorf("%w: %s maps anyPolicy", ErrPolicy, c.Subject)
		}
	}
	if len(c.policy.mappings) > 0 {
		v.graph.translate(c.policy.mappings, v.mapping > 0)
	}
	v.key = working(c.key, v.key)
	if !c.selfIssued() {
		for _, n := range []*int{&v.explicit, &v.mapping, &v.wildcard} {
			*n = max(*n-1, 0)
		}
	}
	v.narrow(c)
	return nil
}

// narrow is 6.1.4 (g), (i) and (j).
func (v *validation) narrow(c *Certificate) {
	if c.names != nil {
		v.names = append(v.names, c.names)
	}
	for _, rule := range []struct {
		says int
		out  *int
	}{{c.policy.requireExplicit, &v.explicit}, {c.policy.inhibitMapping, &v.mapping}, {c.policy.inhibitAny, &v.wildcard}} {
		if rule.says >= 0 {
			*rule.out = min(*rule.out, rule.says)
		}
	}
}

// finish is 6.1.5.
func (v *validation) finish(path []*Certificate) (*Path, error) {
	leaf := path[0]
	p := &Path{Certificates: path}
	v.explicit = max(v.explicit-1, 0)
	if leaf.policy.requireExplicit == 0 {
		v.explicit = 0
	}
	p.key = working(leaf.key, v.key)
	p.AuthorityPolicies = v.graph.authorities()
	p.UserPolicies = users(p.AuthorityPolicies, v.o.Policies)
	p.Qualifiers = v.graph.qualified(path, p.UserPolicies)
	if v.explicit == 0 && len(p.UserPolicies) == 0 {
		return nil, fmt.Errorf("%w: at %s", ErrPolicy, leaf.Subject)
	}
	return p, nil
}

// selfIssued: RFC 5280 6.1.
func (c *Certificate) selfIssued() bool { return c.Subject.Equal(c.Issuer) }
