package ca_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
)

// issued is what protocol.md 9 fixes of a certificate beside its profile.
type issued struct {
	Subject, Issuer      string
	CRL, OCSP, IssuerURL string
	USCC                 string
	Life                 time.Duration
}

func saying(c *certs.Certificate) issued {
	// Which shard it is follows from the serial, and is held to it here.
	crl := strings.Replace(strings.Join(c.CRLURLs, " "), "issuing-"+ca.Shard(hex.EncodeToString(c.Serial.Bytes()))+".crl", "issuing-SHARD.crl", 1)
	return issued{c.Subject.String(), c.Issuer.String(), crl, strings.Join(c.OCSPURLs, " "), strings.Join(c.IssuerURLs, " "), c.USCC, c.NotAfter.Sub(c.NotBefore) + time.Second}
}

func TestIssuedCertificates(t *testing.T) {
	o := fresh(t)
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	const province = "C=CN, O=贵州省, CN=贵州省"
	const root, issuing = province + "根证书", province + "签发证书"
	own := func(title string, life time.Duration) issued {
		return issued{province + title, issuing, "https://seal.example/crl/issuing-SHARD.crl", "https://seal.example/ocsp", "https://seal.example/ca/issuing.cer", "", life}
	}
	want := map[string]issued{
		"root": {Subject: root, Issuer: root, Life: 20 * year}, "scheme": {Subject: province + "信任体系列表", Issuer: province + "信任体系列表", Life: 2 * year},
		"issuing":    {issuing, root, "https://seal.example/crl/root.crl", "https://seal.example/ocsp", "https://seal.example/ca/root.cer", "", 10 * year},
		"seal-maker": own("统一电子印章制作系统", 5*year), "tsa": own("时间戳服务", 5*year), "ocsp": own("证书状态服务", 90*day), "status": own("印章与证照状态服务", 2*year),
		"ocsp-root": {province + "根证书状态服务", root, "https://seal.example/crl/root.crl", "https://seal.example/ocsp", "https://seal.example/ca/root.cer", "", 90 * day},
		"qr":        own("证照二维码", 2*year), "journal": own("日志", 2*year), "trust-list": own("信任列表", 2*year),
	}
	of := func(subject string, life time.Duration) issued {
		i := own("", life)
		i.Subject, i.USCC = subject, usccA
		return i
	}
	want["agency-seal"] = of("C=CN, O="+usccA+"某市行政审批局, CN="+code, 3*year)
	want["person"] = of("C=CN, O=某市行政审批局, CN=张三", 3*year)
	want["client"] = of("C=CN, O=某市行政审批局, CN=业务系统", year)

	rows := map[string]ca.Row{}
	for _, row := range o.rows() {
		rows[string(row.Purpose)] = row
	}
	person := agencyOrder(request(t))
	person.Profile, person.CommonName = ca.ProfilePerson, "张三"
	for _, r := range []ca.IssueRequest{sealOrder(o.key(hsm.UsageSign)), person, agencyOrder(request(t))} {
		row, err := o.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		rows[row.Profile] = row
	}
	got := map[string]issued{}
	for name, row := range rows {
		c, err := certs.ParseCertificate(row.DER)
		if err != nil {
			t.Fatal(name, err)
		}
		got[name] = saying(c)
		checkEncoding(t, name, c)
		if row.Serial != hex.EncodeToString(c.Serial.Bytes()) || row.Subject != c.Subject.String() || !row.NotAfter.Equal(c.NotAfter) || row.Who == "" || row.State(noon) != ca.StateValid || row.State(c.NotAfter.Add(time.Second)) != ca.StateExpired {
			t.Errorf("%s: the row says something else: %+v", name, row)
		}
		path, err := certs.BuildPath(c, certs.PathOptions{Roots: []*certs.Certificate{o.purpose(ca.PurposeRoot), o.purpose(ca.PurposeScheme)}, Intermediates: []*certs.Certificate{o.purpose(ca.PurposeIssuing)}, At: noon, KeyUsage: c.KeyUsage})
		if err != nil || len(path) > 3 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

// checkEncoding holds the octets against the words under the table.
func checkEncoding(t *testing.T, name string, c *certs.Certificate) {
	t.Helper()
	serial := c.Serial.Bytes()
	if len(serial) != 16 || serial[0]&0x80 != 0 {
		t.Errorf("%s: serial %x is not 16 octets and positive", name, serial)
	}
	// Absent parameters: OID alone, twice in the certificate.
	algorithm := []byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75}
	if bytes.Count(c.Raw, algorithm) != 2 {
		t.Errorf("%s: the algorithm is not twice without parameters", name)
	}
	point := c.RawSPKI[len(c.RawSPKI)-65:]
	if sum := sm3.Sum(point); !bytes.Equal(c.SubjectKeyID, sum[:20]) {
		t.Errorf("%s: key identifier %x", name, c.SubjectKeyID)
	}
	if !bytes.Contains(c.RawSubject, []byte{0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'C', 'N'}) {
		t.Errorf("%s: C is no PrintableString", name)
	}
	for _, text := range []string{c.Subject.Organization, c.Subject.CommonName} {
		if !bytes.Contains(c.RawSubject, append([]byte{0x0c, byte(len(text))}, text...)) {
			t.Errorf("%s: %q is no UTF8String", name, text)
		}
	}
	i := slices.IndexFunc(c.Extensions, func(e certs.Extension) bool { return e.ID == "1.2.156.10260.4.1.4" })
	if c.USCC != "" && (i < 0 || !bytes.Equal(c.Extensions[i].Value, append([]byte{0x13, 18}, c.USCC...))) {
		t.Errorf("%s: the USCC is no PrintableString", name)
	}
}

// Nothing outlives its issuer.
func TestTheShellModel(t *testing.T) {
	o := fresh(t)
	issuing := o.purpose(ca.PurposeIssuing)
	o.now = issuing.NotAfter.Add(-24 * time.Hour)
	row, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil || !row.NotAfter.Equal(issuing.NotAfter) {
		t.Fatal(row.NotAfter, err)
	}
	for _, now := range []time.Time{issuing.NotAfter, issuing.NotAfter.Add(time.Second), issuing.NotBefore.Add(-time.Second)} {
		o.now = now
		if _, err := o.Issue(t.Context(), agencyOrder(request(t))); err == nil {
			t.Errorf("issued at %s", now)
		}
	}
}
