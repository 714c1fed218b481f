package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

// The X.509 of the library that we take SM2 from is a witness of another's, since
// certs reads and follows paths by itself. It reads extended key usages by components
// of 31 bits, where our arc has one of 128 (protocol.md 9), and refuses such a
// certificate whole; policies of the same arc it reads.
func TestSmx509ReadsCertificatesAndPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issuing, err := smx509.ParseCertificate(h.purpose(t, ca.PurposeIssuing))
	if err != nil {
		t.Fatal(err)
	}
	root, err := smx509.ParseCertificate(h.purpose(t, ca.PurposeRoot))
	if err != nil {
		t.Fatal(err)
	}
	namesake, err := smx509.ParseCertificate(newHouse(t).purpose(t, ca.PurposeRoot))
	if err != nil {
		t.Fatal(err)
	}
	roots, between, stranger := smx509.NewCertPool(), smx509.NewCertPool(), smx509.NewCertPool()
	roots.AddCert(root)
	between.AddCert(issuing)
	stranger.AddCert(namesake)
	read := 0
	for _, r := range h.certificates(t) {
		made, err := certs.ParseCertificate(r.DER)
		if err != nil {
			t.Fatal(err)
		}
		c, err := smx509.ParseCertificate(r.DER)
		if slices.ContainsFunc(made.EKUs, func(id certs.OID) bool { return strings.HasPrefix(string(id), ourArc) }) {
			if err == nil || err.Error() != "x509: invalid extended key usages" {
				t.Errorf("%s, of a usage of our arc: %v", r.Subject, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", r.Subject, err)
		}
		read++
		if c.SerialNumber.Cmp(made.Serial) != 0 || c.Subject.CommonName != made.Subject.CommonName || !c.NotAfter.Equal(made.NotAfter) || c.IsCA != made.IsCA || int(c.KeyUsage) != int(made.KeyUsage) || len(c.Policies) != len(made.Policies) {
			t.Errorf("%s: the library reads something else", r.Subject)
		}
		if r.Issuer == string(ca.PurposeRoot) {
			continue
		}
		o := smx509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []smx509.ExtKeyUsage{smx509.ExtKeyUsageAny}}
		if chains, err := c.Verify(o); err != nil || len(chains) != 1 || len(chains[0]) != 3 {
			t.Errorf("%s: %d chains: %v", r.Subject, len(chains), err)
		}
		o.Roots = stranger
		if _, err := c.Verify(o); err == nil {
			t.Errorf("%s: good under a namesake of the root", r.Subject)
		}
	}
	if read < 5 { // root, issuing, tsa, ocsp, the seal's
		t.Errorf("%d certificates were read", read)
	}
}

func TestSmx509ReadsRevocationLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.list(t, "issuing")
	h.revoke(t, h.seal.CertSerial, certs.ReasonKeyCompromise)
	shard := ca.Shard(h.seal.CertSerial)
	for name, entries := range map[string]int{"root": 0, "issuing": 1, "issuing-" + shard: 1, "issuing-" + foreignShard(h.seal.CertSerial): 0, "issuing-delta": 1} {
		issuer, _, _ := strings.Cut(name, "-")
		by, err := smx509.ParseCertificate(h.purpose(t, ca.Purpose(issuer)))
		if err != nil {
			t.Fatal(err)
		}
		der := h.list(t, name)
		list, err := smx509.ParseRevocationList(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := list.CheckSignatureFrom(by); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(list.RevokedCertificateEntries) != entries || entries == 1 && (list.RevokedCertificateEntries[0].ReasonCode != certs.ReasonKeyCompromise || fmt.Sprintf("%x", list.RevokedCertificateEntries[0].SerialNumber) != h.seal.CertSerial) {
			t.Errorf("%s: %+v", name, list.RevokedCertificateEntries)
		}
		if list, err = smx509.ParseRevocationList(damaged(der)); err == nil && list.CheckSignatureFrom(by) == nil {
			t.Errorf("%s: forged, and good", name)
		}
	}
}
