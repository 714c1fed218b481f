package certs

import "testing"

// Which names are one: RFC 5280 7.1, and no more than RFC 4518 joins.
func TestWhichNamesAreEqual(t *testing.T) {
	const utf, printable = 0x0c, 0x13
	cn := func(tag byte, text string) []byte { return sequence(rdn(oidCommonName, tag, text)) }
	o := func(tag byte, text string) []byte { return rdn(oidOrganization, tag, text) }
	for name, c := range map[string]struct {
		a, b  []byte
		equal bool
	}{
		"string types":             {cn(utf, "Guizhou CA"), cn(printable, "Guizhou CA"), true},
		"case":                     {cn(utf, "Guizhou CA"), cn(printable, "GUIZHOU ca"), true},
		"white space":              {cn(utf, " Guizhou  CA "), cn(utf, "Guizhou\u3000CA"), true},
		"no white space":           {cn(utf, "Guizhou CA"), cn(utf, "GuizhouCA"), false},
		"a letter of another kind": {cn(utf, "Guizhou CА"), cn(utf, "Guizhou CA"), false}, // the first А is Cyrillic
		"the sign of Kelvin":       {cn(utf, "\u212a"), cn(utf, "k"), true},               // RFC 3454 B.2 has it so
		"a sharp s":                {cn(utf, "ß"), cn(utf, "ss"), false},
		"a dotless i":              {cn(utf, "ı"), cn(utf, "i"), false},
		"full width":               {cn(utf, "ＣＡ"), cn(utf, "CA"), false}, // NFKC alone joins them
		"nothing to be seen":       {cn(utf, "C\u200bA"), cn(utf, "CA"), false},
		"simplified, traditional":  {cn(utf, "贵州"), cn(utf, "貴州"), false},
		"another attribute":        {sequence(o(utf, "x")), cn(utf, "x"), false},
		"an attribute more":        {sequence(o(utf, "x"), o(utf, "y")), sequence(o(utf, "x")), false},
		"another order":            {sequence(o(utf, "x"), o(utf, "y")), sequence(o(utf, "y"), o(utf, "x")), false},
		"two RDNs, or one of two": {sequence(o(utf, "x"), o(utf, "y")),
			sequence(tlv(0x31, sequence(oid(oidOrganization), tlv(utf, []byte("x"))), sequence(oid(oidOrganization), tlv(utf, []byte("y"))))), false},
		"none":                   {sequence(), sequence(), true},
		"none, and one of space": {sequence(), cn(utf, " "), false},
	} {
		a, err := ParseName(c.a)
		b, err2 := ParseName(c.b)
		if err != nil || err2 != nil {
			t.Fatal(name, err, err2)
		}
		if a.Equal(b) != c.equal || b.Equal(a) != c.equal {
			t.Errorf("%s: %v", name, !c.equal)
		}
	}
}

// Two addresses of shards that differ behind the host are two.
func TestWhichAddressesAreOne(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"HTTP://Gz.example/crl/4a.crl", "http://gz.example/crl/4a.crl", true},
		{"http://gz.example/crl/4a.crl", "http://gz.example/crl/4A.crl", false},
		{"http://gz.example?shard=4a", "http://gz.example?shard=4A", false},
		{"http://gz.example", "http://gz.example/", true},
		{"http://gz.example/a", "http://gz.example:80/a", false},
	} {
		g := func(s string) GeneralName { return GeneralName{Form: FormURI, Value: []byte(s)} }
		if g(c.a).same(g(c.b)) != c.same {
			t.Errorf("%s, %s: %v", c.a, c.b, !c.same)
		}
	}
}
