package certs

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// listSpec says what a test wants of a list; what it leaves out is usual.
type listSpec struct {
	number    byte
	made, end time.Time
	point     []byte // content of the issuingDistributionPoint; nil leaves it out
	base      byte   // of a delta
	entries   [][]byte
	issuer    []byte // another than the signer's name
}

func (s listSpec) by(t testing.TB, e *entity) *CRL {
	t.Helper()
	p := crlParts(e)
	if s.number == 0 {
		s.number = 1
	}
	if s.made.IsZero() {
		s.made = noon.Add(-time.Hour)
	}
	if s.end.IsZero() {
		s.end = noon.Add(day)
	}
	p.this, p.next = utcTime(s.made), utcTime(s.end)
	exts := [][]byte{extension(oidExtCRLNumber, false, []byte{2, 1, s.number}), extension(oidExtAuthorityKeyID, false, sequence(tlv(0x80, e.SubjectKeyID)))}
	if s.point != nil {
		exts = append(exts, extension(oidExtIDP, true, sequence(s.point)))
	}
	if s.base != 0 {
		exts = append(exts, extension(oidExtDeltaCRL, true, []byte{2, 1, s.base}))
	}
	p.extensions = tlv(0xa0, sequence(exts...))
	if s.entries != nil {
		p.entries = sequence(s.entries...)
	}
	if s.issuer != nil {
		p.issuer = s.issuer
	}
	c, err := ParseCRL(p.der(t, e.key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	shardA = "http://ca.example/crl/issuing-4a.crl"
	shardB = "http://ca.example/crl/issuing-4b.crl"
)

// at is the content of a distribution point's or list's name.
func at(url string) []byte { return tlv(0xa0, tlv(0xa0, uri(url))) }

func points(list ...[]byte) []byte {
	return extension(oidExtCRLPoints, false, sequence(list...))
}

var (
	onlyUser  = tlv(0x81, []byte{0xff})
	onlyCA    = tlv(0x82, []byte{0xff})
	indirect  = tlv(0x84, []byte{0xff})
	onlyAttrs = tlv(0x85, []byte{0xff})
	someOnly  = func(bits ...byte) []byte { return tlv(0x83, bits) }
	keyReason = []byte{5, 0x60} // keyCompromise, cACompromise
	theRest   = []byte{7, 0x1f, 0x80}
)

func cat(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// A list must never be taken to speak of a certificate outside of its scope.
func TestCovers(t *testing.T) {
	ca, other := root(t, "签发"), root(t, "他人")
	leaf := func(more ...[]byte) *Certificate {
		return spec{name: "叶", usage: signs, more: more}.make(t, ca).Certificate
	}
	plain, inA := leaf(), leaf(points(sequence(at(shardA))))
	authorityA := spec{name: "下级", usage: authority, ca: true, more: [][]byte{points(sequence(at(shardA)))}}.make(t, ca).Certificate
	relative := leaf(points(sequence(tlv(0xa0, tlv(0xa1, sequence(oid(oidCommonName), tlv(0x0c, []byte("CRL1"))))))))
	keyOnly := leaf(points(sequence(at(shardA), tlv(0x81, keyReason))))
	elsewhere := leaf(points(sequence(at(shardA), tlv(0xa2, tlv(0xa4, other.RawSubject)))))
	full := dir(tlv(0x31, sequence(oid(oidCommonName), tlv(0x0c, []byte("签发")))), rdn(oidCommonName, 0x13, "crl1"))
	for name, c := range map[string]struct {
		list   *CRL
		cert   *Certificate
		covers bool
		scope  ReasonFlags
	}{
		"a full list":                        {listSpec{}.by(t, ca), plain, true, AllReasons},
		"a full list for a sharded one":      {listSpec{}.by(t, ca), inA, true, AllReasons},
		"its shard":                          {listSpec{point: at(shardA)}.by(t, ca), inA, true, AllReasons},
		"its shard, host in capitals":        {listSpec{point: at("HTTP://CA.example/crl/issuing-4a.crl")}.by(t, ca), inA, true, AllReasons},
		"its shard, path in capitals":        {listSpec{point: at("http://ca.example/CRL/issuing-4a.crl")}.by(t, ca), inA, false, 0},
		"another shard":                      {listSpec{point: at(shardB)}.by(t, ca), inA, false, 0},
		"a shard for who names none":         {listSpec{point: at(shardA)}.by(t, ca), plain, false, 0},
		"a shard by another issuer":          {listSpec{point: at(shardA)}.by(t, other), inA, false, 0},
		"a list by another issuer":           {listSpec{}.by(t, other), plain, false, 0},
		"a delta":                            {listSpec{number: 2, base: 1}.by(t, ca), plain, false, AllReasons},
		"a delta of its shard":               {listSpec{number: 2, base: 1, point: at(shardA)}.by(t, ca), inA, false, AllReasons},
		"a delta of another shard":           {listSpec{number: 2, base: 1, point: at(shardB)}.by(t, ca), inA, false, 0},
		"for users, a user":                  {listSpec{point: onlyUser}.by(t, ca), plain, true, AllReasons},
		"for users, an authority":            {listSpec{point: onlyUser}.by(t, ca), authorityA, false, 0},
		"for authorities, a user":            {listSpec{point: onlyCA}.by(t, ca), plain, false, 0},
		"for authorities, an authority":      {listSpec{point: onlyCA}.by(t, ca), authorityA, true, AllReasons},
		"for attribute certificates":         {listSpec{point: onlyAttrs}.by(t, ca), plain, false, 0},
		"for some reasons":                   {listSpec{point: someOnly(keyReason...)}.by(t, ca), plain, false, 0x06},
		"a point for some reasons":           {listSpec{point: at(shardA)}.by(t, ca), keyOnly, false, 0x06},
		"a point for some, the whole beside": {listSpec{}.by(t, ca), keyOnly, true, AllReasons},
		"relative to the issuer":             {listSpec{point: tlv(0xa0, tlv(0xa0, full))}.by(t, ca), relative, true, AllReasons},
		"relative, both":                     {listSpec{point: tlv(0xa0, tlv(0xa1, sequence(oid(oidCommonName), tlv(0x0c, []byte("crl1")))))}.by(t, ca), relative, true, AllReasons},
		"named by its issuer alone":          {listSpec{point: tlv(0xa0, tlv(0xa0, tlv(0xa4, ca.RawSubject)))}.by(t, ca), plain, true, AllReasons},
		"an indirect list of its own":        {listSpec{point: indirect}.by(t, ca), plain, true, AllReasons},
		"an indirect list of a stranger":     {listSpec{point: indirect}.by(t, other), plain, false, 0},
		"an indirect list it names":          {listSpec{point: cat(at(shardA), indirect)}.by(t, other), elsewhere, true, AllReasons},
		"a list it names, not indirect":      {listSpec{point: at(shardA)}.by(t, other), elsewhere, false, 0},
		"an indirect list at another place":  {listSpec{point: cat(at(shardB), indirect)}.by(t, other), elsewhere, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.list.Scope(c.cert); got != c.scope || c.list.Covers(c.cert) != c.covers {
				t.Fatalf("scope %x, covers %t", got, c.list.Covers(c.cert))
			}
		})
	}
}

func TestExtends(t *testing.T) {
	ca, again := root(t, "签发"), root(t, "签发")
	base := listSpec{number: 5}.by(t, ca)
	for name, c := range map[string]struct {
		delta *CRL
		want  bool
	}{
		"built on it":            {listSpec{number: 6, base: 5}.by(t, ca), true},
		"built on an older":      {listSpec{number: 9, base: 2}.by(t, ca), true},
		"built on a newer":       {listSpec{number: 9, base: 6}.by(t, ca), false},
		"as old as it":           {listSpec{number: 5, base: 4}.by(t, ca), false},
		"by another key":         {listSpec{number: 6, base: 5}.by(t, again), false},
		"of a part":              {listSpec{number: 6, base: 5, point: onlyUser}.by(t, ca), false},
		"no delta":               {listSpec{number: 6}.by(t, ca), false},
		"on what is no base too": {listSpec{number: 7, base: 5}.by(t, root(t, "他人")), false},
	} {
		if c.delta.Extends(base) != c.want {
			t.Errorf("%s: %t", name, !c.want)
		}
	}
	if (listSpec{number: 7, base: 5}).by(t, ca).Extends(listSpec{number: 6, base: 5}.by(t, ca)) {
		t.Error("a delta was laid over a delta")
	}
}

func reason(n byte) []byte { return extension(oidExtReason, false, []byte{0x0a, 1, n}) }

func issuedBy(name []byte) []byte {
	return extension(oidExtCertIssuer, true, sequence(tlv(0xa4, name)))
}

// What lists tell of the leaf of an SM2 chain; the authority's own status is
// always told.
func TestListsOfAChain(t *testing.T) {
	anchor := root(t, "根")
	ca := spec{name: "签发", usage: authority, ca: true, serial: 1}.make(t, anchor)
	lister := spec{name: "列表", usage: 0x02, serial: 2}.make(t, anchor) // cRLSign, no authority
	noSign := spec{name: "列表二", usage: signs, serial: 3}.make(t, anchor)
	stranger := root(t, "列表")
	twin := entity{ca.Certificate, stranger.key} // who claims to be the authority
	upper := listSpec{}.by(t, anchor)
	leaf := func(more ...[]byte) *Certificate {
		return spec{name: "叶", usage: signs, serial: 0x40, more: more}.make(t, ca).Certificate
	}
	plain, inA := leaf(), leaf(points(sequence(at(shardA))))
	byLister := leaf(points(sequence(tlv(0xa2, tlv(0xa4, lister.RawSubject)))))
	byNoSign := leaf(points(sequence(tlv(0xa2, tlv(0xa4, noSign.RawSubject)))))
	split := leaf(points(sequence(at(shardA), tlv(0x81, keyReason)), sequence(at(shardB), tlv(0x81, theRest))))
	gone := entry(0x41, noon.Add(-2*time.Hour), compromised)
	held := entry(0x41, noon.Add(-2*time.Hour), reason(ReasonCertificateHold))
	removed := entry(0x41, noon.Add(-2*time.Hour), reason(ReasonRemoveFromCRL))
	one := func(e ...[]byte) [][]byte { return e }
	old, older := noon.Add(-3*time.Hour), noon.Add(-4*time.Hour)
	for name, c := range map[string]struct {
		cert  *Certificate
		lists []*CRL
		want  RevocationState
	}{
		"no list":                            {plain, nil, Undetermined},
		"a list without it":                  {plain, []*CRL{listSpec{}.by(t, ca)}, NotRevoked},
		"a list with it":                     {plain, []*CRL{listSpec{entries: one(gone)}.by(t, ca)}, IsRevoked},
		"a list of yesterday":                {plain, []*CRL{listSpec{end: noon.Add(-time.Second)}.by(t, ca)}, Undetermined},
		"a list in its last second":          {plain, []*CRL{listSpec{end: noon}.by(t, ca)}, NotRevoked},
		"a list of tomorrow":                 {plain, []*CRL{listSpec{made: noon.Add(time.Second)}.by(t, ca)}, Undetermined},
		"a list that another signed":         {plain, []*CRL{listSpec{}.by(t, &twin)}, Undetermined},
		"an older list with it":              {plain, []*CRL{listSpec{number: 2}.by(t, ca), listSpec{made: old, entries: one(gone)}.by(t, ca)}, IsRevoked},
		"an older list with a hold":          {plain, []*CRL{listSpec{number: 2}.by(t, ca), listSpec{made: old, entries: one(held)}.by(t, ca)}, NotRevoked},
		"a newer list with a hold":           {plain, []*CRL{listSpec{number: 2, entries: one(held)}.by(t, ca), listSpec{made: old}.by(t, ca)}, IsRevoked},
		"its shard":                          {inA, []*CRL{listSpec{point: at(shardA)}.by(t, ca)}, NotRevoked},
		"its shard with it":                  {inA, []*CRL{listSpec{point: at(shardA), entries: one(gone)}.by(t, ca)}, IsRevoked},
		"another's shard without it":         {inA, []*CRL{listSpec{point: at(shardB)}.by(t, ca)}, Undetermined},
		"another's shard with it":            {inA, []*CRL{listSpec{point: at(shardB), entries: one(gone)}.by(t, ca)}, Undetermined},
		"a list for authorities with it":     {plain, []*CRL{listSpec{point: onlyCA, entries: one(gone)}.by(t, ca)}, Undetermined},
		"a hold in another's shard":          {inA, []*CRL{listSpec{point: at(shardA), entries: one(held)}.by(t, ca), listSpec{number: 2, made: noon, point: at(shardB)}.by(t, ca)}, IsRevoked},
		"a delta alone":                      {plain, []*CRL{listSpec{number: 2, base: 1}.by(t, ca)}, Undetermined},
		"a delta alone with it":              {plain, []*CRL{listSpec{number: 2, base: 1, entries: one(gone)}.by(t, ca)}, Undetermined},
		"a delta with it":                    {plain, []*CRL{listSpec{made: old}.by(t, ca), listSpec{number: 2, base: 1, entries: one(gone)}.by(t, ca)}, IsRevoked},
		"a delta that another signed":        {plain, []*CRL{listSpec{made: old}.by(t, ca), listSpec{number: 2, base: 1, entries: one(gone)}.by(t, &twin)}, NotRevoked},
		"a delta that ends a hold":           {plain, []*CRL{listSpec{made: old, entries: one(held)}.by(t, ca), listSpec{number: 2, base: 1, entries: one(removed)}.by(t, ca)}, NotRevoked},
		"a delta that undoes a revocation":   {plain, []*CRL{listSpec{made: old, entries: one(gone)}.by(t, ca), listSpec{number: 2, base: 1, entries: one(removed)}.by(t, ca)}, IsRevoked},
		"a delta over a list of yesterday":   {plain, []*CRL{listSpec{made: older, end: old}.by(t, ca), listSpec{number: 2, base: 1}.by(t, ca)}, NotRevoked},
		"a delta of yesterday over that":     {plain, []*CRL{listSpec{made: older, end: old}.by(t, ca), listSpec{number: 2, base: 1, made: old, end: noon.Add(-1)}.by(t, ca)}, Undetermined},
		"an older delta with it, a newer":    {plain, []*CRL{listSpec{made: older, number: 1}.by(t, ca), listSpec{made: old, number: 2, base: 1, entries: one(held)}.by(t, ca), listSpec{number: 3, base: 1, entries: one(removed)}.by(t, ca)}, NotRevoked},
		"half of the reasons":                {split, []*CRL{listSpec{point: at(shardA)}.by(t, ca)}, Undetermined},
		"both halves of the reasons":         {split, []*CRL{listSpec{point: at(shardA)}.by(t, ca), listSpec{point: at(shardB)}.by(t, ca)}, NotRevoked},
		"both halves, one with it":           {split, []*CRL{listSpec{point: at(shardA)}.by(t, ca), listSpec{point: at(shardB), entries: one(gone)}.by(t, ca)}, IsRevoked},
		"one half with it":                   {split, []*CRL{listSpec{point: at(shardB), entries: one(gone)}.by(t, ca)}, IsRevoked},
		"lists for some reasons, all":        {plain, []*CRL{listSpec{point: someOnly(keyReason...)}.by(t, ca), listSpec{point: someOnly(theRest...)}.by(t, ca)}, NotRevoked},
		"lists for some reasons, not all":    {plain, []*CRL{listSpec{point: someOnly(keyReason...)}.by(t, ca), listSpec{point: someOnly(keyReason...), number: 2}.by(t, ca)}, Undetermined},
		"an indirect list":                   {byLister, []*CRL{listSpec{point: indirect}.by(t, lister)}, NotRevoked},
		"an indirect list, another's serial": {byLister, []*CRL{listSpec{point: indirect, entries: one(gone)}.by(t, lister)}, NotRevoked},
		"an indirect list with it":           {byLister, []*CRL{listSpec{point: indirect, entries: one(entry(0x41, noon.Add(-day), issuedBy(ca.RawSubject)))}.by(t, lister)}, IsRevoked},
		"an indirect list, behind others":    {byLister, []*CRL{listSpec{point: indirect, entries: one(entry(0x50, noon.Add(-day), issuedBy(ca.RawSubject)), gone)}.by(t, lister)}, IsRevoked},
		"an indirect list, another between":  {byLister, []*CRL{listSpec{point: indirect, entries: one(entry(0x50, noon.Add(-day), issuedBy(ca.RawSubject)), entry(0x51, noon.Add(-day), issuedBy(anchor.RawSubject)), gone)}.by(t, lister)}, NotRevoked},
		"a list that is not indirect":        {byLister, []*CRL{listSpec{}.by(t, lister)}, Undetermined},
		"an indirect list by a stranger":     {byLister, []*CRL{listSpec{point: indirect}.by(t, stranger)}, Undetermined},
		"an indirect list without cRLSign":   {byNoSign, []*CRL{listSpec{point: indirect}.by(t, noSign)}, Undetermined},
	} {
		t.Run(name, func(t *testing.T) {
			o := PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate, lister.Certificate, noSign.Certificate, stranger.Certificate}, At: noon}
			p, err := FindPath(c.cert, o)
			if err != nil {
				t.Fatal(err)
			}
			lists, err := NewLists(append(c.lists, upper)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := lists.Find(p, 0, o); got.State != c.want {
				t.Fatalf("%d, want %d", got.State, c.want)
			}
			want := map[RevocationState]error{Undetermined: ErrUndetermined, IsRevoked: ErrRevoked}[c.want]
			if err := lists.CheckPath(p, o); !errors.Is(err, want) || want == nil && err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The signer of a list is judged like any other: a list by one who was revoked,
// or of whom nobody speaks, is none.
func TestWhoSignsListsIsAskedToo(t *testing.T) {
	anchor := root(t, "根")
	ca := spec{name: "签发", usage: authority, ca: true, serial: 1}.make(t, anchor)
	lister := spec{name: "列表", usage: 0x02, serial: 2}.make(t, anchor)
	leaf := spec{name: "叶", usage: signs, serial: 0x40, more: [][]byte{points(sequence(tlv(0xa2, tlv(0xa4, lister.RawSubject))))}}.make(t, ca)
	o := PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate, lister.Certificate}, At: noon}
	p, err := FindPath(leaf.Certificate, o)
	if err != nil {
		t.Fatal(err)
	}
	theirs := listSpec{point: indirect}.by(t, lister)
	for name, c := range map[string]struct {
		upper []*CRL
		want  error
	}{
		"good":                 {[]*CRL{listSpec{}.by(t, anchor)}, nil},
		"nobody speaks":        {nil, ErrUndetermined},
		"the signer revoked":   {[]*CRL{listSpec{entries: [][]byte{entry(3, noon.Add(-day))}}.by(t, anchor)}, ErrUndetermined},
		"the authority itself": {[]*CRL{listSpec{entries: [][]byte{entry(2, noon.Add(-day))}}.by(t, anchor)}, ErrRevoked},
	} {
		lists, err := NewLists(append(c.upper, theirs)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := lists.CheckPath(p, o); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Signers of one name, whose lists each other must speak of, would be asked in
// every order.
func TestListWorkIsBounded(t *testing.T) {
	anchor := root(t, "根")
	point := points(sequence(tlv(0xa2, tlv(0xa4, named("列表")))))
	o := PathOptions{Roots: []*Certificate{anchor.Certificate}, At: noon}
	var all []*CRL
	for i := range 24 {
		e := spec{name: "列表", usage: 0x02, serial: byte(i), noKeyIDs: true, more: [][]byte{point}}.make(t, anchor)
		e.SubjectKeyID = nil
		o.Intermediates = append(o.Intermediates, e.Certificate)
		all = append(all, listSpec{point: indirect, number: byte(i) + 1}.by(t, &entity{e.Certificate, newKey(t)}))
	}
	leaf := spec{name: "叶", usage: signs, serial: 0x60, more: [][]byte{point}}.make(t, anchor)
	p, err := FindPath(leaf.Certificate, o)
	if err != nil {
		t.Fatal(err)
	}
	q := inquiry{lists: all, o: PathOptions{Roots: o.Roots, Intermediates: o.Intermediates, At: noon, KeyUsage: KeyUsageCRLSign}, checked: map[*CRL]map[*Certificate]error{}}
	if f := q.find(p.Certificates[0]); f.State != Undetermined {
		t.Fatal(f)
	}
	if q.work > maxListWork+len(all)*len(all) {
		t.Fatalf("%d pairs", q.work)
	}
	if _, err := NewLists(make([]*CRL, maxLists+1)...); !errors.Is(err, ErrUnsupported) {
		t.Fatal(err)
	}
}

func TestStrictEntriesOfOtherIssuers(t *testing.T) {
	ca := root(t, "签发")
	make := func(point []byte, entries ...[]byte) error {
		p := crlParts(ca)
		exts := [][]byte{extension(oidExtCRLNumber, false, []byte{2, 1, 1})}
		if point != nil {
			exts = append(exts, extension(oidExtIDP, true, sequence(point)))
		}
		p.extensions, p.entries = tlv(0xa0, sequence(exts...)), sequence(entries...)
		_, err := ParseCRL(p.der(t, ca.key))
		return err
	}
	other := issuedBy(named("他人"))
	if err := make(nil, entry(3, noon, other)); !errors.Is(err, ErrMalformed) {
		t.Error("in a list that is not indirect:", err)
	}
	if err := make(indirect, entry(3, noon, other), entry(3, noon, issuedBy(ca.RawSubject)), entry(4, noon)); err != nil {
		t.Error("one number of two issuers:", err)
	}
	if err := make(indirect, entry(3, noon, other), entry(4, noon, issuedBy(ca.RawSubject)), entry(3, noon, issuedBy(named("他人")))); !errors.Is(err, ErrMalformed) {
		t.Error("one number twice:", err)
	}
	if err := make(indirect, entry(3, noon, extension(oidExtCertIssuer, true, sequence(uri("http://x"))))); !errors.Is(err, ErrMalformed) {
		t.Error("an issuer that is no name:", err)
	}
	var many [][]byte
	for i := range maxSameSerial + 1 {
		many = append(many, entry(3, noon, issuedBy(named(fmt.Sprint(i)))))
	}
	if err := make(indirect, many...); !errors.Is(err, ErrMalformed) {
		t.Error("one number of many issuers:", err)
	}
	many = nil
	for i := range maxEntryIssuers + 1 {
		many = append(many, sequence(tlv(2, []byte{1, byte(i >> 8), byte(i)}), utcTime(noon), sequence(other)))
	}
	if err := make(indirect, many[1:]...); err != nil {
		t.Error("as many issuers as may be:", err)
	}
	if err := make(indirect, many...); !errors.Is(err, ErrMalformed) {
		t.Error("issuers without end:", err)
	}
}
