package escrow_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/ca/escrow"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

// opened is what the agency finds in a response: the library's reader checks that
// both certificates and both keys belong together.
func (h *house) opened(k *sm2.PrivateKey, p escrow.Pair) (signing, encryption *certs.Certificate, key *sm2.PrivateKey) {
	h.t.Helper()
	got, err := smx509.ParseCSRResponse(k, p.Delivery.Response)
	h.fatal(err)
	if len(got.SignCerts) != 1 || len(got.EncryptCerts) != 1 {
		h.t.Fatalf("%d and %d certificates", len(got.SignCerts), len(got.EncryptCerts))
	}
	signing, err = certs.ParseCertificate(got.SignCerts[0].Raw)
	h.fatal(err)
	encryption, err = certs.ParseCertificate(got.EncryptCerts[0].Raw)
	h.fatal(err)
	return signing, encryption, got.EncryptPrivateKey
}

func TestAPair(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	p, err := h.Issue(t.Context(), order(t, k, ""))
	h.fatal(err)
	signing, encryption, key := h.opened(k, p)
	const encrypts = certs.KeyUsageKeyEncipherment | certs.KeyUsageDataEncipherment | certs.KeyUsageKeyAgreement
	if !bytes.Equal(signing.RawSubject, encryption.RawSubject) || encryption.KeyUsage != encrypts || signing.KeyUsage&encrypts != 0 || !signing.PublicKey.Equal(k.Public()) {
		t.Errorf("%s %b, %s %b", signing.Subject, signing.KeyUsage, encryption.Subject, encryption.KeyUsage)
	}
	issuing, err := h.ca.Purpose(t.Context(), ca.PurposeIssuing)
	h.fatal(err)
	for _, c := range []*certs.Certificate{signing, encryption} {
		h.fatal(c.CheckSignatureFrom(issuing.Certificate))
	}
	row, err := h.ca.Twin(t.Context(), p.Delivery.Signing)
	if err != nil || row.Serial != p.Delivery.Encryption || row.Twin != p.Delivery.Signing || row.Profile != ca.ProfileEncryption || row.KeyID != p.KeyID || row.Agency != uscc {
		t.Errorf("%+v %v", row, err)
	}
	// What is encrypted to the certificate is opened by the agency, and by the key
	// centre.
	secret := []byte("会话密钥")
	c, err := sm2.EncryptASN1(rand.Reader, encryption.PublicKey, secret)
	h.fatal(err)
	if plain, err := key.Decrypt(nil, c, sm2.ASN1DecrypterOpts); err != nil || !bytes.Equal(plain, secret) {
		t.Error(err)
	}
	kept, err := h.keys.Key(t.Context(), p.KeyID)
	h.fatal(err)
	if plain, err := kept.Decrypt(t.Context(), c); err != nil || !bytes.Equal(plain, secret) {
		t.Error(err)
	}
	if _, err := smx509.ParseCSRResponse(catest.Key(t), p.Delivery.Response); err == nil {
		t.Error("another key opens it")
	}
	for _, serial := range []string{p.Delivery.Signing, p.Delivery.Encryption} {
		if again, err := h.Pair(t.Context(), serial); err != nil || again.ID != p.ID {
			t.Error(again, err)
		}
	}
	held, next, err := h.List(t.Context(), escrow.Filter{Agency: uscc})
	if err != nil || next != "" || len(held) != 1 || held[0].ID != p.ID || held[0].KeyState != hsm.Active || held[0].Uses != 2 {
		t.Errorf("%+v %v", held, err)
	}
}

// The envelope is drawn anew each time it is made: what was delivered is kept.
func TestARetryGetsTheSameOctets(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	r := order(t, k, "k")
	first, err := h.Issue(t.Context(), r)
	h.fatal(err)
	h.restart()
	h.now = noon.Add(act.RetryLife - time.Minute)
	again, err := h.Issue(t.Context(), r)
	h.fatal(err)
	if !bytes.Equal(first.Delivery.Response, again.Delivery.Response) || h.certificates()[ca.ProfileEncryption] != 1 {
		t.Error("a retry gets another response")
	}
	r.Retry = &act.Retry{Owner: uscc, Key: "k", Request: [32]byte{2}}
	_, err = h.Issue(t.Context(), r)
	h.want("another request", err, ca.ErrRetryMismatch)
}

func TestConcurrentRetriesMakeOnePair(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	r := order(t, k, "k")
	responses := make([][]byte, 6)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() {
			p, err := h.Issue(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			responses[i] = p.Delivery.Response
		})
	}
	wg.Wait()
	for _, b := range responses {
		if !bytes.Equal(b, responses[0]) || len(b) == 0 {
			t.Fatal("two responses")
		}
	}
	if n := h.certificates(); n[ca.ProfilePerson] != 1 || n[ca.ProfileEncryption] != 1 {
		t.Error(n)
	}
}

// Every write of a pair fails once, persisted or not; then the process dies. The
// next start completes the pair or knows nothing of it, and the retry gets one
// pair, whole.
func TestFaultsOfAPair(t *testing.T) {
	for name, nth := range map[string]int{"key": 1, "begun": 1, "intent": 2, "certificate": 2, "envelope": 1, "settled": 1} {
		for n := 1; n <= nth; n++ {
			for _, persisted := range []bool{false, true} {
				for _, restart := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s %d, persisted %t, restart %t", name, n, persisted, restart), func(t *testing.T) {
						h, k := newHouse(t), catest.Key(t)
						r := order(t, k, "k")
						h.faults[name] = &fault{n, persisted}
						if _, err := h.Issue(t.Context(), r); err != nil && !errors.Is(err, errDisk) {
							t.Fatal(err)
						}
						if restart {
							h.restart()
						}
						p, err := h.Issue(t.Context(), r)
						h.fatal(err)
						h.opened(k, p)
						h.restart()
						if n := h.certificates(); n[ca.ProfilePerson] != 1 || n[ca.ProfileEncryption] != 1 {
							t.Errorf("%v", n)
						}
						again, err := h.Issue(t.Context(), r)
						if err != nil || !bytes.Equal(again.Delivery.Response, p.Delivery.Response) {
							t.Error("the retry after the restart:", err)
						}
						open, err := h.db.Escrow().Unsettled(t.Context())
						if err != nil || len(open) != 0 {
							t.Error(open, err)
						}
					})
				}
			}
		}
	}
}

// Without an idempotency key the next start completes what was begun: no half of
// a pair stays unknown.
func TestAStartCompletesAPair(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	h.faults["certificate"] = &fault{2, false}
	if _, err := h.Issue(t.Context(), order(t, k, "")); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	h.restart()
	held, _, err := h.List(t.Context(), escrow.Filter{})
	if err != nil || len(held) != 1 || held[0].State != escrow.StateDelivered {
		t.Fatalf("%+v %v", held, err)
	}
	h.opened(k, held[0].Pair)
}

// A week later the retry keys of its certificates are forgotten, and a second
// signing certificate could follow the first: the pair is given up, and said so.
func TestAnOldHalfPairIsGivenUp(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	r := order(t, k, "k")
	h.faults["certificate"] = &fault{2, false}
	if _, err := h.Issue(t.Context(), r); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	h.now = noon.Add(act.RetryLife - time.Hour)
	h.restart()
	_, err := h.Issue(t.Context(), r)
	h.want("the retry", err, escrow.ErrRefused)
	held, _, err := h.List(t.Context(), escrow.Filter{State: escrow.StateAbandoned})
	if err != nil || len(held) != 1 || held[0].KeyState != hsm.Suspended || held[0].Failure == "" {
		t.Errorf("%+v %v", held, err)
	}
	if n := h.certificates(); n[ca.ProfilePerson] != 1 || n[ca.ProfileEncryption] != 0 {
		t.Error(n)
	}
}

func TestWhatIsNoPair(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	spoiled := order(t, k, "")
	spoiled.CSR = append(bytes.Clone(spoiled.CSR), "x"...)
	_, err := h.Issue(t.Context(), spoiled)
	h.want("a spoiled request", err, ca.ErrBadRequest)
	ours, err := h.keys.Generate(t.Context(), "x", hsm.UsageSign)
	h.fatal(err)
	r := order(t, k, "")
	r.CSR, r.Key = nil, ours
	if _, err := h.Issue(t.Context(), r); err == nil {
		t.Error("a pair on a key of ours")
	}
	r = order(t, k, "")
	r.Profile = ca.ProfileEncryption
	_, err = h.Issue(t.Context(), r)
	h.want("an encryption certificate by a request", err, ca.ErrRefused)
	r = order(t, k, "")
	r.Dual = true
	_, err = h.ca.Issue(t.Context(), r)
	h.want("a pair past the key centre", err, ca.ErrRefused)
	if held, _, err := h.List(t.Context(), escrow.Filter{}); err != nil || len(held) != 0 {
		t.Errorf("%+v %v", held, err)
	}
	// A key that serves something else: refused for ever, and said on a retry.
	taken := order(t, k, "")
	taken.CommonName = "别人"
	if _, err := h.ca.Issue(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	r = order(t, k, "k")
	_, err = h.Issue(t.Context(), r)
	h.want("a key that is taken", err, ca.ErrKeyTaken)
	_, err = h.Issue(t.Context(), r)
	h.want("again", err, escrow.ErrRefused)
}

// A signing certificate has one twin, and a dead one gets none.
func TestTwins(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	p, err := h.Issue(t.Context(), order(t, k, ""))
	h.fatal(err)
	key, err := h.keys.Generate(t.Context(), "x", hsm.UsageEncrypt)
	h.fatal(err)
	twin := ca.TwinRequest{Signing: p.Delivery.Signing, Key: key, Who: "x", Why: "y"}
	_, err = h.ca.IssueTwin(t.Context(), twin)
	h.want("a second twin", err, ca.ErrTwinned)
	single, err := h.ca.Issue(t.Context(), order(t, catest.Key(t), ""))
	h.fatal(err)
	signs, err := h.keys.Generate(t.Context(), "x", hsm.UsageSign)
	h.fatal(err)
	wrong := ca.TwinRequest{Signing: single.Serial, Key: signs, Who: "x", Why: "y"}
	_, err = h.ca.IssueTwin(t.Context(), wrong)
	h.want("on a signing key", err, ca.ErrRefused)
	twin.Signing = p.Delivery.Encryption
	_, err = h.ca.IssueTwin(t.Context(), twin)
	h.want("of an encryption certificate", err, ca.ErrRefused)
	if _, err := h.ca.Revoke(t.Context(), ca.RevokeRequest{Serial: single.Serial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	twin.Signing = single.Serial
	_, err = h.ca.IssueTwin(t.Context(), twin)
	h.want("of a revoked one", err, ca.ErrRefused)
}

// A pair that needs two officers is made when it is approved, and the retry of
// the one who asked gets it.
func TestAPairByTwoOfficers(t *testing.T) {
	h, k := newHouse(t), catest.Key(t)
	kind := ca.KindIssue(ca.ProfilePerson)
	_, err := h.approvals.SetRule(t.Context(), kind, true, h.officer("管理员", agency.ScopeAdmin), "x", nil)
	h.fatal(err)
	r := order(t, k, "k")
	r.By = h.officer("张三", agency.ScopeCertificateIssue)
	_, err = h.Issue(t.Context(), r)
	var p *approval.Pending
	if !errors.As(err, &p) || len(h.certificates()) != 0 {
		t.Fatal(err)
	}
	h.faults["envelope"] = &fault{1, false}
	done, err := h.approvals.Approve(t.Context(), p.Request.ID, h.officer("王五", agency.ScopeCertificateApprove), "")
	if err != nil || done.Outcome != nil {
		t.Fatalf("%+v %v", done, err)
	}
	h.restart()
	pair, err := h.Issue(t.Context(), r)
	h.fatal(err)
	h.opened(k, pair)
	if n := h.certificates(); n[ca.ProfilePerson] != 1 || n[ca.ProfileEncryption] != 1 {
		t.Error(n)
	}
}
