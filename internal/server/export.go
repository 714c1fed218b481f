package server

import (
	"fmt"
	"net/http"
	"time"

	"yinxin/internal/sheet"
)

const (
	mediaCSV   = "text/csv"
	mediaLines = "application/jsonl"
)

// asTable tells whether the caller accepts a list whole, as a table or as lines.
func asTable(r *http.Request) (media string, format sheet.Format, ok bool) {
	switch {
	case accepts(r, mediaCSV):
		return mediaCSV, sheet.CSV, true
	case accepts(r, mediaLines):
		return mediaLines, sheet.Lines, true
	}
	return "", "", false
}

// exportEvery is how many rows are written before a client that reads slowly is
// given its time anew: what stops one that never reads must not stop a million rows.
const exportEvery = 10_000

// export streams a list. What fails on the way breaks the connection off, so that
// half a list does not look whole.
func export[T any](out *lateHeader, r *http.Request, columns sheet.Columns[T], format sheet.Format, each func(put func(T) error) error) error {
	list, err := sheet.New(out, columns, sheet.Options{Format: format, BOM: r.URL.Query().Get("bom") == "true"})
	if err != nil {
		return err
	}
	connection := http.NewResponseController(out.ResponseWriter)
	err = each(func(row T) error {
		if list.Rows()%exportEvery == 0 {
			// A writer that knows no deadline, such as a recorder's, needs none.
			_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		return list.Put(row)
	})
	if err != nil {
		return ruled(err)
	}
	if err := list.End(); err != nil {
		return err
	}
	out.begin() // an empty list too
	return nil
}

// lateHeader begins an answer at its first octet: until then a problem can still be
// answered.
type lateHeader struct {
	http.ResponseWriter
	media, name string
	begun       bool
}

func (l *lateHeader) begin() {
	if l.begun {
		return
	}
	l.begun = true
	h := l.Header()
	h.Set("Content-Type", l.media)
	if l.media == mediaCSV {
		h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present") // RFC 7111, RFC 4180 3
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", l.name+".csv"))
	}
	l.WriteHeader(http.StatusOK)
}

func (l *lateHeader) Write(b []byte) (int, error) {
	l.begin()
	return l.ResponseWriter.Write(b)
}
