package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
)

const (
	maxForm     = 64 << 10 // the request beside a document, and other small bodies
	maxKey      = 200      // characters of an Idempotency-Key
	maxPage     = 500
	aPage       = 50
	mediaPDF    = "application/pdf"
	mediaOFD    = "application/ofd"
	mediaOctets = "application/octet-stream"
)

// bodyError tells a body that was too long, or a failing disk, from one that
// broke off: whatever else stops a body from being read is its sender's doing.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var f *failure
	if err == nil || errors.As(err, &large) || errors.As(err, &f) {
		return err
	}
	return &failure{refusal: badRequest, detail: "the body breaks off or is not in its format", cause: err}
}

// noDocument is for requests that are all form.
func noDocument() (sum [32]byte, err error) { return sum, nil }

// retry makes the idempotency key of a request: it belongs to the agency, and
// the request's own bytes go with it, the document by its SM3.
func retry(r *http.Request, request any, document func() ([32]byte, error)) (*act.Retry, error) {
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
	sum, err := document()
	if err != nil {
		return nil, err
	}
	h := sm3.New()
	io.WriteString(h, r.Method+" "+r.URL.Path+"\n")
	h.Write(b)
	h.Write(sum[:])
	return &act.Retry{Owner: caller.Agency, Key: key, Request: [32]byte(h.Sum(nil))}, nil
}

var errLimit = fail(badRequest, "limit is 1 to 500")

// page reads limit and cursor.
func page(r *http.Request) (cursor string, limit int, err error) {
	limit = aPage
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return "", 0, errLimit
		}
	}
	return r.URL.Query().Get("cursor"), limit, nil
}

// listOf is the envelope of a list: next is the cursor to go on from, empty at the
// end.
type listOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func writeList[T any](w http.ResponseWriter, items []T, next string) error {
	if items == nil {
		items = []T{}
	}
	return writeJSON(w, http.StatusOK, listOf[T]{items, next})
}

// pageOf lists what belongs to an agency, a page at a time.
func pageOf[T any](list func(r *http.Request, agency, cursor string, limit int) ([]T, string, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		of, err := agencyAsked(r)
		if err != nil {
			return err
		}
		cursor, limit, err := page(r)
		if err != nil {
			return err
		}
		items, next, err := list(r, of, cursor, limit)
		if err != nil {
			return ruled(err)
		}
		return writeList(w, items, next)
	}
}

// queryWord reads a parameter that is one of a few words and may be left out: a list
// by a word that nobody knows would be empty, and be believed.
func queryWord[T ~string](q url.Values, name string, known ...T) (T, error) {
	word := T(q.Get(name))
	if word != "" && !slices.Contains(known, word) {
		return "", fail(badRequest, fmt.Sprintf("%s is one of %q", name, known))
	}
	return word, nil
}

// queryTime reads a parameter that may be left out.
func queryTime(q url.Values, name string) (time.Time, error) {
	text := q.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fail(badRequest, name+" is no time such as 2026-11-24T08:00:00Z")
	}
	return t, nil
}

func smallForm(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return bodyError(err)
	}
	if len(b) > maxForm {
		return fail(tooLarge, "")
	}
	return decodeForm(b, into)
}
