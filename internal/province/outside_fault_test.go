package province

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/seal"
)

var errGone = errors.New("the disk is gone")

// faultySeals fails one write, which is persisted all the same or not.
type faultySeals struct {
	seal.Store
	write     string
	persisted bool
}

func (f *faultySeals) do(write string, commit func() error) error {
	if f.write != write {
		return commit()
	}
	f.write = ""
	if f.persisted {
		if err := commit(); err != nil {
			return err
		}
	}
	return errGone
}

func (f *faultySeals) KeepPart(ctx context.Context, part []byte) error {
	return f.do("picture", func() error { return f.Store.KeepPart(ctx, part) })
}

func (f *faultySeals) CommitSeal(ctx context.Context, a act.Act, s seal.Seal, before uint64, der []byte) error {
	return f.do("made", func() error { return f.Store.CommitSeal(ctx, a, s, before, der) })
}

func (f *faultySeals) CommitApplied(ctx context.Context, a act.Act) error {
	return f.do("applied", func() error { return f.Store.CommitApplied(ctx, a) })
}

func (f *faultySeals) CommitRequest(ctx context.Context, a act.Act, r seal.Request) error {
	return f.do("request", func() error { return f.Store.CommitRequest(ctx, a, r) })
}

func (f *faultySeals) CommitImported(ctx context.Context, i seal.Imported) error {
	return f.do("seal", func() error { return f.Store.CommitImported(ctx, i) })
}

// over is the seal office over a faulty store.
func (h *house) over(t testing.TB, f *faultySeals) *seal.Office {
	t.Helper()
	f.Store = h.Store.Seals()
	o, err := seal.NewOffice(seal.Config{Store: f, Keys: h.Keys, CA: h.CA, Outside: certifier{h.Outside}, TSA: noTime{}, Clock: h.o.Clock, Rand: h.o.Rand, Region: "520000",
		Maker: h.signing(ca.PurposeSealMaker), Status: h.signing(ca.PurposeStatus)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

type noTime struct{}

func (noTime) Stamp(context.Context, [32]byte) ([]byte, time.Time, error) {
	return nil, time.Time{}, errors.New("no stamp is made here")
}

// Each write on the way from request to seal fails once, persisted or not. The retry
// gives one request and one seal, and the next start finds registers and journal in
// agreement.
func TestARequestOverFaults(t *testing.T) {
	for _, write := range []string{"picture", "request", "seal"} {
		for _, persisted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) {
				h := newHouse(t)
				root := newLicensed(t, "某根", nil, h.clock.now)
				h.add(t, root)
				o := h.over(t, &faultySeals{write: write, persisted: persisted})
				ask := func() (seal.Request, error) {
					return o.Ask(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, "",
						&act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}})
				}
				r, err := ask()
				// What stands after all is found under its idempotency key.
				if failed := write == "picture" || write == "request" && !persisted; failed != errors.Is(err, errGone) || !failed && err != nil {
					t.Fatal("asked:", err)
				}
				again, err := ask()
				if err != nil || r.ID != "" && again.ID != r.ID {
					t.Fatal("asked again:", again.ID, err)
				}
				all, _, err := o.Requests(t.Context(), "", "", 9)
				if err != nil || len(all) != 1 {
					t.Fatalf("%d requests, %v", len(all), err)
				}
				r = all[0]
				certificate := root.Certify(r.CSR, nil)
				bring := func() (seal.Seal, error) { return o.Import(t.Context(), r.ID, certificate, nil, "test", "test") }
				if _, err := bring(); (write == "seal" && !persisted) != errors.Is(err, errGone) {
					t.Fatal("brought:", err)
				}
				s, err := bring()
				if err != nil {
					t.Fatal("brought again:", err)
				}
				rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Serial: "outside:"})
				if err != nil || len(rows) != 1 || rows[0].Serial != s.CertSerial {
					t.Fatalf("%d certificates, %v", len(rows), err)
				}
				h.restart(t)
				h.clock.move(time.Minute)
				want(t, h.judgeWith(t, h.stampWith(t, s).Document, root.list()), "valid", "")
			})
		}
	}
}

// The signature on a request is an act of its own: no start tells of it as one
// without.
func TestTheSignatureOnARequestIsAccountedFor(t *testing.T) {
	h := newHouse(t)
	root := newLicensed(t, "某根", nil, h.clock.now)
	h.add(t, root)
	r := h.ask(t)
	h.restart(t)
	if _, err := h.bring(t, r, root.Certify(r.CSR, nil)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h.o.Log = slog.New(slog.NewTextHandler(&log, nil))
	before, err := h.Store.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.restart(t)
	after, err := h.Store.Journal().JournalSize(t.Context())
	if err != nil || after != before || strings.Contains(log.String(), "counter") {
		t.Errorf("%d leaves more, %v: %s", after-before, err, log.String())
	}
	key, err := h.Keys.Key(t.Context(), r.KeyID)
	if err != nil || key.Info().Uses != 1 {
		t.Errorf("%+v %v", key.Info(), err)
	}
}

// An idempotency key belongs to one request.
func TestARequestIsRetried(t *testing.T) {
	h := newHouse(t)
	ask := func(request byte, code string) (seal.Request, error) {
		return h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, code,
			&act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{request}})
	}
	first, err := ask(1, "52010000000077")
	if err != nil || first.ID != "52010000000077" {
		t.Fatal(first.ID, err)
	}
	if again, err := ask(1, "52010000000077"); err != nil || again.KeyID != first.KeyID || !bytes.Equal(again.CSR, first.CSR) {
		t.Error(again, err)
	}
	if _, err := ask(2, "52010000000077"); !errors.Is(err, seal.ErrRetryMismatch) {
		t.Error(err)
	}
	for _, code := range []string{"5201000000007", "44010000000077", "5201000000007x", "520100000000777"} {
		if _, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, code, nil); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("code %s: %v", code, err)
		}
	}
	for _, taken := range []string{first.ID, h.seal.ID} {
		if _, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, taken, nil); !errors.Is(err, seal.ErrTaken) {
			t.Errorf("code %s: %v", taken, err)
		}
	}
	if c, err := certs.ParseCertificate(first.CSR); err == nil {
		t.Error("a request is a certificate", c.Subject)
	}
}
