package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/sheet"
	"yinxin/seal/batch"
)

// jobForm is what is asked for each document of a job.
type jobForm struct {
	orderForm
}

// jobParts begin a job with its documents, each with its file's name; documentParts
// add to one.
type (
	jobParts struct {
		Request   jobForm  `json:"request" api:"required"`
		Documents []octets `json:"document"`
	}
	documentParts struct {
		Documents []octets `json:"document" api:"required"`
	}
)

// jobAnswer is a job with what follows from it.
type jobAnswer struct {
	batch.Job
	Queued  int       `json:"queued"`
	Expires time.Time `json:"expires,omitzero"` // when its documents are removed
}

func answerOf(j batch.Job) jobAnswer {
	return jobAnswer{j, j.Items - j.Sealed - j.Failed, j.Expires()}
}

// fedAnswer is a job that was given documents: those of the call that it had already
// are counted apart.
type fedAnswer struct {
	jobAnswer
	Known int `json:"known"`
}

func (s *Server) stampJobRoutes() []endpoint {
	const jobs = "/api/v1/stamp-jobs"
	accepted := content{status: http.StatusAccepted, media: map[string]any{"application/json": jobAnswer{}}}
	return []endpoint{
		{post, jobs, agency.ScopeStamp, "seal many documents in one job: with its documents, which starts it, or empty", []string{"Idempotency-Key"}, formOf(jobParts{}).or(jsonOf(jobForm{})).inParts(), accepted, s.makeJob},
		{get, jobs, agency.ScopeStamp, "list jobs", listing, content{}, jsonOf(listOf[jobAnswer]{}), s.jobs},
		{get, jobs + "/{id}", agency.ScopeStamp, "show a job and how far it is", nil, content{}, jsonOf(jobAnswer{}), s.job},
		{post, jobs + "/{id}/documents", agency.ScopeStamp, "add documents; one that the job has already is passed over", nil, formOf(documentParts{}).inParts(), jsonOf(fedAnswer{}), s.feedJob},
		{post, jobs + "/{id}/start", agency.ScopeStamp, "let a job run", nil, jsonOf(changeForm{}), accepted, s.startJob},
		{post, jobs + "/{id}/retry", agency.ScopeStamp, "try the failed documents of a job again", nil, jsonOf(changeForm{}), accepted, s.retryJob},
		{post, jobs + "/{id}/cancel", agency.ScopeStamp, "end a job; what is sealed stays sealed", nil, jsonOf(changeForm{}), jsonOf(jobAnswer{}), s.cancelJob},
		{get, jobs + "/{id}/items", agency.ScopeStamp, "the documents of a job: a page as JSON, all as a table or as lines", []string{"state", "limit", "cursor", "bom"}, content{}, jsonOf(listOf[batch.Item]{}).or(raw(mediaCSV, mediaLines)), s.jobItems},
		{get, jobs + "/{id}/items/{n}/document", agency.ScopeStamp, "a sealed document of a job", nil, content{}, raw(mediaPDF, mediaOFD, mediaOctets), s.jobDocument},
		{get, jobs + "/{id}/documents", agency.ScopeStamp, "all that is sealed of a job, as a zip with a table of its documents", nil, content{}, raw(mediaZIP), s.jobArchive},
	}
}

// ownJob shows a job to those who may act for its agency.
func (s *Server) ownJob(r *http.Request) (batch.Job, error) {
	id, err := act.ParseID(mux.Vars(r)["id"])
	if err != nil {
		return batch.Job{}, batch.ErrNotFound
	}
	j, err := s.p.Batches.Show(r.Context(), id)
	if err != nil {
		return j, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(j.Agency) {
		return batch.Job{}, batch.ErrNotFound // that there is one is not everyone's to know
	}
	return j, nil
}

func (s *Server) jobs(w http.ResponseWriter, r *http.Request) error {
	of, err := agencyAsked(r)
	if err != nil {
		return err
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	rows, next, err := s.p.Batches.List(r.Context(), of, cursor, limit)
	if err != nil {
		return err
	}
	items := make([]jobAnswer, len(rows))
	for i, j := range rows {
		items[i] = answerOf(j)
	}
	return writeList(w, items, next)
}

func (s *Server) job(w http.ResponseWriter, r *http.Request) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answerOf(j))
}

func (s *Server) startJob(w http.ResponseWriter, r *http.Request) error {
	return s.changeJob(w, r, http.StatusAccepted, func(ctx context.Context, j batch.Job, by batch.By, _ changeForm) (batch.Job, error) {
		return s.p.Batches.Start(ctx, j.ID, by)
	})
}

func (s *Server) retryJob(w http.ResponseWriter, r *http.Request) error {
	return s.changeJob(w, r, http.StatusAccepted, func(ctx context.Context, j batch.Job, by batch.By, _ changeForm) (batch.Job, error) {
		return s.p.Batches.Retry(ctx, j.ID, by)
	})
}

func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) error {
	return s.changeJob(w, r, http.StatusOK, func(ctx context.Context, j batch.Job, _ batch.By, form changeForm) (batch.Job, error) {
		return s.p.Batches.Cancel(ctx, j.ID, form.Operator, form.Reason)
	})
}

func (s *Server) changeJob(w http.ResponseWriter, r *http.Request, status int, do func(ctx context.Context, j batch.Job, by batch.By, form changeForm) (batch.Job, error)) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	var form changeForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	if j, err = do(r.Context(), j, batch.ByOf((&orderForm{}).request(r)), form); err != nil {
		return ruled(err)
	}
	return writeJSON(w, status, answerOf(j))
}

// jobSheet shows a job's documents as a table.
var jobSheet = sheet.Columns[batch.Item]{Header: batch.ItemColumns(), Cells: batch.Item.Cells}

func (s *Server) jobItems(w http.ResponseWriter, r *http.Request) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	after := 0
	if cursor != "" {
		if after, err = strconv.Atoi(cursor); err != nil || after < 0 || after > batch.MaxItems {
			return batch.ErrNotFound
		}
	}
	state, err := queryWord(r.URL.Query(), "state", batch.Queued, batch.Sealed, batch.Failed)
	if err != nil {
		return err
	}
	if media, format, ok := asTable(r); ok {
		out := &lateHeader{ResponseWriter: w, media: media, name: "job"}
		return export(out, r, jobSheet, format, func(put func(batch.Item) error) error {
			return s.p.Batches.EachItem(r.Context(), j.ID, state, after, put)
		})
	}
	items, err := s.p.Batches.Items(r.Context(), j.ID, state, after, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = strconv.Itoa(items[limit-1].N)
	}
	return writeList(w, items, next)
}
