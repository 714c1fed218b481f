package server

import (
	"bytes"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/certs"
)

func timeQuery(t testing.TB) []byte {
	t.Helper()
	sum := sm3.Sum([]byte("decision"))
	q := tsa.Query{Hash: certs.OIDSM3, Imprint: sum[:], Nonce: big.NewInt(7), Certificates: true}
	der, err := q.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

var (
	granted      = []byte{0x30, 3, 2, 1, 0} // PKIStatusInfo
	timeNotThere = []byte{3, 3, 1, 0, 2}    // failInfo: bit 14
)

func TestTimeStampsOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ask := func(body []byte, sets ...set) answer {
		return h.call(t, http.MethodPost, "/tsa", bytes.NewReader(body), append([]set{media(tsa.MediaQuery)}, sets...)...)
	}
	a := ask(timeQuery(t)).want(t, http.StatusOK, nil)
	if mt := a.Header.Get("Content-Type"); mt != tsa.MediaReply || !bytes.Contains(a.body[:16], granted) {
		t.Fatalf("%s %x", mt, a.body)
	}
	// A refusal is a reply of RFC 3161; what is no query at all is a problem.
	if a := ask([]byte("no query")).want(t, http.StatusOK, nil); bytes.Contains(a.body, granted) || a.Header.Get("Content-Type") != tsa.MediaReply {
		t.Fatalf("%x", a.body)
	}
	ask(make([]byte, 1<<20)).want(t, http.StatusOK, nil)
	ask(nil).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	ask(timeQuery(t), media("application/octet-stream")).problem(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	h.get(t, "/tsa").problem(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")

	h.Clock.Move(-10 * time.Minute)
	if a := ask(timeQuery(t)).want(t, http.StatusOK, nil); !bytes.Contains(a.body, timeNotThere) || !bytes.Contains(a.body, []byte("the clock went backwards")) {
		t.Fatalf("%q", a.body)
	}
	sealed := h.post(t, "/api/v1/stamps", `{"seal":"`+h.Seal.ID+`","operator":"x","format":"json","document":{"a":1}}`)
	if sealed.StatusCode == http.StatusOK {
		t.Fatal("sealed while the clock is off")
	}
	h.Clock.Move(10 * time.Minute)
	ask(timeQuery(t)).want(t, http.StatusOK, nil)

	c, err := h.CA.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: c.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "lost"}); err != nil {
		t.Fatal(err)
	}
	if a := ask(timeQuery(t)).want(t, http.StatusOK, nil); !bytes.Contains(a.body, timeNotThere) {
		t.Fatalf("%q", a.body)
	}
	h.Clock.Move(time.Second)
	if _, err := h.CA.Renew(t.Context(), ca.PurposeTSA, "test", "lost"); err != nil {
		t.Fatal(err)
	}
	if a := ask(timeQuery(t)).want(t, http.StatusOK, nil); !bytes.Contains(a.body[:16], granted) {
		t.Fatalf("%q %s", a.body, h.log)
	}
}
