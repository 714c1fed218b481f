package server

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"yinxin/internal/journal"
)

func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) error {
	note, err := s.p.Journal.Latest(r.Context())
	if err != nil {
		return err
	}
	if note == nil {
		return fail(notFound, "nothing has been journaled")
	}
	w.Header().Set("Cache-Control", "no-cache")
	return writeBytes(w, http.StatusOK, "text/plain; charset=utf-8", note)
}

const (
	fullTile = 256 * 32 // octets of a tile that nothing will be added to
	forEver  = "public, max-age=31536000, immutable"
)

func (s *Server) tile(w http.ResponseWriter, r *http.Request) error {
	level, err1 := strconv.ParseUint(mux.Vars(r)["level"], 10, 8)
	index, err2 := strconv.ParseUint(mux.Vars(r)["index"], 10, 63)
	if err1 != nil || err2 != nil {
		return fail(badRequest, "level and index are numbers")
	}
	b, err := s.p.Journal.Tile(r.Context(), uint(level), index)
	if errors.Is(err, journal.ErrNotCovered) {
		return fail(notFound, "no checkpoint covers this tile")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	if len(b) == fullTile {
		w.Header().Set("Cache-Control", forEver)
	}
	return writeBytes(w, http.StatusOK, mediaOctets, b)
}

// proofAnswer is a path of hashes (RFC 6962 2.1).
type proofAnswer struct {
	Proof [][]byte `json:"proof"`
}

func (s *Server) proof(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	names, prove := [2]string{"index", "size"}, s.p.Journal.Inclusion
	if q.Has("first") {
		names, prove = [2]string{"first", "second"}, s.p.Journal.Consistency
	}
	var n [2]uint64
	for i, name := range names {
		var err error
		if n[i], err = strconv.ParseUint(q.Get(name), 10, 63); err != nil {
			return fail(badRequest, name+" is a number")
		}
	}
	if n[1] == 0 || n[0] > n[1] || n[0] == n[1] && !q.Has("first") {
		return fail(badRequest, "there is no proof of "+names[0]+" for "+names[1])
	}
	path, err := prove(r.Context(), n[0], n[1])
	if errors.Is(err, journal.ErrNotCovered) {
		return fail(notFound, "no checkpoint covers a tree of this size")
	}
	if err != nil {
		return err
	}
	// What was proven once stays so.
	w.Header().Set("Cache-Control", forEver)
	return writeJSON(w, http.StatusOK, proofAnswer{path})
}
