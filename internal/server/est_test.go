package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/certs"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
)

// estRequestOf is a request in base64 with the subject that certificates have.
func estRequestOf(t testing.TB, organization, commonName string) string {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var subject pkix.RDNSequence
	for _, a := range []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 6}, Value: "CN"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: organization}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: commonName}} {
		subject = append(subject, pkix.RelativeDistinguishedNameSET{a})
	}
	raw, err := asn1.Marshal(subject)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{RawSubject: raw}, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// certsIn reads a certs-only answer by the library.
func certsIn(t testing.TB, a answer) (out []*certs.Certificate) {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(a.body), "\r\n", ""))
	if err != nil {
		t.Fatalf("%.100q: %v", a.body, err)
	}
	p7, err := pkcs7.Parse(der)
	if err != nil || len(p7.Signers) != 0 {
		t.Fatal(err)
	}
	for _, c := range p7.Certificates {
		mine, err := certs.ParseCertificate(c.Raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, mine)
	}
	return out
}

func (h *house) enrol(t testing.TB, path, body string, sets ...set) answer {
	t.Helper()
	return h.call(t, http.MethodPost, estRoot+path, strings.NewReader(body), append([]set{media("application/pkcs10"), bearer(h.key)}, sets...)...)
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issuing, err := h.CA.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	a := h.enrol(t, "simpleenroll", estRequestOf(t, "随便", "业务系统")).want(t, http.StatusOK, nil)
	if a.Header.Get("Content-Type") != "application/pkcs7-mime; smime-type=certs-only" || a.Header.Get("Content-Transfer-Encoding") != "base64" {
		t.Error(a.Header)
	}
	list := certsIn(t, a)
	if len(list) != 1 || list[0].CheckSignatureFrom(issuing.Certificate) != nil || list[0].Subject.CommonName != "业务系统" || list[0].Subject.Organization != "示例局" ||
		list[0].USCC != provincetest.Agency || list[0].EKUs[0] != certs.OIDEKUClientAuth {
		t.Fatalf("%d: %s", len(list), list[0].Subject)
	}
	first := list[0]

	// Re-enrolment: the subject is the current certificate's, the key may be new.
	h.Clock.Move(time.Minute)
	list = certsIn(t, h.enrol(t, "simplereenroll", estRequestOf(t, "示例局", "业务系统")).want(t, http.StatusOK, nil))
	row, err := h.CA.Certificate(t.Context(), hexOf(list[0].Serial))
	if err != nil || row.Replaces != hexOf(first.Serial) || list[0].PublicKey.Equal(first.PublicKey) || !list[0].NotAfter.After(first.NotAfter) || !strings.HasPrefix(row.Who, "key ") {
		t.Fatalf("%+v %v", row, err)
	}
	for _, other := range []string{"别的系统", ""} {
		h.enrol(t, "simplereenroll", estRequestOf(t, "示例局", other)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	}
	h.enrol(t, "person/simplereenroll", estRequestOf(t, "示例局", "业务系统")).problem(t, http.StatusUnprocessableEntity, "REFUSED")

	person := certsIn(t, h.enrol(t, "person/simpleenroll", estRequestOf(t, "示例局", "李四")).want(t, http.StatusOK, nil))
	if len(person[0].EKUs) != 0 || person[0].Subject.CommonName != "李四" {
		t.Fatal(person[0].Subject)
	}
	certsIn(t, h.enrol(t, "client/simpleenroll", estRequestOf(t, "示例局", "x")).want(t, http.StatusOK, nil))
	h.enrol(t, "agency-seal/simpleenroll", estRequestOf(t, "示例局", "52000000000001")).problem(t, http.StatusNotFound, "NOT_FOUND")
}

func hexOf(n *big.Int) string { return strings.ToLower(n.Text(16)) }

func TestWhatIsNotEnrolled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := estRequestOf(t, "示例局", "系统")
	der, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := bytes.Clone(der)
	spoiled[len(spoiled)-1] ^= 1
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "系统"}}, p256)
	if err != nil {
		t.Fatal(err)
	}
	before, _, err := h.CA.Certificates(t.Context(), ca.Filter{Agency: provincetest.Agency})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"nothing": "", "text": "hello, world", "PEM": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), "loose base64": good[:len(good)-2] + "B=",
		"cut": good[:len(good)-8], "a wrong proof of possession": base64.StdEncoding.EncodeToString(spoiled), "P-256": base64.StdEncoding.EncodeToString(foreign),
		"no common name": estRequestOf(t, "示例局", ""),
	} {
		for _, act := range []string{"simpleenroll", "simplereenroll"} {
			if a := h.enrol(t, act, body); a.StatusCode < 400 || a.StatusCode >= 500 || a.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, %s: %d %s", act, name, a.StatusCode, a.body)
			}
		}
	}
	h.enrol(t, "simpleenroll", strings.Repeat("A", 1<<20)).problem(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	h.enrol(t, "simpleenroll", good, media("text/plain")).problem(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	after, _, err := h.CA.Certificates(t.Context(), ca.Filter{Agency: provincetest.Agency})
	if err != nil || len(after) != len(before) {
		t.Fatalf("%d certificates were issued: %v", len(after)-len(before), err)
	}
}

func TestESTCertificatesAndAttributes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, p := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		c, err := h.CA.Purpose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, other := range certsIn(t, h.get(t, estRoot+"cacerts").want(t, http.StatusOK, nil)) {
			found = found || other.Equal(c.Certificate)
		}
		if !found {
			t.Errorf("%s is missing", p)
		}
	}
	if _, err := h.CA.Renew(t.Context(), ca.PurposeIssuing, "test", "why"); err != nil {
		t.Fatal(err)
	}
	if n := len(certsIn(t, h.get(t, estRoot+"person/cacerts").want(t, http.StatusOK, nil))); n != 3 {
		t.Errorf("%d certificates after a renewal", n)
	}
	a := h.get(t, estRoot+"csrattrs").want(t, http.StatusOK, nil)
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(a.body)))
	var attributes []asn1.RawValue
	if rest, aerr := asn1.Unmarshal(der, &attributes); err != nil || aerr != nil || len(rest) > 0 || len(attributes) != 2 || a.Header.Get("Content-Type") != "application/csrattrs" {
		t.Fatalf("%x %v %v", der, err, aerr)
	}
	h.get(t, estRoot+"nothing/cacerts").problem(t, http.StatusNotFound, "NOT_FOUND")
	h.get(t, estRoot+"nothing/csrattrs").problem(t, http.StatusNotFound, "NOT_FOUND")
}

func TestESTCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := func() string { return estRequestOf(t, "示例局", "系统") }
	basic := func(password string) set { return func(r *http.Request) { r.SetBasicAuth("anyone", password) } }
	h.enrol(t, "simpleenroll", good(), basic(h.key)).want(t, http.StatusOK, nil)
	a := h.enrol(t, "simpleenroll", good(), basic("wrong"))
	a.problem(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	if all := strings.Join(a.Header.Values("WWW-Authenticate"), " "); !strings.Contains(all, "Basic") || !strings.Contains(all, "Bearer") {
		t.Error(all)
	}
	without, _ := h.Key(t, provincetest.Agency, agency.ScopeStamp)
	h.enrol(t, "simpleenroll", good(), basic(without)).problem(t, http.StatusForbidden, "FORBIDDEN")
	// A password is for EST alone.
	h.get(t, "/api/v1/seals", basic(h.key)).problem(t, http.StatusUnauthorized, "UNAUTHENTICATED")
}

// clientCertificate is of a P-256 authority, for a subject.
func clientCertificate(t testing.TB, authority *x509.Certificate, by *ecdsa.PrivateKey, subject pkix.Name) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if authority == nil {
		authority, by = template, key
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage, template.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c}, c
}

func TestESTByClientCertificate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root, rootCert := clientCertificate(t, nil, nil, pkix.Name{CommonName: "client CA"})
	by := root.PrivateKey.(*ecdsa.PrivateKey)
	other, strangers := clientCertificate(t, nil, nil, pkix.Name{CommonName: "another CA"})
	pool := x509.NewCertPool()
	pool.AddCert(rootCert)
	ts := httptest.NewUnstartedServer(h.server.Handler())
	ts.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	ts.StartTLS()
	t.Cleanup(ts.Close)
	call := func(c *tls.Certificate, method, path, body string) (int, string) {
		t.Helper()
		servers := x509.NewCertPool()
		servers.AddCert(ts.Certificate())
		config := &tls.Config{RootCAs: servers}
		if c != nil {
			config.Certificates = []tls.Certificate{*c}
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		defer client.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), method, ts.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/pkcs10")
		resp, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	enrol := func(c *tls.Certificate) int {
		status, _ := call(c, http.MethodPost, estRoot+"simpleenroll", estRequestOf(t, "示例局", "系统"))
		return status
	}
	good, _ := clientCertificate(t, rootCert, by, pkix.Name{CommonName: "示例局", SerialNumber: provincetest.Agency})
	if status := enrol(&good); status != http.StatusOK {
		t.Fatal(status)
	}
	rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Agency: provincetest.Agency})
	if err != nil || !slices.ContainsFunc(rows, func(r ca.Row) bool {
		return strings.HasPrefix(r.Who, "EST client of 示例局 (unverified, client certificate ")
	}) {
		t.Fatal("nothing tells whose certificate it was:", err)
	}
	identifier := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: provincetest.Agency}
	byIdentifier, _ := clientCertificate(t, rootCert, by, pkix.Name{CommonName: "x", ExtraNames: []pkix.AttributeTypeAndValue{identifier}})
	if status := enrol(&byIdentifier); status != http.StatusOK {
		t.Error("organizationIdentifier:", status)
	}
	for name, subject := range map[string]pkix.Name{
		"no code": {CommonName: "示例局"}, "no code at all": {SerialNumber: "12345"}, "an agency that is not entered": {SerialNumber: "11370000MB2852565A"},
		"two codes": {SerialNumber: provincetest.Stranger, ExtraNames: []pkix.AttributeTypeAndValue{identifier, {Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: provincetest.Stranger}}},
	} {
		c, _ := clientCertificate(t, rootCert, by, subject)
		if status := enrol(&c); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status := enrol(nil); status != http.StatusUnauthorized {
		t.Error("no certificate:", status)
	}
	forged, _ := clientCertificate(t, strangers, other.PrivateKey.(*ecdsa.PrivateKey), pkix.Name{SerialNumber: provincetest.Agency})
	if status := enrol(&forged); status == http.StatusOK {
		t.Error("another authority's certificate was taken")
	}
	// It is for enrolment and nothing else.
	if status, _ := call(&good, http.MethodGet, "/api/v1/seals", ""); status != http.StatusUnauthorized {
		t.Error("seals by a client certificate:", status)
	}
}

func TestRenewalOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var old, row ca.Row
	h.post(t, "/api/v1/certificates", certificateBody(t, certificateRequest(t, false))).want(t, http.StatusCreated, &old)
	b, err := json.Marshal(renewForm{CSR: certificateRequest(t, false), Supersede: true, Operator: "x", Reason: "it ends"})
	if err != nil {
		t.Fatal(err)
	}
	body, path := string(b), "/api/v1/certificates/"+old.Serial+"/renew"
	h.Clock.Move(time.Minute)
	first := h.post(t, path, body, key("r")).want(t, http.StatusCreated, &row)
	if row.Replaces != old.Serial || row.Profile != old.Profile {
		t.Fatalf("%+v", row)
	}
	if again := h.post(t, path, body, key("r")).want(t, http.StatusCreated, nil); !bytes.Equal(again.body, first.body) {
		t.Fatal("the retry differs")
	}
	h.get(t, "/api/v1/certificates/"+old.Serial, bearer(h.key)).want(t, http.StatusOK, &old)
	if old.Revocation == nil || old.Revocation.Reason != certs.ReasonSuperseded {
		t.Fatalf("%+v", old.Revocation)
	}
	h.post(t, path, body).problem(t, http.StatusUnprocessableEntity, "REFUSED") // it is revoked now
	stranger, _ := h.Key(t, provincetest.Stranger, agency.ScopeCertificateIssue)
	h.post(t, "/api/v1/certificates/"+row.Serial+"/renew", body, bearer(stranger)).problem(t, http.StatusNotFound, "NOT_FOUND")
}

// Where a second officer has to approve, a client is told to wait; the same request
// sent again, for whatever reason, asks nobody twice and gets one certificate.
func TestEnrolmentWaitsForASecondOfficer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := estRequestOf(t, "示例局", "系统")
	one := certsIn(t, h.enrol(t, "simpleenroll", first).want(t, http.StatusOK, nil))
	if again := certsIn(t, h.enrol(t, "simpleenroll", first).want(t, http.StatusOK, nil)); !again[0].Equal(one[0]) {
		t.Error("a request that was sent again got another certificate")
	}
	h.strict(t, ca.KindIssue(ca.ProfileClient))
	li := h.officerKey(t, provincetest.Agency, "李四", agency.ScopeCertificateApprove)
	for operation, organization := range map[string]string{"simpleenroll": "随便", "simplereenroll": "示例局"} {
		h.Clock.Move(time.Minute)
		body := estRequestOf(t, organization, "系统")
		var asked, again approval.Request
		if a := h.enrol(t, operation, body).want(t, http.StatusAccepted, &asked); a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v", operation, a.Header)
		}
		if h.enrol(t, operation, body).want(t, http.StatusAccepted, &again); again.ID != asked.ID {
			t.Errorf("%s: a poll asks anew", operation)
		}
		h.post(t, "/api/v1/requests/"+asked.ID.String()+"/approve", `{}`, bearer(li)).want(t, http.StatusOK, nil)
		got := certsIn(t, h.enrol(t, operation, body).want(t, http.StatusOK, nil))
		row, err := h.CA.Certificate(t.Context(), hexOf(got[0].Serial))
		if err != nil || (row.Replaces != "") != (operation == "simplereenroll") {
			t.Errorf("%s: it renews %q: %v", operation, row.Replaces, err)
		}
	}
}
