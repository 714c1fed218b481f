package server

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/seal"
)

// mediaOf is the type of a sealed document on its own. A JSON document's own type
// is that of the answer around it, so it is to be had as octets.
var mediaOf = map[string]string{"pdf": mediaPDF, "ofd": mediaOFD, "json": mediaOctets, "file": mediaOctets}

// stampAnswer is the answer to a stamp; the sealed document follows as its last
// member: JSON as JSON, octet for octet, all else in base64.
type stampAnswer struct {
	StampID  act.ID          `json:"stampId"`
	Code     string          `json:"verificationCode"`
	SealedAt time.Time       `json:"sealedAt"`
	Receipt  journal.Receipt `json:"receipt"`
}

// answerStamp gives the document itself where the caller accepts its type, else
// a JSON answer around it.
func (s *Server) answerStamp(w http.ResponseWriter, r *http.Request, done *seal.Stamped) error {
	h := w.Header()
	h.Set("Yinxin-Stamp-Id", done.ID.String())
	h.Set("Yinxin-Verification-Code", done.Code)
	if media := mediaOf[done.Format]; accepts(r, media) {
		h.Set("Content-Type", media)
		h.Set("Content-Length", strconv.FormatInt(done.Size(), 10))
		w.WriteHeader(http.StatusOK)
		_, err := done.WriteTo(w)
		return err
	}
	leaf, index, err := s.p.Store.Leaf(r.Context(), done.ID)
	if err != nil {
		return err
	}
	answer := stampAnswer{done.ID, done.Code, done.SealedAt, journal.Receipt{Index: index, Leaf: leaf}}
	if done.Format == "json" {
		return writeAround(w, http.StatusOK, answer, done)
	}
	return writeAround(w, http.StatusOK, answer, inBase64{done})
}

// accepts tells whether the caller asks for a media type rather than for JSON.
func accepts(r *http.Request, media string) bool {
	weight := map[string]float64{}
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		t, params, err := mime.ParseMediaType(strings.TrimSpace(one))
		if err != nil {
			continue
		}
		weight[t] = 1
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			weight[t] = q
		}
	}
	return weight[media] > 0 && weight[media] >= weight["application/json"]
}

// writeAround answers v, an object, and as its last member the document, which
// streams octet for octet: the library would lay sealed JSON out anew, and a large
// one held at once would take several times its size. Whoever is gone gets the same
// bytes on a retry.
func writeAround(w http.ResponseWriter, status int, v any, document io.WriterTo) error {
	head, err := json.Marshal(v)
	if err != nil {
		return err
	}
	const member, end = `,"document":`, "}\n"
	w.Header().Set("Content-Type", "application/json")
	if sized, ok := document.(interface{ Size() int64 }); ok {
		w.Header().Set("Content-Length", strconv.FormatInt(int64(len(head)-1+len(member)+len(end))+sized.Size(), 10))
	}
	w.WriteHeader(status)
	b := answerBuffers.Get().(*bufio.Writer)
	defer func() {
		b.Reset(nil)
		answerBuffers.Put(b)
	}()
	b.Reset(w)
	b.Write(head[:len(head)-1]) // errors stay until Flush
	b.WriteString(member)
	if _, err := document.WriteTo(b); err != nil {
		return err
	}
	b.WriteString(end)
	return b.Flush()
}

// answerBuffers gather what goes out: base64 comes in small pieces.
var answerBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

// inBase64 writes a document as a JSON string.
type inBase64 struct{ io.WriterTo }

func (d inBase64) WriteTo(w io.Writer) (int64, error) {
	if _, err := io.WriteString(w, `"`); err != nil {
		return 0, err
	}
	e := base64.NewEncoder(base64.StdEncoding, w)
	n, err := d.WriterTo.WriteTo(e)
	if err != nil {
		return n, err
	}
	if err := e.Close(); err != nil {
		return n, err
	}
	_, err = io.WriteString(w, `"`)
	return n, err
}

func writeJSON(w http.ResponseWriter, code int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeBytes(w, code, "application/json", append(b, '\n'))
}

func writeBytes(w http.ResponseWriter, code int, media string, b []byte) error {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(code)
	// The caller may be gone; what was done is done.
	_, _ = w.Write(b)
	return nil
}
