package certs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func policies(list ...OID) []byte {
	var infos [][]byte
	for _, o := range list {
		infos = append(infos, sequence(oid(o)))
	}
	return extension(oidExtPolicies, false, sequence(infos...))
}

func mappings(pairs ...[2]OID) []byte {
	var list [][]byte
	for _, p := range pairs {
		list = append(list, sequence(oid(p[0]), oid(p[1])))
	}
	return extension(oidExtPolicyMappings, true, sequence(list...))
}

// tree is the valid_policy_tree as RFC 5280 6.1 draws it, pruned at each step:
// what the graph must agree with.
type tree struct {
	policy   OID
	expected []OID
	children []*tree
}

func (n *tree) atDepth(d int) []*tree {
	if d == 0 {
		return []*tree{n}
	}
	var out []*tree
	for _, c := range n.children {
		out = append(out, c.atDepth(d-1)...)
	}
	return out
}

// prune drops what has no child above a depth; false if nothing is left.
func (n *tree) prune(d int) bool {
	if d == 0 {
		return true
	}
	n.children = slices.DeleteFunc(n.children, func(c *tree) bool { return !c.prune(d - 1) })
	return len(n.children) > 0
}

func (n *tree) grow(depth int, list []OID, anyPolicy bool) {
	above := n.atDepth(depth - 1)
	for _, o := range list {
		if o == OIDAnyPolicy {
			continue
		}
		matched := false
		for _, p := range above {
			if slices.Contains(p.expected, o) {
				p.children, matched = append(p.children, &tree{o, []OID{o}, nil}), true
			}
		}
		for _, p := range above {
			if !matched && p.policy == OIDAnyPolicy {
				p.children = append(p.children, &tree{o, []OID{o}, nil})
			}
		}
	}
	if !anyPolicy || !slices.Contains(list, OIDAnyPolicy) {
		return
	}
	for _, p := range above {
		for _, o := range p.expected {
			if !slices.ContainsFunc(p.children, func(c *tree) bool { return c.policy == o }) {
				p.children = append(p.children, &tree{o, []OID{o}, nil})
			}
		}
	}
}

func (n *tree) translate(depth int, list []policyMapping, allowed bool) {
	level, above := n.atDepth(depth), n.atDepth(depth-1)
	done := map[OID]bool{}
	for _, m := range list {
		if done[m.issuer] {
			continue
		}
		done[m.issuer] = true
		var subjects []OID
		for _, o := range list {
			if o.issuer == m.issuer && !slices.Contains(subjects, o.subject) {
				subjects = append(subjects, o.subject)
			}
		}
		if !allowed {
			for _, p := range above {
				p.children = slices.DeleteFunc(p.children, func(c *tree) bool { return c.policy == m.issuer })
			}
			continue
		}
		found := false
		for _, c := range level {
			if c.policy == m.issuer {
				c.expected, found = subjects, true
			}
		}
		for _, p := range above {
			if !found && slices.ContainsFunc(p.children, func(c *tree) bool { return c.policy == OIDAnyPolicy }) {
				p.children = append(p.children, &tree{m.issuer, subjects, nil})
			}
		}
	}
}

// authorities is the valid_policy_node_set of RFC 5280 6.1.5 (g)(iii)(1), with
// anyPolicy where a node of the last depth has it.
func (n *tree) authorities(depth int) []OID {
	set := map[OID]bool{}
	var walk func(n *tree, d int)
	walk = func(n *tree, d int) {
		for _, c := range n.children {
			if n.policy == OIDAnyPolicy && (c.policy != OIDAnyPolicy || d == depth) {
				set[c.policy] = true
			}
			walk(c, d+1)
		}
	}
	walk(n, 1)
	var out []OID
	for o := range set {
		out = append(out, o)
	}
	slices.Sort(out)
	return out
}

// The graph of RFC 9618 answers as the tree of RFC 5280 does, over chains by
// chance.
func TestTheGraphAgreesWithTheTree(t *testing.T) {
	r := rand.New(rand.NewPCG(9618, 5280))
	pick := func() OID { return OID(fmt.Sprintf("1.2.%d", r.IntN(4))) }
	for range 20000 {
		n := 1 + r.IntN(5)
		g, root, gone := newPolicyGraph(), &tree{policy: OIDAnyPolicy, expected: []OID{OIDAnyPolicy}}, false
		for depth := 1; depth <= n; depth++ {
			c := &Certificate{}
			for range r.IntN(4) {
				o := pick()
				if r.IntN(4) == 0 {
					o = OIDAnyPolicy
				}
				if !slices.Contains(c.Policies, o) {
					c.Policies = append(c.Policies, o)
				}
			}
			anyPolicy, allowed := r.IntN(3) > 0, r.IntN(3) > 0
			var list []policyMapping
			for range r.IntN(3) {
				list = append(list, policyMapping{pick(), pick()})
			}
			g.extend(c, anyPolicy)
			root.grow(depth, c.Policies, anyPolicy)
			gone = gone || !root.prune(depth)
			if depth < n && len(list) > 0 {
				g.translate(list, allowed)
				if !gone {
					root.translate(depth, list, allowed)
					gone = !root.prune(depth)
				}
			}
			if g.null() != gone {
				t.Fatalf("at depth %d the graph is NULL: %t, the tree: %t", depth, g.null(), gone)
			}
		}
		var want []OID
		if !gone {
			want = root.authorities(n)
		}
		if got := g.authorities(); !slices.Equal(got, want) {
			t.Fatalf("the graph gives %v, the tree %v", got, want)
		}
	}
}

// Every mapping of two policies to both doubled the tree with each authority.
func TestMappingsDoNotMultiply(t *testing.T) {
	var list []OID
	var pairs []policyMapping
	for i := range 8 {
		list = append(list, OID(fmt.Sprintf("1.2.%d", i)))
		for j := range 8 {
			pairs = append(pairs, policyMapping{OID(fmt.Sprintf("1.2.%d", i)), OID(fmt.Sprintf("1.2.%d", j))})
		}
	}
	g := newPolicyGraph()
	for range maxPathDepth {
		g.extend(&Certificate{Policies: list}, false)
		g.translate(pairs, true)
		if n := len(g.last()); n != len(list) {
			t.Fatalf("%d nodes", n)
		}
	}
	if got := g.authorities(); !slices.Equal(got, list) {
		t.Fatal(got)
	}
}

func TestPoliciesOfAnSM2Chain(t *testing.T) {
	const ours, theirs, other OID = "1.2.1", "1.2.2", "1.2.3"
	anchor := root(t, "根")
	number := func(tag, n byte) []byte { return tlv(tag, []byte{n}) }
	for name, c := range map[string]struct {
		ca, leaf [][]byte
		o        PathOptions
		want     error
		users    []OID
	}{
		"none, none asked":          {nil, nil, PathOptions{}, nil, nil},
		"none, one must be":         {nil, nil, PathOptions{ExplicitPolicy: true}, ErrPolicy, nil},
		"one through":               {[][]byte{policies(ours)}, [][]byte{policies(ours)}, PathOptions{ExplicitPolicy: true}, nil, []OID{ours}},
		"another below":             {[][]byte{policies(ours)}, [][]byte{policies(other)}, PathOptions{ExplicitPolicy: true}, ErrPolicy, nil},
		"another below, none asked": {[][]byte{policies(ours)}, [][]byte{policies(other)}, PathOptions{}, nil, nil},
		"mapped, by our name":       {[][]byte{policies(ours), mappings([2]OID{ours, theirs})}, [][]byte{policies(theirs)}, PathOptions{ExplicitPolicy: true, Policies: []OID{ours}}, nil, []OID{ours}},
		"mapped, by their name":     {[][]byte{policies(ours), mappings([2]OID{ours, theirs})}, [][]byte{policies(theirs)}, PathOptions{ExplicitPolicy: true, Policies: []OID{theirs}}, ErrPolicy, nil},
		"mapped, inhibited":         {[][]byte{policies(ours), mappings([2]OID{ours, theirs})}, [][]byte{policies(theirs)}, PathOptions{ExplicitPolicy: true, InhibitMapping: true}, ErrPolicy, nil},
		"anyPolicy mapped":          {[][]byte{policies(ours), mappings([2]OID{OIDAnyPolicy, theirs})}, [][]byte{policies(theirs)}, PathOptions{}, ErrPolicy, nil},
		"any above":                 {[][]byte{policies(OIDAnyPolicy)}, [][]byte{policies(ours)}, PathOptions{ExplicitPolicy: true}, nil, []OID{ours}},
		"any above, inhibited":      {[][]byte{policies(OIDAnyPolicy)}, [][]byte{policies(ours)}, PathOptions{ExplicitPolicy: true, InhibitAnyPolicy: true}, ErrPolicy, nil},
		"any in both, one asked":    {[][]byte{policies(OIDAnyPolicy)}, [][]byte{policies(OIDAnyPolicy)}, PathOptions{ExplicitPolicy: true, Policies: []OID{other, ours}}, nil, []OID{ours, other}},
		"the authority wants one":   {[][]byte{extension(oidExtPolicyConstraints, true, sequence(number(0x80, 0)))}, nil, PathOptions{}, ErrPolicy, nil},
		"later wants one":           {[][]byte{extension(oidExtPolicyConstraints, true, sequence(number(0x80, 1)))}, nil, PathOptions{}, ErrPolicy, nil},
		"much later wants one":      {[][]byte{extension(oidExtPolicyConstraints, true, sequence(number(0x80, 2)))}, nil, PathOptions{}, nil, nil},
		"the leaf wants one":        {nil, [][]byte{extension(oidExtPolicyConstraints, true, sequence(number(0x80, 0)))}, PathOptions{}, ErrPolicy, nil},
		"the authority inhibits any": {[][]byte{policies(ours), extension(oidExtInhibitAny, true, number(2, 0))}, [][]byte{policies(OIDAnyPolicy)},
			PathOptions{ExplicitPolicy: true}, ErrPolicy, nil},
		"a strange qualifier, critical": {[][]byte{policies(ours)}, [][]byte{extension(oidExtPolicies, true, sequence(sequence(oid(ours), sequence(sequence(oid("1.2.9"), []byte{5, 0})))))},
			PathOptions{}, ErrUnhandledCritical, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ca := spec{name: "签发", usage: authority, ca: true, more: c.ca}.make(t, anchor)
			leaf := spec{name: "叶", usage: signs, more: c.leaf}.make(t, ca)
			c.o.Roots, c.o.Intermediates, c.o.At = []*Certificate{anchor.Certificate}, []*Certificate{ca.Certificate}, noon
			p, err := FindPath(leaf.Certificate, c.o)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatal(err)
			}
			if err == nil && !slices.Equal(p.UserPolicies, c.users) {
				t.Fatal(p.UserPolicies)
			}
		})
	}
}

func TestStrictPolicies(t *testing.T) {
	notice := func(text []byte) []byte {
		return extension(oidExtPolicies, false, sequence(sequence(oid("1.2.3"), sequence(sequence(oid(oidQualifierNotice), sequence(text))))))
	}
	for name, e := range map[string][]byte{
		"no policy":                 extension(oidExtPolicies, false, sequence()),
		"a policy twice":            policies("1.2.3", "1.2.3"),
		"no qualifier in a list":    extension(oidExtPolicies, false, sequence(sequence(oid("1.2.3"), sequence()))),
		"a CPS that is Chinese":     extension(oidExtPolicies, false, sequence(sequence(oid("1.2.3"), sequence(sequence(oid(OIDQualifierCPS), tlv(0x16, []byte("贵州"))))))),
		"a notice without end":      notice(tlv(0x0c, make([]byte, maxNotice+1))),
		"a notice that is no text":  notice(tlv(0x04, []byte("x"))),
		"no mapping":                extension(oidExtPolicyMappings, true, sequence()),
		"half a mapping":            extension(oidExtPolicyMappings, true, sequence(sequence(oid("1.2.3")))),
		"no constraint":             extension(oidExtPolicyConstraints, true, sequence()),
		"a negative constraint":     extension(oidExtPolicyConstraints, true, sequence(tlv(0x80, []byte{0xff}))),
		"a constraint, not minimal": extension(oidExtPolicyConstraints, true, sequence(tlv(0x80, []byte{0, 1}))),
		"an inhibit of nothing":     extension(oidExtInhibitAny, true, nil),
		"an inhibit below zero":     extension(oidExtInhibitAny, true, []byte{2, 1, 0x80}),
	} {
		p := spec{name: "签发", usage: authority, ca: true, more: [][]byte{e}}.parts(t, newKey(t), nil)
		if _, err := ParseCertificate(p.der()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the suite wants shown of a path, for the policies asked for (PKITS 4.8.15
// to 4.8.20, 4.10.12 to 4.10.14).
func TestQualifiers(t *testing.T) {
	const policy1, policy2 OID = "2.16.840.1.101.3.2.1.48.1", "2.16.840.1.101.3.2.1.48.2"
	read := func(file string) *Certificate {
		c, err := ParseAnyCertificate(pkitsFile(t, "certs", file))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	anchor := read("TrustAnchorRootCertificate.crt")
	for _, v := range []struct {
		leaf, ca string
		asked    []OID
		want     []string // how each begins
	}{
		{"UserNoticeQualifierTest15EE.crt", "", nil, []string{"q1:"}},
		{"UserNoticeQualifierTest16EE.crt", "GoodCACert.crt", nil, []string{"q1:"}},
		{"UserNoticeQualifierTest17EE.crt", "GoodCACert.crt", nil, []string{"q3:"}},
		{"UserNoticeQualifierTest18EE.crt", "PoliciesP12CACert.crt", []OID{policy1}, []string{"q4:"}},
		{"UserNoticeQualifierTest18EE.crt", "PoliciesP12CACert.crt", []OID{policy2}, []string{"q5:"}},
		{"UserNoticeQualifierTest18EE.crt", "PoliciesP12CACert.crt", nil, []string{"q4:", "q5:"}},
		{"UserNoticeQualifierTest19EE.crt", "", nil, []string{"q6:"}},
		{"CPSPointerQualifierTest20EE.crt", "GoodCACert.crt", nil, []string{"http://csrc.nist.gov/"}},
		{"ValidPolicyMappingTest12EE.crt", "P12Mapping1to3CACert.crt", []OID{policy1}, []string{"q7:"}},
		{"ValidPolicyMappingTest12EE.crt", "P12Mapping1to3CACert.crt", []OID{policy2}, []string{"q8:"}},
		{"ValidPolicyMappingTest13EE.crt", "P1anyPolicyMapping1to2CACert.crt", nil, []string{"q9:"}},
		{"ValidPolicyMappingTest14EE.crt", "P1anyPolicyMapping1to2CACert.crt", nil, []string{"q10:"}},
	} {
		o := PathOptions{Roots: []*Certificate{anchor}, At: asked, Policies: v.asked}
		if v.ca != "" {
			o.Intermediates = []*Certificate{read(v.ca)}
		}
		p, err := FindPath(read(v.leaf), o)
		if err != nil {
			t.Fatal(v.leaf, err)
		}
		var got []string
		for _, q := range p.Qualifiers {
			got = append(got, append(q.Notices, q.CPS...)...)
		}
		if len(got) != len(v.want) {
			t.Errorf("%s %v: %q", v.leaf, v.asked, got)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], v.want[i]) {
				t.Errorf("%s %v: %q", v.leaf, v.asked, got)
			}
		}
	}
}
