package server

import (
	"context"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"yinxin/ca/ocsp"
	"yinxin/certs"
)

const (
	mediaOCSPRequest  = "application/ocsp-request"
	mediaOCSPResponse = "application/ocsp-response"

	// ocspByGet is the address of RFC 5019 5, what follows being the request.
	ocspByGet = "/ocsp/"
	// ocspCaching is RFC 5019 6.2. A cache on the way keeps an answer for a minute, as
	// it does a CRL: who must know what is so now asks by POST.
	ocspCaching = "max-age=60, public, no-transform, must-revalidate"
)

func (s *Server) ocspRoutes() []endpoint {
	return []endpoint{
		{post, "/ocsp", "", "status of certificates (RFC 6960), as of now", nil, raw(mediaOCSPRequest).inBrief(), raw(mediaOCSPResponse), s.ocspPost},
		{get, ocspByGet + "{request}", "", "status of a certificate (RFC 5019), cacheable", nil, content{}, raw(mediaOCSPResponse), s.ocspGet},
	}
}

// besideOCSP keeps OCSP by GET from the router, which would clean its path: base64
// has "//", and a redirect that no client follows is no answer.
func (s *Server) besideOCSP(router http.Handler) http.Handler {
	do := s.handleAs(ocspByGet+"{request}", s.ocspGet)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.HasPrefix(r.URL.Path, ocspByGet) {
			do.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

// ocspPost answers as of now.
func (s *Server) ocspPost(w http.ResponseWriter, r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != mediaOCSPRequest {
		return fail(wrongMediaType, "a request is "+mediaOCSPRequest)
	}
	request, err := io.ReadAll(io.LimitReader(r.Body, certs.MaxOCSPRequest+1))
	if err != nil {
		return bodyError(err)
	}
	a, err := s.ocsp(r, request, s.clock())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, mediaOCSPResponse, a.DER)
}

// ocspGet answers with what was signed within minutes, if it still holds.
func (s *Server) ocspGet(w http.ResponseWriter, r *http.Request) error {
	a, err := s.ocsp(r, ocspInPath(r.URL.Path), time.Time{})
	if err != nil {
		return err
	}
	h := w.Header()
	if !a.Public {
		h.Set("Cache-Control", "no-store")
		return writeBytes(w, http.StatusOK, mediaOCSPResponse, a.DER)
	}
	tag := `"` + a.Tag + `"`
	h.Set("ETag", tag)
	h.Set("Last-Modified", a.ThisUpdate.Format(http.TimeFormat))
	h.Set("Expires", a.NextUpdate.Format(http.TimeFormat))
	h.Set("Cache-Control", ocspCaching)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeBytes(w, http.StatusOK, mediaOCSPResponse, a.DER)
}

// ocspInPath reads the request out of a path that is unescaped already. RFC 5019 5
// has the base64 of RFC 4648 4 there; clients of the field leave the padding out,
// use the other alphabet, let "+" become a space, or write one slash too many. What
// is no base64 gives nothing, which is no request.
func ocspInPath(path string) []byte {
	text := strings.TrimLeft(path[len(ocspByGet):], "/")
	if len(text) > base64.StdEncoding.EncodedLen(certs.MaxOCSPRequest) {
		return nil
	}
	if strings.ContainsAny(text, "-_ ") {
		text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(text)
	}
	request, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return request
}

// ocsp gives an answer, counts it, and logs why there was none. A refusal is answered
// with 200 as any OCSP response is.
func (s *Server) ocsp(r *http.Request, request []byte, since time.Time) (ocsp.Answer, error) {
	return inTurn(r.Context(), s, func(ctx context.Context) (ocsp.Answer, error) {
		a, err := s.p.OCSP.Respond(ctx, request, since)
		s.metrics.ocsp.WithLabelValues(a.Status).Inc()
		if err != nil {
			s.log.Error("no OCSP answer", "requestId", requestID(ctx), "status", a.Status, "error", err)
		}
		return a, nil
	})
}
