package certs

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func rdn(o OID, tag byte, text string) []byte {
	return tlv(0x31, sequence(oid(o), tlv(tag, []byte(text))))
}

func dns(s string) []byte  { return tlv(0x82, []byte(s)) }
func mail(s string) []byte { return tlv(0x81, []byte(s)) }
func uri(s string) []byte  { return tlv(0x86, []byte(s)) }
func ip(b ...byte) []byte  { return tlv(0x87, b) }
func dir(rdns ...[]byte) []byte {
	return tlv(0xa4, sequence(rdns...))
}

// constrain makes the extension; each base is the DER of a GeneralName.
func constrain(permitted, excluded [][]byte) []byte {
	tree := func(tag byte, bases [][]byte) []byte {
		if len(bases) == 0 {
			return nil
		}
		var list [][]byte
		for _, b := range bases {
			list = append(list, sequence(b))
		}
		return tlv(tag, list...)
	}
	return extension(oidExtNameConstraints, true, sequence(tree(0xa0, permitted), tree(0xa1, excluded)))
}

// below issues a leaf of a subject and alternative names under an authority
// with constraints, and looks for its path.
func below(t testing.TB, anchor *entity, constraints, subject []byte, names ...[]byte) error {
	t.Helper()
	ca := spec{name: "签发", usage: authority, ca: true, more: [][]byte{constraints}}.make(t, anchor)
	s := spec{name: "叶", usage: signs}
	if len(names) > 0 {
		s.more = [][]byte{extension(oidExtAltNames, false, sequence(names...))}
	}
	p := s.parts(t, newKey(t), ca)
	p.subject = subject
	leaf, err := ParseCertificate(p.der())
	if err != nil {
		t.Fatal(err)
	}
	_, err = FindPath(leaf, PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate}, At: noon})
	return err
}

func TestNameConstraints(t *testing.T) {
	anchor := root(t, "根")
	guizhou := func(more ...[]byte) []byte {
		return sequence(append([][]byte{rdn(oidCountry, 0x13, "CN"), rdn(oidOrganization, 0x0c, "贵州省")}, more...)...)
	}
	of := dir(rdn(oidCountry, 0x13, "CN"), rdn(oidOrganization, 0x0c, "贵州省"))
	unit := guizhou(rdn(oidCommonName, 0x0c, "教育厅"))
	list := func(b ...[]byte) [][]byte { return b }
	for name, c := range map[string]struct {
		permitted, excluded [][]byte
		subject             []byte
		names               [][]byte
		bad                 bool
	}{
		"a directory name within":              {list(of), nil, unit, nil, false},
		"a directory name that is the base":    {list(of), nil, guizhou(), nil, false},
		"another province":                     {list(of), nil, sequence(rdn(oidCountry, 0x13, "CN"), rdn(oidOrganization, 0x0c, "四川省")), nil, true},
		"shorter than the base":                {list(of), nil, sequence(rdn(oidCountry, 0x13, "CN")), nil, true},
		"the base further behind":              {list(of), nil, sequence(rdn(oidCommonName, 0x0c, "x"), rdn(oidCountry, 0x13, "CN"), rdn(oidOrganization, 0x0c, "贵州省")), nil, true},
		"one RDN of two attributes":            {list(of), nil, sequence(tlv(0x31, sequence(oid(oidCountry), tlv(0x13, []byte("CN"))), sequence(oid(oidOrganization), tlv(0x0c, []byte("贵州省"))))), nil, true},
		"another string type and case":         {list(dir(rdn(oidCountry, 0x0c, " cn "), rdn(oidOrganization, 0x1e, "\x8d\x35\x5d\xde\x77\x01"))), nil, unit, nil, false},
		"excluded":                             {nil, list(of), unit, nil, true},
		"excluded elsewhere":                   {nil, list(dir(rdn(oidCountry, 0x13, "US"))), unit, nil, false},
		"permitted and excluded beneath":       {list(of), list(dir(rdn(oidCountry, 0x13, "CN"), rdn(oidOrganization, 0x0c, "贵州省"), rdn(oidCommonName, 0x0c, "教育厅"))), unit, nil, true},
		"a directory name beside the subject":  {list(of), nil, unit, list(dir(rdn(oidCountry, 0x13, "US"))), true},
		"no subject, no name":                  {list(of), nil, sequence(), nil, false},
		"a host":                               {list(dns("gz.gov.cn")), nil, unit, list(dns("gz.gov.cn")), false},
		"a host beneath":                       {list(dns("gz.gov.cn")), nil, unit, list(dns("a.B.GZ.gov.cn")), false},
		"a host that ends alike":               {list(dns("gz.gov.cn")), nil, unit, list(dns("xgz.gov.cn")), true},
		"a base with a dot":                    {list(dns(".gz.gov.cn")), nil, unit, list(dns("gz.gov.cn")), true},
		"any host":                             {list(dns("")), nil, unit, list(dns("a.b")), false},
		"one host of two":                      {list(dns("gz.gov.cn")), nil, unit, list(dns("a.gz.gov.cn"), dns("a.example")), true},
		"an excluded host":                     {nil, list(dns("b.cn")), unit, list(dns("a.b.cn")), true},
		"a wildcard over an excluded host":     {nil, list(dns("a.b.cn")), unit, list(dns("*.b.cn")), true},
		"a wildcard far above an excluded one": {nil, list(dns("x.a.b.cn")), unit, list(dns("*.b.cn")), true},
		"a wildcard beside":                    {nil, list(dns("a.b.cn")), unit, list(dns("*.c.cn")), false},
		"a host that is none":                  {list(dns("cn")), nil, unit, list(dns("a..cn")), true},
		"a host that is none, excluded":        {nil, list(dns("cn")), unit, list(dns("a b.cn")), true},
		"a mailbox":                            {list(mail("a@gz.gov.cn")), nil, unit, list(mail("a@GZ.gov.cn")), false},
		"another mailbox":                      {list(mail("a@gz.gov.cn")), nil, unit, list(mail("A@gz.gov.cn")), true},
		"every mailbox of a host":              {list(mail("gz.gov.cn")), nil, unit, list(mail("b@gz.gov.cn")), false},
		"a host is not its subdomains":         {list(mail("gz.gov.cn")), nil, unit, list(mail("b@x.gz.gov.cn")), true},
		"a domain of mail":                     {list(mail(".gz.gov.cn")), nil, unit, list(mail("b@x.gz.gov.cn")), false},
		"a domain is not its host":             {list(mail(".gz.gov.cn")), nil, unit, list(mail("b@gz.gov.cn")), true},
		"no address":                           {nil, list(mail("gz.gov.cn")), unit, list(mail("gz.gov.cn")), true},
		"an address in the subject":            {list(mail("gz.gov.cn")), nil, guizhou(rdn(oidEmailAddress, 0x16, "a@example.com")), nil, true},
		"an address in the subject, good":      {list(mail("gz.gov.cn")), nil, guizhou(rdn(oidEmailAddress, 0x16, "a@gz.gov.cn")), nil, false},
		"an address in the subject beside one": {list(mail("gz.gov.cn")), nil, guizhou(rdn(oidEmailAddress, 0x16, "a@example.com")), list(mail("a@gz.gov.cn")), true},
		"a URI":                                {list(uri("gz.gov.cn")), nil, unit, list(uri("https://GZ.gov.cn:8443/x")), false},
		"a URI's host beneath":                 {list(uri("gz.gov.cn")), nil, unit, list(uri("https://a.gz.gov.cn/")), true},
		"a URI's domain":                       {list(uri(".gz.gov.cn")), nil, unit, list(uri("ldap://a.gz.gov.cn/")), false},
		"a URI with a user that looks so":      {list(uri("gz.gov.cn")), nil, unit, list(uri("https://gz.gov.cn@example.com/")), true},
		"a URI without a host":                 {nil, list(uri("gz.gov.cn")), unit, list(uri("urn:x:y")), true},
		"a URI with an address":                {nil, list(uri("gz.gov.cn")), unit, list(uri("http://10.0.0.1/")), true},
		"an address of a network":              {list(ip(10, 1, 0, 0, 255, 255, 0, 0)), nil, unit, list(ip(10, 1, 9, 9)), false},
		"an address of another":                {list(ip(10, 1, 0, 0, 255, 255, 0, 0)), nil, unit, list(ip(10, 2, 0, 1)), true},
		"an address of another family":         {list(ip(10, 1, 0, 0, 255, 255, 0, 0)), nil, unit, list(ip(make([]byte, 16)...)), true},
		"an excluded network of six":           {nil, list(ip(append(append([]byte{0x20, 1}, make([]byte, 14)...), append([]byte{255, 255}, make([]byte, 14)...)...)...)), unit, list(ip(append([]byte{0x20, 1}, make([]byte, 14)...)...)), true},
		"an address that is a network":         {list(ip(10, 1, 0, 0, 255, 255, 0, 0)), nil, unit, list(ip(10, 1, 0, 0, 255, 255, 0, 0)), true},
		"a form that is not judged":            {nil, list(tlv(0x88, OID("1.2.3").DER())), unit, list(tlv(0x88, OID("1.2.4").DER())), true},
		"such a form without a constraint":     {nil, list(dns("x.cn")), unit, list(tlv(0x88, OID("1.2.4").DER())), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := below(t, anchor, constrain(c.permitted, c.excluded), c.subject, c.names...)
			if c.bad && !errors.Is(err, ErrNameConstraint) || !c.bad && err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A name that is shown like an excluded one but written so that its octets alone can
// be compared is not known to differ from it.
func TestAnExcludedNameInDisguise(t *testing.T) {
	anchor := root(t, "根")
	wide := "\x00\x00\x8d\x35\x00\x00\x5d\xde" // 贵州 as UniversalString
	excluded := dir(rdn(oidCommonName, 0x0c, "贵州"))
	for name, c := range map[string]struct {
		permitted, excluded [][]byte
		subject             []byte
		bad                 bool
	}{
		"excluded as it is":       {nil, [][]byte{excluded}, sequence(rdn(oidCommonName, 0x0c, "贵州")), true},
		"in another string type":  {nil, [][]byte{excluded}, sequence(rdn(oidCommonName, 0x13, "贵州")), true},
		"in one of four octets":   {nil, [][]byte{excluded}, sequence(rdn(oidCommonName, 0x1c, wide)), true},
		"nothing is excluded":     {nil, nil, sequence(rdn(oidCommonName, 0x1c, wide)), false},
		"not permitted, likewise": {[][]byte{excluded}, nil, sequence(rdn(oidCommonName, 0x1c, wide)), true},
	} {
		ca := spec{name: "签发", usage: authority, ca: true}
		if c.permitted != nil || c.excluded != nil {
			ca.more = [][]byte{constrain(c.permitted, c.excluded)}
		}
		by := ca.make(t, anchor)
		p := spec{name: "叶", usage: signs}.parts(t, newKey(t), by)
		p.subject = c.subject
		leaf, _, err := ParseLenient(p.der())
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = FindPath(leaf, PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{by.Certificate}, At: noon})
		if c.bad != errors.Is(err, ErrNameConstraint) || !c.bad && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Constraints add up from the anchor down; a self-issued certificate passes
// them by unless it is the last (RFC 5280 6.1.3 (b)).
func TestConstraintsAddUp(t *testing.T) {
	province := dir(rdn(oidCommonName, 0x0c, "贵州"))
	anchor := spec{name: "根", usage: authority, ca: true, more: [][]byte{constrain([][]byte{province}, nil)}}.make(t, nil)
	for name, c := range map[string]struct {
		ca, leaf string
		bad      bool
	}{
		"within":             {"贵州", "贵州", false},
		"the authority not":  {"四川", "贵州", true},
		"the leaf not":       {"贵州", "四川", true},
		"self-issued anchor": {"根", "贵州", false},
	} {
		ca := spec{name: c.ca, usage: authority, ca: true}.make(t, anchor)
		leaf := spec{name: c.leaf, usage: signs}.make(t, ca)
		_, err := FindPath(leaf.Certificate, PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate}, At: noon})
		if c.bad != errors.Is(err, ErrNameConstraint) || !c.bad && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStrictConstraints(t *testing.T) {
	for name, value := range map[string][]byte{
		"nothing":              sequence(),
		"an empty list":        sequence(tlv(0xa0)),
		"a minimum":            sequence(tlv(0xa0, sequence(dns("a"), tlv(0x80, []byte{1})))),
		"a maximum":            sequence(tlv(0xa0, sequence(dns("a"), tlv(0x81, []byte{1})))),
		"a mask with holes":    sequence(tlv(0xa0, sequence(ip(10, 0, 0, 0, 255, 0, 255, 0)))),
		"an address, no mask":  sequence(tlv(0xa0, sequence(ip(10, 0, 0, 0)))),
		"Chinese in IA5String": sequence(tlv(0xa0, sequence(dns("贵州.cn")))),
		"more behind":          append(sequence(tlv(0xa0, sequence(dns("a")))), 0),
		"the wrong order":      sequence(tlv(0xa1, sequence(dns("a"))), tlv(0xa0, sequence(dns("a")))),
		"too many":             sequence(tlv(0xa0, bytes.Repeat(sequence(dns("a")), maxSubtrees+1))),
	} {
		p := spec{name: "签发", usage: authority, ca: true, more: [][]byte{extension(oidExtNameConstraints, true, value)}}.parts(t, newKey(t), nil)
		if _, err := ParseCertificate(p.der()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An authority with 256 constraints and a leaf with 256 names, many levels
// deep, must not make the reader compare for ever.
func TestNameWorkIsBounded(t *testing.T) {
	var bases, names [][]byte
	for i := range maxSubtrees {
		bases = append(bases, dns(fmt.Sprintf("x%d.cn", i)))
		names = append(names, dns(fmt.Sprintf("y%d.cn", i)))
	}
	at := root(t, "根")
	o := PathOptions{Roots: []*Certificate{at.Certificate}, At: noon}
	for i := range maxPathDepth - 2 {
		at = spec{name: fmt.Sprint(i), usage: authority, ca: true, more: [][]byte{constrain(nil, bases)}}.make(t, at)
		o.Intermediates = append(o.Intermediates, at.Certificate)
	}
	leaf := spec{name: "叶", usage: signs, more: [][]byte{extension(oidExtAltNames, false, sequence(names...))}}.make(t, at)
	w := walk{o: o}
	if _, err := w.up([]*Certificate{leaf.Certificate}); !errors.Is(err, ErrNameConstraint) {
		t.Fatal(err)
	}
	if w.names > maxNameWork+2*maxSubtrees {
		t.Fatalf("%d comparisons", w.names)
	}
}

func TestNamesAreCompared(t *testing.T) {
	read := func(rdns ...[]byte) Name {
		n, err := (&dialect{foreign: true}).name(sequence(rdns...))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	cn := func(tag byte, s string) []byte { return rdn(oidCommonName, tag, s) }
	two := func(a, b string) []byte {
		return tlv(0x31, sequence(oid(oidCommonName), tlv(0x0c, []byte(a))), sequence(oid(oidUnit), tlv(0x0c, []byte(b))))
	}
	turned := tlv(0x31, sequence(oid(oidUnit), tlv(0x0c, []byte("b"))), sequence(oid(oidCommonName), tlv(0x0c, []byte("a"))))
	for name, c := range map[string]struct {
		a, b Name
		same bool
	}{
		"the same":                     {read(cn(0x0c, "a")), read(cn(0x0c, "a")), true},
		"another string type":          {read(cn(0x0c, "a")), read(cn(0x13, "a")), true},
		"another case":                 {read(cn(0x0c, "Straße ÀÉ")), read(cn(0x0c, "straße àé")), true},
		"white space":                  {read(cn(0x13, "  a \t b ")), read(cn(0x13, "A B")), true},
		"white space that is not":      {read(cn(0x13, "ab")), read(cn(0x13, "a b")), false},
		"another attribute":            {read(cn(0x0c, "a")), read(rdn(oidUnit, 0x0c, "a")), false},
		"one RDN more":                 {read(cn(0x0c, "a")), read(cn(0x0c, "a"), cn(0x0c, "b")), false},
		"another order of RDNs":        {read(cn(0x0c, "a"), cn(0x0c, "b")), read(cn(0x0c, "b"), cn(0x0c, "a")), false},
		"another order in one RDN":     {read(two("a", "b")), read(turned), true},
		"two RDNs and one of two":      {read(two("a", "b")), read(cn(0x0c, "a"), rdn(oidUnit, 0x0c, "b")), false},
		"one attribute for two":        {read(tlv(0x31, sequence(oid(oidCommonName), tlv(0x0c, []byte("a"))), sequence(oid(oidCommonName), tlv(0x0c, []byte("a"))))), read(two("a", "a")), false},
		"full width is not half width": {read(cn(0x0c, "ａ")), read(cn(0x0c, "a")), false},
		"octets that are no text":      {read(cn(0x03, "\x00a")), read(cn(0x03, "\x00A")), false},
		"the same octets":              {read(cn(0x03, "\x00a")), read(cn(0x03, "\x00a")), true},
		"octets and their text":        {read(cn(0x03, "\x00a")), read(cn(0x0c, "#030061")), false},
		"Latin-1 and its text":         {read(cn(0x14, "\xe9")), read(cn(0x0c, "é")), false},
		"nothing and nothing":          {read(), read(), true},
	} {
		if c.a.Equal(c.b) != c.same || c.b.Equal(c.a) != c.same {
			t.Errorf("%s: %t", name, !c.same)
		}
	}
}
