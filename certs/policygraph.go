package certs

import "slices"

// policyGraph is the valid_policy_graph of RFC 9618 5: one node for a policy at
// a depth, where the tree of RFC 5280 6.1 would double with each mapping.
//
// Nodes without children are not pruned. The graph is NULL once its last level
// is empty, and what does not lead to the last level is left aside when the
// policies are summed up, which comes to the same.
type policyGraph struct{ levels []policyLevel }

type policyLevel []*policyNode

type policyNode struct {
	policy   OID
	expected []OID
	parents  []*policyNode
}

// maxPolicyLevel bounds the nodes of one depth: what a level can inherit from
// the one above, and the policies of one certificate.
const maxPolicyLevel = 512

func newPolicyGraph() policyGraph {
	return policyGraph{[]policyLevel{{{policy: OIDAnyPolicy, expected: []OID{OIDAnyPolicy}}}}}
}

func (g *policyGraph) last() policyLevel { return g.levels[len(g.levels)-1] }

// null: no policy is valid for the path as far as it goes.
func (g *policyGraph) null() bool { return len(g.last()) == 0 }

func (l policyLevel) find(o OID) *policyNode {
	for _, n := range l {
		if n.policy == o {
			return n
		}
	}
	return nil
}

// extend is RFC 5280 6.1.3 (d) and (e) as RFC 9618 5.3 has them. anyPolicy
// tells whether the certificate's anyPolicy counts.
func (g *policyGraph) extend(c *Certificate, anyPolicy bool) {
	above := g.last()
	var expected []OID // in the order of the level above, each once
	from := map[OID][]*policyNode{}
	for _, n := range above {
		for _, o := range n.expected {
			if from[o] == nil {
				expected = append(expected, o)
			}
			from[o] = append(from[o], n)
		}
	}
	var level policyLevel
	add := func(o OID, parents []*policyNode) {
		if len(parents) > 0 && len(level) < maxPolicyLevel {
			level = append(level, &policyNode{o, []OID{o}, parents})
		}
	}
	for _, o := range c.Policies {
		if o == OIDAnyPolicy {
			continue
		}
		parents := from[o]
		if parents == nil {
			if n := above.find(OIDAnyPolicy); n != nil {
				parents = []*policyNode{n}
			}
		}
		add(o, parents)
	}
	if anyPolicy && slices.Contains(c.Policies, OIDAnyPolicy) {
		for _, o := range expected {
			if level.find(o) == nil {
				add(o, from[o])
			}
		}
	}
	g.levels = append(g.levels, level)
}

// translate is RFC 5280 6.1.4 (b) as RFC 9618 5.4 has it.
func (g *policyGraph) translate(mappings []policyMapping, allowed bool) {
	depth := len(g.levels) - 1
	level := g.levels[depth]
	if !allowed {
		g.levels[depth] = slices.DeleteFunc(slices.Clone(level), func(n *policyNode) bool {
			return slices.ContainsFunc(mappings, func(m policyMapping) bool { return m.issuer == n.policy })
		})
		return
	}
	wildcard := level.find(OIDAnyPolicy)
	mapped := map[OID]bool{}
	for _, m := range mappings {
		n := level.find(m.issuer)
		if n == nil && wildcard != nil && len(level) < maxPolicyLevel {
			n = &policyNode{policy: m.issuer, parents: wildcard.parents}
			level = append(level, n)
		}
		switch {
		case n == nil:
		case !mapped[m.issuer]:
			n.expected, mapped[m.issuer] = []OID{m.subject}, true
		case !slices.Contains(n.expected, m.subject):
			n.expected = append(n.expected, m.subject)
		}
	}
	g.levels[depth] = level
}

// authorities gives the authority-constrained policy set of RFC 5280 6.1.6: the
// policies of whoever trusts the anchor, not those of the leaf's authority.
func (g *policyGraph) authorities() []OID {
	reached := map[*policyNode]bool{}
	for _, n := range g.last() {
		reached[n] = true
	}
	set := map[OID]bool{}
	for i := len(g.levels) - 1; i > 0; i-- {
		for _, n := range g.levels[i] {
			if !reached[n] {
				continue
			}
			for _, p := range n.parents {
				reached[p] = true
				if p.policy == OIDAnyPolicy && (n.policy != OIDAnyPolicy || i == len(g.levels)-1) {
					set[n.policy] = true
				}
			}
		}
	}
	var out []OID
	for o := range set {
		out = append(out, o)
	}
	slices.Sort(out)
	return out
}

// qualified gives what the certificates of a path, from the top down, say of the
// policies that lead to one of the users': the qualifiers of the valid policy
// tree that RFC 5280 6.1.6 gives out. anyPolicy's words stand for policies that a
// certificate does not name itself.
func (g *policyGraph) qualified(path []*Certificate, users []OID) []PolicyInfo {
	under := g.under(users)
	kept := map[*policyNode]bool{}
	for _, n := range g.last() {
		kept[n] = under[n]
	}
	var out []PolicyInfo
	for i := len(g.levels) - 1; i > 0; i-- {
		infos := path[len(g.levels)-1-i].policy.infos
		var here []PolicyInfo
		for _, n := range g.levels[i] {
			if !kept[n] {
				continue
			}
			for _, p := range n.parents {
				kept[p] = kept[p] || under[p]
			}
			if p, ok := infoOf(infos, n.policy); ok {
				here = append(here, p)
			}
		}
		out = append(here, out...)
	}
	return out
}

// under marks the nodes that lie under a policy of a set, and those of anyPolicy
// above them.
func (g *policyGraph) under(set []OID) map[*policyNode]bool {
	every := slices.Contains(set, OIDAnyPolicy)
	in := map[*policyNode]bool{g.levels[0][0]: true}
	for _, level := range g.levels[1:] {
		for _, n := range level {
			for _, p := range n.parents {
				if p.policy == OIDAnyPolicy && n.policy != OIDAnyPolicy {
					in[n] = in[n] || every || slices.Contains(set, n.policy)
				} else {
					in[n] = in[n] || in[p]
				}
			}
		}
	}
	return in
}

func infoOf(infos []PolicyInfo, o OID) (PolicyInfo, bool) {
	for _, wanted := range []OID{o, OIDAnyPolicy} {
		for _, p := range infos {
			if p.ID == wanted {
				p.ID = o
				return p, len(p.Notices) > 0 || len(p.CPS) > 0
			}
		}
	}
	return PolicyInfo{}, false
}

// users gives the user-constrained policy set: 6.1.5 (g).
func users(authorities, initial []OID) []OID {
	if initial == nil || slices.Contains(initial, OIDAnyPolicy) {
		return authorities
	}
	every := slices.Contains(authorities, OIDAnyPolicy)
	var out []OID
	for _, o := range initial {
		if every || slices.Contains(authorities, o) {
			out = append(out, o)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
