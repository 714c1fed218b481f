package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/certs"
)

// rule is one extension of a certificate.
type rule struct {
	id    asn1.ObjectIdentifier
	value any
}

// generalName is a base or a name: the tag of RFC 5280 4.2.1.6 and its content.
type generalName struct {
	tag     int
	content []byte
}

func (g generalName) raw() asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: g.tag, IsCompound: g.tag == 4, Bytes: g.content}
}

type subtree struct{ Base asn1.RawValue }

type nameConstraints struct {
	Permitted []subtree `asn1:"optional,tag:0"`
	Excluded  []subtree `asn1:"optional,tag:1"`
}

func trees(names ...generalName) (out []subtree) {
	for _, n := range names {
		out = append(out, subtree{n.raw()})
	}
	return out
}

func permit(names ...generalName) rule {
	return rule{asn1.ObjectIdentifier{2, 5, 29, 30}, nameConstraints{Permitted: trees(names...)}}
}

func exclude(names ...generalName) rule {
	return rule{asn1.ObjectIdentifier{2, 5, 29, 30}, nameConstraints{Excluded: trees(names...)}}
}

func altNames(names ...generalName) rule {
	var list []asn1.RawValue
	for _, n := range names {
		list = append(list, n.raw())
	}
	return rule{asn1.ObjectIdentifier{2, 5, 29, 17}, list}
}

type policyInfo struct{ ID asn1.ObjectIdentifier }

func policies(list ...asn1.ObjectIdentifier) rule {
	var infos []policyInfo
	for _, o := range list {
		infos = append(infos, policyInfo{o})
	}
	return rule{asn1.ObjectIdentifier{2, 5, 29, 32}, infos}
}

type policyPair struct{ Issuer, Subject asn1.ObjectIdentifier }

func mapping(from, to asn1.ObjectIdentifier) rule {
	return rule{asn1.ObjectIdentifier{2, 5, 29, 33}, []policyPair{{from, to}}}
}

// skip holds the SkipCerts of policyConstraints that are there.
func skip(tag int, n byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte{n}}
}

func policyConstraints(skips ...asn1.RawValue) rule {
	return rule{asn1.ObjectIdentifier{2, 5, 29, 36}, skips}
}

func inhibitAny(n int) rule { return rule{asn1.ObjectIdentifier{2, 5, 29, 54}, n} }

// member is a certificate of a chain, whatever its algorithm.
type member struct {
	name  pkix.Name
	ca    bool
	rules []rule
}

func (m member) extensions(t testing.TB) (out []pkix.Extension) {
	t.Helper()
	for _, r := range m.rules {
		value, err := asn1.Marshal(r.value)
		if err != nil {
			t.Fatal(err)
		}
		id := r.id.String()
		out = append(out, pkix.Extension{Id: r.id, Critical: id != "2.5.29.17" && id != "2.5.29.32", Value: value})
	}
	return out
}

// inSM2 makes a chain, root first, with the library's encoder.
func inSM2(t testing.TB, chain []member) (out [][]byte) {
	t.Helper()
	var parent *smx509.Certificate
	var by crypto.Signer
	for i, m := range chain {
		key, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &smx509.Certificate{SerialNumber: big.NewInt(int64(i) + 1), Subject: m.name, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: smx509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: m.ca, SubjectKeyId: []byte{byte(i) + 1}, ExtraExtensions: m.extensions(t)}
		if m.ca {
			c.KeyUsage = smx509.KeyUsageCertSign
		}
		if parent == nil {
			parent, by = c, key
		}
		der, err := smx509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		out, parent, by = append(out, der), c, key
	}
	return out
}

// inP256 makes the same chain for OpenSSL, which checks SM2 one link at a time.
func inP256(t testing.TB, chain []member) (out [][]byte) {
	t.Helper()
	var parent *x509.Certificate
	var by crypto.Signer
	for i, m := range chain {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i) + 1), Subject: m.name, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: m.ca, SubjectKeyId: []byte{byte(i) + 1}, ExtraExtensions: m.extensions(t)}
		if m.ca {
			c.KeyUsage = x509.KeyUsageCertSign
		}
		if parent == nil {
			parent, by = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		out, parent, by = append(out, der), c, key
	}
	return out
}

// weJudge judges a chain, root first.
func weJudge(t testing.TB, parse func([]byte) (*certs.Certificate, error), chain [][]byte) error {
	t.Helper()
	var all []*certs.Certificate
	for _, der := range chain {
		c, err := parse(der)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	_, err := certs.FindPath(all[2], certs.PathOptions{Roots: all[:1], Intermediates: all[1:2], At: time.Now()})
	return err
}

// constrained are chains of three whose authority sets bounds, and whether the
// leaf keeps them.
func constrained(t testing.TB) map[string]struct {
	ca, leaf []rule
	org      string
	good     bool
} {
	t.Helper()
	directory := func(org string) generalName {
		der, err := asn1.Marshal(pkix.Name{Country: []string{"CN"}, Organization: []string{org}}.ToRDNSequence())
		if err != nil {
			t.Fatal(err)
		}
		return generalName{4, der}
	}
	dns := func(s string) generalName { return generalName{2, []byte(s)} }
	mail := func(s string) generalName { return generalName{1, []byte(s)} }
	ip := func(b ...byte) generalName { return generalName{7, b} }
	p1, p2, every := asn1.ObjectIdentifier{1, 2, 3, 1}, asn1.ObjectIdentifier{1, 2, 3, 2}, asn1.ObjectIdentifier{2, 5, 29, 32, 0}
	must := policyConstraints(skip(0, 0))
	list := func(r ...rule) []rule { return r }
	return map[string]struct {
		ca, leaf []rule
		org      string
		good     bool
	}{
		"a directory name within":           {list(permit(directory("Guizhou"))), nil, "Guizhou", true},
		"a directory name, another case":    {list(permit(directory("GUIZHOU"))), nil, "guizhou", true},
		"another province":                  {list(permit(directory("Guizhou"))), nil, "Sichuan", false},
		"an excluded directory name":        {list(exclude(directory("Guizhou"))), nil, "Guizhou", false},
		"a host within":                     {list(permit(dns("gz.gov.cn"))), list(altNames(dns("a.gz.gov.cn"))), "x", true},
		"a host that ends alike":            {list(permit(dns("gz.gov.cn"))), list(altNames(dns("xgz.gov.cn"))), "x", false},
		"an excluded host":                  {list(exclude(dns("gz.gov.cn"))), list(altNames(dns("a.gz.gov.cn"))), "x", false},
		"a mailbox of a host":               {list(permit(mail("gz.gov.cn"))), list(altNames(mail("a@gz.gov.cn"))), "x", true},
		"a mailbox beneath a host":          {list(permit(mail("gz.gov.cn"))), list(altNames(mail("a@b.gz.gov.cn"))), "x", false},
		"a mailbox of a domain":             {list(permit(mail(".gz.gov.cn"))), list(altNames(mail("a@b.gz.gov.cn"))), "x", true},
		"an address of a network":           {list(permit(ip(10, 1, 0, 0, 255, 255, 0, 0))), list(altNames(ip(10, 1, 2, 3))), "x", true},
		"an address of another":             {list(permit(ip(10, 1, 0, 0, 255, 255, 0, 0))), list(altNames(ip(10, 2, 2, 3))), "x", false},
		"the policy that must be":           {list(policies(p1), must), list(policies(p1)), "x", true},
		"another policy":                    {list(policies(p1), must), list(policies(p2)), "x", false},
		"no policy":                         {list(policies(p1), must), nil, "x", false},
		"a mapped policy":                   {list(policies(p1), mapping(p1, p2), must), list(policies(p2)), "x", true},
		"the policy that was mapped away":   {list(policies(p1), mapping(p1, p2), must), list(policies(p1)), "x", false},
		"any policy":                        {list(policies(p1), must), list(policies(every)), "x", true},
		"any policy, inhibited":             {list(policies(p1), must, inhibitAny(0)), list(policies(every)), "x", false},
		"any policy of the authority":       {list(policies(every), must), list(policies(p2)), "x", true},
		"another policy where none must be": {list(policies(p1)), list(policies(p2)), "x", true},
	}
}

func chainOf(org string, ca, leaf []rule) []member {
	return []member{
		{pkix.Name{CommonName: "root"}, true, nil},
		{pkix.Name{Country: []string{"CN"}, Organization: []string{org}, CommonName: "issuing"}, true, ca},
		{pkix.Name{Country: []string{"CN"}, Organization: []string{org}, CommonName: "leaf"}, false, leaf},
	}
}

// What an authority may issue, and under which policies, is judged alike by us,
// by BouncyCastle over SM2, and by OpenSSL over the same chains in P-256. OpenSSL
// takes an absent -policy for none at all, where RFC 5280 6.1.1 (c) has any.
func TestOthersKeepTheSameBounds(t *testing.T) {
	t.Parallel()
	program := openssl(t)
	for name, c := range constrained(t) {
		chain := chainOf(c.org, c.ca, c.leaf)
		der := inSM2(t, chain)
		if err := weJudge(t, certs.ParseCertificate, der); (err == nil) != c.good {
			t.Errorf("%s: ours: %v", name, err)
		}
		other := inP256(t, chain)
		if err := weJudge(t, certs.ParseAnyCertificate, other); (err == nil) != c.good {
			t.Errorf("%s: ours in P-256: %v", name, err)
		}
		out, ok := run(t, program, "verify", "-policy_check", "-policy", "2.5.29.32.0", "-trusted", write(t, "root", pemOf("CERTIFICATE", other[0])),
			"-untrusted", write(t, "issuing", pemOf("CERTIFICATE", other[1])), write(t, "leaf", pemOf("CERTIFICATE", other[2])))
		if ok != c.good {
			t.Errorf("%s: OpenSSL: %s", name, out)
		}
	}
}

func TestBouncyCastleKeepsTheSameBounds(t *testing.T) {
	t.Parallel()
	at := time.Now().UTC().Format(time.RFC3339)
	for name, c := range constrained(t) {
		der := inSM2(t, chainOf(c.org, c.ca, c.leaf))
		if out, ok := bouncyCastle(t, "path", at, file(t, der[0]), "--", file(t, der[2]), file(t, der[1])); ok != c.good {
			t.Errorf("%s: %s", name, out)
		}
	}
}
