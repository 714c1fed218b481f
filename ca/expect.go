package ca

import (
	"golang.org/x/crypto/cryptobyte"

	"yinxin/ca/lint"
)

// expected is what profile and order say of a certificate that signs for itself.
func (o order) expected() lint.Expected {
	p := o.profile.c
	want := lint.Expected{
		Life: p.Life, KeyUsage: p.KeyUsage, EKU: p.EKU, EKUCritical: p.EKUCritical, CA: p.CA, PathLen: p.PathLen, OCSPNoCheck: p.OCSPNoCheck,
		Policies: p.Policies, RequirePolicy: p.RequirePolicy, Organization: o.subject.Organization, CN: o.subject.CommonName, Agency: o.agency, Seal: p.Seal, Key: o.key,
	}
	for _, n := range p.Permitted {
		// A name of texts has an encoding, whatever they are.
		der, _ := encode(func(b *cryptobyte.Builder) { addName(b, n) })
		want.Permitted = append(want.Permitted, der)
	}
	return want
}

// expected is that, with what the authority adds of its own, for the linter to
// hold the draft against.
func (a *Authority) expected(o order, serial string, by Credential) lint.Expected {
	want := o.expected()
	want.Region, want.CPS, want.Issuer = a.c.Region, a.cpsURL(), by.Certificate
	if by.Certificate != nil {
		want.CRL, want.FreshestCRL = a.crlURLs(by.Name, serial, o.profile)
		want.OCSP, want.IssuerURL = a.ocspURL(), a.issuerURL(by.Name)
	}
	return want
}

// cpsURL is where the practice statement is to be read.
func (a *Authority) cpsURL() string { return a.c.BaseURL + "/cps" }

// ocspURL is where the responder answers, for every issuer.
func (a *Authority) ocspURL() string { return a.c.BaseURL + "/ocsp" }

// issuerURL is where an issuer's certificate is to be had.
func (a *Authority) issuerURL(issuer string) string { return a.c.BaseURL + "/ca/" + issuer + ".cer" }

// crlURLs are the addresses of the list that will tell of a revocation, and of
// its delta list, "" if the profile names none. What an issuing CA issues names the
// part of its list that it belongs to, which stays small however many there are; what
// the root issues is a handful, and names the whole.
func (a *Authority) crlURLs(issuer, serial string, p Profile) (list, delta string) {
	base := a.c.BaseURL + "/crl/" + issuer
	if p.c.FreshestCRL {
		delta = base + "-delta.crl"
	}
	if of, _, _ := parseIssuer(issuer); of == PurposeIssuing && !p.c.FullCRL {
		base += "-" + Shard(serial)
	}
	return base + ".crl", delta
}
