package certs

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"
)

// answerParts of an OCSP response, each the DER of its field, so that a test can
// write what a responder would not.
type answerParts struct {
	status, typ, responder, produced, answers, extensions, inner, certs, after []byte
}

// answered is one SingleResponse.
func answered(id, status []byte, this, next time.Time, exts ...[]byte) []byte {
	var ends, more []byte
	if !next.IsZero() {
		ends = tlv(0xa0, generalized(next))
	}
	if len(exts) > 0 {
		more = tlv(0xa1, sequence(exts...))
	}
	return sequence(id, status, generalized(this), ends, more)
}

func generalized(t time.Time) []byte { return tlv(0x18, []byte(t.UTC().Format("20060102150405Z"))) }

var (
	isGood    = []byte{0x80, 0}
	isUnknown = []byte{0x82, 0}
)

func isRevoked(at time.Time, reason ...byte) []byte {
	if len(reason) == 0 {
		return tlv(0xa1, generalized(at))
	}
	return tlv(0xa1, generalized(at), tlv(0xa0, []byte{0x0a, 1, reason[0]}))
}

func idOf(t testing.TB, issuer *entity, c *Certificate) []byte {
	t.Helper()
	id, err := NewCertID(issuer.Certificate, c.Serial)
	if err != nil {
		t.Fatal(err)
	}
	return id.Raw
}

// ocspParts are those of the usual answer: good, by a responder of the issuer.
func ocspParts(t testing.TB, by *entity, issuer *entity, c *Certificate) *answerParts {
	t.Helper()
	return &answerParts{
		status: []byte{0x0a, 1, 0}, typ: oid(OIDOCSPBasic), responder: tlv(0xa1, by.RawSubject), produced: generalized(noon), inner: sm2WithSM3,
		answers: answered(idOf(t, issuer, c), isGood, noon, noon.Add(day)), certs: by.Raw,
	}
}

func (p *answerParts) der(t testing.TB, by softKey) []byte {
	t.Helper()
	tbs := sequence(p.responder, p.produced, sequence(p.answers), p.extensions)
	sig, err := by.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	var list []byte
	if p.certs != nil {
		list = tlv(0xa0, sequence(p.certs))
	}
	basic := sequence(tbs, p.inner, tlv(0x03, []byte{0}, sig), list)
	return sequence(p.status, tlv(0xa0, sequence(p.typ, tlv(0x04, basic))), p.after)
}

// scene of OCSP: an authority, its responder, and one who is asked about.
type ocspScene struct{ ca, responder, leaf *entity }

var noCheck = extension(OIDOCSPNoCheck, false, []byte{5, 0})

func newOCSP(t testing.TB) ocspScene {
	t.Helper()
	ca := root(t, "根")
	return ocspScene{ca, spec{name: "状态服务", serial: 20, usage: 0x80, ekus: []OID{OIDEKUOCSPSigning}, more: [][]byte{noCheck}}.make(t, ca), spec{name: "某局", serial: 40, usage: signs}.make(t, ca)}
}

func TestOCSPResponse(t *testing.T) {
	s := newOCSP(t)
	p := ocspParts(t, s.responder, s.ca, s.leaf.Certificate)
	other := spec{name: "别局", serial: 60, usage: signs}.make(t, s.ca)
	third := spec{name: "三局", serial: 80, usage: signs}.make(t, s.ca)
	p.answers = slices.Concat(p.answers,
		answered(idOf(t, s.ca, other.Certificate), isRevoked(noon.Add(-day), ReasonKeyCompromise), noon.Add(-time.Hour), time.Time{}, invalidSince, extension(OIDArchiveCutoff, false, generalized(noon.Add(-9*day)))),
		answered(idOf(t, s.ca, third.Certificate), isUnknown, noon, noon.Add(day)))
	p.extensions = tlv(0xa1, sequence(extension(oidOCSPNonce, false, tlv(4, []byte("nonce")))))
	r, err := ParseOCSPResponse(p.der(t, s.responder.key))
	if err != nil {
		t.Fatal(err)
	}
	by, err := r.CheckSignatureFrom(s.ca.Certificate)
	if err != nil || !by.Equal(s.responder.Certificate) || !by.OCSPNoCheck() || s.leaf.OCSPNoCheck() {
		t.Fatal(by, err)
	}
	if !r.ProducedAt.Equal(noon) || string(r.Nonce) != "nonce" || len(r.Answers) != 3 {
		t.Fatalf("%+v", r)
	}
	if a, ok := r.Find(s.leaf.Certificate, s.ca.Certificate); !ok || a.Status != OCSPGood || !a.ThisUpdate.Equal(noon) || !a.NextUpdate.Equal(noon.Add(day)) || !a.ArchiveCutoff.IsZero() {
		t.Errorf("%+v", a)
	}
	a, ok := r.Find(other.Certificate, s.ca.Certificate)
	if !ok || a.Status != OCSPRevoked || !a.Revoked.At.Equal(noon.Add(-day)) || a.Revoked.Reason != ReasonKeyCompromise || a.Revoked.Serial.Cmp(other.Serial) != 0 ||
		!a.Revoked.InvalidityDate.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !a.NextUpdate.IsZero() || !a.ArchiveCutoff.Equal(noon.Add(-9*day)) {
		t.Errorf("%+v", a)
	}
	if a, ok := r.Find(third.Certificate, s.ca.Certificate); !ok || a.Status != OCSPUnknown {
		t.Errorf("%+v", a)
	}
	// The same serial number by another authority, of the same name even.
	for _, authority := range []*entity{root(t, "根"), root(t, "另一根")} {
		twin := spec{name: "某局", serial: 40, usage: signs}.make(t, authority)
		if _, found := r.Find(twin.Certificate, authority.Certificate); found {
			t.Error("an answer of another authority's certificate was found")
		}
		if _, found := r.Find(s.leaf.Certificate, authority.Certificate); found {
			t.Error("an answer was found for another issuer")
		}
	}
}

func TestStrictOCSPResponse(t *testing.T) {
	s := newOCSP(t)
	id := idOf(t, s.ca, s.leaf.Certificate)
	single := func(status []byte, exts ...[]byte) func(*answerParts) {
		return func(p *answerParts) { p.answers = answered(id, status, noon, noon.Add(day), exts...) }
	}
	top := func(e ...[]byte) func(*answerParts) {
		return func(p *answerParts) { p.extensions = tlv(0xa1, sequence(e...)) }
	}
	nonce := func(n int) []byte { return extension(oidOCSPNonce, false, tlv(4, make([]byte, n))) }
	for name, c := range map[string]struct {
		change func(*answerParts)
		want   error
	}{
		"as it is":              {func(*answerParts) {}, nil},
		"without nextUpdate":    {func(p *answerParts) { p.answers = answered(id, isGood, noon, time.Time{}) }, nil},
		"an unknown extension":  {single(isGood, extension("1.2.3", false, nil)), nil},
		"by key":                {func(p *answerParts) { p.responder = tlv(0xa2, tlv(4, make([]byte, 20))) }, nil},
		"the longest nonce":     {top(nonce(MaxNonce)), nil},
		"a longer nonce":        {top(nonce(MaxNonce + 1)), ErrMalformed},
		"an empty nonce":        {top(nonce(0)), ErrMalformed},
		"a nonce that is none":  {top(extension(oidOCSPNonce, false, []byte("xx"))), ErrMalformed},
		"two nonces":            {top(nonce(3), nonce(4)), ErrMalformed},
		"a critical extension":  {top(extension("1.2.3", true, nil)), ErrUnhandledCritical},
		"critical in an answer": {single(isGood, extension("1.2.3", true, nil)), ErrUnhandledCritical},
		"tryLater":              {func(p *answerParts) { p.status = []byte{0x0a, 1, 3} }, ErrMalformed}, // and an answer
		"another type":          {func(p *answerParts) { p.typ = oid("1.2.3") }, ErrUnsupported},
		"another algorithm":     {func(p *answerParts) { p.inner = sequence(oid("1.2.840.10045.4.3.2")) }, ErrUnsupported},
		"more behind":           {func(p *answerParts) { p.after = []byte{5, 0} }, ErrMalformed},
		"no answer":             {func(p *answerParts) { p.answers = nil }, ErrMalformed},
		"two about one":         {func(p *answerParts) { p.answers = append(p.answers, p.answers...) }, ErrMalformed},
		"a status of its own":   {single([]byte{0x83, 0}), ErrMalformed},
		"good, with more":       {single([]byte{0x80, 1, 0}), ErrMalformed},
		"unknown, with more":    {single([]byte{0x82, 1, 0}), ErrMalformed},
		"revoked, no time":      {single(tlv(0xa1)), ErrMalformed},
		"revoked, as UTCTime":   {single(tlv(0xa1, utcTime(noon))), ErrMalformed},
		"a reason, INTEGER":     {single(tlv(0xa1, generalized(noon), tlv(0xa0, []byte{2, 1, 1}))), ErrMalformed},
		"revoked, with more":    {single(tlv(0xa1, generalized(noon), []byte{5, 0})), ErrMalformed},
		"invalidity, UTCTime":   {single(isRevoked(noon), extension(oidExtInvalidity, false, utcTime(noon))), ErrMalformed},
		"archive, with more":    {single(isGood, extension(OIDArchiveCutoff, false, append(generalized(noon), 5, 0))), ErrMalformed},
		"knows the future":      {func(p *answerParts) { p.answers = answered(id, isGood, noon.Add(time.Second), noon.Add(day)) }, ErrMalformed},
		"ends before":           {func(p *answerParts) { p.answers = answered(id, isGood, noon, noon.Add(-time.Second)) }, ErrMalformed},
		"produced as UTCTime":   {func(p *answerParts) { p.produced = utcTime(noon) }, ErrMalformed},
		"produced at a half":    {func(p *answerParts) { p.produced = tlv(0x18, []byte("20261124040000.5Z")) }, ErrMalformed},
		"responder of no kind":  {func(p *answerParts) { p.responder = tlv(0xa3, tlv(4, nil)) }, ErrMalformed},
		"responder of no name":  {func(p *answerParts) { p.responder = tlv(0xa1, []byte{5, 0}) }, ErrMalformed},
		"a version":             {func(p *answerParts) { p.responder = append(tlv(0xa0, []byte{2, 1, 0}), p.responder...) }, ErrMalformed},
		"a serial of 0": {func(p *answerParts) {
			p.answers = answered(sequence(sequence(oid(OIDSM3)), tlv(4, nil), tlv(4, nil), []byte{2, 1, 0}), isGood, noon, noon)
		}, ErrMalformed},
		"a certificate that is none": {func(p *answerParts) { p.certs = sequence() }, ErrMalformed},
		"many certificates":          {func(p *answerParts) { p.certs = bytes.Repeat(p.certs, maxOCSPCertificates+1) }, ErrMalformed},
		"many answers": {func(p *answerParts) {
			p.answers = nil
			for i := range maxOCSPAnswers + 1 {
				p.answers = append(p.answers, answered(sequence(sequence(oid(OIDSM3)), tlv(4, nil), tlv(4, nil), []byte{2, 2, 1, byte(i)}), isGood, noon, noon)...)
			}
		}, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := ocspParts(t, s.responder, s.ca, s.leaf.Certificate)
			c.change(p)
			der := p.der(t, s.responder.key)
			r, err := ParseOCSPResponse(der)
			if !errors.Is(err, c.want) || c.want == nil && err != nil || err != nil && r != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && !bytes.Equal(r.Raw, der) {
				t.Fatal("Raw is not what was read")
			}
			if _, err := ParseOCSPResponse(append(der, 0)); !errors.Is(err, ErrMalformed) {
				t.Fatal("a trailing octet:", err)
			}
		})
	}
	for _, status := range []byte{1, 2, 3, 5, 6} {
		if _, err := ParseOCSPResponse([]byte{0x30, 3, 0x0a, 1, status}); !errors.Is(err, ErrNotAnswered) {
			t.Errorf("status %d: %v", status, err)
		}
	}
	for _, der := range [][]byte{nil, {0x30, 3, 0x0a, 1, 0}, {0x30, 3, 2, 1, 6}, make([]byte, MaxOCSPResponse+1)} {
		if _, err := ParseOCSPResponse(der); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d octets: %v", len(der), err)
		}
	}
}

// Who may answer for an authority: RFC 6960 4.2.2.2.
func TestWhoMayAnswer(t *testing.T) {
	s := newOCSP(t)
	ocsp := []OID{OIDEKUOCSPSigning}
	sub := spec{name: "下级", serial: 30, usage: authority, ca: true}.make(t, s.ca)
	stranger := root(t, "根")
	// Who is named by a key that is not that of the certificate is not found by it.
	byAnotherKey := map[string]error{"another in his name": ErrUnknownIssuer, "a namesake": ErrKeyUsage}
	for name, c := range map[string]struct {
		by   *entity
		put  *Certificate // into the answer, by.Certificate if nil
		want error
	}{
		"its responder":             {s.responder, nil, nil},
		"itself":                    {s.ca, nil, nil},
		"one for something else":    {spec{name: "x", serial: 21, usage: 0x80, ekus: []OID{OIDEKUStatusSigner}}.make(t, s.ca), nil, ErrKeyUsage},
		"one for any use":           {spec{name: "x", serial: 21, usage: 0x80, ekus: []OID{OIDEKUAny}}.make(t, s.ca), nil, ErrKeyUsage},
		"one without a use":         {s.leaf, nil, ErrKeyUsage},
		"one that may not sign":     {spec{name: "x", serial: 21, usage: 0x20, ekus: ocsp}.make(t, s.ca), nil, ErrKeyUsage},
		"one that has ended":        {spec{name: "x", serial: 21, usage: 0x80, ekus: ocsp, to: noon.Add(-time.Second)}.make(t, s.ca), nil, ErrExpired},
		"one that has not begun":    {spec{name: "x", serial: 21, usage: 0x80, ekus: ocsp, from: noon.Add(time.Second)}.make(t, s.ca), nil, ErrNotYetValid},
		"one with a strange demand": {spec{name: "x", serial: 21, usage: 0x80, ekus: ocsp, more: [][]byte{extension("1.2.3", true, nil)}}.make(t, s.ca), nil, ErrUnhandledCritical},
		"one certified below":       {spec{name: "x", serial: 21, usage: 0x80, ekus: ocsp}.make(t, sub), nil, ErrUnknownIssuer},
		"a namesake's responder":    {spec{name: "x", serial: 21, usage: 0x80, ekus: ocsp}.make(t, stranger), nil, ErrSignature},
		"a namesake":                {stranger, nil, ErrSignature},
		"nobody that is there":      {s.responder, s.leaf.Certificate, ErrUnknownIssuer},
		"another in his name":       {&entity{s.responder.Certificate, stranger.key}, nil, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			for _, byKey := range []bool{false, true} {
				p := ocspParts(t, c.by, s.ca, s.leaf.Certificate)
				want := c.want
				if byKey {
					sum := sha1.Sum(pointOf(t, c.by.key))
					p.responder = tlv(0xa2, tlv(4, sum[:]))
					want = cmp.Or(byAnotherKey[name], want)
				}
				if c.put != nil {
					p.certs = c.put.Raw
				}
				r, err := ParseOCSPResponse(p.der(t, c.by.key))
				if err != nil {
					t.Fatal(err)
				}
				by, err := r.CheckSignatureFrom(s.ca.Certificate)
				if !errors.Is(err, want) || want == nil && (err != nil || !by.Equal(c.by.Certificate)) || err != nil && by != nil {
					t.Errorf("by key %t: %v, want %v", byKey, err, want)
				}
			}
		})
	}
	r, err := ParseOCSPResponse(ocspParts(t, s.ca, s.ca, s.leaf.Certificate).der(t, s.ca.key))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CheckSignatureFrom(s.leaf.Certificate); !errors.Is(err, ErrNotCA) {
		t.Error("for one that is no authority:", err)
	}
}

func TestNoBitOfAnAnswerCanBeChanged(t *testing.T) {
	s := newOCSP(t)
	p := ocspParts(t, s.responder, s.ca, s.leaf.Certificate)
	p.answers = answered(idOf(t, s.ca, s.leaf.Certificate), isRevoked(noon.Add(-day), ReasonKeyCompromise), noon, noon.Add(day), invalidSince)
	der := p.der(t, s.responder.key)
	for i := range der {
		changed := bytes.Clone(der)
		changed[i] ^= 1 << (i % 8)
		r, err := ParseOCSPResponse(changed)
		if err != nil {
			continue
		}
		if _, err := r.CheckSignatureFrom(s.ca.Certificate); err == nil {
			t.Fatalf("octet %d was changed and the signature is good", i)
		}
	}
}

func TestOCSPRequest(t *testing.T) {
	s := newOCSP(t)
	id, err := NewCertID(s.ca.Certificate, s.leaf.Serial)
	if err != nil {
		t.Fatal(err)
	}
	for _, nonce := range [][]byte{nil, []byte("n")} {
		der, err := BuildOCSPRequest(id, nonce)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseOCSPRequest(der)
		if err != nil || len(r.IDs) != 1 || !bytes.Equal(r.IDs[0].Raw, id.Raw) || !bytes.Equal(r.Nonce, nonce) || r.Plain != (nonce == nil) || !r.IDs[0].Names(s.leaf.Certificate, s.ca.Certificate) {
			t.Fatalf("%+v %v", r, err)
		}
	}
	names, err := IssuerNames(s.ca.Certificate)
	if err != nil || len(names) != CertIDHashes || !slices.Contains(names, id.Issuer()) {
		t.Errorf("%d names, %v", len(names), err)
	}
}

func TestStrictOCSPRequest(t *testing.T) {
	s := newOCSP(t)
	id := idOf(t, s.ca, s.leaf.Certificate)
	one := sequence(id)
	for name, c := range map[string]struct {
		tbs   []byte // content
		after []byte
		want  error
		plain bool
	}{
		"as it is":            {sequence(one), nil, nil, true},
		"by a requestor":      {append(tlv(0xa1, tlv(0xa4, s.leaf.RawSubject)), sequence(one)...), nil, nil, false},
		"signed":              {sequence(one), tlv(0xa0, sequence(sm2WithSM3, tlv(3, []byte{0}))), nil, false},
		"an extension":        {append(sequence(one), tlv(0xa2, sequence(extension("1.2.3", false, nil)))...), nil, nil, false},
		"critical":            {append(sequence(one), tlv(0xa2, sequence(extension("1.2.3", true, nil)))...), nil, ErrUnhandledCritical, false},
		"an extension of one": {sequence(sequence(id, tlv(0xa0, sequence(extension("1.2.3", false, nil))))), nil, nil, false},
		"critical of one":     {sequence(sequence(id, tlv(0xa0, sequence(extension("1.2.3", true, nil))))), nil, ErrUnhandledCritical, false},
		"as many as may be":   {sequence(bytes.Repeat(one, MaxOCSPAsked)), nil, nil, true},
		"one more":            {sequence(bytes.Repeat(one, MaxOCSPAsked+1)), nil, ErrMalformed, false},
		"none":                {sequence(), nil, ErrMalformed, false},
		"a version":           {append(tlv(0xa0, []byte{2, 1, 0}), sequence(one)...), nil, ErrMalformed, false},
		"more behind":         {append(sequence(one), 5, 0), nil, ErrMalformed, false},
		"more behind all":     {sequence(one), []byte{5, 0}, ErrMalformed, false},
		"more in one":         {sequence(sequence(id, []byte{5, 0})), nil, ErrMalformed, false},
		"no serial":           {sequence(sequence(sequence(sequence(oid(OIDSM3)), tlv(4, nil), tlv(4, nil)))), nil, ErrMalformed, false},
		"a long serial":       {sequence(sequence(sequence(sequence(oid(OIDSM3)), tlv(4, nil), tlv(4, nil), tlv(2, []byte{1}, make([]byte, 20))))), nil, ErrMalformed, false},
		"a hash unheard of":   {sequence(sequence(sequence(sequence(oid("1.2.3")), tlv(4, nil), tlv(4, nil), []byte{2, 1, 1}))), nil, nil, true},
		"NULL parameters":     {sequence(sequence(sequence(sequence(oid(oidSHA1), []byte{5, 0}), tlv(4, nil), tlv(4, nil), []byte{2, 1, 1}))), nil, nil, true},
		"other parameters":    {sequence(sequence(sequence(sequence(oid(oidSHA1), []byte{2, 1, 0}), tlv(4, nil), tlv(4, nil), []byte{2, 1, 1}))), nil, ErrMalformed, false},
	} {
		der := sequence(sequence(c.tbs), c.after)
		r, err := ParseOCSPRequest(der)
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || r.Plain != c.plain || !bytes.Equal(r.Raw, der)) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if _, err := ParseOCSPRequest(append(der, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, a trailing octet: %v", name, err)
		}
	}
	if _, err := ParseOCSPRequest(make([]byte, MaxOCSPRequest+1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// The hashes are those of RFC 6960 4.1.1: over the DER of the name and over the
// key without tag, length and unused bits.
func TestCertIDByEachHash(t *testing.T) {
	s := newOCSP(t)
	point := pointOf(t, s.ca.key)
	for o, sum := range certIDHashes {
		id := CertID{Hash: o, NameHash: sum(s.ca.RawSubject), KeyHash: sum(point), Serial: s.leaf.Serial}
		if !id.Names(s.leaf.Certificate, s.ca.Certificate) {
			t.Errorf("%s does not name it", o)
		}
		for what, bad := range map[string]CertID{
			"name": {Hash: o, NameHash: sum(s.leaf.RawSubject), KeyHash: id.KeyHash, Serial: id.Serial}, "key": {Hash: o, NameHash: id.NameHash, KeyHash: sum(nil), Serial: id.Serial},
			"serial": {Hash: o, NameHash: id.NameHash, KeyHash: id.KeyHash, Serial: big.NewInt(1)}, "hash": {Hash: "1.2.3", NameHash: id.NameHash, KeyHash: id.KeyHash, Serial: id.Serial},
		} {
			if bad.Names(s.leaf.Certificate, s.ca.Certificate) {
				t.Errorf("%s: another %s names it", o, what)
			}
		}
	}
}

func FuzzParseOCSPRequest(f *testing.F) {
	s := newOCSP(f)
	id, err := NewCertID(s.ca.Certificate, s.leaf.Serial)
	if err != nil {
		f.Fatal(err)
	}
	for _, nonce := range [][]byte{nil, []byte("nonce")} {
		der, err := BuildOCSPRequest(id, nonce)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseOCSPRequest(b)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Raw, b) || len(r.IDs) == 0 || len(r.IDs) > MaxOCSPAsked || len(r.Nonce) > MaxNonce {
			t.Fatalf("%+v", r)
		}
		for _, id := range r.IDs {
			if !bytes.Contains(b, id.Raw) || id.Serial.Sign() <= 0 {
				t.Fatalf("%+v", id)
			}
			id.Names(s.leaf.Certificate, s.ca.Certificate)
		}
	})
}

func FuzzParseOCSPResponse(f *testing.F) {
	s := newOCSP(f)
	p := ocspParts(f, s.responder, s.ca, s.leaf.Certificate)
	f.Add(p.der(f, s.responder.key))
	p.answers = answered(idOf(f, s.ca, s.leaf.Certificate), isRevoked(noon, 1), noon, noon, invalidSince)
	p.extensions = tlv(0xa1, sequence(extension(oidOCSPNonce, false, tlv(4, []byte("nonce")))))
	f.Add(p.der(f, s.responder.key))
	f.Add([]byte{0x30, 3, 0x0a, 1, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseOCSPResponse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Raw, b) || len(r.Answers) == 0 {
			t.Fatal("what was read is not what was given")
		}
		for _, a := range r.Answers {
			if a.Status < OCSPGood || a.Status > OCSPUnknown || a.ThisUpdate.After(r.ProducedAt) {
				t.Fatalf("%+v", a)
			}
		}
		r.Find(s.leaf.Certificate, s.ca.Certificate)
		_, _ = r.CheckSignatureFrom(s.ca.Certificate)
	})
}
