package certs

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listParts of a CRL, each the DER of its field.
type listParts struct {
	version, inner, issuer, this, next, entries, extensions, after, outer []byte
}

func crlParts(by *entity) *listParts {
	return &listParts{
		version: []byte{2, 1, 1}, inner: sm2WithSM3, outer: sm2WithSM3, issuer: by.RawSubject,
		this: utcTime(noon), next: utcTime(noon.Add(day)),
		extensions: tlv(0xa0, sequence(extension(oidExtCRLNumber, false, []byte{2, 1, 7}), extension(oidExtAuthorityKeyID, false, sequence(tlv(0x80, by.SubjectKeyID))))),
	}
}

func (p *listParts) der(t testing.TB, by softKey) []byte {
	t.Helper()
	tbs := sequence(p.version, p.inner, p.issuer, p.this, p.next, p.entries, p.extensions, p.after)
	sig, err := by.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	return sequence(tbs, p.outer, tlv(0x03, []byte{0}, sig))
}

func entry(serial byte, at time.Time, ext ...[]byte) []byte {
	if len(ext) == 0 {
		return sequence([]byte{2, 1, serial}, utcTime(at))
	}
	return sequence([]byte{2, 1, serial}, utcTime(at), sequence(ext...))
}

var (
	compromised  = extension(oidExtReason, false, []byte{0x0a, 1, ReasonKeyCompromise})
	invalidSince = extension(oidExtInvalidity, false, tlv(0x18, []byte("20261101000000Z")))
)

func TestCRL(t *testing.T) {
	ca := root(t, "根")
	p := crlParts(ca)
	// Not in the order of their serials, as lists of the field are.
	p.entries = sequence(entry(9, noon.Add(-day)), entry(3, noon.Add(-2*day), compromised, invalidSince), entry(5, noon.Add(-3*day), extension("1.2.3", false, nil)))
	der := p.der(t, ca.key)
	c, err := ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(ca.Certificate); err != nil {
		t.Fatal(err)
	}
	if c.Len() != 3 || c.Number.Int64() != 7 || !c.ThisUpdate.Equal(noon) || !c.NextUpdate.Equal(noon.Add(day)) || !bytes.Equal(c.AuthorityKeyID, ca.SubjectKeyID) {
		t.Fatalf("%d entries, number %d, %s to %s", c.Len(), c.Number, c.ThisUpdate, c.NextUpdate)
	}
	for serial, want := range map[int64]Revoked{
		3: {Serial: big.NewInt(3), At: noon.Add(-2 * day), Reason: ReasonKeyCompromise, InvalidityDate: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		5: {Serial: big.NewInt(5), At: noon.Add(-3 * day)}, 9: {Serial: big.NewInt(9), At: noon.Add(-day)},
	} {
		got, found := c.Find(big.NewInt(serial))
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); !found || d != "" {
			t.Errorf("serial %d: %s", serial, d)
		}
	}
	for _, serial := range []int64{0, 1, 4, 10, -3} {
		if _, found := c.Find(big.NewInt(serial)); found {
			t.Errorf("serial %d was found", serial)
		}
	}
}

func TestStrictCRL(t *testing.T) {
	ca := root(t, "根")
	number := extension(oidExtCRLNumber, false, []byte{2, 1, 7})
	exts := func(e ...[]byte) func(*listParts) {
		return func(p *listParts) { p.extensions = tlv(0xa0, sequence(e...)) }
	}
	entries := func(e ...[]byte) func(*listParts) {
		return func(p *listParts) { p.entries = sequence(e...) }
	}
	for name, c := range map[string]struct {
		change func(*listParts)
		want   error
	}{
		"as it is":                   {func(*listParts) {}, nil},
		"an empty list of entries":   {entries(), nil},
		"version 1":                  {func(p *listParts) { p.version = nil }, ErrMalformed},
		"version 3":                  {func(p *listParts) { p.version = []byte{2, 1, 2} }, ErrMalformed},
		"algorithms differ":          {func(p *listParts) { p.outer = sequence(oid(OIDSM2WithSM3), []byte{5, 0}) }, ErrMalformed},
		"another algorithm":          {func(p *listParts) { p.outer = sequence(oid("1.2.840.10045.4.3.2")) }, ErrUnsupported},
		"no nextUpdate":              {func(p *listParts) { p.next = nil }, ErrMalformed},
		"ends before it begins":      {func(p *listParts) { p.next = utcTime(noon.Add(-time.Second)) }, ErrMalformed},
		"no extensions":              {func(p *listParts) { p.extensions = nil }, ErrMalformed},
		"no number":                  {exts(extension("1.2.3", false, nil)), ErrMalformed},
		"number negative":            {exts(extension(oidExtCRLNumber, false, []byte{2, 1, 0xff})), ErrMalformed},
		"number of 21 octets":        {exts(extension(oidExtCRLNumber, false, tlv(2, []byte{1}, make([]byte, 20)))), ErrMalformed},
		"number with more":           {exts(extension(oidExtCRLNumber, false, []byte{2, 1, 7, 0})), ErrMalformed},
		"number twice":               {exts(number, number), ErrMalformed},
		"authority identifier, more": {exts(number, extension(oidExtAuthorityKeyID, false, []byte{0x30, 0, 0})), ErrMalformed},
		// A list for some reasons or some certificates looks whole to whoever
		// passes over these.
		"a delta list":                 {exts(number, extension(oidExtDeltaCRL, true, []byte{2, 1, 1})), nil},
		"a delta on nothing":           {exts(number, extension(oidExtDeltaCRL, true, []byte{2, 1, 0xff})), ErrMalformed},
		"a point of nothing":           {exts(number, extension(oidExtIDP, true, sequence())), nil},
		"a point with more":            {exts(number, extension(oidExtIDP, true, []byte{0x30, 0, 0})), ErrMalformed},
		"a point of users and of CAs":  {exts(number, extension(oidExtIDP, true, sequence(tlv(0x81, []byte{0xff}), tlv(0x82, []byte{0xff})))), ErrMalformed},
		"a point for no reason":        {exts(number, extension(oidExtIDP, true, sequence(tlv(0x83, []byte{7, 0x80})))), ErrMalformed},
		"a point out of order":         {exts(number, extension(oidExtIDP, true, sequence(tlv(0x84, []byte{0xff}), tlv(0x81, []byte{0xff})))), ErrMalformed},
		"a flag that is not DER":       {exts(number, extension(oidExtIDP, true, sequence(tlv(0x84, []byte{1})))), ErrMalformed},
		"critical and not known":       {exts(number, extension("1.2.3", true, nil)), ErrUnsupported},
		"more behind":                  {func(p *listParts) { p.after = []byte{5, 0} }, ErrMalformed},
		"a serial twice":               {entries(entry(3, noon), entry(4, noon), entry(3, noon, compromised)), ErrMalformed},
		"a serial of 0":                {entries(entry(0, noon)), ErrMalformed},
		"an entry of another issuer":   {entries(entry(3, noon, extension("2.5.29.29", true, sequence()))), ErrMalformed},
		"a reason that is an INTEGER":  {entries(entry(3, noon, extension(oidExtReason, false, []byte{2, 1, 1}))), ErrMalformed},
		"a reason with more":           {entries(entry(3, noon, extension(oidExtReason, false, []byte{0x0a, 1, 1, 0}))), ErrMalformed},
		"invalidity as UTCTime":        {entries(entry(3, noon, extension(oidExtInvalidity, false, utcTime(noon)))), ErrMalformed},
		"invalidity with an offset":    {entries(entry(3, noon, extension(oidExtInvalidity, false, tlv(0x18, []byte("20261101000000+0800"))))), ErrMalformed},
		"an entry without a time":      {entries(sequence([]byte{2, 1, 3})), ErrMalformed},
		"an entry with empty more":     {entries(sequence([]byte{2, 1, 3}, utcTime(noon), []byte{5, 0})), ErrMalformed},
		"on hold, which is a reason":   {entries(entry(3, noon, extension(oidExtReason, false, []byte{0x0a, 1, ReasonCertificateHold}))), nil},
		"times in the far future":      {func(p *listParts) { p.next = tlv(0x18, []byte("99991231235959Z")) }, nil},
		"a time that is no time":       {func(p *listParts) { p.this = tlv(0x17, []byte("261301000000Z")) }, ErrMalformed},
		"an issuer that is no name":    {func(p *listParts) { p.issuer = []byte{5, 0} }, ErrMalformed},
		"an extension that stands out": {func(p *listParts) { p.extensions = append(p.extensions, p.extensions...) }, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := crlParts(ca)
			c.change(p)
			der := p.der(t, ca.key)
			got, err := ParseCRL(der)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (!bytes.Equal(got.Raw, der) || got.CheckSignatureFrom(ca.Certificate) != nil) {
				t.Fatal("Raw or the signature is not what was read")
			}
			if _, err := ParseCRL(append(der, 0)); !errors.Is(err, ErrMalformed) {
				t.Fatal("a trailing octet:", err)
			}
		})
	}
}

// What a list may make of memory is bounded before its signature is checked.
func TestAListOfTooMany(t *testing.T) {
	ca := root(t, "根")
	p := crlParts(ca)
	p.entries = sequence(bytes.Repeat(entry(3, noon), maxRevoked+1))
	if _, err := ParseCRL(p.der(t, ca.key)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "entries") {
		t.Fatal(err)
	}
	p.entries = nil
	if _, err := ParseCRL(append(p.der(t, ca.key), make([]byte, MaxCRL)...)); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}

func TestWhoMaySignACRL(t *testing.T) {
	ca := root(t, "根")
	c, err := ParseCRL(crlParts(ca).der(t, ca.key))
	if err != nil {
		t.Fatal(err)
	}
	noCRLSign := spec{name: "根", usage: 0x04, ca: true}.on(t, ca.key, nil)
	agency := spec{name: "根", usage: signs}.on(t, ca.key, ca)
	for name, by := range map[string]struct {
		*Certificate
		want error
	}{
		"the issuer":                    {ca.Certificate, nil},
		"another of the same name":      {root(t, "根").Certificate, ErrSignature},
		"the same key, another name":    {spec{name: "别名", usage: authority, ca: true}.on(t, ca.key, nil).Certificate, ErrUnknownIssuer},
		"the same key without cRLSign":  {noCRLSign.Certificate, ErrKeyUsage},
		"the same key of an end entity": {agency.Certificate, ErrKeyUsage},
	} {
		if err := c.CheckSignatureFrom(by.Certificate); !errors.Is(err, by.want) || by.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoBitOfACRLCanBeChanged(t *testing.T) {
	ca := root(t, "根")
	p := crlParts(ca)
	p.entries = sequence(entry(3, noon, compromised, invalidSince))
	der := p.der(t, ca.key)
	for i := range der {
		changed := bytes.Clone(der)
		changed[i] ^= 1 << (i % 8)
		c, err := ParseCRL(changed)
		if err == nil && c.CheckSignatureFrom(ca.Certificate) == nil {
			t.Fatalf("octet %d was changed and the signature is good", i)
		}
	}
}
