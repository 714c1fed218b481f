package province

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// stampedElsewhere is a province whose seals are time-stamped by another's authority.
func stampedElsewhere(t *testing.T, other *house, certificate []byte) *house {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		reply, _ := other.TSA.Answer(r.Context(), q)
		w.Header().Set("Content-Type", tsa.MediaReply)
		_, _ = w.Write(reply)
	}))
	t.Cleanup(s.Close)
	o := other.o
	o.Dir = filepath.Join(t.TempDir(), "data")
	id := Identity{Region: "440000", Name: "广东省", URL: "http://127.0.0.1:1", TSA: &OutsideTSA{URL: s.URL + "/tsa", Certificate: certificate}}
	if err := Init(t.Context(), o, id); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{p, o, other.clock, seal.Seal{}}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.Agencies.Add(t.Context(), agency.AddRequest{ID: testAgency, Name: "示例局", Region: "440000", Who: "test"}); err != nil {
		t.Fatal(err)
	}
	if h.seal, err = p.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSealsStampedElsewhere(t *testing.T) {
	other := newHouse(t)
	issuing, err := other.CA.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	h := stampedElsewhere(t, other, issuing.Certificate.Raw)
	signer, err := other.CA.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Seals.StampJSON(t.Context(), h.request(), []byte(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(s.Token, signer.Certificate.Raw) {
		t.Fatal("the stamp does not hold the other authority's token")
	}
	h.sealPDF(t, sample(t, "decision.pdf"))
	// The entry is rebuilt for a retry as it was given out.
	if entry, err := h.Seals.Entry(t.Context(), s.ID); err != nil || entry.SealedAt.IsZero() {
		t.Fatal(err)
	}
	// It refuses, and nothing is sealed: the province's own does not step in.
	if _, err := other.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: signer.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "lost"}); err != nil {
		t.Fatal(err)
	}
	acts, err := h.Store.Journal().CountActs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.tryJSON(t, `{"n":2}`); !errors.Is(err, tsa.ErrOutside) {
		t.Fatal(err)
	}
	if n, err := h.Store.Journal().CountActs(t.Context()); err != nil || n != acts {
		t.Fatalf("%d acts after %d: %v", n, acts, err)
	}
}

// A token of an authority that nobody here trusts is as good as none.
func TestAStrangersTimeStamp(t *testing.T) {
	other := newHouse(t)
	maker, err := other.CA.Purpose(t.Context(), ca.PurposeSealMaker)
	if err != nil {
		t.Fatal(err)
	}
	for name, certificate := range map[string][]byte{"not on the trust lists": nil, "another certificate is configured": maker.Certificate.Raw} {
		h := stampedElsewhere(t, other, certificate)
		if err := h.tryJSON(t, `{"n":1}`); !errors.Is(err, tsa.ErrOutside) || !errors.Is(err, certs.ErrUnknownIssuer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
