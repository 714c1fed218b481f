package ocsp_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/ca/ocsp"
	"yinxin/certs"
	"yinxin/hsm"
)

func TestWhatIsSaidOfACertificate(t *testing.T) {
	o := open(t)
	c := o.issue()
	a, whole := o.answer(ca.PurposeIssuing, c, noon)
	issuing := o.credential(ca.PurposeIssuing).Certificate
	if a.Status != certs.OCSPGood || !a.ThisUpdate.Equal(noon) || !a.NextUpdate.Equal(noon.Add(ocsp.Life)) || !a.ArchiveCutoff.Equal(issuing.NotBefore) || !whole.Public || len(whole.Tag) != 64 {
		t.Errorf("%+v %+v", a, whole)
	}
	o.move(time.Minute)
	for _, r := range []struct {
		reason int
		since  time.Time
	}{{certs.ReasonUnspecified, time.Time{}}, {certs.ReasonSuperseded, time.Time{}}, {certs.ReasonKeyCompromise, noon.Add(-time.Hour)}} {
		c := o.issue()
		o.revoke(c, r.reason, r.since)
		a, _ := o.answer(ca.PurposeIssuing, c, o.now())
		if a.Status != certs.OCSPRevoked || a.Revoked.Reason != r.reason || !a.Revoked.At.Equal(o.now()) || !a.Revoked.InvalidityDate.Equal(r.since) {
			t.Errorf("%+v: %+v", r, a)
		}
	}
	// A certificate that has ended is told of as before: the register forgets nothing.
	o.move(4 * 365 * 24 * time.Hour)
	if a, _ := o.answer(ca.PurposeIssuing, c, o.now()); a.Status != certs.OCSPGood || a.ArchiveCutoff.After(c.NotAfter) {
		t.Errorf("%+v", a)
	}
}

// abandoned gives a serial number whose certificate was intended and never came.
func (o *office) abandoned() *big.Int {
	o.t.Helper()
	i := ca.Intent{Serial: "4000000000000000000000000000000a", Profile: ca.ProfilePerson, Subject: "x", KeySM3: sm3.Sum(nil), At: noon, TBS: []byte{0x30, 0}}
	if err := o.store.PutIntent(o.t.Context(), i); err != nil {
		o.t.Fatal(err)
	}
	n, _ := new(big.Int).SetString(i.Serial, 16)
	return n
}

// Never "good" of what was not issued (issued by another of our authorities
// included), and an error of the protocol where no issuer is ours.
func TestWhatIsNotInTheRegister(t *testing.T) {
	o := open(t)
	issuing, root := o.credential(ca.PurposeIssuing).Certificate, o.credential(ca.PurposeRoot).Certificate
	for name, serial := range map[string]*big.Int{
		"a serial never given": big.NewInt(77), "an intent": o.abandoned(), "the root's": issuing.Serial,
		"of other digits": new(big.Int).Add(o.issue().Serial, big.NewInt(1)),
	} {
		a, err := o.responder.Respond(t.Context(), ask(t, issuing, serial, nil), noon)
		if err != nil {
			t.Fatal(err)
		}
		if r := o.read(a, ca.PurposeIssuing); r.Answers[0].Status != certs.OCSPUnknown || a.Public {
			t.Errorf("%s: %+v", name, r.Answers[0])
		}
	}
	if a, _ := o.answer(ca.PurposeRoot, issuing, noon); a.Status != certs.OCSPGood {
		t.Errorf("issuing, by the root: %+v", a)
	}
	stranger := open(t).credential(ca.PurposeIssuing).Certificate // the same name, another key
	for name, c := range map[string]struct {
		request []byte
		want    string
	}{
		"a namesake's":      {ask(t, stranger, o.issue().Serial, nil), "unauthorized"},
		"a leaf's":          {ask(t, o.issue(), big.NewInt(7), nil), "unauthorized"},
		"nothing":           {nil, "malformedRequest"},
		"more behind":       {append(ask(t, root, issuing.Serial, nil), 0), "malformedRequest"},
		"a very long nonce": {ask(t, root, issuing.Serial, make([]byte, certs.MaxNonce+1)), "malformedRequest"},
	} {
		a, err := o.responder.Respond(t.Context(), c.request, noon)
		if err != nil || a.Status != c.want || a.Public {
			t.Errorf("%s: %+v %v", name, a, err)
		}
		if _, err := certs.ParseOCSPResponse(a.DER); !errors.Is(err, certs.ErrNotAnswered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNonce(t *testing.T) {
	o := open(t)
	c := o.issue()
	for _, n := range []int{1, 32, certs.MaxNonce} {
		nonce := bytes.Repeat([]byte{7}, n)
		a, err := o.responder.Respond(t.Context(), ask(t, o.credential(ca.PurposeIssuing).Certificate, c.Serial, nonce), noon)
		if err != nil || a.Public {
			t.Fatal(a.Public, err)
		}
		if r := o.read(a, ca.PurposeIssuing); !bytes.Equal(r.Nonce, nonce) {
			t.Errorf("%d octets came back as %x", n, r.Nonce)
		}
	}
}

// several asks about certificates of any issuers in one request.
func several(t testing.TB, ids ...certs.CertID) []byte {
	t.Helper()
	var b cryptobyte.Builder
	sequence := func(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }
	sequence(&b, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				for _, id := range ids {
					sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(id.Raw) })
				}
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestSeveralInOneRequest(t *testing.T) {
	o := open(t)
	good, gone := o.issue(), o.issue()
	o.revoke(gone, certs.ReasonSuperseded, time.Time{})
	root, issuing := o.credential(ca.PurposeRoot).Certificate, o.credential(ca.PurposeIssuing).Certificate
	id := func(issuer, c *certs.Certificate) certs.CertID {
		id, err := certs.NewCertID(issuer, c.Serial)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	request := several(t, id(issuing, good), id(issuing, gone), id(root, issuing))
	a, err := o.responder.Respond(t.Context(), request, noon)
	if err != nil || a.Public {
		t.Fatal(a.Public, err)
	}
	// One response has one signer, who speaks for one authority.
	var got []certs.OCSPStatus
	for i, one := range o.read(a, ca.PurposeIssuing).Answers {
		got = append(got, one.Status)
		if !bytes.Equal(one.ID.Raw, [][]byte{id(issuing, good).Raw, id(issuing, gone).Raw, id(root, issuing).Raw}[i]) {
			t.Errorf("answer %d is about another", i)
		}
	}
	if !slices.Equal(got, []certs.OCSPStatus{certs.OCSPGood, certs.OCSPRevoked, certs.OCSPUnknown}) {
		t.Error(got)
	}
}

// An answer is given again only while nothing changes and no newer one is asked for.
func TestAnswersAreKept(t *testing.T) {
	o := open(t)
	c := o.issue()
	_, first := o.answer(ca.PurposeIssuing, c, time.Time{})
	again := func() bool {
		_, a := o.answer(ca.PurposeIssuing, c, time.Time{})
		return bytes.Equal(a.DER, first.DER)
	}
	o.move(ocsp.Kept)
	if !again() {
		t.Error("it was not kept")
	}
	if _, a := o.answer(ca.PurposeIssuing, c, o.now()); bytes.Equal(a.DER, first.DER) || !a.ThisUpdate.Equal(o.now()) {
		t.Error("a newer one was asked for")
	}
	_, first = o.answer(ca.PurposeIssuing, c, time.Time{})
	o.move(ocsp.Kept + time.Second)
	if again() {
		t.Error("it was kept too long")
	}
	_, first = o.answer(ca.PurposeIssuing, c, time.Time{})
	o.revoke(c, certs.ReasonSuperseded, time.Time{})
	if a, _ := o.answer(ca.PurposeIssuing, c, time.Time{}); a.Status != certs.OCSPRevoked {
		t.Fatal("the revocation is not told at once")
	}
	o.revoke(c, certs.ReasonKeyCompromise, noon.Add(-time.Hour))
	if a, _ := o.answer(ca.PurposeIssuing, c, time.Time{}); a.Revoked.Reason != certs.ReasonKeyCompromise || !a.Revoked.InvalidityDate.Equal(noon.Add(-time.Hour)) {
		t.Fatalf("what was made worse is not told at once: %+v", a)
	}
}

// Revoking while many ask: whoever asks after the revocation was acknowledged is
// told.
func TestRevocationAmongMany(t *testing.T) {
	o := open(t)
	c := o.issue()
	request := ask(t, o.credential(ca.PurposeIssuing).Certificate, c.Serial, nil)
	status := func() certs.OCSPStatus {
		a, err := o.responder.Respond(t.Context(), request, time.Time{})
		if err != nil {
			t.Error(err)
			return 0
		}
		r, err := certs.ParseOCSPResponse(a.DER)
		if err != nil {
			t.Error(err)
			return 0
		}
		return r.Answers[0].Status
	}
	revoked := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for told := false; !told; {
				select {
				case <-revoked:
					told = true
				default:
				}
				if s := status(); told && s != certs.OCSPRevoked {
					t.Error("after the revocation:", s)
				}
			}
		})
	}
	o.revoke(c, certs.ReasonKeyCompromise, time.Time{})
	close(revoked)
	wg.Wait()
}

// The responder is one that the issuer certified, as long as it is in force; else
// the issuer answers itself.
func TestWhoAnswers(t *testing.T) {
	o := open(t)
	c := o.issue()
	by := func() *certs.Certificate {
		t.Helper()
		_, a := o.answer(ca.PurposeIssuing, c, time.Time{})
		r := o.read(a, ca.PurposeIssuing)
		signer, err := r.CheckSignatureFrom(o.credential(ca.PurposeIssuing).Certificate)
		if err != nil {
			t.Fatal(err)
		}
		return signer
	}
	delegate := o.credential(ca.PurposeOCSP).Certificate
	if !by().Equal(delegate) || !delegate.OCSPNoCheck() {
		t.Error("not by the responder")
	}
	o.revoke(delegate, certs.ReasonKeyCompromise, time.Time{})
	// What the revoked key signed before is given no more.
	if !by().Equal(o.credential(ca.PurposeIssuing).Certificate) {
		t.Error("by a responder that is revoked")
	}
	root := o.credential(ca.PurposeOCSPRoot).Certificate
	_, a := o.answer(ca.PurposeRoot, delegateIssuer(o), time.Time{})
	if signer, err := o.read(a, ca.PurposeRoot).CheckSignatureFrom(o.credential(ca.PurposeRoot).Certificate); err != nil || !signer.Equal(root) {
		t.Error("the root's certificates:", err)
	}
	o.move(91 * 24 * time.Hour)
	_, a = o.answer(ca.PurposeRoot, delegateIssuer(o), time.Time{})
	if signer, err := o.read(a, ca.PurposeRoot).CheckSignatureFrom(o.credential(ca.PurposeRoot).Certificate); err != nil || signer.Equal(root) {
		t.Error("by a responder that has ended:", err)
	}
}

func delegateIssuer(o *office) *certs.Certificate { return o.credential(ca.PurposeIssuing).Certificate }

// The last answers of a responder end with its certificate.
func TestAnAnswerEndsWithItsResponder(t *testing.T) {
	o := open(t)
	c := o.issue()
	end := o.credential(ca.PurposeOCSP).Certificate.NotAfter
	o.move(end.Sub(noon) - time.Hour)
	if a, _ := o.answer(ca.PurposeIssuing, c, o.now()); !a.NextUpdate.Equal(end) {
		t.Errorf("it ends %s, its responder %s", a.NextUpdate, end)
	}
}

func TestTheClockWentBackwards(t *testing.T) {
	o := open(t)
	c := o.issue()
	o.move(time.Hour)
	o.answer(ca.PurposeIssuing, c, o.now())
	o.revoke(c, certs.ReasonSuperseded, time.Time{})
	request := ask(t, o.credential(ca.PurposeIssuing).Certificate, c.Serial, nil)
	for name, responder := range map[string]*ocsp.Responder{"the same": o.responder, "one that remembers nothing": ocsp.New(o.Authority, o.store, o.now)} {
		o.move(-10 * time.Minute)
		if a, err := responder.Respond(t.Context(), request, time.Time{}); !errors.Is(err, ocsp.ErrClockBackwards) || a.Status != "tryLater" {
			t.Errorf("%s: %+v %v", name, a, err)
		}
		o.move(10 * time.Minute)
		if a, err := responder.Respond(t.Context(), request, time.Time{}); err != nil || a.Status != "successful" {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
}

// blind is a register that cannot be read.
type blind struct {
	ca.Store
	err error
}

func (b *blind) Certificate(ctx context.Context, serial string) (ca.Row, error) {
	if b.err != nil {
		return ca.Row{}, b.err
	}
	return b.Store.Certificate(ctx, serial)
}

func (b *blind) Revocation(ctx context.Context, serial string) (*ca.Revocation, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Store.Revocation(ctx, serial)
}

// Where the register cannot be read or the key does not sign, nothing is said: not
// even what was said before.
func TestNothingIsSaidBlindly(t *testing.T) {
	o := open(t)
	c := o.issue()
	store := &blind{Store: o.store}
	responder := ocsp.New(o.Authority, store, o.now)
	request := ask(t, o.credential(ca.PurposeIssuing).Certificate, c.Serial, nil)
	respond := func(want string, cause error) {
		t.Helper()
		if a, err := responder.Respond(t.Context(), request, time.Time{}); a.Status != want || !errors.Is(err, cause) || cause == nil && err != nil {
			t.Errorf("%s %v, want %s %v", a.Status, err, want, cause)
		}
	}
	respond("successful", nil)
	store.err = errors.New("no disk")
	respond("tryLater", store.err)
	store.err = ca.ErrLost
	respond("internalError", ca.ErrLost)
	store.err = nil
	respond("successful", nil)
	o.move(ocsp.Kept + time.Second)
	if err := o.keys.SetState(t.Context(), o.credential(ca.PurposeOCSP).Key.Info().ID, hsm.Suspended); err != nil {
		t.Fatal(err)
	}
	respond("tryLater", hsm.ErrSuspended)
}

func BenchmarkRespond(b *testing.B) {
	o := open(b)
	c := o.issue()
	issuer := o.credential(ca.PurposeIssuing).Certificate
	b.Run("kept", func(b *testing.B) {
		request := ask(b, issuer, c.Serial, nil)
		for b.Loop() {
			if a, err := o.responder.Respond(b.Context(), request, time.Time{}); err != nil || !a.Public {
				b.Fatal(err)
			}
		}
	})
	b.Run("signed", func(b *testing.B) {
		request := ask(b, issuer, c.Serial, []byte("nonce"))
		for b.Loop() {
			if a, err := o.responder.Respond(b.Context(), request, time.Time{}); err != nil || a.Status != "successful" {
				b.Fatal(err)
			}
		}
	})
	message := make([]byte, 400)
	key := o.credential(ca.PurposeOCSP).Key
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := key.SignMessage(b.Context(), message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
