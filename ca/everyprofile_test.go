package ca

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/ca/catest"
	"yinxin/ca/lint"
)

// requestSeeds are a good request, and those that are bad in each way.
func requestSeeds(t testing.TB) [][]byte {
	bad := catest.Bad(t)
	out := [][]byte{(&catest.PKCS10{Key: catest.Key(t)}).DER(t), []byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n")}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		out = append(out, bad[name])
	}
	return out
}

// drafted is a certificate of a profile, below an issuing CA or, as the root, by
// itself, before it is signed.
func drafted(t *testing.T, a *Authority, p Profile, by Credential) (order, *template) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := newSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	o := order{profile: p, issuer: PurposeIssuing, subject: Name{"某省", "某服务"}, key: &key.PublicKey}
	if p.c.Seal {
		o.agency, o.subject = "11370000MB2852565A", Name{"11370000MB2852565A某局", "52010000000001"}
	}
	draft := &template{profile: p, serial: serial, subject: o.subject, uscc: o.agency, key: o.key, notBefore: now, notAfter: now.Add(p.c.Life - time.Second), cpsURL: a.cpsURL()}
	if by.Certificate == nil {
		return o, draft
	}
	draft.issuer, draft.issuerKeyID = by.Certificate.RawSubject, by.Certificate.SubjectKeyID
	draft.crlURL, draft.freshestURL = a.crlURLs(by.Name, hex.EncodeToString(serial.Bytes()), p)
	draft.issuerURL, draft.ocspURL = a.c.BaseURL+"/ca/"+by.Name+".cer", a.c.BaseURL+"/ocsp"
	if draft.notAfter.After(by.Certificate.NotAfter) {
		draft.notAfter = by.Certificate.NotAfter
	}
	return o, draft
}

// Each row of protocol.md 9 passes the rules as it is, those too that no act issues
// yet, and none passes as another.
func TestEveryProfileIsLinted(t *testing.T) {
	linter, err := lint.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := standardProfiles(false)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{c: Config{Region: "520000", BaseURL: "https://seal.example"}, linter: linter}
	issuer := Credential{Certificate: throwaway(t, profiles[ProfileIssuing]), Name: "issuing"}
	for name, p := range profiles {
		by := issuer
		if name == ProfileRoot {
			by = Credential{}
		}
		o, draft := drafted(t, a, p, by)
		if _, err := a.linted(o, draft, by); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for other, q := range profiles {
			same := p.c.KeyUsage == q.c.KeyUsage && p.c.EKU == q.c.EKU && p.c.CA == q.c.CA && slices.Equal(p.c.Policies, q.c.Policies) && p.c.Seal == q.c.Seal
			o.profile = q
			if _, err := a.linted(o, draft, by); other != name && !same && !errors.Is(err, lint.ErrFindings) {
				t.Errorf("%s passes as %s: %v", name, other, err)
			}
		}
	}
}
