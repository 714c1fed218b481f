package certs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// vector is one test of NIST's suite. Its certificates are RSA and DSA.
type vector struct {
	Name                        string
	CertPath, CRLPath           []string
	ShouldValidate              bool
	InitialPolicySet            []string
	InitialPolicyMappingInhibit bool
	InitialExplicitPolicy       bool
	InitialAnyPolicyInhibit     bool
}

func (v vector) number() string {
	n, _, _ := strings.Cut(v.Name, " ")
	return n
}

// asked is when the suite's certificates are asked about.
var asked = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/pkits/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != 249 {
		t.Fatalf("%d vectors", len(out))
	}
	return out
}

func (v vector) options(certs []*Certificate) PathOptions {
	o := PathOptions{
		Roots: certs[:1], Intermediates: certs[1:], At: asked, ExplicitPolicy: v.InitialExplicitPolicy,
		InhibitMapping: v.InitialPolicyMappingInhibit, InhibitAnyPolicy: v.InitialAnyPolicyInhibit,
		AllowSHA1: true, // DSA of 2010 knew no other
	}
	for _, name := range v.InitialPolicySet {
		if number, ok := strings.CutPrefix(name, "NIST-test-policy-"); ok {
			o.Policies = append(o.Policies, OID("2.16.840.1.101.3.2.1.48."+number))
		} else {
			o.Policies = append(o.Policies, OIDAnyPolicy)
		}
	}
	return o
}

func pkitsFile(t testing.TB, kind, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "pkits", kind, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge validates one vector over the octets given for its files.
func (v vector) judge(t testing.TB, certificate func(name string) (*Certificate, error), crl func(name string) (*CRL, error)) error {
	t.Helper()
	var list []*Certificate
	for _, name := range v.CertPath {
		c, err := certificate(name)
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	var crls []*CRL
	for _, name := range v.CRLPath {
		// A list that cannot be read is one that is not there.
		if c, err := crl(name); err == nil {
			crls = append(crls, c)
		}
	}
	o := v.options(list)
	p, err := FindPath(list[len(list)-1], o)
	if err != nil {
		return err
	}
	lists, err := NewLists(crls...)
	if err != nil {
		return err
	}
	return lists.CheckPath(p, o)
}

// refusals are how the vectors of each section may be refused, so that none is
// refused for another reason than the one it was made for.
var refusals = map[string][]error{
	// Two of 4.1 are signatures with a bit less than their octets.
	"4.1": {ErrSignature, ErrMalformed}, "4.2": {ErrExpired, ErrNotYetValid}, "4.3": {ErrUnknownIssuer}, "4.4": {ErrRevoked, ErrUndetermined},
	"4.5": {ErrRevoked, ErrNotCA}, "4.6": {ErrNotCA, ErrPathLen}, "4.7": {ErrKeyUsage, ErrUndetermined},
	"4.8": {ErrPolicy}, "4.9": {ErrPolicy}, "4.10": {ErrPolicy}, "4.11": {ErrPolicy}, "4.12": {ErrPolicy},
	"4.13": {ErrNameConstraint, ErrRevoked}, "4.14": {ErrRevoked, ErrUndetermined}, "4.15": {ErrRevoked, ErrUndetermined}, "4.16": {ErrUnhandledCritical},
}

func (v vector) refusedRightly(err error) bool {
	part := strings.SplitN(v.number(), ".", 3)
	return slices.ContainsFunc(refusals[part[0]+"."+part[1]], func(want error) bool { return errors.Is(err, want) })
}

// The whole suite, over NIST's own octets.
func TestPKITS(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			err := v.judge(t,
				func(name string) (*Certificate, error) { return ParseAnyCertificate(pkitsFile(t, "certs", name)) },
				func(name string) (*CRL, error) { return ParseAnyCRL(pkitsFile(t, "crls", name)) })
			if (err == nil) != v.ShouldValidate {
				t.Fatalf("%v, want good: %t", err, v.ShouldValidate)
			}
			if err != nil && !v.refusedRightly(err) {
				t.Fatalf("refused for another reason: %v", err)
			}
		})
	}
}
