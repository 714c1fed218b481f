package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// bad is a sample that breaks a rule: a good one with one thing spoiled. Where a
// thing breaks other rules too, they may be found beside it.
type bad struct {
	of    func(testing.TB) *sample
	spoil func(*sample)
}

// badX690 to badCPS hold, for each rule, what breaks it. The good sample of a
// rule is the one that its bad ones begin with.
var badX690 = map[string][]bad{
	"x690_canonical": {
		{sealSample, func(s *sample) { s.put(idSubjectKeyID, []byte{4, 0x81, 20}) }},
		{sealSample, func(s *sample) { s.put(certs.OIDUSCC, []byte(testUSCC)) }},
		{ocspSample, func(s *sample) { s.put(certs.OIDOCSPNoCheck, []byte{5, 1, 0}) }},
		{issuingSample, func(s *sample) { s.put(idBasicConstraints, seq(yes, wrap(asn1.INTEGER, []byte{0, 0}))) }},
		{sealSample, func(s *sample) { s.put(idKeyUsage, bits(6, 0xe1)) }},
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idOrganization, asn1.UTF8String, "z"), attr(idCommonName, asn1.UTF8String, "a")))
		}},
		{sealSample, func(s *sample) { s.put(idSubjectKeyID, bytes.Repeat([]byte{0x30, 0x80}, 20)) }},
	},
	"x690_default_false": {
		{sealSample, func(s *sample) { s.extensions[s.find(idSubjectKeyID)].critical = []byte{1, 1, 0} }},
		{sealSample, func(s *sample) { s.add(idBasicConstraints, yes, seq([]byte{1, 1, 0})) }},
	},
	"x690_named_bits": {
		{sealSample, func(s *sample) { s.put(idKeyUsage, bits(5, 0xc0)) }},
		{sealSample, func(s *sample) { s.put(idKeyUsage, bits(0, 0xc0, 0)) }},
	},
}

var badRFC = map[string][]bad{
	"rfc5280_structure": {
		{sealSample, func(s *sample) { s.more = []byte{5, 0} }},
		{sealSample, func(s *sample) { s.extensions[s.find(idKeyUsage)].critical = []byte{1, 1, 1} }},
		{sealSample, func(s *sample) { s.notAfter = nil }},
		{sealSample, func(s *sample) { s.extensions = nil }},
	},
	"rfc5280_version_3": {
		{sealSample, func(s *sample) { s.version = nil }},
		{sealSample, func(s *sample) { s.version = wrap(tagWrapped, wrap(asn1.INTEGER, []byte{1})) }},
		{sealSample, func(s *sample) { s.version = wrap(tagWrapped, wrap(asn1.INTEGER, []byte{0xff})) }},
	},
	"rfc5280_serial_positive": {
		{sealSample, func(s *sample) { s.serial = []byte{0} }},
		{sealSample, func(s *sample) { s.serial[0] = 0x80 }},
	},
	"rfc5280_serial_octets":    {{sealSample, func(s *sample) { s.serial = bytes.Repeat([]byte{0x5a}, 21) }}},
	"rfc5280_algorithms_equal": {{sealSample, func(s *sample) { s.inner = seq(oid(certs.OIDSM2WithSM3), []byte{5, 0}) }}},
	"rfc5280_time_encoding": {
		{sealSample, func(s *sample) { s.notAfter = wrap(asn1.GeneralizedTime, []byte("20291123035959Z")) }},
		{sealSample, func(s *sample) { s.notAfter = wrap(asn1.UTCTime, []byte("2911230359Z")) }},
		{sealSample, func(s *sample) { s.notAfter = wrap(asn1.UTCTime, []byte("291123035959+0800")) }},
		{sealSample, func(s *sample) { s.notBefore = wrap(asn1.UTCTime, []byte("261331040000Z")) }},
		{rootSample, func(s *sample) { s.notAfter = wrap(asn1.GeneralizedTime, []byte("20500101000000.5Z")) }},
	},
	"rfc5280_validity_order":    {{sealSample, func(s *sample) { s.notAfter = utc(dawn) }}, {rootSample, func(s *sample) { s.notAfter = wrap(asn1.UTCTime, []byte("500101000000Z")) }}},
	"rfc5280_issuer_name":       {{sealSample, func(s *sample) { s.issuer = named("贵州省", "别的") }}, {rootSample, func(s *sample) { s.issuer = named("贵州省", "别的") }}},
	"rfc5280_subject_not_empty": {{sealSample, func(s *sample) { s.subject = seq() }}, {sealSample, func(s *sample) { s.subject = seq(rdn()) }}, {sealSample, func(s *sample) { s.subject = named("", testCode) }}},
	"rfc5280_attribute_once": {
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idCommonName, asn1.UTF8String, "a"), attr(idOrganization, asn1.UTF8String, "z")))
		}},
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idCommonName, asn1.UTF8String, "a")), rdn(attr(idCommonName, asn1.UTF8String, "b")))
		}},
	},
	"rfc5280_country_printable": {
		{sealSample, func(s *sample) { s.subject = seq(rdn(attr(idCountry, asn1.UTF8String, "CN"))) }},
		{sealSample, func(s *sample) { s.subject = seq(rdn(attr(idCountry, asn1.PrintableString, "cn"))) }},
		{sealSample, func(s *sample) { s.subject = seq(rdn(attr(idCountry, asn1.PrintableString, "CHN"))) }},
	},
	"rfc5280_text_utf8": {
		{sealSample, func(s *sample) { s.subject = seq(rdn(attr(idCommonName, asn1.IA5String, testCode))) }},
		{sealSample, func(s *sample) { s.subject = seq(rdn(attr(idCommonName, asn1.UTF8String, "\xff"))) }},
	},
	"rfc5280_unique_ids":     {{sealSample, func(s *sample) { s.behind = wrap(asn1.Tag(2).ContextSpecific(), []byte{0, 1}) }}, {sealSample, func(s *sample) { s.behind = wrap(asn1.Tag(1).ContextSpecific(), []byte{0, 1}) }}},
	"rfc5280_extension_once": {{sealSample, func(s *sample) { s.extensions = append(s.extensions, s.extensions[0]) }}},
	"rfc5280_unknown_critical": {
		{sealSample, func(s *sample) { s.add("1.2.3", yes, []byte{5, 0}) }},
		{sealSample, func(s *sample) { s.extensions[s.find(idPolicies)].critical = yes }},
		{sealSample, func(s *sample) { s.extensions[s.find(certs.OIDUSCC)].critical = yes }},
	},
	"rfc5280_subject_key_id": {
		{sealSample, func(s *sample) { s.drop(idSubjectKeyID) }},
		{sealSample, func(s *sample) { s.extensions[s.find(idSubjectKeyID)].critical = yes }},
		{sealSample, func(s *sample) { s.put(idSubjectKeyID, []byte{5, 0}) }},
	},
	"rfc5280_authority_key_id": {
		{sealSample, func(s *sample) { s.drop(idAuthorityKeyID) }},
		{sealSample, func(s *sample) { s.extensions[s.find(idAuthorityKeyID)].critical = yes }},
		{sealSample, func(s *sample) { s.put(idAuthorityKeyID, seq(wrap(asn1.Tag(0).ContextSpecific(), make([]byte, 20)))) }},
		{sealSample, func(s *sample) { s.put(idAuthorityKeyID, seq()) }},
		{rootSample, func(s *sample) {
			s.add(idAuthorityKeyID, nil, seq(wrap(asn1.Tag(0).ContextSpecific(), make([]byte, 20))))
		}},
	},
	"rfc5280_key_usage_critical": {
		{sealSample, func(s *sample) { s.extensions[s.find(idKeyUsage)].critical = nil }},
		{sealSample, func(s *sample) { s.drop(idKeyUsage) }},
	},
	"rfc5280_cert_sign_ca": {
		{sealSample, func(s *sample) { s.put(idKeyUsage, bits(2, 0xc4)) }},
		{rootSample, func(s *sample) { s.put(idKeyUsage, bits(1, 2)) }},
	},
	"rfc5280_basic_constraints": {
		{rootSample, func(s *sample) { s.extensions[s.find(idBasicConstraints)].critical = nil }},
		{rootSample, func(s *sample) { s.drop(idBasicConstraints) }},
		{sealSample, func(s *sample) { s.add(idBasicConstraints, yes, seq()) }},
	},
	"rfc5280_path_length": {
		{issuingSample, func(s *sample) { s.put(idBasicConstraints, seq(yes, wrap(asn1.INTEGER, []byte{0xff}))) }},
		{sealSample, func(s *sample) { s.add(idBasicConstraints, yes, seq(wrap(asn1.INTEGER, []byte{0}))) }},
	},
	"rfc5280_any_usage":     {{ocspSample, func(s *sample) { s.put(idExtendedKeyUsage, seq(oid(certs.OIDEKUOCSPSigning), oid(certs.OIDEKUAny))) }}},
	"rfc5280_policies_once": {{sealSample, func(s *sample) { p := policyOf(certs.OIDPolicyAgencySeal, s.want.CPS); s.put(idPolicies, seq(p, p)) }}},
	"rfc5280_policy_qualifiers": {
		{sealSample, func(s *sample) { s.put(idPolicies, seq(seq(oid(certs.OIDPolicyAgencySeal)))) }},
		{sealSample, func(s *sample) { // a notice
			s.put(idPolicies, seq(seq(oid(certs.OIDPolicyAgencySeal), seq(seq(oid("1.3.6.1.5.5.7.2.2"), seq())))))
		}},
		{sealSample, func(s *sample) {
			s.put(idPolicies, seq(seq(oid(certs.OIDPolicyAgencySeal), seq(seq(oid(certs.OIDQualifierCPS), wrap(asn1.UTF8String, []byte(s.want.CPS)))))))
		}},
	},
	"rfc5280_constraints_ca": {
		{sealSample, func(s *sample) { s.add(idPolicyConstraints, yes, seq(wrap(asn1.Tag(0).ContextSpecific(), []byte{0}))) }},
		{issuingSample, func(s *sample) { s.extensions[s.find(idNameConstraints)].critical = nil }},
		{issuingSample, func(s *sample) { s.put(idPolicyConstraints, seq()) }},
	},
	"rfc5280_names_permitted": {{sealSample, func(s *sample) {
		s.subject = seq(rdn(attr(idCountry, asn1.PrintableString, "TH")), rdn(attr(idOrganization, asn1.UTF8String, s.want.Organization)), rdn(attr(idCommonName, asn1.UTF8String, testCode)))
	}}},
	"rfc5280_crl_point": {
		{sealSample, func(s *sample) { s.drop(idCRLPoints) }},
		{sealSample, func(s *sample) { s.extensions[s.find(idCRLPoints)].critical = yes }},
		{sealSample, func(s *sample) { s.put(idCRLPoints, seq(seq())) }},
		{rootSample, func(s *sample) { s.add(idCRLPoints, nil, pointTo(host)) }},
	},
	"rfc5280_freshest_crl": {
		{ocspSample, func(s *sample) { s.extensions[s.find(idFreshestCRL)].critical = yes }},
		{ocspSample, func(s *sample) { s.put(idCRLPoints, pointTo(host+"/crl/issuing-5a.crl")) }},
		{ocspSample, func(s *sample) { s.drop(idCRLPoints) }},
	},
	"rfc5280_authority_access": {
		{sealSample, func(s *sample) { s.drop(idAuthorityAccess) }},
		{sealSample, func(s *sample) { s.put(idAuthorityAccess, access(string(idOCSP), host+"/ocsp")) }},
		{sealSample, func(s *sample) {
			s.put(idAuthorityAccess, access(string(idOCSP), host, string(idOCSP), host, string(idIssuers), host))
		}},
		{rootSample, func(s *sample) { s.add(idAuthorityAccess, nil, access(string(idOCSP), host, string(idIssuers), host)) }},
	},
	"rfc5280_address_scheme": {
		{sealSample, func(s *sample) { s.put(idCRLPoints, pointTo("ldap://seal.example/cn=x")) }},
		{sealSample, func(s *sample) { s.put(idCRLPoints, pointTo("/crl/issuing.crl")) }},
		{sealSample, func(s *sample) {
			s.put(idAuthorityAccess, access(string(idOCSP), host+"/ocsp?x", string(idIssuers), host))
		}},
		{sealSample, func(s *sample) {
			s.put(idAuthorityAccess, access(string(idOCSP), "https://a@b/", string(idIssuers), host))
		}},
	},
	"rfc3161_time_stamping_alone": {
		{tsaSample, func(s *sample) { s.extensions[s.find(idExtendedKeyUsage)].critical = nil }},
		{tsaSample, func(s *sample) {
			s.put(idExtendedKeyUsage, seq(oid(certs.OIDEKUTimeStamping), oid(certs.OIDEKUOCSPSigning)))
		}},
	},
	"rfc6960_nocheck_ocsp": {
		{tsaSample, func(s *sample) { s.add(certs.OIDOCSPNoCheck, nil, []byte{5, 0}) }},
		{ocspSample, func(s *sample) { s.extensions[s.find(certs.OIDOCSPNoCheck)].critical = yes }},
		{ocspSample, func(s *sample) { s.put(certs.OIDOCSPNoCheck, nil) }},
	},
}

func withPoint(spoil func(pt []byte) []byte) func(*sample) {
	return func(s *sample) {
		s.spki = spki(certs.OIDECPublicKey, certs.OIDSM2Curve, spoil(bytes.Clone(s.spki[len(s.spki)-65:])))
	}
}

var badGM = map[string][]bad{
	"gmt0015_algorithm_sm2": {
		{sealSample, func(s *sample) { s.inner = seq(oid(certs.OIDSM2WithSM3), []byte{5, 0}); s.outer = s.inner }},
		{sealSample, func(s *sample) { s.inner = seq(oid("1.2.840.10045.4.3.2")); s.outer = s.inner }},
		{sealSample, func(s *sample) { s.inner = seq(oid(certs.OIDSM2Sign)); s.outer = s.inner }},
	},
	"gmt0009_curve_sm2": {
		{sealSample, func(s *sample) { s.spki = spki(certs.OIDECPublicKey, "1.2.840.10045.3.1.7", s.spki[len(s.spki)-65:]) }},
		{sealSample, func(s *sample) { s.spki = spki(certs.OIDSM2Curve, certs.OIDSM2Curve, s.spki[len(s.spki)-65:]) }},
		{sealSample, func(s *sample) { s.spki = seq(seq(oid("1.2.840.113549.1.1.1"), []byte{5, 0}), bits(0, 0x30, 0)) }},
	},
	"gmt0009_point_on_curve": {
		{sealSample, withPoint(func(pt []byte) []byte { pt[64] ^= 1; return pt })},
		{sealSample, withPoint(func(pt []byte) []byte { return append([]byte{2 + pt[64]&1}, pt[1:33]...) })},
		{sealSample, withPoint(func([]byte) []byte { return []byte{0} })},
		{sealSample, withPoint(func([]byte) []byte { return append([]byte{4}, make([]byte, 64)...) })},
	},
	"gmt0003_point_trivial": {{sealSample, withPoint(func([]byte) []byte {
		p := sm2.P256().Params()
		return append(append([]byte{4}, p.Gx.FillBytes(make([]byte, 32))...), p.Gy.FillBytes(make([]byte, 32))...)
	})}},
	"gmt0015_uscc": {
		{sealSample, func(s *sample) { s.put(certs.OIDUSCC, wrap(asn1.PrintableString, []byte(testUSCC[:17]+"B"))) }},
		{sealSample, func(s *sample) { s.put(certs.OIDUSCC, wrap(asn1.UTF8String, []byte(testUSCC))) }},
	},
	"eseal_seal_code": {
		{sealSample, func(s *sample) { s.subject = named(s.want.Organization, testCode[1:]) }},
		{sealSample, func(s *sample) { s.subject = named(s.want.Organization, "33"+testCode[2:]) }},
		{sealSample, func(s *sample) { s.subject = named(s.want.Organization, testCode[:13]+"X") }},
	},
	"eseal_seal_unit": {
		{sealSample, func(s *sample) { s.subject = named("某市行政审批局", testCode) }},
		{sealSample, func(s *sample) { s.subject = named("11110000000021135M某市行政审批局", testCode) }},
		{sealSample, func(s *sample) { s.subject = named(testUSCC, testCode) }},
		{sealSample, func(s *sample) { s.drop(certs.OIDUSCC) }},
	},
}

var badCPS = map[string][]bad{
	"cps_readable": {
		{sealSample, func(s *sample) { s.put(idKeyUsage, bits(0)) }},
		{sealSample, func(s *sample) { s.put(idPolicies, seq(seq())) }},
	},
	"cps_serial_random": {{sealSample, func(s *sample) { s.serial = []byte{1} }}, {sealSample, func(s *sample) { s.serial = s.serial[1:] }}},
	"cps_life":          {{sealSample, func(s *sample) { s.notAfter = utc(dawn.Add(testLife)) }}},
	"cps_within_issuer": {{sealSample, func(s *sample) { s.notAfter = utc(dawn.Add(testLife)); s.want.Life *= 2 }}, {sealSample, func(s *sample) { s.notBefore = utc(dawn.Add(-time.Second)) }}},
	"cps_usage":         {{sealSample, func(s *sample) { s.put(idKeyUsage, bits(7, 0x80)) }}, {sealSample, func(s *sample) { s.put(idKeyUsage, bits(3, 0xf8)) }}},
	"cps_extended_usage": {
		{sealSample, func(s *sample) { s.add(idExtendedKeyUsage, nil, seq(oid(certs.OIDEKUClientAuth))) }},
		{tsaSample, func(s *sample) { s.drop(idExtendedKeyUsage) }},
		{ocspSample, func(s *sample) { s.drop(certs.OIDOCSPNoCheck) }},
		{ocspSample, func(s *sample) { s.extensions[s.find(idExtendedKeyUsage)].critical = yes }},
	},
	"cps_authority": {
		{issuingSample, func(s *sample) { s.put(idBasicConstraints, seq(yes)) }},
		{sealSample, func(s *sample) { s.add(idBasicConstraints, yes, seq(yes)) }},
	},
	"cps_name_constraints": {
		{issuingSample, func(s *sample) { s.drop(idNameConstraints) }},
		{issuingSample, func(s *sample) { s.want.Permitted = nil }},
		{issuingSample, func(s *sample) { s.want.Permitted = append(s.want.Permitted, s.want.Permitted[0]) }},
		{issuingSample, func(s *sample) { s.want.Permitted = [][]byte{named("贵州省", "x")} }},
	},
	"cps_policy_constraints": {
		{issuingSample, func(s *sample) { s.drop(idPolicyConstraints) }},
		{issuingSample, func(s *sample) { s.want.RequirePolicy = false }},
		{issuingSample, func(s *sample) { s.put(idPolicyConstraints, seq(wrap(asn1.Tag(0).ContextSpecific(), []byte{1}))) }},
	},
	"cps_subject_order": {
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idOrganization, asn1.UTF8String, s.want.Organization)), rdn(attr(idCountry, asn1.PrintableString, "CN")), rdn(attr(idCommonName, asn1.UTF8String, testCode)))
		}},
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idCountry, asn1.PrintableString, "CN")), rdn(attr(idCommonName, asn1.UTF8String, testCode)))
		}},
		{sealSample, func(s *sample) {
			s.subject = seq(rdn(attr(idCountry, asn1.PrintableString, "TH")), rdn(attr(idOrganization, asn1.UTF8String, s.want.Organization)), rdn(attr(idCommonName, asn1.UTF8String, testCode)))
		}},
	},
	"cps_subject_ordered": {{sealSample, func(s *sample) { s.subject = named(s.want.Organization, "52010000000002") }}},
	"cps_text_plain": {
		{tsaSample, func(s *sample) { s.subject = named("贵州省\u202e", "贵州省时间戳服务") }},
		{tsaSample, func(s *sample) { s.subject = named("贵州\n省", "贵州省时间戳服务") }},
		{tsaSample, func(s *sample) { s.subject = named("贵州省 ", "贵州省时间戳服务") }},
	},
	"cps_key_ordered": {{sealSample, func(s *sample) { s.want.Key = nil }}},
	"cps_key_id_sm3":  {{sealSample, func(s *sample) { s.put(idSubjectKeyID, wrap(asn1.OCTET_STRING, make([]byte, 20))) }}},
	"cps_policies": {
		{sealSample, func(s *sample) { s.drop(idPolicies) }},
		{sealSample, func(s *sample) { s.put(idPolicies, seq(policyOf(certs.OIDPolicyService, s.want.CPS))) }},
		{sealSample, func(s *sample) { s.put(idPolicies, seq(policyOf(certs.OIDPolicyAgencySeal, host))) }},
	},
	"cps_addresses": {
		{sealSample, func(s *sample) { s.put(idCRLPoints, pointTo(host+"/crl/root.crl")) }},
		{sealSample, func(s *sample) {
			s.put(idAuthorityAccess, access(string(idOCSP), host, string(idIssuers), s.want.IssuerURL))
		}},
		{ocspSample, func(s *sample) { s.drop(idFreshestCRL) }},
	},
	"cps_shard":  {{sealSample, func(s *sample) { s.serial[0] = 0x41 }}},
	"cps_agency": {{sealSample, func(s *sample) { s.want.Agency = "11110000000021135M" }}, {sealSample, func(s *sample) { s.want.Agency = "" }}, {tsaSample, func(s *sample) { s.want.Agency = testUSCC }}},
	"cps_personal_data": {{sealSample, func(s *sample) {
		s.add(certs.OIDIdentityCode, nil, wrap(asn1.PrintableString, []byte("320124198808240056")))
	}}},
	"cps_size": {{tsaSample, func(s *sample) { s.subject = named(strings.Repeat("长", 1400), "x") }}},
}

func TestGoodSamples(t *testing.T) {
	for name, of := range map[string]func(testing.TB) *sample{"root": rootSample, "issuing": issuingSample, "seal": sealSample, "tsa": tsaSample, "ocsp": ocspSample, "scheme": schemeSample} {
		s := of(t)
		if found := examine(s.der(t), s.want); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	late := rootSample(t)
	late.notAfter, late.want.Life = wrap(asn1.GeneralizedTime, []byte("20500101000000Z")), 30*365*24*time.Hour
	if found := examine(late.der(t), late.want); len(found) > 0 {
		t.Error("GeneralizedTime:", found)
	}
}

func TestBadSamples(t *testing.T) {
	tried := map[string]bool{}
	for _, group := range []map[string][]bad{badX690, badRFC, badGM, badCPS} {
		for id, samples := range group {
			tried[id] = true
			for i, b := range samples {
				s := b.of(t)
				b.spoil(s)
				found := examine(s.der(t), s.want)
				if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule.ID == id && f.How != "" }) {
					t.Errorf("%s %d: found %v", id, i, found)
				}
			}
		}
	}
	for _, r := range Rules() {
		if !tried[r.ID] {
			t.Errorf("%s has no bad sample", r.ID)
		}
		delete(tried, r.ID)
	}
	if len(tried) > 0 {
		t.Errorf("no such rules: %v", tried)
	}
}

// Each rule has a file of its name, a source and a sentence, and stands in the list
// once.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("*_*.go")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{structure.ID + ".go": true} // it is the reader's own, in view.go
	for _, r := range rules {
		if r.Source == "" || r.Says == "" || ids[r.ID+".go"] {
			t.Errorf("%s: no source, no sentence, or twice", r.ID)
		}
		ids[r.ID+".go"] = true
		if _, err := os.Stat(r.ID + ".go"); err != nil {
			t.Error(err)
		}
	}
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") && !ids[f] {
			t.Errorf("%s is a rule that is not in the list", f)
		}
	}
}
