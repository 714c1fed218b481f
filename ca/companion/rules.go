package companion

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"fmt"
	"time"

	"yinxin/certs"
)

// facts are a draft as both readers have it, with what it is to be.
type facts struct {
	role   Role
	std    *x509.Certificate
	ours   *certs.Certificate
	parent *x509.Certificate
	now    time.Time
}

// rules are what every certificate of the authority keeps. Those of ca/lint are for
// SM2 and for names of ours; these are few, since nothing in them is a caller's.
var rules = []struct {
	name string
	kept func(f *facts) bool
}{
	{"version 3 (RFC 5280 4.1.2.1)", func(f *facts) bool { return f.std.Version == 3 }},
	{"serial number of 16 octets, positive (RFC 5280 4.1.2.2)", func(f *facts) bool { return f.std.SerialNumber.Sign() > 0 && (f.std.SerialNumber.BitLen()+7)/8 == 16 }},
	{"ECDSA with SHA-256", func(f *facts) bool { return f.std.SignatureAlgorithm == x509.ECDSAWithSHA256 }},
	{"a key on P-256 (FIPS 186-5)", func(f *facts) bool {
		k, ok := f.std.PublicKey.(*ecdsa.PublicKey)
		return ok && k.Curve == elliptic.P256()
	}},
	{"subject of C, O and CN", func(f *facts) bool {
		s := f.std.Subject
		return len(s.Country) == 1 && s.Country[0] == "CN" && len(s.Organization) == 1 && s.CommonName != ""
	}},
	{"begins now and lives as its role does", func(f *facts) bool {
		most := map[Role]time.Duration{Root: rootLife, Signer: signerLife}[f.role]
		return f.std.NotBefore.Equal(f.now) && f.std.NotAfter.After(f.now) && f.std.NotAfter.Sub(f.now) <= most && !f.std.NotAfter.After(f.parent.NotAfter)
	}},
	{"basic constraints: a root alone is an authority, over no other", func(f *facts) bool {
		if f.role == Root {
			return f.std.BasicConstraintsValid && f.std.IsCA && f.std.MaxPathLenZero && f.ours.IsCA && f.ours.MaxPathLen == 0
		}
		return !f.std.IsCA && !f.ours.IsCA
	}},
	{"key usage of its role and no more (RFC 5280 4.2.1.3)", func(f *facts) bool {
		if f.role == Root {
			return f.ours.KeyUsage == certs.KeyUsageCertSign|certs.KeyUsageCRLSign
		}
		return f.ours.KeyUsage == certs.KeyUsageDigitalSignature|certs.KeyUsageNonRepudiation
	}},
	{"no extended key usage", func(f *facts) bool {
		return len(f.ours.EKUs) == 0 && len(f.std.ExtKeyUsage)+len(f.std.UnknownExtKeyUsage) == 0
	}},
	{"key identifiers (RFC 5280 4.2.1.1, 4.2.1.2)", func(f *facts) bool {
		if f.role == Root {
			return len(f.std.SubjectKeyId) == 20
		}
		return bytes.Equal(f.std.AuthorityKeyId, f.parent.SubjectKeyId)
	}},
	{"nothing critical that is not understood", func(f *facts) bool { return len(f.std.UnhandledCriticalExtensions) == 0 }},
	{"issued by its root's name", func(f *facts) bool { return f.std.Issuer.String() == f.parent.Subject.String() }},
}

// check holds a draft against the rules.
func check(role Role, draft, parent *x509.Certificate, now time.Time) error {
	ours, err := certs.ParseAnyCertificate(draft.Raw)
	if err != nil {
		return fmt.Errorf("%w: our reader: %w", ErrDraft, err)
	}
	f := &facts{role, draft, ours, parent, now}
	for _, r := range rules {
		if !r.kept(f) {
			return fmt.Errorf("%w: %s", ErrDraft, r.name)
		}
	}
	return nil
}
