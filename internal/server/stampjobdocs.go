package server

import (
	"archive/zip"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/sheet"
	"yinxin/seal/batch"
)

const mediaZIP = "application/zip"

func (s *Server) jobDocument(w http.ResponseWriter, r *http.Request) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(mux.Vars(r)["n"])
	if err != nil || n < 1 || n > batch.MaxItems {
		return batch.ErrNotFound
	}
	item, err := s.p.Batches.Item(r.Context(), j.ID, n)
	if err != nil {
		return err
	}
	release, err := s.sealing.hold(r.Context(), item.Size)
	if err != nil {
		return err
	}
	defer release()
	done, closed, err := s.p.Batches.Document(r.Context(), j, item)
	if err != nil {
		return ruled(err)
	}
	defer func() { _ = closed() }() // it was only read
	h := w.Header()
	h.Set("Yinxin-Stamp-Id", done.ID.String())
	h.Set("Yinxin-Verification-Code", done.Code)
	h.Set("Content-Type", mediaOf[done.Format])
	h.Set("Content-Length", strconv.FormatInt(done.Size(), 10))
	w.WriteHeader(http.StatusOK)
	_, err = done.WriteTo(w)
	return err
}

// jobArchive streams what is sealed by now. What fails on the way breaks the
// connection off: an archive without its directory looks like none.
func (s *Server) jobArchive(w http.ResponseWriter, r *http.Request) error {
	j, err := s.ownJob(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaZIP)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", j.ID.String()+".zip"))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	archive, connection := zip.NewWriter(w), http.NewResponseController(w)
	err = s.p.Batches.EachItem(r.Context(), j.ID, batch.Sealed, 0, func(i batch.Item) error {
		// A writer that knows no deadline, such as a recorder's, needs none.
		_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout))
		release, err := s.sealing.hold(r.Context(), i.Size)
		if err != nil {
			return err
		}
		defer release()
		return s.archived(r.Context(), archive, j, i)
	})
	if err != nil {
		return err
	}
	table, err := archive.Create("job.csv")
	if err != nil {
		return err
	}
	list, err := sheet.New(table, jobSheet, sheet.Options{Format: sheet.CSV})
	if err != nil {
		return err
	}
	if err := s.p.Batches.EachItem(r.Context(), j.ID, "", 0, list.Put); err != nil {
		return err
	}
	if err := list.End(); err != nil {
		return err
	}
	return archive.Close()
}

func (s *Server) archived(ctx context.Context, archive *zip.Writer, j batch.Job, i batch.Item) error {
	done, closed, err := s.p.Batches.Document(ctx, j, i)
	if err != nil {
		return err
	}
	defer func() { _ = closed() }() // it was only read
	// Stored: a sealed document has little left to deflate.
	entry, err := archive.CreateHeader(&zip.FileHeader{Name: "documents/" + j.SealedName(i.Name), Method: zip.Store, Modified: done.SealedAt})
	if err != nil {
		return err
	}
	_, err = done.WriteTo(entry)
	return err
}
