package certs

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// noon is the present of the tests.
var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// softKey is a Signer that keeps its key in the open.
type softKey struct{ private *sm2.PrivateKey }

func newKey(t testing.TB) softKey {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return softKey{k}
}

func (k softKey) Public() *ecdsa.PublicKey { return &k.private.PublicKey }

func (k softKey) SignMessage(_ context.Context, message []byte) ([]byte, error) {
	return k.private.SignWithSM2(rand.Reader, nil, message)
}

// tlv is DER by hand, so that a test can write what an encoder would not.
func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	out := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	case n < 0x1000000:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, content...)
}

func sequence(parts ...[]byte) []byte { return tlv(0x30, parts...) }

func oid(o OID) []byte { return tlv(0x06, o.DER()) }

func utcTime(t time.Time) []byte { return tlv(0x17, []byte(t.UTC().Format("060102150405Z"))) }

func extension(o OID, critical bool, value []byte) []byte {
	flag := []byte{}
	if critical {
		flag = []byte{1, 1, 0xff}
	}
	return sequence(oid(o), flag, tlv(0x04, value))
}

func named(cn string) []byte {
	return sequence(tlv(0x31, sequence(oid(oidCommonName), tlv(0x0c, []byte(cn)))))
}

var sm2WithSM3 = sequence(oid(OIDSM2WithSM3))

// parts of a certificate, each the DER of its field.
type parts struct {
	version, serial, inner, issuer, validity, subject, spki []byte
	extensions                                              [][]byte
	after                                                   []byte // behind the extensions
	outer                                                   []byte
	sign                                                    func(tbs []byte) []byte
}

func (p *parts) der() []byte {
	tail := p.after
	if p.extensions != nil {
		tail = append(tlv(0xa3, sequence(p.extensions...)), p.after...)
	}
	tbs := sequence(p.version, p.serial, p.inner, p.issuer, p.validity, p.subject, p.spki, tail)
	return sequence(tbs, p.outer, tlv(0x03, []byte{0}, p.sign(tbs)))
}

func pointOf(t testing.TB, k softKey) []byte {
	t.Helper()
	p, err := sm2.PublicKeyToECDH(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes()
}

func spkiOf(point []byte) []byte {
	return sequence(sequence(oid(OIDECPublicKey), oid(OIDSM2Curve)), tlv(0x03, []byte{0}, point))
}

// spec says what a test wants of a certificate; what it leaves out is usual.
type spec struct {
	name        string
	serial      byte
	from, to    time.Time
	usage       byte // first octet of the bit string; 0 leaves the extension out
	ca          bool
	pathLen     []byte // INTEGER, or nil
	ekus        []OID
	ekuCritical bool
	noKeyIDs    bool
	more        [][]byte // further extensions
}

const (
	signs     = 0xc0 // digitalSignature, nonRepudiation
	authority = 0x06 // certSign, cRLSign
)

// entity is a certificate with its key.
type entity struct {
	*Certificate
	key softKey
}

func (e *entity) signer() StatementSigner { return StatementSigner{e.Certificate, e.key} }

// parts of the certificate on key, signed by by; nil signs itself.
func (s spec) parts(t testing.TB, key softKey, by *entity) *parts {
	t.Helper()
	if s.from.IsZero() {
		s.from = noon.Add(-30 * day)
	}
	if s.to.IsZero() {
		s.to = noon.Add(365 * day)
	}
	point := pointOf(t, key)
	own := sm3.Sum(point)
	p := &parts{
		version: tlv(0xa0, []byte{2, 1, 2}), serial: tlv(0x02, []byte{s.serial + 1}), inner: sm2WithSM3, outer: sm2WithSM3,
		issuer: named(s.name), subject: named(s.name), validity: sequence(utcTime(s.from), utcTime(s.to)), spki: spkiOf(point),
	}
	issuerID, signer := own[:20], key
	if by != nil {
		p.issuer, issuerID, signer = by.RawSubject, by.SubjectKeyID, by.key
	}
	p.sign = func(tbs []byte) []byte {
		sig, err := signer.SignMessage(t.Context(), tbs)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	if s.usage != 0 {
		p.extensions = append(p.extensions, extension(oidExtKeyUsage, true, []byte{3, 2, 0, s.usage}))
	}
	if s.ca {
		p.extensions = append(p.extensions, extension(oidExtBasic, true, sequence([]byte{1, 1, 0xff}, s.pathLen)))
	}
	if len(s.ekus) > 0 {
		var list [][]byte
		for _, o := range s.ekus {
			list = append(list, oid(o))
		}
		p.extensions = append(p.extensions, extension(oidExtExtendedKeyUse, s.ekuCritical, sequence(list...)))
	}
	if !s.noKeyIDs {
		p.extensions = append(p.extensions, extension(oidExtSubjectKeyID, false, tlv(0x04, own[:20])))
		p.extensions = append(p.extensions, extension(oidExtAuthorityKeyID, false, sequence(tlv(0x80, issuerID))))
	}
	p.extensions = append(p.extensions, s.more...)
	return p
}

// make makes the certificate on a fresh key.
func (s spec) make(t testing.TB, by *entity) *entity {
	t.Helper()
	return s.on(t, newKey(t), by)
}

func (s spec) on(t testing.TB, key softKey, by *entity) *entity {
	t.Helper()
	c, err := ParseCertificate(s.parts(t, key, by).der())
	if err != nil {
		t.Fatal(err)
	}
	return &entity{c, key}
}

func root(t testing.TB, name string) *entity {
	t.Helper()
	return spec{name: name, usage: authority, ca: true}.make(t, nil)
}
