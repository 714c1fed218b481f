package ca

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/cryptobyte"

	"yinxin/certs"
)

// said is what a certificate says, in the words of protocol.md 9.
type said struct {
	Usage       certs.KeyUsage
	EKU         certs.OID
	EKUCritical bool
	CA          bool
	PathLen     int
	Life        time.Duration
	NoCheck     bool
	USCC        string
	Policies    string // the last numbers
}

func saying(t *testing.T, c *certs.Certificate) said {
	t.Helper()
	s := said{Usage: c.KeyUsage, EKUCritical: c.EKUCritical, CA: c.IsCA, PathLen: c.MaxPathLen, Life: c.NotAfter.Sub(c.NotBefore) + time.Second, USCC: c.USCC}
	for _, e := range c.EKUs {
		s.EKU += e
	}
	for _, p := range c.Policies {
		s.Policies += string(p[len(p)-1:])
	}
	for _, e := range c.Extensions {
		critical := e.ID == "2.5.29.15" || e.ID == "2.5.29.19" || e.ID == "2.5.29.37" && c.EKUCritical
		if e.Critical != critical {
			t.Errorf("extension %s: critical is %t", e.ID, e.Critical)
		}
		s.NoCheck = s.NoCheck || e.ID == certs.OIDOCSPNoCheck
	}
	return s
}

// The table of protocol.md 9, every profile of it, also those that nobody asks
// for yet.
func TestProfiles(t *testing.T) {
	const (
		sign    certs.KeyUsage = 1
		signFor certs.KeyUsage = 3
		encrypt certs.KeyUsage = 4 | 8 | 16
		ca      certs.KeyUsage = 32 | 64
		arc                    = "2.25.25969492960821962851421249290022187753.1."
		years                  = 365 * 24 * time.Hour
	)
	want := map[string]said{
		"root":        {Usage: ca, CA: true, PathLen: -1, Life: 20 * years},
		"issuing":     {Usage: ca, CA: true, PathLen: 0, Life: 10 * years, Policies: "0"},
		"seal-maker":  {Usage: signFor, EKU: arc + "1", PathLen: -1, Life: 5 * years, Policies: "3"},
		"agency-seal": {Usage: signFor, PathLen: -1, Life: 3 * years, Policies: "1"},
		"person":      {Usage: signFor, PathLen: -1, Life: 3 * years, Policies: "2"},
		"encryption":  {Usage: encrypt, PathLen: -1, Life: 3 * years, Policies: "3"},
		"tsa":         {Usage: signFor, EKU: "1.3.6.1.5.5.7.3.8", EKUCritical: true, PathLen: -1, Life: 5 * years, Policies: "3"},
		"ocsp":        {Usage: sign, EKU: "1.3.6.1.5.5.7.3.9", PathLen: -1, Life: 90 * 24 * time.Hour, NoCheck: true, Policies: "3"},
		"status":      {Usage: sign, EKU: arc + "2", PathLen: -1, Life: 2 * years, Policies: "3"},
		"qr":          {Usage: sign, EKU: arc + "3", PathLen: -1, Life: 2 * years, Policies: "3"},
		"journal":     {Usage: sign, EKU: arc + "4", PathLen: -1, Life: 2 * years, Policies: "3"},
		"trust-list":  {Usage: sign, EKU: arc + "5", PathLen: -1, Life: 2 * years, Policies: "3"},
		"witness":     {Usage: sign, EKU: arc + "6", PathLen: -1, Life: 2 * years, Policies: "3"},
		"client":      {Usage: sign, EKU: "1.3.6.1.5.5.7.3.2", PathLen: -1, Life: years, Policies: "3"},
	}
	for _, demonstration := range []bool{false, true} {
		profiles, err := standardProfiles(demonstration)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]said{}
		for name, p := range profiles {
			got[name] = saying(t, throwaway(t, p))
		}
		if demonstration {
			for name, w := range want {
				if w.Policies != "" {
					w.Policies = "4"
				}
				want[name] = w
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	}
}

// throwaway signs a certificate of the profile by its own key.
func throwaway(t *testing.T, p Profile) *certs.Certificate {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	tpl := template{profile: p, serial: big.NewInt(1), subject: Name{"某省", "某服务"}, notBefore: now, notAfter: now.Add(p.c.Life - time.Second), key: &key.PublicKey, cpsURL: "https://seal.example/cps"}
	tbs, err := tpl.tbs()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.SignWithSM2(rand.Reader, nil, tbs)
	if err != nil {
		t.Fatal(err)
	}
	der, err := assemble(tbs, sig)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every relation that RFC 5280, RFC 3161, RFC 6960 and GB/T 25056 forbid.
func TestProfilesThatCannotBe(t *testing.T) {
	good := ProfileConfig{Name: "x", Life: year, KeyUsage: certs.KeyUsageDigitalSignature}
	for name, change := range map[string]func(*ProfileConfig){
		"no name":                        func(c *ProfileConfig) { c.Name = "" },
		"no life":                        func(c *ProfileConfig) { c.Life = 0 },
		"longer than a root":             func(c *ProfileConfig) { c.Life = 20*year + time.Second },
		"no use":                         func(c *ProfileConfig) { c.KeyUsage = 0 },
		"certSign and no CA":             func(c *ProfileConfig) { c.KeyUsage |= certs.KeyUsageCertSign },
		"a CA without certSign":          func(c *ProfileConfig) { c.CA = true },
		"a path length and no CA":        func(c *ProfileConfig) { c.PathLen = 1 },
		"a path length of -2":            func(c *ProfileConfig) { c.CA, c.KeyUsage, c.PathLen = true, certs.KeyUsageCertSign, -2 },
		"a CA with an EKU":               func(c *ProfileConfig) { c.CA, c.KeyUsage, c.EKU = true, certs.KeyUsageCertSign, certs.OIDEKUClientAuth },
		"one key to sign and to encrypt": func(c *ProfileConfig) { c.KeyUsage |= certs.KeyUsageKeyAgreement },
		"a CA that encrypts":             func(c *ProfileConfig) { c.CA, c.KeyUsage = true, certs.KeyUsageCertSign|certs.KeyUsageKeyEncipherment },
		"timeStamping not critical":      func(c *ProfileConfig) { c.EKU = certs.OIDEKUTimeStamping },
		"critical and missing":           func(c *ProfileConfig) { c.EKUCritical = true },
		"ocsp-nocheck without its use":   func(c *ProfileConfig) { c.OCSPNoCheck, c.Life = true, 24*time.Hour },
		"ocsp-nocheck for 91 days":       func(c *ProfileConfig) { c.OCSPNoCheck, c.EKU, c.Life = true, certs.OIDEKUOCSPSigning, 91*24*time.Hour },
		"no authority, for six years":    func(c *ProfileConfig) { c.Life = 6 * year },
		"any use":                        func(c *ProfileConfig) { c.EKU = certs.OIDEKUAny },
		"a seal that encrypts":           func(c *ProfileConfig) { c.Seal, c.KeyUsage = true, certs.KeyUsageKeyAgreement },
		"a seal with another use":        func(c *ProfileConfig) { c.Seal, c.EKU = true, certs.OIDEKUClientAuth },
		"a policy of others":             func(c *ProfileConfig) { c.Policies = []certs.OID{"1.2.3"} },
		"any policy of nobody":           func(c *ProfileConfig) { c.Policies = []certs.OID{certs.OIDAnyPolicy} },
		"any policy and another": func(c *ProfileConfig) {
			c.CA, c.KeyUsage, c.Policies = true, certs.KeyUsageCertSign, []certs.OID{certs.OIDAnyPolicy, certs.OIDPolicyService}
		},
		"a policy twice": func(c *ProfileConfig) { c.Policies = []certs.OID{certs.OIDPolicyPerson, certs.OIDPolicyPerson} },
		"two policies":   func(c *ProfileConfig) { c.Policies = []certs.OID{certs.OIDPolicyPerson, certs.OIDPolicyService} },
		"a demonstration and more": func(c *ProfileConfig) {
			c.CA, c.KeyUsage, c.Policies = true, certs.KeyUsageCertSign, []certs.OID{certs.OIDPolicyService, certs.OIDPolicyDemonstration}
		},
		"a seal's policy without a seal": func(c *ProfileConfig) { c.Policies = []certs.OID{certs.OIDPolicyAgencySeal} },
		"a seal of another policy":       func(c *ProfileConfig) { c.Seal, c.Policies = true, []certs.OID{certs.OIDPolicyPerson} },
		"names that nobody certifies":    func(c *ProfileConfig) { c.Permitted = []Name{{}} },
		"an explicit policy of nobody":   func(c *ProfileConfig) { c.RequirePolicy = true },
		"a delta list of a part":         func(c *ProfileConfig) { c.FreshestCRL = true },
		"17 permitted names":             func(c *ProfileConfig) { c.CA, c.KeyUsage, c.Permitted = true, certs.KeyUsageCertSign, make([]Name, 17) },
		"a permitted name that turns round": func(c *ProfileConfig) {
			c.CA, c.KeyUsage, c.Permitted = true, certs.KeyUsageCertSign, []Name{{Organization: "\u202e"}}
		},
		"a permitted person": func(c *ProfileConfig) {
			c.CA, c.KeyUsage, c.Permitted = true, certs.KeyUsageCertSign, []Name{{CommonName: "x"}}
		},
	} {
		c := good
		change(&c)
		if _, err := NewProfile(c); err == nil {
			t.Errorf("%s is a profile", name)
		}
	}
	if _, err := NewProfile(good); err != nil {
		t.Fatal(err)
	}
}

// X.690 11.2.2: the bits of a key usage end with the last that is set.
func TestKeyUsageBits(t *testing.T) {
	for usage, want := range map[certs.KeyUsage]string{
		certs.KeyUsageDigitalSignature: "03020780", certs.KeyUsageDigitalSignature | certs.KeyUsageNonRepudiation: "030206c0",
		certs.KeyUsageCertSign | certs.KeyUsageCRLSign: "03020106", certs.KeyUsageKeyEncipherment | certs.KeyUsageDataEncipherment | certs.KeyUsageKeyAgreement: "03020338",
	} {
		b, err := encode(func(b *cryptobyte.Builder) { addKeyUsage(b, usage) })
		if err != nil || hex.EncodeToString(b) != want {
			t.Errorf("%b: %x, want %s", usage, b, want)
		}
	}
}
