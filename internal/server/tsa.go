package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"yinxin/ca/tsa"
)

func (s *Server) tsaRoutes() []endpoint {
	return []endpoint{
		{post, "/tsa", "", "time-stamp a digest (RFC 3161); a refusal is a reply too", nil, raw(tsa.MediaQuery).inBrief(), raw(tsa.MediaReply), s.timeStamp},
	}
}

// timeStamp answers a query of anyone's (RFC 3161 3.4). What is no query at all is a
// problem; a query that is refused gets a TimeStampResp that says why.
func (s *Server) timeStamp(w http.ResponseWriter, r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != tsa.MediaQuery {
		return fail(wrongMediaType, "a query is of type "+tsa.MediaQuery)
	}
	query, err := io.ReadAll(io.LimitReader(r.Body, tsa.MaxQuery+1))
	switch {
	case err != nil:
		return bodyError(err)
	case len(query) == 0:
		return fail(badRequest, "the body is empty; it is a TimeStampReq in DER")
	}
	reply, err := inTurn(r.Context(), s, func(ctx context.Context) ([]byte, error) {
		reply, refused := s.p.TSA.Answer(ctx, query)
		var told *tsa.Refusal
		if refused != nil && !errors.As(refused, &told) {
			s.log.Error("no time-stamp", "requestId", requestID(ctx), "error", refused)
		}
		return reply, nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, tsa.MediaReply, reply)
}
