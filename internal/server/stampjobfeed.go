package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"yinxin/internal/act"
	"yinxin/seal/batch"
)

// multiparted bounds a body of many documents: each by the size of one, all by that
// of a job, and the calls of an agency by batch.MaxFeeds. They take no place of those
// who wait for one stamp.
func (s *Server) multiparted(do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		const limit = batch.MaxBytes + batch.MaxItems*1024 // with the frame around each
		if r.ContentLength > limit {
			return fail(tooLarge, "")
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		return do(w, r)
	}
}

// parts reads multipart, giving each part time of its own: what stops a client that
// sends an octet a minute must not stop ten thousand documents.
type parts struct {
	*multipart.Reader
	connection *http.ResponseController
	held       *multipart.Part // read ahead of its turn
}

func partsOf(w http.ResponseWriter, r *http.Request) (*parts, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, fail(wrongMediaType, "send multipart/form-data")
	}
	return &parts{Reader: multipart.NewReader(r.Body, params["boundary"]), connection: http.NewResponseController(w)}, nil
}

// next gives the next part, io.EOF at the end of the body.
func (p *parts) next() (*multipart.Part, error) {
	if part := p.held; part != nil {
		p.held = nil
		return part, nil
	}
	// A connection that knows no deadlines, such as a recorder's, needs none.
	_ = p.connection.SetReadDeadline(time.Now().Add(readTimeout))
	_ = p.connection.SetWriteDeadline(time.Now().Add(readTimeout + writeTimeout))
	part, err := p.NextPart()
	if err != nil && err != io.EOF { // in an error around it, it is a body that broke off
		return nil, bodyError(err)
	}
	return part, err
}

// makeJob begins a job. With documents it is started when all have come; if the call
// breaks off, the same again with its Idempotency-Key goes on.
func (s *Server) makeJob(w http.ResponseWriter, r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "application/json" {
		var form jobForm
		if err := actForm(r, &form, &form.Operator); err != nil {
			return err
		}
		j, err := s.jobOf(w, r, form)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusAccepted, answerOf(j))
	}
	p, err := partsOf(w, r)
	if err != nil {
		return err
	}
	form, err := p.jobForm(r)
	if err != nil {
		return err
	}
	// Of a call without a document no job is left behind, to be counted for a week.
	switch p.held, err = p.next(); {
	case err == io.EOF:
		return fail(badRequest, "there is no document")
	case err != nil:
		return err
	}
	j, err := s.jobOf(w, r, form)
	if err != nil {
		return err
	}
	if j.State == batch.Open {
		if j, _, err = s.feed(r, j.ID, p); err == nil {
			j, err = s.p.Batches.Start(r.Context(), j.ID, batch.ByOf(form.request(r)))
		}
		if err != nil {
			return ruled(err)
		}
	} else if err := p.pass(); err != nil { // an answer before the body's end would be lost
		return err
	}
	return writeJSON(w, http.StatusAccepted, answerOf(j))
}

// pass reads the body to its end.
func (p *parts) pass() error {
	for {
		switch _, err := p.next(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// jobForm reads the first part.
func (p *parts) jobForm(r *http.Request) (form jobForm, err error) {
	part, err := p.next()
	if err != nil && err != io.EOF {
		return form, err
	}
	if err == io.EOF || part.FormName() != "request" {
		return form, fail(badRequest, "the first part is `request`, and the others are `document`")
	}
	b, err := io.ReadAll(io.LimitReader(part, maxForm+1))
	if err != nil {
		return form, bodyError(err)
	}
	if len(b) > maxForm {
		return form, fail(tooLarge, "the part `request` is too long")
	}
	if err := decodeForm(b, &form); err != nil {
		return form, err
	}
	return form, named(r, &form.Operator)
}

// jobOf makes the job, and tells where it is even if the documents break off.
func (s *Server) jobOf(w http.ResponseWriter, r *http.Request, form jobForm) (batch.Job, error) {
	if form.SealID == "" {
		return batch.Job{}, fail(badRequest, "the request names no seal: `sealId`")
	}
	key, err := retry(r, form, noDocument)
	if err != nil {
		return batch.Job{}, err
	}
	request := form.request(r)
	j, err := s.p.Batches.Make(r.Context(), batch.MakeRequest{Agency: request.Agency, By: batch.ByOf(request), Template: batch.TemplateOf(request, form.Detached), Retry: key})
	if err != nil {
		return j, ruled(err)
	}
	w.Header().Set("Location", "/api/v1/stamp-jobs/"+j.ID.String())
	return j, nil
}

func (s *Server) feedJob(w http.ResponseWriter, r *http.Request) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	p, err := partsOf(w, r)
	if err != nil {
		return err
	}
	j, known, err := s.feed(r, j.ID, p)
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusOK, fedAnswer{answerOf(j), known})
}

// feed takes the documents that follow. Those that came whole are kept when the call
// breaks off.
func (s *Server) feed(r *http.Request, id act.ID, p *parts) (j batch.Job, known int, err error) {
	f, err := s.p.Batches.Feed(r.Context(), id)
	if err != nil {
		return j, 0, err
	}
	for err == nil {
		var part *multipart.Part
		if part, err = p.next(); err != nil {
			break
		}
		if part.FormName() != "document" || part.FileName() == "" {
			err = fail(badRequest, "each part is a `document` with a filename")
			break
		}
		err = f.Add(r.Context(), part.FileName(), sentBody{part}, s.maxBody)
	}
	if err == io.EOF {
		err = nil
	}
	// The caller may be gone, and its next call is to find what came.
	j, cerr := f.Close(context.WithoutCancel(r.Context()))
	return j, f.Known, errors.Join(err, cerr)
}

// sentBody tells a body that broke off from a disk that failed.
type sentBody struct{ io.Reader }

func (b sentBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = bodyError(err)
	}
	return n, err
}
