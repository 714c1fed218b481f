package province

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/ca/outside"
	"yinxin/ca/outside/outsidetest"
	"yinxin/certs"
	"yinxin/seal"
	"yinxin/verify"
)

// licensed is an authority of somebody else's make.
type licensed struct{ *outsidetest.Authority }

func newLicensed(t testing.TB, name string, above *licensed, now func() time.Time) *licensed {
	t.Helper()
	if above == nil {
		return &licensed{outsidetest.New(t, name, nil, now)}
	}
	return &licensed{outsidetest.New(t, name, above.Authority, now)}
}

func (l *licensed) list(revoked ...smx509.RevocationListEntry) verify.Item {
	return verify.NewItem(verify.KindCRL, l.List(revoked...))
}

// add lists it with the province.
func (h *house) add(t testing.TB, l *licensed) outside.Authority {
	t.Helper()
	a, err := h.Outside.Add(t.Context(), outside.AddRequest{Certificate: l.DER, Name: l.Name, Addresses: []string{l.CRL}, Who: "张三", Why: "持证机构"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) ask(t testing.TB) seal.Request {
	t.Helper()
	r, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) bring(t testing.TB, r seal.Request, certificate []byte, chain ...*licensed) (seal.Seal, error) {
	t.Helper()
	var above []byte
	for _, l := range chain {
		above = append(above, l.PEM()...)
	}
	return h.Seals.Import(t.Context(), r.ID, certificate, above, "test", "test")
}

// judgeWith judges by the province's own trust and evidence, and more evidence.
func (h *house) judgeWith(t testing.TB, doc []byte, more ...verify.Item) verify.Report {
	t.Helper()
	d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)
	in, err := h.Input(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	in.Evidence.Items = append(in.Evidence.Items, more...)
	return h.Engine.Judge(d, in)
}

// From the request to the verdict, under an authority with a root of its own.
func TestASealOfAnOutsideAuthority(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	sub := newLicensed(t, "某签发", root, h.clock.now)
	h.add(t, root)
	listed := h.add(t, sub)
	r := h.ask(t)
	certificate := sub.Certify(r.CSR, nil)
	h.clock.move(time.Minute)
	s, err := h.bring(t, r, certificate, sub, root)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.bring(t, r, certificate); err != nil || !cmp.Equal(again, s) {
		t.Errorf("the same answer again: %v %s", err, cmp.Diff(s, again))
	}
	if _, err := h.bring(t, r, sub.Certify(r.CSR, nil)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("another answer: %v", err)
	}
	row, err := h.CA.Certificate(t.Context(), s.CertSerial)
	if err != nil || row.Issuer != outside.Name(listed.ID) || !bytes.Equal(row.DER, certificate) || row.Agency != testAgency || row.KeyID != r.KeyID {
		t.Fatalf("%+v %v", row, err)
	}
	h.clock.move(time.Minute)
	stamped := h.stampWith(t, s)
	if _, ids := h.behind(t, ca.Suspect{Issuer: row.Issuer, Since: h.clock.now().Add(-time.Minute)}); !cmp.Equal(ids, map[string][]string{AffectedCertificate: {s.CertSerial}, AffectedSeal: {s.ID}, AffectedStamp: {stamped.ID.String()}}) {
		t.Errorf("behind it stand %v", ids)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	want(t, h.judgeWith(t, stamped.Document, root.list(), sub.list()), verify.Valid, "")
	want(t, h.judgeWith(t, stamped.Document), verify.CannotConfirm, verify.StatusUnavailable)
	want(t, h.judgeWith(t, stamped.Document, sub.list()), verify.CannotConfirm, verify.StatusUnavailable)
	serial, _ := new(big.Int).SetString(s.CertSerial[strings.LastIndexByte(s.CertSerial, ':')+1:], 16)
	entry := smx509.RevocationListEntry{SerialNumber: serial, RevocationTime: h.clock.now().Add(-90 * time.Second), ReasonCode: certs.ReasonSuperseded}
	want(t, h.judgeWith(t, stamped.Document, root.list(), sub.list(entry)), verify.NotValid, verify.CertificateRevokedBefore)
	entry.RevocationTime = h.clock.now()
	want(t, h.judgeWith(t, stamped.Document, root.list(), sub.list(entry)), verify.ValidWithNotice, verify.CertificateRevokedAfter)
	entry.SerialNumber = sub.Certificate.SerialNumber
	entry.RevocationTime = h.clock.now().Add(-time.Hour)
	want(t, h.judgeWith(t, stamped.Document, root.list(entry), sub.list()), verify.NotValid, verify.CertificateRevokedBefore)

	// That we know it to be revoked ends its use here, and is no entry of our lists.
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: s.CertSerial, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Seals.StampJSON(t.Context(), seal.StampRequest{SealID: s.ID, Agency: testAgency, Operator: "x"}, []byte(`{"a":1}`)); !errors.Is(err, seal.ErrNotInForce) {
		t.Errorf("it stamps on: %v", err)
	}
	for _, issuer := range []string{"root", "issuing"} {
		published, err := h.CRLs.List(t.Context(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		list, err := certs.ParseCRL(published.DER)
		if err != nil {
			t.Fatal(err)
		}
		if _, listed := list.Find(serial); listed {
			t.Errorf("the list of %s speaks of an outside certificate", issuer)
		}
	}
	h.restart(t)
	if again, err := h.Seals.Request(t.Context(), r.ID); err != nil || again.CertSerial != s.CertSerial {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
}

// restart closes and opens the province.
func (h *house) restart(t testing.TB) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), h.o)
	if err != nil {
		t.Fatal(err)
	}
	h.Province = p
}

// A serial number is its authority's to choose: one like ours is another's still.
func TestAnOutsideSerialLikeOurs(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	h.add(t, root)
	r := h.ask(t)
	own, _ := new(big.Int).SetString(h.seal.CertSerial, 16)
	s, err := h.bring(t, r, root.Certify(r.CSR, func(c *smx509.Certificate) { c.SerialNumber = own }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.seal.CertSerial, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	h.stampWith(t, s)
	if row, err := h.CA.Certificate(t.Context(), s.CertSerial); err != nil || row.Revocation != nil {
		t.Error(row.Revocation, err)
	}
}

// What a certificate must be: each alone is refused, and leaves the request open.
func TestAnswersThatAreRefused(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	sub := newLicensed(t, "某签发", root, h.clock.now)
	stranger := newLicensed(t, "别家", nil, h.clock.now)
	unlisted := newLicensed(t, "未登记", root, h.clock.now)
	h.add(t, root)
	h.add(t, sub)
	r, other := h.ask(t), h.ask(t)
	another, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := func(change func(*pkix.Name)) func(*smx509.Certificate) {
		return func(c *smx509.Certificate) {
			c.RawSubject = nil
			change(&c.Subject)
		}
	}
	by := func(l *licensed, change func(*smx509.Certificate)) []byte { return l.Certify(r.CSR, change) }
	forged := by(sub, nil)
	forged[len(forged)-1] ^= 1
	for what, c := range map[string]struct {
		der   []byte
		chain []*licensed
		err   error
	}{
		"another key":         {by(sub, func(c *smx509.Certificate) { c.PublicKey = another.Public() }), nil, outside.ErrRefused},
		"another request's":   {sub.Certify(other.CSR, nil), nil, outside.ErrRefused},
		"another seal code":   {by(sub, name(func(n *pkix.Name) { n.CommonName = other.ID })), nil, outside.ErrRefused},
		"another agency":      {by(sub, name(func(n *pkix.Name) { n.Organization = []string{"11520000MB2A000014示例局"} })), nil, outside.ErrRefused},
		"another unit's name": {by(sub, name(func(n *pkix.Name) { n.Organization = []string{testAgency + "别局"} })), nil, outside.ErrRefused},
		"ended":               {by(sub, func(c *smx509.Certificate) { c.NotAfter = h.clock.now().Add(-time.Second) }), nil, outside.ErrRefused},
		"not begun":           {by(sub, func(c *smx509.Certificate) { c.NotBefore = h.clock.now().Add(time.Hour) }), nil, outside.ErrRefused},
		"an authority":        {by(sub, func(c *smx509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), nil, outside.ErrRefused},
		"signature alone":     {by(sub, func(c *smx509.Certificate) { c.KeyUsage = smx509.KeyUsage(x509.KeyUsageDigitalSignature) }), nil, outside.ErrRefused},
		"encryption too":      {by(sub, func(c *smx509.Certificate) { c.KeyUsage |= smx509.KeyUsage(x509.KeyUsageKeyEncipherment) }), nil, outside.ErrRefused},
		"a purpose of its own": {by(sub, func(c *smx509.Certificate) {
			c.ExtKeyUsage = []smx509.ExtKeyUsage{smx509.ExtKeyUsage(x509.ExtKeyUsageClientAuth)}
		}), nil, outside.ErrRefused},
		"no revocation list": {by(sub, func(c *smx509.Certificate) { c.CRLDistributionPoints = nil }), nil, outside.ErrRefused},
		"a critical extension": {by(sub, func(c *smx509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}), nil, outside.ErrRefused},
		"of a stranger":            {by(stranger, nil), []*licensed{stranger}, outside.ErrRefused},
		"of an unlisted issuer":    {by(unlisted, nil), []*licensed{unlisted, root}, outside.ErrRefused},
		"a chain of a stranger":    {by(sub, nil), []*licensed{sub, stranger}, outside.ErrRefused},
		"a chain without end":      {by(sub, nil), slices.Repeat([]*licensed{sub}, 9), outside.ErrBadCertificate},
		"a forged signature":       {forged, nil, outside.ErrRefused},
		"no certificate":           {[]byte("x"), nil, outside.ErrBadCertificate},
		"nothing":                  {nil, nil, outside.ErrBadCertificate},
		"something behind it":      {append(by(sub, nil), 0), nil, outside.ErrBadCertificate},
		"the request in its place": {r.CSR, nil, outside.ErrBadCertificate},
	} {
		if s, err := h.bring(t, r, c.der, c.chain...); !errors.Is(err, c.err) {
			t.Errorf("%s: %v %v", what, s.ID, err)
		}
	}
	if _, err := h.Seals.Import(t.Context(), r.ID, by(sub, nil), []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "x", "y"); !errors.Is(err, outside.ErrBadCertificate) {
		t.Errorf("a key in the chain: %v", err)
	}
	if _, err := h.Seals.Import(t.Context(), "52000000000099", by(sub, nil), nil, "x", "y"); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("no request: %v", err)
	}
	if _, err := h.Seals.Show(t.Context(), r.ID); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("a refused answer made a seal: %v", err)
	}
	if rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Serial: "outside:"}); err != nil || len(rows) != 0 {
		t.Errorf("refused answers stand in the register: %v %v", rows, err)
	}
	if _, err := h.bring(t, r, by(sub, nil), sub); err != nil {
		t.Errorf("a good answer after all: %v", err)
	}
}

// An authority's end is in the list, for ever, and counts for new seals and old stamps.
func TestAnOutsideAuthorityEnds(t *testing.T) {
	for _, state := range []certs.ServiceState{certs.Withdrawn, certs.Distrusted} {
		t.Run(string(state), func(t *testing.T) {
			h := newHouse(t)
			root := newLicensed(t, "某根", nil, h.clock.now)
			a := h.add(t, root)
			h.clock.move(time.Minute)
			r, late := h.ask(t), h.ask(t)
			s, err := h.bring(t, r, root.Certify(r.CSR, nil))
			if err != nil {
				t.Fatal(err)
			}
			before := h.stampWith(t, s)
			h.clock.move(time.Hour)
			end := map[certs.ServiceState]func() (outside.Authority, error){
				certs.Withdrawn: func() (outside.Authority, error) {
					return h.Outside.Withdraw(t.Context(), outside.EndRequest{ID: a.ID, Who: "x", Why: "y"})
				},
				certs.Distrusted: func() (outside.Authority, error) {
					return h.Outside.Distrust(t.Context(), outside.EndRequest{ID: a.ID, Who: "x", Why: "y"})
				},
			}
			if _, err := end[state](); err != nil {
				t.Fatal(err)
			}
			h.clock.move(time.Minute)
			after := h.stampWith(t, s)
			h.clock.move(time.Minute)
			if state == certs.Withdrawn {
				want(t, h.judgeWith(t, before.Document, root.list()), verify.Valid, "")
			} else {
				want(t, h.judgeWith(t, before.Document, root.list()), verify.CannotConfirm, verify.ServiceDistrusted)
			}
			want(t, h.judgeWith(t, after.Document, root.list()), verify.CannotConfirm, verify.ServiceDistrusted)
			if _, err := h.bring(t, late, root.Certify(late.CSR, nil)); !errors.Is(err, outside.ErrRefused) {
				t.Errorf("a seal of an authority that has ended: %v", err)
			}
			if _, err := end[state](); !errors.Is(err, outside.ErrRefused) {
				t.Errorf("ended twice: %v", err)
			}
			if _, err := h.Outside.Add(t.Context(), outside.AddRequest{Certificate: root.DER, Name: "某根", Who: "x", Why: "y"}); !errors.Is(err, outside.ErrRefused) {
				t.Errorf("it comes back: %v", err)
			}
			trust, err := h.Trust(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			services := trust.Regions["520000"].Services
			if last := services[len(services)-1]; len(last.History) != 2 || last.History[1].State != state || last.Type != certs.ServiceAgencyCA {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestAuthoritiesThatAreRefused(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	sub := newLicensed(t, "某签发", root, h.clock.now)
	own := h.purpose(t, ca.PurposeIssuing)
	leaf := root.Certify(h.ask(t).CSR, nil)
	good := outside.AddRequest{Certificate: root.DER, Name: "某根", Who: "x", Why: "y"}
	for what, spoil := range map[string]func(*outside.AddRequest){
		"a leaf":                       func(r *outside.AddRequest) { r.Certificate = leaf },
		"our own":                      func(r *outside.AddRequest) { r.Certificate = own.DER },
		"before its root":              func(r *outside.AddRequest) { r.Certificate = sub.DER },
		"no name":                      func(r *outside.AddRequest) { r.Name = "" },
		"a name that turns":            func(r *outside.AddRequest) { r.Name = "a\u202eb" },
		"nobody":                       func(r *outside.AddRequest) { r.Who = "" },
		"no grounds":                   func(r *outside.AddRequest) { r.Why = "" },
		"an address of a file":         func(r *outside.AddRequest) { r.Addresses = []string{"file:///etc/passwd"} },
		"an address with a name":       func(r *outside.AddRequest) { r.Addresses = []string{"http://a:b@c/"} },
		"many addresses":               func(r *outside.AddRequest) { r.Addresses = slices.Repeat([]string{"http://a/"}, 5) },
		"an organisation that is none": func(r *outside.AddRequest) { r.Organisations = []string{"11520000MB1A000011"} },
	} {
		r := good
		spoil(&r)
		if _, err := h.Outside.Add(t.Context(), r); !errors.Is(err, outside.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	bad := good
	bad.Certificate = []byte("x")
	if _, err := h.Outside.Add(t.Context(), bad); !errors.Is(err, outside.ErrBadCertificate) {
		t.Errorf("no certificate: %v", err)
	}
	h.clock.move(11 * 365 * 24 * time.Hour)
	if _, err := h.Outside.Add(t.Context(), good); !errors.Is(err, outside.ErrRefused) {
		t.Errorf("one that has ended: %v", err)
	}
	if all, err := h.Outside.Authorities(t.Context()); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	if _, err := h.Outside.Withdraw(t.Context(), outside.EndRequest{ID: "x", Who: "x", Why: "y"}); !errors.Is(err, outside.ErrNotFound) {
		t.Error(err)
	}
}

// An authority for some organisations certifies no other's seal.
func TestAnAuthorityOfOneOrganisation(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	if _, err := h.Outside.Add(t.Context(), outside.AddRequest{Certificate: root.DER, Name: "某根", Organisations: []string{"11520000MB2A000014"}, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	r := h.ask(t)
	if _, err := h.bring(t, r, root.Certify(r.CSR, nil)); !errors.Is(err, outside.ErrRefused) {
		t.Error(err)
	}
}

// Many bring the answer at once: one seal is made.
func TestOneAnswerBroughtByMany(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	h.add(t, root)
	r := h.ask(t)
	a, b := root.Certify(r.CSR, nil), root.Certify(r.CSR, nil)
	sums := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := h.bring(t, r, [][]byte{a, b}[i%2])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				sums[fmt.Sprintf("%x", s.SM3)] = true
			} else if !errors.Is(err, seal.ErrRefused) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Serial: "outside:"}); err != nil || len(rows) != 1 || len(sums) != 1 {
		t.Errorf("%d certificates, %d seals, %v", len(rows), len(sums), err)
	}
}
