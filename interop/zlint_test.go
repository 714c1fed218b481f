package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	stdx509 "crypto/x509"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/ca/catest"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
)

// zlint reads by zcrypto, which knows neither the curve of SM2 nor identifiers with
// a component over 32 bits. So it is shown a twin: our octets but for a P-256 key in
// the place of the SM2 key, ECDSA in the place of SM2, and a short arc in the place of
// ours. Names, times, extensions and their encoding are what it judges.

var updateZlint = flag.Bool("update-zlint", false, "write docs/zlint.md")

const zlintPage = "../docs/zlint.md"

// shortArc stands for ours in the twin.
const (
	ourArc   = "2.25.25969492960821962851421249290022187753"
	shortArc = "2.25.7"
)

// twin makes the certificate that zlint can read.
func twin(t *testing.T, c *certs.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	spki, err := stdx509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	in := cryptobyte.String(c.RawTBS)
	var tbs, version, serial, algorithm, issuer, validity, subject, ours cryptobyte.String
	var tag asn1.Tag
	if !in.ReadASN1(&tbs, asn1.SEQUENCE) || !tbs.ReadAnyASN1Element(&version, &tag) || !tbs.ReadAnyASN1Element(&serial, &tag) || !tbs.ReadAnyASN1Element(&algorithm, &tag) ||
		!tbs.ReadAnyASN1Element(&issuer, &tag) || !tbs.ReadAnyASN1Element(&validity, &tag) || !tbs.ReadAnyASN1Element(&subject, &tag) || !tbs.ReadAnyASN1Element(&ours, &tag) {
		t.Fatal("our own certificate is not one")
	}
	ecdsaSHA256 := func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, "1.2.840.10045.4.3.2") })
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(version)
		b.AddBytes(serial)
		ecdsaSHA256(b)
		b.AddBytes(issuer)
		b.AddBytes(validity)
		b.AddBytes(subject)
		b.AddBytes(spki)
		shorten(b, tbs)
	})
	signed := b.BytesOrPanic()
	digest := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed)
		ecdsaSHA256(b)
		b.AddASN1BitString(signature)
	})
	return out.BytesOrPanic()
}

// shorten copies values, with the short arc for ours in policies and extended key
// usages, which are where ours stands.
func shorten(b *cryptobyte.Builder, s cryptobyte.String) {
	for !s.Empty() {
		var element, content cryptobyte.String
		var tag asn1.Tag
		if !s.ReadAnyASN1Element(&element, &tag) {
			b.SetError(certs.ErrMalformed)
			return
		}
		oid := element
		if id, ok := certs.ReadOID(&oid); ok && strings.HasPrefix(string(id), ourArc) {
			certs.AddOID(b, certs.OID(shortArc+strings.TrimPrefix(string(id), ourArc)))
			continue
		}
		whole := element
		element.ReadAnyASN1(&content, &tag)
		switch {
		case tag&0x20 != 0, tag == asn1.OCTET_STRING && len(content) > 2 && content[0] == byte(asn1.SEQUENCE) && int(content[1]) == len(content)-2,
			tag == asn1.OCTET_STRING && len(content) > 3 && content[0] == byte(asn1.SEQUENCE) && content[1] == 0x81 && int(content[2]) == len(content)-3:
			b.AddASN1(tag, func(b *cryptobyte.Builder) { shorten(b, content) })
		default:
			b.AddBytes(whole)
		}
	}
}

// kinds are certificates of every profile that some act issues, by what they are
// called on the page.
func kinds(t *testing.T) map[string]*certs.Certificate {
	t.Helper()
	out := map[string]*certs.Certificate{}
	for _, constrained := range []bool{false, true} {
		a := authorityWith(t, constrained)
		for _, r := range []ca.IssueRequest{
			{Profile: ca.ProfileAgencySeal, AgencyName: "某市行政审批局", CommonName: "52010000000001"}, {Profile: ca.ProfilePerson, AgencyName: "某局", CommonName: "李四"},
			{Profile: ca.ProfileClient, AgencyName: strings.Repeat("长", 100), CommonName: "业务系统"},
		} {
			r.Agency, r.Who, r.Why, r.CSR = agencyID, "test", "test", (&catest.PKCS10{Key: catest.Key(t)}).DER(t)
			row, err := a.Issue(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Profile == ca.ProfilePerson {
				if _, err := a.IssueTwin(t.Context(), ca.TwinRequest{Signing: row.Serial, Key: encryptionKey(t), Who: "test", Why: "test"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		rows, _, err := a.Certificates(t.Context(), ca.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			name := r.Profile
			if r.Issuer == string(r.Purpose) {
				name += ", self-signed"
			}
			if constrained {
				name += ", with every setting"
			}
			if out[name], err = certs.ParseCertificate(r.DER); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// encryptionKey is one of a key centre's.
func encryptionKey(t *testing.T) hsm.Key {
	t.Helper()
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(t.TempDir(), "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: time.Now, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	k, err := keys.Generate(t.Context(), "encryption", hsm.UsageEncrypt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// authorityWith is an authority, with all that an operator can set if wished.
func authorityWith(t *testing.T, constrained bool) *ca.Authority {
	t.Helper()
	a, _ := authorityBefore(t, func(a *ca.Authority) {
		if !constrained {
			return
		}
		for name, s := range map[string]ca.Settings{ca.ProfileIssuing: {Permitted: []ca.Name{{}}, RequirePolicy: true, FullCRL: true, FreshestCRL: true}, ca.ProfileClient: {FullCRL: true, FreshestCRL: true}} {
			if err := a.SetProfile(t.Context(), ca.ProfileChange{Name: name, Settings: s, Who: "test", Why: "test"}); err != nil {
				t.Fatal(err)
			}
		}
	})
	return a
}

// zlintRules are those of RFC 5280 and its neighbours.
func zlintRules(t *testing.T) lint.Registry {
	t.Helper()
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC8813, lint.Community}})
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// The rules of zlint over every profile that some
// act issues.
func TestZlint(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	registry := zlintRules(t)
	all, worst := kinds(t), map[string]lint.LintStatus{}
	for name, c := range all {
		if _, err := x509.ParseCertificate(c.Raw); err == nil {
			t.Errorf("%s: zcrypto reads it as it is, and no twin is needed", name)
		}
		parsed, err := x509.ParseCertificate(twin(t, c, key))
		if err != nil {
			t.Fatal(name, err)
		}
		for rule, result := range zlint.LintCertificateEx(parsed, registry).Results {
			worst[rule] = max(worst[rule], result.Status)
			if result.Status >= lint.Notice && excused[rule] == "" && !slices.Contains(ofTheTwin, rule) {
				t.Errorf("%s: %s is %s: %s", name, rule, result.Status, result.Details)
			}
		}
	}
	page := printZlint(t, worst, slices.Sorted(maps.Keys(all)))
	if *updateZlint {
		if err := os.WriteFile(zlintPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(zlintPage); err != nil || !bytes.Equal(got, page) {
		t.Errorf("docs/zlint.md is not what zlint says; run: go test ./interop -run TestZlint -update-zlint (%v)", err)
	}
}

// excused are findings that stand, each with its reason.
var excused = map[string]string{
	"w_distribution_point_missing_ldap_or_uri": overHTTPS,
	"w_ext_aia_access_location_missing":        overHTTPS,
	"e_subject_organization_name_max_length":   "RFC 5280 A.1 bounds an organization by 64 characters. Names stand in the subject as they stand in the register of agencies, by which they are known in law, up to 200.",
}

const overHTTPS = "zlint counts no address of https, since whoever fetches a list over TLS may have to check the server's certificate by that list (RFC 5280 8). " +
	"None of our certificates is a TLS server's, so there is no such circle; whether the province's address is http or https is its operator's choice."

// about says, by what is in a rule's name, why it has nothing to judge in our
// certificates. The first that fits counts.
var about = []struct {
	parts []string
	why   string
}{
	{[]string{"rsa_", "spki_rsa"}, "RSA keys or signatures; ours are SM2"},
	{[]string{"san_", "_san", "ian_", "dns_name"}, "alternative names, which our certificates do not have: they are found by subject, and name no host"},
	{[]string{"explicit_text", "any_policy_qualifier"}, "notices and anyPolicy; our policies bear an address alone"},
	{[]string{"policy_map", "inhibit_any"}, "policy mappings, which belong to bridges between authorities"},
	{[]string{"name_constraint"}, "name constraints of other kinds than the directory names that ours may have"},
	{[]string{"subject_", "subj_"}, "attributes that our subjects do not have: theirs are C, O and CN"},
	{[]string{"generalized_time"}, "GeneralizedTime, which a certificate that ends before 2050 does not have"},
	{[]string{"suspicious_chars", "pub_suffix", "international"}, "names of hosts"},
}

// ofTheTwin are rules that judge key or signature, which are not ours in the twin: what
// they say counts for nothing, and rules of our own (gmt0003, gmt0009, gmt0015) stand in
// their place.
var ofTheTwin = []string{"e_ecdsa_small_private_key", "e_ecdsa_allowed_ku", "n_ecdsa_ee_invalid_ku", "e_cert_sig_alg_not_match_tbs_sig_alg", "e_cert_issued_by_compromised_emudhra_ca"}

func printZlint(t *testing.T, worst map[string]lint.LintStatus, kinds []string) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What zlint says of our certificates\n\nPrinted by a test (`go test ./interop -run TestZlint -update-zlint`), from zlint %s and its rules of RFC 3279, 5280, 5480, 8813 and its own community.\n", "v3.7.3")
	fmt.Fprint(&b, "Its reader knows neither the SM2 curve nor identifiers with a component over 32 bits, so it is shown a twin of each certificate: the same octets, but for\na P-256 key and an ECDSA signature, and a short arc for ours. Certificates looked at: "+strings.Join(kinds, "; ")+".\n")
	passed, reasons := []string{}, map[string][]string{}
	for _, rule := range slices.Sorted(maps.Keys(worst)) {
		switch {
		case slices.Contains(ofTheTwin, rule):
		case worst[rule] == lint.Pass:
			passed = append(passed, rule)
		case worst[rule] < lint.Pass:
			reasons[why(t, rule)] = append(reasons[why(t, rule)], rule)
		}
	}
	fmt.Fprint(&b, "\n## Findings that stand\n\n")
	for _, rule := range slices.Sorted(maps.Keys(excused)) {
		if worst[rule] < lint.Notice {
			t.Errorf("%s finds nothing and is excused", rule)
		}
		fmt.Fprintf(&b, "- `%s`: %s\n", rule, excused[rule])
	}
	fmt.Fprintf(&b, "\n## Kept by all (%d)\n\n`%s`\n\n## Rules that cannot apply\n\n| what they are about | rules |\n|---|---|\n", len(passed), strings.Join(passed, "` `"))
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "| %s | `%s` |\n", reason, strings.Join(reasons[reason], "` `"))
	}
	fmt.Fprintf(&b, "| key and signature, which are not ours in the twin (an ECDSA key encrypts nothing, an SM2 key does); our own rules of GM/T 0003, 0009 and 0015 stand in their place | `%s` |\n", strings.Join(ofTheTwin, "` `"))
	return b.Bytes()
}

func why(t *testing.T, rule string) string {
	t.Helper()
	for _, a := range about {
		if slices.ContainsFunc(a.parts, func(part string) bool { return strings.Contains(rule, part) }) {
			return a.why
		}
	}
	t.Errorf("%s judges nothing of ours, and nobody says why", rule)
	return "not said"
}
