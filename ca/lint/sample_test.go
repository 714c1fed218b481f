package lint

import (
	"bytes"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// sample is a certificate in parts that a test can spoil one by one. What is raw
// goes in as it stands.
type sample struct {
	version, serial     []byte // raw; content of the INTEGER
	inner, outer        []byte
	issuer, subject     []byte
	notBefore, notAfter []byte
	spki                []byte
	behind              []byte // between key and extensions
	extensions          []part
	more                []byte // behind the extensions
	want                Expected
}

type part struct {
	id       certs.OID
	critical []byte // raw
	value    []byte
}

var yes = []byte{1, 1, 0xff}

func raw(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func wrap(tag asn1.Tag, parts ...[]byte) []byte {
	return raw(func(b *cryptobyte.Builder) {
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	})
}

func seq(parts ...[]byte) []byte { return wrap(asn1.SEQUENCE, parts...) }

func oid(o certs.OID) []byte { return raw(func(b *cryptobyte.Builder) { certs.AddOID(b, o) }) }

func attr(o certs.OID, tag asn1.Tag, text string) []byte { return seq(oid(o), wrap(tag, []byte(text))) }

func rdn(attributes ...[]byte) []byte { return wrap(asn1.SET, attributes...) }

func named(o, cn string) []byte {
	return seq(rdn(attr(idCountry, asn1.PrintableString, "CN")), rdn(attr(idOrganization, asn1.UTF8String, o)), rdn(attr(idCommonName, asn1.UTF8String, cn)))
}

func utc(t time.Time) []byte { return wrap(asn1.UTCTime, []byte(t.Format("060102150405Z"))) }

func point(key *sm2.PrivateKey) []byte {
	pt, err := sm2.PublicKeyToECDH(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return pt.Bytes()
}

func spki(kind, curve certs.OID, point []byte) []byte {
	return seq(seq(oid(kind), oid(curve)), wrap(asn1.BIT_STRING, []byte{0}, point))
}

var (
	tagAddress = asn1.Tag(6).ContextSpecific()
	tagWrapped = asn1.Tag(0).ContextSpecific().Constructed()
	dawn       = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
)

const (
	testUSCC = "11370000MB2852565A"
	testCode = "52010000000001"
	host     = "https://seal.example"
	testLife = 3 * 365 * 24 * time.Hour
)

func pointTo(uri string) []byte {
	return seq(seq(wrap(tagWrapped, wrap(tagWrapped, wrap(tagAddress, []byte(uri))))))
}

func access(pairs ...string) []byte {
	var all [][]byte
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, seq(oid(certs.OID(pairs[i])), wrap(tagAddress, []byte(pairs[i+1]))))
	}
	return seq(all...)
}

func policyOf(o certs.OID, cps string) []byte {
	return seq(oid(o), seq(seq(oid(certs.OIDQualifierCPS), wrap(asn1.IA5String, []byte(cps)))))
}

func bits(unused byte, b ...byte) []byte { return wrap(asn1.BIT_STRING, append([]byte{unused}, b...)) }

// der signs the sample by a key of its own, as the twin is.
func (s *sample) der(t testing.TB) []byte {
	t.Helper()
	tbs := s.tbs()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.SignWithSM2(rand.Reader, nil, tbs)
	if err != nil {
		t.Fatal(err)
	}
	return seq(tbs, s.outer, wrap(asn1.BIT_STRING, []byte{0}, signature))
}

func (s *sample) tbs() []byte {
	var all [][]byte
	for _, e := range s.extensions {
		all = append(all, seq(oid(e.id), e.critical, wrap(asn1.OCTET_STRING, e.value)))
	}
	list := wrap(asn1.Tag(3).ContextSpecific().Constructed(), seq(all...))
	return seq(s.version, wrap(asn1.INTEGER, s.serial), s.inner, s.issuer, seq(s.notBefore, s.notAfter), s.subject, s.spki, s.behind, list, s.more)
}

func (s *sample) find(id certs.OID) int {
	return slices.IndexFunc(s.extensions, func(e part) bool { return e.id == id })
}

func (s *sample) drop(id certs.OID) {
	s.extensions = slices.Delete(s.extensions, s.find(id), s.find(id)+1)
}

func (s *sample) put(id certs.OID, value []byte) { s.extensions[s.find(id)].value = value }

func (s *sample) add(id certs.OID, critical, value []byte) {
	s.extensions = append(s.extensions, part{id, critical, value})
}

// bare is what every sample has: a key, its name, its life, no extension of use.
func bare(t testing.TB, o, cn string) *sample {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pt := point(key)
	sum := sm3.Sum(pt)
	s := &sample{
		version: wrap(tagWrapped, wrap(asn1.INTEGER, []byte{2})), serial: append([]byte{0x5a}, bytes.Repeat([]byte{7}, 15)...), inner: sm2WithSM3, outer: sm2WithSM3,
		subject: named(o, cn), notBefore: utc(dawn), notAfter: utc(dawn.Add(testLife - time.Second)), spki: spki(certs.OIDECPublicKey, certs.OIDSM2Curve, pt),
		want: Expected{Life: testLife, Region: "520000", Organization: o, CN: cn, Key: &key.PublicKey, CPS: host + "/cps"},
	}
	s.issuer = s.subject
	s.add(idSubjectKeyID, nil, wrap(asn1.OCTET_STRING, sum[:20]))
	return s
}

// rootSample certifies itself.
func rootSample(t testing.TB) *sample {
	s := bare(t, "贵州省", "贵州省根证书")
	s.add(idBasicConstraints, yes, seq(yes))
	s.add(idKeyUsage, yes, bits(1, 6))
	s.want.CA, s.want.PathLen, s.want.KeyUsage = true, -1, certs.KeyUsageCertSign|certs.KeyUsageCRLSign
	return s
}

func parsed(t testing.TB, s *sample) *certs.Certificate {
	t.Helper()
	c, err := certs.ParseCertificate(s.der(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// below puts a sample under an issuer, with the addresses that it then has.
func (s *sample) below(by *certs.Certificate) *sample {
	s.issuer, s.want.Issuer = by.RawSubject, by
	s.want.CRL, s.want.OCSP, s.want.IssuerURL = host+"/crl/issuing-5a.crl", host+"/ocsp", host+"/ca/issuing.cer"
	s.add(idAuthorityKeyID, nil, seq(wrap(asn1.Tag(0).ContextSpecific(), by.SubjectKeyID)))
	s.add(idCRLPoints, nil, pointTo(s.want.CRL))
	s.add(idAuthorityAccess, nil, access(string(idOCSP), s.want.OCSP, string(idIssuers), s.want.IssuerURL))
	return s
}

func (s *sample) policies(all ...certs.OID) *sample {
	var list [][]byte
	for _, p := range all {
		list = append(list, policyOf(p, s.want.CPS))
	}
	s.add(idPolicies, nil, seq(list...))
	s.want.Policies = all
	return s
}

// issuingSample is a CA that is held to C=CN and to explicit policies.
func issuingSample(t testing.TB) *sample {
	s := bare(t, "贵州省", "贵州省签发证书").below(parsed(t, rootSample(t))).policies(certs.OIDPolicyAgencySeal, certs.OIDPolicyService)
	s.add(idBasicConstraints, yes, seq(yes, wrap(asn1.INTEGER, []byte{0})))
	s.add(idKeyUsage, yes, bits(1, 6))
	china := seq(rdn(attr(idCountry, asn1.PrintableString, "CN")))
	s.add(idNameConstraints, yes, seq(wrap(tagWrapped, seq(wrap(asn1.Tag(4).ContextSpecific().Constructed(), china)))))
	s.add(idPolicyConstraints, yes, seq(wrap(asn1.Tag(0).ContextSpecific(), []byte{0})))
	s.want.CA, s.want.KeyUsage, s.want.Permitted, s.want.RequirePolicy = true, certs.KeyUsageCertSign|certs.KeyUsageCRLSign, [][]byte{china}, true
	return s
}

// sealSample is an agency's seal, below that CA.
func sealSample(t testing.TB) *sample {
	s := bare(t, testUSCC+"某市行政审批局", testCode).below(parsed(t, issuingSample(t))).policies(certs.OIDPolicyAgencySeal)
	s.add(idKeyUsage, yes, bits(6, 0xc0))
	s.add(certs.OIDUSCC, nil, wrap(asn1.PrintableString, []byte(testUSCC)))
	s.want.KeyUsage, s.want.Agency, s.want.Seal = certs.KeyUsageDigitalSignature|certs.KeyUsageNonRepudiation, testUSCC, true
	return s
}

// tsaSample is a service with a critical extended key usage.
func tsaSample(t testing.TB) *sample {
	s := bare(t, "贵州省", "贵州省时间戳服务").below(parsed(t, issuingSample(t))).policies(certs.OIDPolicyService)
	s.add(idKeyUsage, yes, bits(6, 0xc0))
	s.add(idExtendedKeyUsage, yes, seq(oid(certs.OIDEKUTimeStamping)))
	s.want.KeyUsage, s.want.EKU, s.want.EKUCritical = certs.KeyUsageDigitalSignature|certs.KeyUsageNonRepudiation, certs.OIDEKUTimeStamping, true
	return s
}

// ocspSample is a responder, about which nobody asks, and names whole lists.
func ocspSample(t testing.TB) *sample {
	s := bare(t, "贵州省", "贵州省证书状态服务").below(parsed(t, issuingSample(t))).policies(certs.OIDPolicyService)
	s.add(idKeyUsage, yes, bits(7, 0x80))
	s.add(idExtendedKeyUsage, nil, seq(oid(certs.OIDEKUOCSPSigning)))
	s.add(certs.OIDOCSPNoCheck, nil, []byte{5, 0})
	s.want.CRL, s.want.FreshestCRL = host+"/crl/issuing.crl", host+"/crl/issuing-delta.crl"
	s.put(idCRLPoints, pointTo(s.want.CRL))
	s.add(idFreshestCRL, nil, pointTo(s.want.FreshestCRL))
	s.want.KeyUsage, s.want.EKU, s.want.OCSPNoCheck = certs.KeyUsageDigitalSignature, certs.OIDEKUOCSPSigning, true
	return s
}

// schemeSample signs for itself and is no authority, as the scheme list's signer.
func schemeSample(t testing.TB) *sample {
	s := bare(t, "贵州省", "贵州省信任体系列表").policies(certs.OIDPolicyService)
	s.add(idKeyUsage, yes, bits(7, 0x80))
	s.add(idExtendedKeyUsage, nil, seq(oid(certs.OIDEKUTrustList)))
	sum := sm3.Sum(s.spki[len(s.spki)-65:])
	s.add(idAuthorityKeyID, nil, seq(wrap(asn1.Tag(0).ContextSpecific(), sum[:20])))
	s.want.KeyUsage, s.want.EKU = certs.KeyUsageDigitalSignature, certs.OIDEKUTrustList
	return s
}
