package verify_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"yinxin/certs"
	"yinxin/verify"
)

// subtree is the only base of a GeneralSubtrees: C=CN, CN=name, or C=CN alone.
func subtree(t testing.TB, name string) []byte {
	t.Helper()
	rdns := pkix.Name{Country: []string{"CN"}, CommonName: name}.ToRDNSequence()
	dn, err := asn1.Marshal(rdns)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: dn})
	if err != nil {
		t.Fatal(err)
	}
	base, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: directory})
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// constraints are permitted (tag 0) or excluded (tag 1) subtrees.
func constraints(t testing.TB, tag int, base []byte) pkix.Extension {
	t.Helper()
	list, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: base})
	if err != nil {
		t.Fatal(err)
	}
	value, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: list})
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: value}
}

// What a listed authority may issue binds those who seal by it: its own constraints
// (RFC 5937) and those of an authority beneath it.
func TestAnAuthorityKeepsToItsConstraints(t *testing.T) {
	explicit := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 36}, Critical: true, Value: []byte{0x30, 0x03, 0x80, 0x01, 0x00}}
	for name, c := range map[string]struct {
		says func(t testing.TB, signer string) []pkix.Extension
		good bool
	}{
		"none": {func(testing.TB, string) []pkix.Extension { return nil }, true},
		"its country": {func(t testing.TB, _ string) []pkix.Extension {
			return []pkix.Extension{constraints(t, 0, subtree(t, ""))}
		}, true},
		"the signer": {func(t testing.TB, s string) []pkix.Extension {
			return []pkix.Extension{constraints(t, 0, subtree(t, s))}
		}, true},
		"others": {func(t testing.TB, _ string) []pkix.Extension {
			return []pkix.Extension{constraints(t, 0, subtree(t, "x"))}
		}, false},
		"all but the signer": {func(t testing.TB, s string) []pkix.Extension {
			return []pkix.Extension{constraints(t, 1, subtree(t, s))}
		}, false},
		"all but others": {func(t testing.TB, _ string) []pkix.Extension {
			return []pkix.Extension{constraints(t, 1, subtree(t, "x"))}
		}, true},
		"by policies it lacks": {func(testing.TB, string) []pkix.Extension { return []pkix.Extension{explicit} }, false},
	} {
		for _, beneath := range []bool{false, true} {
			s := newScene(t)
			signer := s.r.sealID(1)
			outside := profile{name: "outside CA", ca: true, more: c.says(t, signer)}
			if beneath {
				outside.more = nil
			}
			listed := newParty(t, s.r.root, outside)
			by := listed
			if beneath {
				by = newParty(t, listed, profile{name: "beneath", ca: true, more: c.says(t, signer)})
				s.more = append(s.more, verify.NewItem(verify.KindCertificate, by.cert.Raw), by.list(t, s.known))
			}
			s.r.serves(certs.ServiceAgencyCA, listed)
			s.more = append(s.more, listed.list(t, s.known))
			s.order.signer = newParty(t, by, profile{name: signer})
			s.r.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
			if r := s.judge(); good(r) != c.good || !c.good && r.Verdict != verify.CannotConfirm {
				t.Errorf("%s, beneath %v: %s %v", name, beneath, r.Verdict, codes(r))
			}
		}
	}
}

// A certificate that names no list is spoken of by its issuer's whole list alone.
func TestACertificateThatNamesNoList(t *testing.T) {
	for name, c := range map[string]struct {
		of      portion
		verdict verify.Verdict
		code    verify.Code
	}{
		"the whole list":           {portion{number: 1}, verify.Valid, ""},
		"a shard":                  {portion{number: 1, shard: itsShard}, verify.CannotConfirm, verify.StatusUnavailable},
		"a list of attributes":     {portion{number: 1, flag: 5}, verify.CannotConfirm, verify.StatusUnavailable},
		"a list of others too":     {portion{number: 1, flag: 4}, verify.Valid, ""},
		"a shard of others too":    {portion{number: 1, flag: 4, shard: itsShard}, verify.CannotConfirm, verify.StatusUnavailable},
		"a delta without its base": {portion{number: 2, base: 1}, verify.CannotConfirm, verify.StatusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s, agencies := sharded(t)
			s.order.signer = newParty(t, agencies, profile{name: s.r.sealID(1)})
			s.r.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
			s.more = append(s.more, agencies.partial(t, c.of, s.known))
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}
