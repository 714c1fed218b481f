package certs

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestBuildPath(t *testing.T) {
	anchor := root(t, "根")
	issuing := spec{name: "签发", usage: authority, ca: true, pathLen: []byte{2, 1, 0}}.make(t, anchor)
	leaf := spec{name: "单位", usage: signs, ekus: []OID{OIDEKUSealMaker}}.make(t, issuing)

	noCA := spec{name: "假签发", usage: authority}.make(t, anchor)
	noCertSign := spec{name: "只签列表", usage: 0x02, ca: true}.make(t, anchor)
	noUsage := spec{name: "无用途", ca: true}.make(t, anchor)
	short := spec{name: "短命", usage: authority, ca: true, to: noon.Add(-time.Second)}.make(t, anchor)
	late := spec{name: "未到", usage: authority, ca: true, from: noon.Add(time.Second)}.make(t, anchor)
	deep := spec{name: "下级", usage: authority, ca: true}.make(t, issuing)
	constrained := spec{name: "限名", usage: authority, ca: true, more: [][]byte{extension(oidExtNameConstraints, true, sequence(tlv(0xa0, sequence(tlv(0xa4, named("别处"))))))}}.make(t, anchor)
	agency := spec{name: "某局", usage: signs}.make(t, issuing)
	stranger := root(t, "外人")
	twin := root(t, "根") // the same name, another key

	under := func(by *entity, s spec) *Certificate {
		s.name = "叶"
		if s.usage == 0 {
			s.usage = signs
		}
		return s.make(t, by).Certificate
	}
	forged := *issuing // a leaf that claims the issuer and was signed by another
	forged.key = stranger.key

	for name, c := range map[string]struct {
		leaf *Certificate
		by   []*entity
		o    PathOptions
		want error
	}{
		"a chain of three":                       {leaf.Certificate, []*entity{issuing}, PathOptions{EKU: OIDEKUSealMaker, KeyUsage: KeyUsageDigitalSignature | KeyUsageNonRepudiation}, nil},
		"intermediates in any order":             {leaf.Certificate, []*entity{stranger, deep, issuing}, PathOptions{}, nil},
		"the anchor itself":                      {anchor.Certificate, nil, PathOptions{}, nil},
		"another extended key usage":             {leaf.Certificate, []*entity{issuing}, PathOptions{EKU: OIDEKUQRSigner}, ErrKeyUsage},
		"no extended key usage":                  {agency.Certificate, []*entity{issuing}, PathOptions{EKU: OIDEKUSealMaker}, ErrKeyUsage},
		"any extended key usage is not this one": {under(issuing, spec{ekus: []OID{OIDEKUAny}}), []*entity{issuing}, PathOptions{EKU: OIDEKUSealMaker}, ErrKeyUsage},
		"one bit of two":                         {under(issuing, spec{usage: 0x80}), []*entity{issuing}, PathOptions{KeyUsage: KeyUsageDigitalSignature | KeyUsageNonRepudiation}, ErrKeyUsage},
		"encryption key":                         {under(issuing, spec{usage: 0x38}), []*entity{issuing}, PathOptions{KeyUsage: KeyUsageDigitalSignature}, ErrKeyUsage},
		"leaf expired":                           {under(issuing, spec{to: noon.Add(-time.Second)}), []*entity{issuing}, PathOptions{}, ErrExpired},
		"leaf not yet valid":                     {under(issuing, spec{from: noon.Add(time.Second)}), []*entity{issuing}, PathOptions{}, ErrNotYetValid},
		"leaf in its last second":                {under(issuing, spec{to: noon}), []*entity{issuing}, PathOptions{}, nil},
		"leaf in its first second":               {under(issuing, spec{from: noon}), []*entity{issuing}, PathOptions{}, nil},
		"issuer expired":                         {under(short, spec{}), []*entity{short}, PathOptions{}, ErrExpired},
		"issuer expired, judged before":          {under(short, spec{}), []*entity{short}, PathOptions{At: noon.Add(-time.Hour)}, nil},
		"issuer not yet valid":                   {under(late, spec{}), []*entity{late}, PathOptions{}, ErrNotYetValid},
		"root expired":                           {leaf.Certificate, []*entity{issuing}, PathOptions{At: noon.Add(366 * day)}, ErrExpired},
		"issuer without cA":                      {under(noCA, spec{}), []*entity{noCA}, PathOptions{}, ErrNotCA},
		"an agency issues":                       {under(agency, spec{}), []*entity{agency, issuing}, PathOptions{}, ErrNotCA},
		"issuer without certSign":                {under(noCertSign, spec{}), []*entity{noCertSign}, PathOptions{}, ErrKeyUsage},
		"issuer without a key usage":             {under(noUsage, spec{}), []*entity{noUsage}, PathOptions{}, ErrKeyUsage},
		"below a path length of 0":               {under(deep, spec{}), []*entity{deep, issuing}, PathOptions{}, ErrPathLen},
		"a critical extension of the leaf":       {under(issuing, spec{more: [][]byte{extension("1.2.3", true, nil)}}), []*entity{issuing}, PathOptions{}, ErrUnhandledCritical},
		"critical policies of the leaf":          {under(issuing, spec{more: [][]byte{extension(oidExtPolicies, true, sequence(sequence(oid("1.2.3"))))}}), []*entity{issuing}, PathOptions{}, nil},
		"policies that are not critical":         {under(issuing, spec{more: [][]byte{extension(oidExtPolicies, false, sequence(sequence(oid("1.2.3"))))}}), []*entity{issuing}, PathOptions{}, nil},
		"name constraints of the issuer":         {under(constrained, spec{}), []*entity{constrained}, PathOptions{}, ErrNameConstraint},
		"issuer not there":                       {leaf.Certificate, nil, PathOptions{}, ErrUnknownIssuer},
		"another root":                           {leaf.Certificate, []*entity{issuing}, PathOptions{Roots: []*Certificate{stranger.Certificate}}, ErrUnknownIssuer},
		"a root of the same name":                {leaf.Certificate, []*entity{issuing}, PathOptions{Roots: []*Certificate{twin.Certificate}}, ErrUnknownIssuer},
		"both roots of the name":                 {leaf.Certificate, []*entity{issuing}, PathOptions{Roots: []*Certificate{twin.Certificate, anchor.Certificate}}, nil},
		"no root":                                {leaf.Certificate, []*entity{issuing, anchor}, PathOptions{Roots: []*Certificate{}}, ErrUnknownIssuer},
		"signed by another than it says":         {under(&forged, spec{}), []*entity{issuing}, PathOptions{}, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range c.by {
				c.o.Intermediates = append(c.o.Intermediates, e.Certificate)
			}
			if c.o.Roots == nil {
				c.o.Roots = []*Certificate{anchor.Certificate}
			}
			if c.o.At.IsZero() {
				c.o.At = noon
			}
			path, err := BuildPath(c.leaf, c.o)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (path[0] != c.leaf || !slices.ContainsFunc(c.o.Roots, path[len(path)-1].Equal)) {
				t.Fatal("the path does not lead from the leaf to a root")
			}
		})
	}
}

// Names and key identifiers may be anybody's: only the signature tells which of
// two issuers of one name it was.
func TestIssuersOfOneName(t *testing.T) {
	anchor := root(t, "根")
	usual := spec{name: "签发", usage: authority, ca: true, noKeyIDs: true}
	old, renewed := usual.make(t, anchor), usual.make(t, anchor)
	leaf := spec{name: "单位", usage: signs, noKeyIDs: true}.make(t, renewed)
	for _, order := range [][]*Certificate{{old.Certificate, renewed.Certificate}, {renewed.Certificate, old.Certificate}} {
		path, err := BuildPath(leaf.Certificate, PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: order, At: noon})
		if err != nil || !path[1].Equal(renewed.Certificate) {
			t.Fatal(err)
		}
	}
}

// Two authorities that signed each other must not send the reader in circles.
func TestCrossSigned(t *testing.T) {
	a, b := root(t, "甲"), root(t, "乙")
	usual := func(name string) spec { return spec{name: name, usage: authority, ca: true} }
	aByB, bByA := usual("甲").on(t, a.key, b), usual("乙").on(t, b.key, a)
	leaf := spec{name: "叶", usage: signs}.make(t, a)
	pool := []*Certificate{aByB.Certificate, bByA.Certificate}
	w := walk{o: PathOptions{Roots: []*Certificate{root(t, "丙").Certificate}, Intermediates: pool, At: noon}}
	if _, err := w.up([]*Certificate{leaf.Certificate}); !errors.Is(err, ErrUnknownIssuer) || w.work > len(pool) {
		t.Fatalf("%d signatures checked: %v", w.work, err)
	}
	path, err := BuildPath(leaf.Certificate, PathOptions{Roots: []*Certificate{b.Certificate}, Intermediates: pool, At: noon})
	if err != nil || len(path) != 3 {
		t.Fatal(len(path), err)
	}
}

func TestDepth(t *testing.T) {
	var pool []*Certificate
	at := root(t, "0")
	anchor := at.Certificate
	for i := 1; i < maxPathDepth; i++ {
		at = spec{name: string(rune('0' + i)), usage: authority, ca: true}.make(t, at)
		pool = append(pool, at.Certificate)
	}
	o := PathOptions{Roots: []*Certificate{anchor}, Intermediates: pool, At: noon}
	if path, err := BuildPath(at.Certificate, o); err != nil || len(path) != maxPathDepth {
		t.Fatal(len(path), err)
	}
	leaf := spec{name: "叶", usage: signs}.make(t, at)
	if _, err := BuildPath(leaf.Certificate, o); !errors.Is(err, ErrUnknownIssuer) {
		t.Fatal("a path longer than the limit:", err)
	}
}

// A bundle of same-named certificates, each of which could have signed each
// other, would multiply the ways up: signatures are counted.
func TestWorkIsBounded(t *testing.T) {
	anchor := root(t, "同名")
	var pool []*Certificate
	for i := range 40 {
		c := spec{name: "同名", usage: authority, ca: true, noKeyIDs: true, serial: byte(i)}.on(t, anchor.key, nil)
		pool = append(pool, c.Certificate)
	}
	leaf := spec{name: "叶", usage: signs, noKeyIDs: true}.make(t, &entity{pool[0], anchor.key})
	w := walk{o: PathOptions{Roots: []*Certificate{root(t, "别处").Certificate}, Intermediates: pool, At: noon}}
	if _, err := w.up([]*Certificate{leaf.Certificate}); !errors.Is(err, ErrUnknownIssuer) {
		t.Fatal(err)
	}
	// Once the signatures are used up, each open step runs out its own list alone.
	if most := maxPathWork + maxPathDepth*len(pool); w.work > most {
		t.Fatalf("%d steps for one leaf, want at most %d", w.work, most)
	}
}
