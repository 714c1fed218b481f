package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"log/slog"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjx509 "github.com/tjfoc/gmsm/x509"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
)

var now = time.Now().UTC().Truncate(time.Second)

// authority is a certificate authority of ours with all of its certificates.
func authority(t *testing.T) (*ca.Authority, crl.Store) {
	t.Helper()
	return authorityBefore(t, func(*ca.Authority) {})
}

// authorityBefore lets something be done before the authority is started.
func authorityBefore(t *testing.T, first func(*ca.Authority)) (*ca.Authority, crl.Store) {
	t.Helper()
	dir := t.TempDir()
	clock := func() time.Time { return now }
	db, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: clock, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	a, err := ca.New(ca.Config{Store: db.CA(), Keys: keys, Clock: clock, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	first(a)
	if err := a.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, db.CRLs()
}

func purpose(t *testing.T, a *ca.Authority, p ca.Purpose) ca.Credential {
	t.Helper()
	c, err := a.Purpose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// theirs is our key as the other library has it.
func theirs(t *testing.T, k *ecdsa.PublicKey) *tjsm2.PublicKey {
	t.Helper()
	p, err := sm2.PublicKeyToECDH(k)
	if err != nil {
		t.Fatal(err)
	}
	xy := p.Bytes()[1:]
	return &tjsm2.PublicKey{Curve: tjsm2.P256Sm2(), X: new(big.Int).SetBytes(xy[:32]), Y: new(big.Int).SetBytes(xy[32:])}
}

// ours is their key as we have it.
func ours(k *tjsm2.PublicKey) (*ecdsa.PublicKey, error) {
	point := make([]byte, 65)
	point[0] = 4
	k.X.FillBytes(point[1:33])
	k.Y.FillBytes(point[33:])
	return sm2.NewPublicKey(point)
}

// What stands below the issuing CA bears a policy of ours, and some an extended key
// usage, whose identifiers have a component of 128 bits (protocol.md 9). encoding/asn1,
// on which tjfoc's reader stands, refuses it; of these the signature over the octets of
// TBSCertificate is checked instead. Root and issuing CA, which it must read to check
// lists and answers, it reads.
func TestTjfocVerifiesOurCertificates(t *testing.T) {
	a, _ := authority(t)
	key, err := tjsm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := tjx509.CreateCertificateRequest(rand.Reader, &tjx509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}, SignatureAlgorithm: tjx509.SM2WithSM3}, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfilePerson, Agency: "11370000MB2852565A", AgencyName: "某局", CommonName: "张三", CSR: csr, Who: "test", Why: "x"})
	if err != nil {
		t.Fatal("a request of tjfoc:", err)
	}
	rows, _, err := a.Certificates(t.Context(), ca.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	read, unread := 0, 0
	for _, r := range rows {
		made, err := certs.ParseCertificate(r.DER)
		if err != nil {
			t.Fatal(err)
		}
		issuer := purpose(t, a, ca.Purpose(r.Issuer)).Certificate
		if !theirs(t, issuer.PublicKey).Verify(made.RawTBS, made.Signature) {
			t.Errorf("%s: the signature over TBSCertificate is bad to tjfoc", r.Subject)
		}
		c, err := tjx509.ParseCertificate(r.DER)
		if ours := len(made.Policies) > 0 && strings.HasPrefix(string(made.Policies[0]), "2.25."); ours != (err != nil) {
			t.Errorf("%s: %v", r.Subject, err)
		}
		if err != nil {
			unread++
			continue
		}
		read++
		parent, err := tjx509.ParseCertificate(issuer.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckSignatureFrom(parent); err != nil {
			t.Errorf("%s: %v", r.Subject, err)
		}
		if c.SerialNumber.Cmp(made.Serial) != 0 || c.Subject.CommonName != made.Subject.CommonName || !c.NotAfter.Equal(made.NotAfter) || c.IsCA != made.IsCA || int(c.KeyUsage) != int(made.KeyUsage) {
			t.Errorf("%s: tjfoc reads something else", r.Subject)
		}
	}
	if read != 2 || unread != len(rows)-2 { // root and issuing
		t.Errorf("tjfoc reads %d of our certificates and not %d", read, unread)
	}
}

func TestTjfocVerifiesOurCRL(t *testing.T) {
	a, store := authority(t)
	lists, err := crl.New(crl.Config{Authority: a, Store: store, Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string, issuer ca.Purpose) (serials []string) {
		l, err := lists.List(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := tjx509.ParseDERCRL(l.DER)
		if err != nil {
			t.Fatal(err)
		}
		by, err := tjx509.ParseCertificate(purpose(t, a, issuer).Certificate.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := by.CheckCRLSignature(list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range list.TBSCertList.RevokedCertificates {
			serials = append(serials, e.SerialNumber.Text(16))
		}
		return serials
	}
	if got := read("issuing", ca.PurposeIssuing); len(got) != 0 {
		t.Errorf("tjfoc reads %v before anything was revoked", got)
	}
	revoked := purpose(t, a, ca.PurposeOCSP).Row.Serial
	if _, err := a.Revoke(t.Context(), ca.RevokeRequest{Serial: revoked, Reason: certs.ReasonSuperseded, Who: "test", Why: "x"}); err != nil {
		t.Fatal(err)
	}
	other := "40"
	if ca.Shard(revoked) == other {
		other = "41"
	}
	for name, want := range map[string][]string{"root": nil, "issuing-delta": {revoked}, "issuing": {revoked}, "issuing-" + ca.Shard(revoked): {revoked}, "issuing-" + other: nil} {
		issuer, _, _ := strings.Cut(name, "-")
		if got := read(name, ca.Purpose(issuer)); !slices.Equal(got, want) {
			t.Errorf("%s: tjfoc reads %v, want %v", name, got, want)
		}
	}
}

func TestRawSignaturesBothWays(t *testing.T) {
	a, _ := authority(t)
	own := purpose(t, a, ca.PurposeStatus).Key
	other, err := tjsm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ours(&other.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range [][]byte{{0}, []byte("准予行政许可"), make([]byte, 1<<16)} {
		sig, err := own.SignMessage(t.Context(), message)
		if err != nil {
			t.Fatal(err)
		}
		if !theirs(t, own.Public()).Verify(message, sig) || theirs(t, own.Public()).Verify(append(message, 0), sig) {
			t.Errorf("%d octets signed by us", len(message))
		}
		if sig, err = other.Sign(rand.Reader, message, nil); err != nil {
			t.Fatal(err)
		}
		if !sm2.VerifyASN1WithSM2(public, nil, message, sig) || sm2.VerifyASN1WithSM2(public, nil, append(message, 0), sig) {
			t.Errorf("%d octets signed by tjfoc", len(message))
		}
		if _, err := certs.SignatureToRaw(sig); err != nil {
			t.Errorf("their signature's form: %v", err)
		}
	}
}

// tjfocSigner lends a key of theirs to our builders.
type tjfocSigner struct {
	key    *tjsm2.PrivateKey
	public *ecdsa.PublicKey
}

func (s tjfocSigner) Public() *ecdsa.PublicKey { return s.public }

func (s tjfocSigner) SignMessage(_ context.Context, message []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, message, nil)
}

func TestWeVerifyTjfocsCertificates(t *testing.T) {
	rootKey, leafKey := tjfocKey(t), tjfocKey(t)
	template := func(cn string) *tjx509.Certificate {
		return &tjx509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{Country: []string{"CN"}, CommonName: cn}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			SignatureAlgorithm: tjx509.SM2WithSM3, KeyUsage: tjx509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
	}
	top := template("他们的根")
	top.IsCA, top.KeyUsage, top.SubjectKeyId = true, tjx509.KeyUsageCertSign|tjx509.KeyUsageCRLSign, []byte{1, 2, 3}
	rootDER, err := tjx509.CreateCertificate(top, top, &rootKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf := template("他们的单位")
	leaf.ExtKeyUsage = []tjx509.ExtKeyUsage{tjx509.ExtKeyUsageClientAuth}
	leafDER, err := tjx509.CreateCertificate(leaf, top, &leafKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	root, err := certs.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	end, err := certs.ParseCertificate(leafDER)
	if err != nil {
		t.Fatal(err)
	}
	path, err := certs.BuildPath(end, certs.PathOptions{Roots: []*certs.Certificate{root}, At: now, EKU: certs.OIDEKUClientAuth, KeyUsage: certs.KeyUsageDigitalSignature})
	if err != nil || len(path) != 2 || end.Subject.CommonName != "他们的单位" {
		t.Fatal(err)
	}
	// A statement signed on their key is one on ours.
	body := map[string]any{"iss": "520000", "iat": now, "exp": now.Add(time.Hour)}
	b, err := certs.SignStatement(t.Context(), certs.TypeSealList, body, end, tjfocSigner{leafKey, end.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	st, err := certs.ParseStatement(b)
	if err != nil || st.SignedBy(end) != nil {
		t.Fatal(err)
	}
	theirList(t, rootDER, rootKey, root)
}

// Their lists have no number, which RFC 5280 5.2.3 asks of every issuer: we
// take none of them, and check the signature over the octets of tbsCertList.
func theirList(t *testing.T, rootDER []byte, key *tjsm2.PrivateKey, root *certs.Certificate) {
	t.Helper()
	parent, err := tjx509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	der, err := parent.CreateCRL(rand.Reader, key, []pkix.RevokedCertificate{{SerialNumber: big.NewInt(7), RevocationTime: now}}, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &raw); err != nil {
		t.Fatal(err)
	}
	if err := root.Verify(raw.TBS.FullBytes, raw.Signature.Bytes); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.ParseCRL(der); !errors.Is(err, certs.ErrMalformed) {
		t.Fatal("a list without a number:", err)
	}
}

func tjfocKey(t *testing.T) *tjsm2.PrivateKey {
	t.Helper()
	k, err := tjsm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
