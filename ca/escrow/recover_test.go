package escrow_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/ca/escrow"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

// lost is a pair whose agency lost its key.
func (h *house) lost() (escrow.Pair, *certs.Certificate) {
	h.t.Helper()
	k := catest.Key(h.t)
	p, err := h.Issue(h.t.Context(), order(h.t, k, ""))
	h.fatal(err)
	_, encryption, _ := h.opened(k, p)
	return p, encryption
}

func (h *house) recover(p escrow.Pair, to []byte, by act.Officer) (approval.Request, error) {
	return h.AskRecovery(h.t.Context(), escrow.RecoveryRequest{Serial: p.Delivery.Encryption, To: to, Why: "遗失", Case: "(2026)黔01号", By: by})
}

func TestRecovery(t *testing.T) {
	h, to := newHouse(t), catest.Key(t)
	p, encryption := h.lost()
	zhang, li := h.officer("张三", agency.ScopeEscrowRecover), h.officer("李四", agency.ScopeEscrowRecover)
	r, err := h.recover(p, catest.PEM(t, to), zhang)
	h.fatal(err)
	if none, err := h.Recoveries(t.Context(), p.Delivery.Encryption); err != nil || len(none) != 0 {
		t.Fatal("it was handed out before two officers agreed:", none, err)
	}
	var shown escrow.AskedRecovery
	if err := json.Unmarshal(r.Content, &shown); err != nil || shown.Serial != p.Delivery.Encryption || !strings.Contains(shown.Subject, "李四") || len(shown.KeySM3) != 64 || shown.Case == "" {
		t.Errorf("the officer is shown %s", r.Content)
	}
	for name, c := range map[string]struct {
		by   act.Officer
		want error
	}{
		"who asked": {zhang, approval.ErrSameOfficer}, "the same by another key": {h.officer("张三", agency.ScopeEscrowRecover), approval.ErrSameOfficer},
		"without the scope": {h.officer("王五", agency.ScopeCertificateApprove), approval.ErrNoRight},
	} {
		_, err := h.approvals.Approve(t.Context(), r.ID, c.by, "")
		h.want(name, err, c.want)
	}
	_, err = h.CarryOut(t.Context(), r)
	h.want("carried out without a decision", err, escrow.ErrRefused)
	if _, err := h.approvals.Approve(t.Context(), r.ID, li, "核对无误"); err != nil {
		t.Fatal(err)
	}
	got, err := h.Recoveries(t.Context(), p.Delivery.Encryption)
	if err != nil || len(got) != 1 || got[0].ID != r.ID || got[0].Asked != zhang.String() || got[0].Approved != li.String() || got[0].Case == "" {
		t.Fatalf("%+v %v", got, err)
	}
	key, err := sm2.ParseEnvelopedPrivateKey(to, got[0].Envelope)
	if err != nil || !key.PublicKey.Equal(encryption.PublicKey) {
		t.Error("another key was handed out:", err)
	}
	before, err := h.keys.Key(t.Context(), p.KeyID)
	h.fatal(err)
	uses := before.Info().Uses
	again, err := h.CarryOut(t.Context(), r)
	if err != nil || !bytes.Equal(again.Envelope, got[0].Envelope) || before.Info().Uses != uses {
		t.Error("it was handed out twice:", err)
	}
	_, err = h.approvals.Approve(t.Context(), r.ID, li, "")
	h.want("approved twice", err, approval.ErrDecided)
}

func TestRecoveryIsAskedByOfficersAlone(t *testing.T) {
	h, to := newHouse(t), catest.Key(t)
	p, _ := h.lost()
	for name, by := range map[string]act.Officer{
		"nobody": {}, "a name": {Name: "张三"}, "without the scope": h.officer("张三", agency.ScopeCertificateIssue), "no such key": {Name: "张三", KeyID: "00000000", Agency: uscc},
	} {
		_, err := h.recover(p, catest.PEM(t, to), by)
		h.want(name, err, approval.ErrNoRight)
	}
	_, err := h.approvals.SetRule(t.Context(), escrow.KindRecover, false, h.officer("管理员", agency.ScopeAdmin), "x", nil)
	h.want("a rule that does without", err, approval.ErrRefused)
}

func TestRecipients(t *testing.T) {
	h := newHouse(t)
	p, _ := h.lost()
	zhang, li := h.officer("张三", agency.ScopeEscrowRecover), h.officer("李四", agency.ScopeEscrowRecover)
	asPEM := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	k := catest.Key(t)
	row, err := h.ca.Issue(t.Context(), order(t, k, ""))
	h.fatal(err)
	valid := asPEM("CERTIFICATE", row.DER)
	forged := bytes.Clone(row.DER)
	forged[len(forged)-1] ^= 1
	block, _ := pem.Decode(catest.PEM(t, catest.Key(t)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, to := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("x"), "two": append(bytes.Clone(valid), valid...), "a spoiled request": asPEM("CERTIFICATE REQUEST", block.Bytes),
		"a forged certificate": asPEM("CERTIFICATE", forged), "no certificate": asPEM("CERTIFICATE", []byte{0x30, 0}), "a private key": asPEM("PRIVATE KEY", []byte{0x30, 0}),
		"a megabyte": bytes.Repeat([]byte("x"), 1<<20),
	} {
		if _, err := h.recover(p, to, zhang); !errors.Is(err, escrow.ErrRefused) && !errors.Is(err, ca.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, serial := range map[string]string{"a signing certificate": p.Delivery.Signing, "an unknown one": "0a", "none": ""} {
		_, err := h.AskRecovery(t.Context(), escrow.RecoveryRequest{Serial: serial, To: valid, Why: "x", By: zhang})
		h.want(name, err, escrow.ErrNotFound)
	}
	r, err := h.recover(p, valid, zhang)
	h.fatal(err)
	second, err := h.recover(p, valid, zhang)
	h.fatal(err)
	if _, err := h.approvals.Approve(t.Context(), r.ID, li, ""); err != nil {
		t.Fatal(err)
	}
	got, err := h.Recoveries(t.Context(), p.Delivery.Encryption)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if _, err := sm2.ParseEnvelopedPrivateKey(k, got[0].Envelope); err != nil {
		t.Error(err)
	}
	// The recipient's certificate is revoked between the asking and the decision.
	if _, err := h.ca.Revoke(t.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: certs.ReasonKeyCompromise, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.approvals.Approve(t.Context(), second.ID, li, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Recoveries(t.Context(), p.Delivery.Encryption); err != nil || len(got) != 1 {
		t.Error("a key was handed to a revoked certificate:", got, err)
	}
}

// A key outlives its certificate: what was encrypted to it must be read still.
func TestAKeyOfARetiredCertificate(t *testing.T) {
	h, to := newHouse(t), catest.Key(t)
	p, encryption := h.lost()
	if _, err := h.ca.RevokePair(t.Context(), ca.RevokeRequest{Serial: p.Delivery.Signing, Reason: certs.ReasonKeyCompromise, Who: "x", Why: "y"}, false); err != nil {
		t.Fatal(err)
	}
	h.now = noon.AddDate(4, 0, 0)
	zhang, li := h.officer("张三", agency.ScopeEscrowRecover), h.officer("李四", agency.ScopeEscrowRecover)
	r, err := h.recover(p, catest.PEM(t, to), zhang)
	h.fatal(err)
	if _, err := h.approvals.Approve(t.Context(), r.ID, li, ""); err != nil {
		t.Fatal(err)
	}
	got, err := h.Recoveries(t.Context(), p.Delivery.Encryption)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if key, err := sm2.ParseEnvelopedPrivateKey(to, got[0].Envelope); err != nil || !key.PublicKey.Equal(encryption.PublicKey) {
		t.Error(err)
	}
}

// Each write of a recovery fails once, persisted or not; then the process dies.
// One envelope was handed out, and the register knows of it.
func TestFaultsOfARecovery(t *testing.T) {
	for _, name := range []string{"envelope", "recovered"} {
		for _, persisted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, persisted %t", name, persisted), func(t *testing.T) {
				h, to := newHouse(t), catest.Key(t)
				p, encryption := h.lost()
				zhang, li := h.officer("张三", agency.ScopeEscrowRecover), h.officer("李四", agency.ScopeEscrowRecover)
				r, err := h.recover(p, catest.PEM(t, to), zhang)
				h.fatal(err)
				h.faults[name] = &fault{1, persisted}
				done, err := h.approvals.Approve(t.Context(), r.ID, li, "")
				if err != nil || done.State != approval.StateApproved || done.Outcome != nil {
					t.Fatalf("%+v %v", done, err)
				}
				h.restart()
				got, err := h.Recoveries(t.Context(), p.Delivery.Encryption)
				if err != nil || len(got) != 1 {
					t.Fatal(got, err)
				}
				if key, err := sm2.ParseEnvelopedPrivateKey(to, got[0].Envelope); err != nil || !key.PublicKey.Equal(encryption.PublicKey) {
					t.Error(err)
				}
				if done, err := h.approvals.Show(t.Context(), r.ID); err != nil || done.Outcome == nil || done.Outcome.Failure != "" {
					t.Errorf("%+v %v", done, err)
				}
			})
		}
	}
}

// Both certificates of a pair, revoked over a fault between them.
func TestRevokingAPair(t *testing.T) {
	h := newHouse(t)
	p, _ := h.lost()
	r := ca.RevokeRequest{Serial: p.Delivery.Signing, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
	rows, err := h.ca.RevokePair(t.Context(), r, false)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	// The first is revoked already, as it is when a process died between the two.
	rows, err = h.ca.RevokePair(t.Context(), r, true)
	if err != nil || len(rows) != 2 || rows[1].Serial != p.Delivery.Encryption || rows[1].Revocation == nil {
		t.Fatal(rows, err)
	}
	_, err = h.ca.RevokePair(t.Context(), r, true)
	h.want("again", err, ca.ErrRevoked)
	other, _ := h.lost()
	r = ca.RevokeRequest{Serial: other.Delivery.Encryption, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
	if rows, err := h.ca.RevokePair(t.Context(), r, true); err != nil || len(rows) != 1 {
		t.Error("an encryption certificate alone:", rows, err)
	}
}
