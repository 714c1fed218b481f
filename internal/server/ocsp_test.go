package server

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// question is an OCSP request about the certificate of the house's seal.
func (h *house) question(t testing.TB, nonce []byte) []byte {
	t.Helper()
	serial, _ := new(big.Int).SetString(h.Seal.CertSerial, 16)
	return h.questionAbout(t, serial, nonce)
}

func (h *house) questionAbout(t testing.TB, serial *big.Int, nonce []byte) []byte {
	t.Helper()
	id, err := certs.NewCertID(h.issuing(t), serial)
	if err != nil {
		t.Fatal(err)
	}
	der, err := certs.BuildOCSPRequest(id, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (h *house) issuing(t testing.TB) *certs.Certificate {
	t.Helper()
	c, err := h.CA.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	return c.Certificate
}

// ocsp reads an answer that must be one, and signed for the issuing authority.
func (h *house) ocsp(t testing.TB, a answer) *certs.OCSPResponse {
	t.Helper()
	a.want(t, http.StatusOK, nil)
	if media := a.Header.Get("Content-Type"); media != mediaOCSPResponse {
		t.Fatalf("Content-Type %q", media)
	}
	r, err := certs.ParseOCSPResponse(a.body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CheckSignatureFrom(h.issuing(t)); err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) ask(t testing.TB, request []byte) answer {
	t.Helper()
	return h.call(t, http.MethodPost, "/ocsp", bytes.NewReader(request), media(mediaOCSPRequest))
}

func TestOCSPByPost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.ask(t, h.question(t, []byte("nonce")))
	r := h.ocsp(t, a)
	if r.Answers[0].Status != certs.OCSPGood || string(r.Nonce) != "nonce" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v %v", r, a.Header)
	}
	// As of now, a minute later too.
	h.Clock.Move(time.Minute)
	if r := h.ocsp(t, h.ask(t, h.question(t, nil))); !r.Answers[0].ThisUpdate.Equal(h.Clock.Now().UTC().Truncate(time.Second)) {
		t.Errorf("as of %s", r.Answers[0].ThisUpdate)
	}
	h.call(t, http.MethodPost, "/ocsp", bytes.NewReader(h.question(t, nil))).problem(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	for name, request := range map[string][]byte{"nothing": nil, "no request": []byte("x"), "too long": make([]byte, certs.MaxOCSPRequest+1)} {
		if a := h.ask(t, request).want(t, http.StatusOK, nil); !bytes.Equal(a.body, []byte{0x30, 3, 0x0a, 1, 1}) {
			t.Errorf("%s: %x", name, a.body)
		}
	}
	leaf, err := h.CA.Certificate(t.Context(), h.Seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(leaf.DER)
	if err != nil {
		t.Fatal(err)
	}
	id, err := certs.NewCertID(c, big.NewInt(1)) // no authority of ours
	if err != nil {
		t.Fatal(err)
	}
	request, err := certs.BuildOCSPRequest(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.ask(t, request); !bytes.Equal(a.body, []byte{0x30, 3, 0x0a, 1, 6}) || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%x %v", a.body, a.Header)
	}
	if a := h.get(t, "/metrics"); !strings.Contains(string(a.body), `yinxin_ocsp_responses_total{status="unauthorized"} 1`) {
		t.Error("it is not counted")
	}
}

// withSlashes finds a request whose base64 has what a path does not like.
func (h *house) withSlashes(t testing.TB, want string) []byte {
	t.Helper()
	for n := int64(1); n < 1<<16; n++ {
		// Digits of the serial number that base64 shows as slashes.
		serial, _ := new(big.Int).SetString("ffffff"+big.NewInt(n<<8|0xfb).Text(16), 16)
		request := h.questionAbout(t, serial.Rsh(serial, 1), nil)
		if strings.Contains(base64.StdEncoding.EncodeToString(request), want) {
			return request
		}
	}
	t.Fatalf("no request has %q", want)
	return nil
}

// Each way in which clients of the field put base64 into a path.
func TestOCSPByGet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, within := range []string{"//", "+", "="} {
		request := h.withSlashes(t, within)
		text := base64.StdEncoding.EncodeToString(request)
		for name, path := range map[string]string{
			"percent-encoded": url.QueryEscape(text), "as it is": text, "a lower-case escape": "%2f" + url.QueryEscape(text),
			"without padding": strings.TrimRight(text, "="), "the other alphabet": base64.URLEncoding.EncodeToString(request), "a slash more": "/" + text,
			"plus as a space": strings.ReplaceAll(url.PathEscape(text), "+", "%20"),
		} {
			r := h.ocsp(t, h.get(t, "/ocsp/"+path))
			if asked, _ := certs.ParseOCSPRequest(request); !bytes.Equal(r.Answers[0].ID.Raw, asked.IDs[0].Raw) || r.Answers[0].Status != certs.OCSPUnknown {
				t.Errorf("%s with %q: %+v", name, within, r.Answers[0])
			}
		}
	}
	for name, path := range map[string]string{"no base64": "!", "nothing": "", "no request": "AAAA", "cut": base64.StdEncoding.EncodeToString(h.question(t, nil))[:41], "very long": strings.Repeat("A", 6000)} {
		a := h.get(t, "/ocsp/"+path).want(t, http.StatusOK, nil)
		if !bytes.Equal(a.body, []byte{0x30, 3, 0x0a, 1, 1}) || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("ETag") != "" {
			t.Errorf("%s: %x %v", name, a.body, a.Header)
		}
	}
}

// RFC 5019 6.2, and a revocation that every later question is answered with.
func TestOCSPIsCached(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := "/ocsp/" + url.QueryEscape(base64.StdEncoding.EncodeToString(h.question(t, nil)))
	first := h.get(t, path)
	r := h.ocsp(t, first)
	one := r.Answers[0]
	tag := first.Header.Get("ETag")
	for name, want := range map[string]string{"Cache-Control": "max-age=60, public, no-transform, must-revalidate", "Last-Modified": one.ThisUpdate.Format(http.TimeFormat), "Expires": one.NextUpdate.Format(http.TimeFormat)} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if one.Status != certs.OCSPGood || len(tag) != 66 {
		t.Errorf("%+v %s", one, tag)
	}
	h.Clock.Move(time.Minute)
	if again := h.get(t, path); !bytes.Equal(again.body, first.body) {
		t.Error("it was signed anew")
	}
	if a := h.get(t, path, header("If-None-Match", tag)).want(t, http.StatusNotModified, nil); len(a.body) != 0 || a.Header.Get("ETag") != tag {
		t.Errorf("%x %v", a.body, a.Header)
	}
	if a := h.call(t, http.MethodHead, path, nil); len(a.body) != 0 || a.Header.Get("ETag") != tag || a.ContentLength != int64(len(first.body)) {
		t.Errorf("HEAD: %v", a.Header)
	}
	h.post(t, "/api/v1/certificates/"+h.Seal.CertSerial+"/revoke", `{"operator":"x","grounds":"lost","reason":"keyCompromise"}`).want(t, http.StatusOK, nil)
	for name, a := range map[string]answer{"plain": h.get(t, path), "if changed": h.get(t, path, header("If-None-Match", tag)), "by POST": h.ask(t, h.question(t, nil))} {
		if one := h.ocsp(t, a).Answers[0]; one.Status != certs.OCSPRevoked || one.Revoked.Reason != certs.ReasonKeyCompromise {
			t.Errorf("%s: %+v", name, one)
		}
	}
	h.call(t, http.MethodPost, "/ocsp/x", nil).problem(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	// What is asked about stays out of the log and of the metrics.
	if log := h.log.String(); strings.Contains(log, strings.TrimPrefix(path, "/ocsp/")[:20]) || !strings.Contains(log, `"route":"/ocsp/{request}"`) {
		t.Error("the log shows the question, or no route")
	}
	if a := h.get(t, "/metrics"); !strings.Contains(string(a.body), `route="/ocsp/{request}"`) {
		t.Error("the route is not measured")
	}
}
