package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"
	"yinxin/internal/act"

	"github.com/tjfoc/gmsm/sm3"
)

const (
	maxForm     = 64 << 10 // the request beside a document, and other small bodies
	maxKey      = 200      // characters of an Idempotency-Key
	maxPage     = 500
	aPage       = 50
	mediaPDF    = "application/pdf"
	mediaOctets = "application/octet-stream"
)

// decodeForm refuses members it does not know: a misspelt one would be passed
// over, and the seal put elsewhere than meant.
func decodeForm(b []byte, into any) error {
	if !utf8.Valid(b) {
		return fail(badRequest, "the request is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return failBy(badRequest, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fail(badRequest, "something follows the JSON of the request")
	}
	return nil
}

// partError tells a body that was too long, or a failing disk, from one that is
// no multipart.
func partError(err error) error {
	var large *http.MaxBytesError
	var f *failure
	if errors.As(err, &large) || errors.As(err, &f) {
		return err
	}
	return fail(badRequest, "the multipart body breaks off or is none")
}

// retry makes the idempotency key of a request: it belongs to the agency, and
// the request's own bytes go with it.
func retry(r *http.Request, request any, document [32]byte) (*act.Retry, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return nil, nil
	}
	if len(key) > maxKey {
		return nil, fail(badRequest, "the Idempotency-Key is longer than 200 characters")
	}
	caller, _ := callerOf(r.Context())
	b, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	h := sm3.New()
	io.WriteString(h, r.Method+" "+r.URL.Path+"\n")
	h.Write(b)
	h.Write(document[:])
	return &act.Retry{Owner: caller.Agency, Key: key, Request: [32]byte(h.Sum(nil))}, nil
}

// page reads limit and cursor.
func page(r *http.Request) (cursor string, limit int, err error) {
	limit = aPage
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return "", 0, fail(badRequest, "limit is 1 to 500")
		}
	}
	return r.URL.Query().Get("cursor"), limit, nil
}

func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func smallForm(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return partError(err)
	}
	if len(b) > maxForm {
		return fail(tooLarge, "")
	}
	return decodeForm(b, into)
}
