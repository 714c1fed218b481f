package server

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"

	"yinxin/internal/agency"
	"yinxin/seal"
)

func (s *Server) augmentRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/augment", agency.ScopeStamp, "put the evidence for later years into a sealed PDF that is good, or renew it", []string{"evidence"},
			raw(mediaPDF, mediaOctets).or(formOf(augmentParts{})), raw(mediaPDF), s.augment},
	}
}

// augmentParts are the multipart body.
type augmentParts struct {
	Document []byte `json:"document"`
}

// augment answers the document with the increment. It is no act, so that it needs no
// idempotency key: done twice it renews.
func (s *Server) augment(w http.ResponseWriter, r *http.Request) error {
	level := seal.LevelLTA
	if wanted := r.URL.Query().Get("evidence"); wanted != "" {
		level = seal.Level(wanted)
	}
	body, err := s.documentOf(r)
	if err != nil {
		return err
	}
	defer body.Close()
	release, err := s.sealing.hold(r.Context(), body.size)
	if err != nil {
		return err
	}
	defer release()
	done, err := s.p.Seals.Augment(r.Context(), body, body.size, level)
	if err != nil {
		return ruled(err)
	}
	w.Header().Set("Content-Type", mediaPDF)
	w.Header().Set("Content-Length", strconv.FormatInt(done.Size(), 10))
	w.WriteHeader(http.StatusOK)
	_, err = done.WriteTo(w)
	return err
}

// documentOf spools a body that is a document, or a form with one.
func (s *Server) documentOf(r *http.Request) (*spooled, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || media != mediaPDF && media != mediaOctets && media != "multipart/form-data":
		return nil, fail(wrongMediaType, "send "+mediaPDF+", "+mediaOctets+" or multipart/form-data")
	case media != "multipart/form-data":
		return spool(r.Body, s.maxBody, nil)
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	part, err := parts.NextPart()
	if errors.Is(err, io.EOF) {
		return nil, fail(badRequest, "the part `document` is missing")
	}
	if err != nil {
		return nil, bodyError(err)
	}
	if part.FormName() != "document" {
		return nil, fail(badRequest, "the part is `document`")
	}
	body, err := spool(part, s.maxBody, nil)
	if err != nil {
		return nil, bodyError(err)
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		_ = body.Close() // nothing of it is kept
		return nil, fail(badRequest, "there is one part, `document`")
	}
	return body, nil
}
