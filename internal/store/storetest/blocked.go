package storetest

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

// onKey gives an intent and a row whose certificate is one, on a key of its own.
func onKey(t testing.TB, serial string) (ca.Intent, ca.Row) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{SerialNumber: big.NewInt(1), NotBefore: morning, NotAfter: morning.AddDate(3, 0, 0)}
	r := row(serial)
	if r.DER, err = smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	sum, ok := r.KeySM3()
	if !ok {
		t.Fatal("the certificate cannot be read")
	}
	i := intent(serial, 0)
	i.KeySM3 = sum
	return i, r
}

// revokeFor revokes a certificate by its own act.
func (b *bench) revokeFor(t testing.TB, serial string, reason int) {
	t.Helper()
	rev := ca.Revocation{Serial: serial, At: morning, Reason: reason, Who: "x", Why: "y"}
	_, err := b.CA().CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, serial, rev), rev)
	check(t, "a revocation", err, nil)
}

// caBlocked: what was compromised is never certified again, and nothing else is
// kept from it.
func caBlocked(t *testing.T, b *bench) {
	s := b.CA()
	i, r := onKey(t, "01")
	check(t, "its intent", s.PutIntent(t.Context(), i), nil)
	a := b.issue(t, &r)
	check(t, "the certificate", s.CommitCertificate(t.Context(), a, r), nil)
	b.revokeFor(t, "01", certs.ReasonSuperseded)
	i.Serial = "02"
	check(t, "a key that was only superseded", s.PutIntent(t.Context(), i), nil)
	b.revokeFor(t, "01", certs.ReasonKeyCompromise)
	i.Serial = "03"
	check(t, "compromised after all", s.PutIntent(t.Context(), i), ca.ErrKeyCompromised)
	innocent, below := onKey(t, "06")
	check(t, "an intent", s.PutIntent(t.Context(), innocent), nil)
	a = b.issue(t, &below)
	check(t, "its certificate", s.CommitCertificate(t.Context(), a, below), nil)
	b.revokeFor(t, "06", certs.ReasonCACompromise)
	innocent.Serial = "07"
	check(t, "a key whose authority was compromised", s.PutIntent(t.Context(), innocent), nil)
	b.revokeFor(t, "06", certs.ReasonKeyCompromise)
	innocent.Serial = "08"
	check(t, "and which was lost itself", s.PutIntent(t.Context(), innocent), ca.ErrKeyCompromised)
	other, _ := onKey(t, "04")
	check(t, "another key", s.PutIntent(t.Context(), other), nil)
	b.issued(t, row("05"))
	b.revokeFor(t, "05", certs.ReasonKeyCompromise) // its certificate cannot be read, and it is revoked all the same
}

// caBlockedMeanwhile: the key was compromised between intent and certificate.
func caBlockedMeanwhile(t *testing.T, b *bench) {
	s := b.CA()
	i, r := onKey(t, "01")
	r.Profile = ca.ProfileIssuing // whose own key it is, by the name that an authority's reason has
	second, late := i, r
	second.Serial, late.Serial = "02", "02"
	check(t, "an intent", s.PutIntent(t.Context(), i), nil)
	check(t, "another on the key", s.PutIntent(t.Context(), second), nil)
	a := b.issue(t, &r)
	check(t, "the certificate", s.CommitCertificate(t.Context(), a, r), nil)
	b.revokeFor(t, "01", certs.ReasonCACompromise)
	a = b.issue(t, &late)
	b.unchanged(t, "the other certificate", ca.ErrKeyCompromised, func() error { return s.CommitCertificate(t.Context(), a, late) })
	gone := b.act(t, ca.ActAbandoned, "02", "x")
	b.kept(t, "it is given up", gone, func() error { return s.CommitAbandoned(t.Context(), gone, "02") })
}

// caBlockedMany: those that are revoked in one act are kept from it as well.
func caBlockedMany(t *testing.T, b *bench) {
	s := b.CA()
	var intents []ca.Intent
	var list []ca.Revocation
	for _, serial := range []string{"01", "02"} {
		i, r := onKey(t, serial)
		check(t, "its intent", s.PutIntent(t.Context(), i), nil)
		a := b.issue(t, &r)
		check(t, "the certificate", s.CommitCertificate(t.Context(), a, r), nil)
		intents = append(intents, i)
		list = append(list, ca.Revocation{Serial: serial, At: morning, Reason: certs.ReasonKeyCompromise, Who: "x", Why: "y"})
	}
	if n, err := s.CommitRevocations(t.Context(), b.act(t, ca.ActCompromised, "x", "x"), list); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for _, i := range intents {
		i.Serial += "again"
		check(t, "a key of the list", s.PutIntent(t.Context(), i), ca.ErrKeyCompromised)
	}
}
