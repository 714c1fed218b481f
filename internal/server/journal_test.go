package server

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"

	"yinxin/internal/journal"
	"yinxin/seal"
)

// The receipt of a stamp leads to the journal's checkpoint within 2 seconds
// (protocol.md 7), and the journal goes on from there.
func TestReceiptsLeadToTheJournal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	go h.Run(t.Context())
	var e entryAnswer
	// A machine that stood still for a moment is not the journal's doing, three
	// times in a row is.
	for range 3 {
		stamp := h.StampJSON(t, `{"a":1}`)
		for end := time.Now().Add(2 * time.Second); e.Receipt.Checkpoint == "" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			e = entryAnswer{}
			h.get(t, "/api/v1/stamps/"+stamp.ID.String(), bearer(h.key)).want(t, http.StatusOK, &e)
		}
		if e.Receipt.Checkpoint != "" {
			break
		}
	}
	if e.Receipt.Checkpoint == "" {
		t.Fatal("no checkpoint within 2 seconds")
	}
	leaf, err := journal.CheckReceipt(h.Journal.Verifiers(), e.Receipt)
	if err != nil || leaf.Subject != h.Seal.ID || leaf.Act != seal.ActStamped {
		t.Fatalf("%+v %v", leaf, err)
	}
	e.Receipt.Leaf[len(e.Receipt.Leaf)-1] ^= 1
	if _, err := journal.CheckReceipt(h.Journal.Verifiers(), e.Receipt); err == nil {
		t.Error("another leaf has the same receipt")
	}
	e.Receipt.Leaf[len(e.Receipt.Leaf)-1] ^= 1

	first := h.get(t, "/journal/checkpoint").want(t, http.StatusOK, nil)
	if mt, cc := first.Header.Get("Content-Type"), first.Header.Get("Cache-Control"); mt != "text/plain; charset=utf-8" || cc != "no-cache" {
		t.Errorf("%s %s", mt, cc)
	}
	before, err := h.Journal.Verifiers().Open(first.body)
	if err != nil {
		t.Fatal(err)
	}
	h.StampJSON(t, `{"a":1}`)
	if err := h.Journal.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := h.Journal.Verifiers().Open(h.get(t, "/journal/checkpoint").want(t, http.StatusOK, nil).body)
	if err != nil || after.Size <= before.Size {
		t.Fatal(after.Size, err)
	}
	var p proofAnswer
	a := h.get(t, "/journal/proof?first="+number(before.Size)+"&second="+number(after.Size)).want(t, http.StatusOK, &p)
	if err := journal.CheckConsistency(before, after, p.Proof); err != nil || a.Header.Get("Cache-Control") != forEver {
		t.Error(err, a.Header)
	}
	tile := h.get(t, "/journal/tile/0/0").want(t, http.StatusOK, nil)
	if len(tile.body) != int(after.Size)*32 || tile.Header.Get("Content-Type") != mediaOctets || tile.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("a tile of %d octets, %v", len(tile.body), tile.Header)
	}
	for i := range after.Size {
		h.get(t, "/journal/proof?index="+number(i)+"&size="+number(after.Size)).want(t, http.StatusOK, &p)
		if err := proof.VerifyInclusion(journal.Hasher{}, i, after.Size, tile.body[32*i:32*i+32], p.Proof, after.Root[:]); err != nil {
			t.Fatalf("leaf %d: %v", i, err)
		}
	}
	for query, status := range map[string]int{
		"": 400, "index=0": 400, "index=x&size=1": 400, "index=-1&size=1": 400, "index=0&size=0": 400, "index=5&size=5": 400, "first=3&second=2": 400, "first=&second=2": 400,
		"index=0&size=9999": 404, "first=1&second=9999": 404, "index=0&size=99999999999999999999": 400,
	} {
		if a := h.get(t, "/journal/proof?"+query); a.StatusCode != status {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
}

func number(n uint64) string { b, _ := json.Marshal(n); return string(b) }
