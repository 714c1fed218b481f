package ca_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
)

func TestAKeyServesOnePurpose(t *testing.T) {
	o := fresh(t)
	key := o.key(hsm.UsageSign)
	if _, err := o.Issue(t.Context(), sealOrder(key)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Issue(t.Context(), sealOrder(key)); err != nil {
		t.Fatal("a renewal on the same key:", err)
	}
	tsa, err := o.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ca.IssueRequest){
		"another seal":      func(r *ca.IssueRequest) { r.CommonName = "52010000000002" },
		"another agency":    func(r *ca.IssueRequest) { r.Agency = usccB },
		"another profile":   func(r *ca.IssueRequest) { r.Profile = ca.ProfilePerson },
		"the TSA's own key": func(r *ca.IssueRequest) { r.Key = tsa.Key },
	} {
		r := sealOrder(key)
		change(&r)
		if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrKeyTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// By a request too, and after a restart.
	csr := request(t)
	if _, err := o.Issue(t.Context(), agencyOrder(csr)); err != nil {
		t.Fatal(err)
	}
	o.restart()
	r := agencyOrder(csr)
	r.Profile = ca.ProfilePerson
	if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrKeyTaken) {
		t.Fatal(err)
	}
	o.agree()
}

// A key that was only intended for something stays that thing's, since it may
// have been certified.
func TestAnAbandonedIntentKeepsItsKey(t *testing.T) {
	o := fresh(t)
	o.kill()
	o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"certificate": {1, false}}} }
	o.open(false)
	o.start()
	key := o.key(hsm.UsageSign)
	if _, err := o.Issue(t.Context(), sealOrder(key)); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	r := sealOrder(key)
	r.CommonName = "52010000000002"
	if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrKeyTaken) {
		t.Fatal(err)
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	o := fresh(t)
	destroyed, suspended := o.key(hsm.UsageSign), o.key(hsm.UsageSign)
	for k, s := range map[hsm.Key]hsm.State{destroyed: hsm.Destroyed, suspended: hsm.Suspended} {
		if err := o.keys.SetState(t.Context(), k.Info().ID, s); err != nil {
			t.Fatal(err)
		}
	}
	for name, k := range map[string]hsm.Key{"for encryption": o.key(hsm.UsageEncrypt), "destroyed": destroyed, "suspended": suspended} {
		if _, err := o.Issue(t.Context(), sealOrder(k)); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stuck gives the same octets for ever, or n times over.
type stuck struct{ times int }

func (s *stuck) Read(b []byte) (int, error) {
	if s.times--; s.times < 0 {
		return rand.Read(b)
	}
	for i := range b {
		b[i] = 7
	}
	return len(b), nil
}

func TestSerialsNeverMeet(t *testing.T) {
	o := fresh(t)
	// The first octets are the serial's; act id and nonce come after it.
	o.rand = &stuck{1}
	first, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil || first.Serial != "47070707070707070707070707070707" {
		t.Fatal(first.Serial, err)
	}
	o.rand = &stuck{1}
	second, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil || second.Serial == first.Serial {
		t.Fatal("it draws again:", err)
	}
	o.rand = &stuck{1 << 30}
	if _, err := o.Issue(t.Context(), agencyOrder(request(t))); !errors.Is(err, ca.ErrSerialTaken) {
		t.Fatal("a random source that repeats itself:", err)
	}
	// A serial that was only intended is used too.
	o.kill()
	o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"certificate": {1, false}}} }
	o.open(false)
	o.start()
	o.rand = bytes.NewReader(append(bytes.Repeat([]byte{9}, 16), make([]byte, 256)...))
	if _, err := o.Issue(t.Context(), agencyOrder(request(t))); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	o.restart()
	o.rand = &stuck{0}
	for range 20 {
		if _, err := o.Issue(t.Context(), agencyOrder(request(t))); err != nil {
			t.Fatal(err)
		}
	}
	o.agree()
}

// A certificate was revoked because somebody else may have its key: by no way
// does another stand on it.
func TestACompromisedKeyIsNeverCertifiedAgain(t *testing.T) {
	o := fresh(t)
	csr, held := request(t), o.key(hsm.UsageSign)
	first, err := o.Issue(t.Context(), agencyOrder(csr))
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.Issue(t.Context(), sealOrder(held))
	if err != nil {
		t.Fatal(err)
	}
	for _, serial := range []string{first.Serial, second.Serial} {
		if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	before := len(o.rows())
	for range 2 {
		for name, r := range map[string]ca.IssueRequest{"by a request": agencyOrder(csr), "on a key of ours": sealOrder(held)} {
			if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrKeyCompromised) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r := agencyOrder(csr) // nor for anybody else
		r.Agency, r.Profile = usccB, ca.ProfilePerson
		if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrKeyCompromised) {
			t.Error(err)
		}
		o.restart()
		held = o.keyOf(second)
	}
	if n := len(o.rows()); n != before {
		t.Errorf("%d certificates on compromised keys", n-before)
	}
	o.agree()
}

func (o *office) keyOf(r ca.Row) hsm.Key {
	o.t.Helper()
	k, err := o.keys.Key(o.t.Context(), r.KeyID)
	if err != nil {
		o.t.Fatal(err)
	}
	return k
}
