package server

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gorilla/mux"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/seal"
)

const (
	maxForm  = 64 << 10 // the request beside a document, and other small bodies
	maxKey   = 200      // characters of an Idempotency-Key
	maxPage  = 500
	aPage    = 50
	mediaPDF = "application/pdf"
)

// stampForm is the JSON that asks for a stamp.
type stampForm struct {
	SealID        string          `json:"sealId"`
	Placement     *seal.Place     `json:"placement"`
	MatterCode    string          `json:"matterCode"`
	Reason        string          `json:"reason"`
	Operator      string          `json:"operator"`
	ExpectedSeals int             `json:"expectedSeals"`
	Detached      bool            `json:"detached"`
	Document      json.RawMessage `json:"document"`
}

// upload is a stamp request taken apart.
type upload struct {
	form   stampForm
	body   *spooled
	prefix hash.Hash // SM3 over the document
	sum    [32]byte
}

func (u *upload) close() {
	if u.body != nil {
		_ = u.body.Close() // nothing of it is kept
	}
}

// readUpload takes multipart, where the document is hashed while it arrives, or
// JSON with the document in it.
func (s *Server) readUpload(r *http.Request) (*upload, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fail(wrongMediaType, "send multipart/form-data or application/json")
	}
	u := &upload{prefix: sm3.New()}
	switch media {
	case "application/json":
		err = s.readJSONUpload(r.Body, u)
	case "multipart/form-data":
		err = s.readMultipart(multipart.NewReader(r.Body, params["boundary"]), u)
	default:
		err = fail(wrongMediaType, "send multipart/form-data or application/json")
	}
	if err == nil && u.body == nil {
		err = fail(badRequest, "there is no document")
	}
	if err != nil {
		u.close()
		return nil, err
	}
	state, err := u.prefix.(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	if err != nil {
		return nil, err
	}
	copied := sm3.New()
	if err := copied.(interface{ UnmarshalBinary([]byte) error }).UnmarshalBinary(state); err != nil {
		return nil, err
	}
	copied.Sum(u.sum[:0])
	return u, nil
}

func (s *Server) readJSONUpload(body io.Reader, u *upload) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if err := decodeForm(b, &u.form); err != nil {
		return err
	}
	if len(u.form.Document) == 0 {
		return nil
	}
	doc := bytes.TrimSpace(u.form.Document)
	u.prefix.Write(doc)
	u.body = &spooled{ReaderAt: bytes.NewReader(doc), size: int64(len(doc))}
	return nil
}

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

func (s *Server) readMultipart(parts *multipart.Reader, u *upload) error {
	seen := map[string]bool{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			if !seen["request"] {
				return fail(badRequest, "the part `request` is missing")
			}
			return nil
		}
		if err != nil {
			return partError(err)
		}
		name := part.FormName()
		if seen[name] {
			return fail(badRequest, "a part stands twice")
		}
		seen[name] = true
		switch name {
		case "request":
			b, err := io.ReadAll(io.LimitReader(part, maxForm+1))
			if err != nil {
				return partError(err)
			}
			if len(b) > maxForm {
				return fail(tooLarge, "the part `request` is too long")
			}
			if err := decodeForm(b, &u.form); err != nil {
				return err
			}
		case "document":
			if u.body, err = spool(part, s.maxBody, u.prefix); err != nil {
				return partError(err)
			}
		default:
			return fail(badRequest, "the parts are `document` and `request`")
		}
	}
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

func (s *Server) stamp(w http.ResponseWriter, r *http.Request) error {
	u, err := s.readUpload(r)
	if err != nil {
		return err
	}
	defer u.close()
	caller, _ := callerOf(r.Context())
	form := u.form
	form.Document = nil
	key, err := retry(r, form, u.sum)
	if err != nil {
		return err
	}
	req := seal.StampRequest{SealID: form.SealID, Agency: caller.Agency, Key: caller.KeyID, Operator: form.Operator, Matter: form.MatterCode,
		Reason: form.Reason, Expected: form.ExpectedSeals, Placement: seal.Place{Page: -1, X: 120, Y: 200}, Retry: key}
	if form.Placement != nil {
		req.Placement = *form.Placement
	}
	done, err := s.stampUpload(r.Context(), req, u)
	if err != nil {
		return ruled(err)
	}
	s.metrics.stamps.WithLabelValues(done.Format).Inc()
	return s.answerStamp(w, r, done)
}

func (s *Server) stampUpload(ctx context.Context, req seal.StampRequest, u *upload) (*seal.Stamped, error) {
	if u.form.Detached {
		done, err := s.p.Seals.StampDetached(ctx, req, u.sum)
		return &done, err
	}
	head := make([]byte, min(u.body.size, 1024))
	if _, err := u.body.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Contains(head, []byte("%PDF-")) {
		return s.p.Seals.StampPDF(ctx, req, u.body, u.body.size, u.prefix)
	}
	doc, err := u.body.bytes()
	if err != nil {
		return nil, err
	}
	done, err := s.p.Seals.StampJSON(ctx, req, doc)
	return &done, err
}

// answerStamp gives the document itself where the caller accepts its type, else
// a JSON answer around it.
func (s *Server) answerStamp(w http.ResponseWriter, r *http.Request, done *seal.Stamped) error {
	h := w.Header()
	h.Set("Yinxin-Stamp-Id", done.ID.String())
	h.Set("Yinxin-Verification-Code", done.Code)
	media := map[string]string{"pdf": mediaPDF, "json": "application/json", "file": "application/octet-stream"}[done.Format]
	if r.Header.Get("Accept") == media && done.Format != "json" {
		h.Set("Content-Type", media)
		h.Set("Content-Length", strconv.FormatInt(done.Size(), 10))
		w.WriteHeader(http.StatusOK)
		// The act is committed; a retry gives the same bytes to whoever is gone.
		_, _ = done.WriteTo(w)
		return nil
	}
	leaf, _, index, err := s.p.Store.Act(r.Context(), done.ID)
	if err != nil {
		return err
	}
	answer := struct {
		StampID  act.ID          `json:"stampId"`
		Code     string          `json:"verificationCode"`
		SealedAt time.Time       `json:"sealedAt"`
		Receipt  journal.Receipt `json:"receipt"`
		Document any             `json:"document"`
	}{done.ID, done.Code, done.SealedAt, journal.Receipt{Index: index, Leaf: leaf}, nil}
	if done.Format == "json" {
		answer.Document = string(done.Document)
	} else {
		var b bytes.Buffer
		if _, err := done.WriteTo(&b); err != nil {
			return err
		}
		answer.Document = b.Bytes()
	}
	return writeJSON(w, http.StatusOK, answer)
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

func (s *Server) stamps(w http.ResponseWriter, r *http.Request) error {
	caller, _ := callerOf(r.Context())
	q := r.URL.Query()
	f := seal.Filter{SealID: q.Get("seal"), Matter: q.Get("matter"), Agency: caller.Agency}
	if asked := q.Get("agency"); asked != "" {
		f.Agency = asked
	}
	if !caller.ActsFor(f.Agency) {
		return fail(noRight, "")
	}
	var err error
	if f.Cursor, f.Limit, err = page(r); err != nil {
		return err
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if text := q.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return fail(badRequest, name+" is no time such as 2026-11-24T08:00:00Z")
			}
		}
	}
	items, next, err := s.p.Seals.Entries(r.Context(), f)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"items": orEmpty(items), "next": next})
}

func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func (s *Server) entry(w http.ResponseWriter, r *http.Request) error {
	id, err := act.ParseID(mux.Vars(r)["id"])
	if err != nil {
		return fail(notFound, "")
	}
	st, err := s.p.Seals.Entry(r.Context(), id)
	if err != nil {
		return err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(st.Agency) {
		return fail(notFound, "") // that there is such a stamp is not everyone's to know
	}
	receipt, err := s.p.Journal.Receipt(r.Context(), id)
	if err != nil && !errors.Is(err, journal.ErrNotCovered) {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		seal.Stamp
		Receipt journal.Receipt `json:"receipt"`
	}{st, receipt})
}

func (s *Server) seals(w http.ResponseWriter, r *http.Request) error {
	caller, _ := callerOf(r.Context())
	of := r.URL.Query().Get("agency")
	if of == "" && !caller.May("admin") {
		of = caller.Agency
	}
	if of != "" && !caller.ActsFor(of) {
		return fail(noRight, "")
	}
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := s.p.Seals.List(r.Context(), of, cursor, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = items[len(items)-1].ID
	}
	return writeJSON(w, http.StatusOK, map[string]any{"items": orEmpty(items), "next": next})
}

// ownSeal shows a seal to those who may act for its agency.
func (s *Server) ownSeal(r *http.Request) (seal.Seal, error) {
	sl, err := s.p.Seals.Show(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return sl, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(sl.Agency) {
		return sl, fail(notFound, "")
	}
	return sl, nil
}

func (s *Server) seal(w http.ResponseWriter, r *http.Request) error {
	sl, err := s.ownSeal(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, sl)
}

func (s *Server) changeSeal(do func(context.Context, seal.ChangeRequest) (seal.Seal, error)) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		sl, err := s.ownSeal(r)
		if err != nil {
			return err
		}
		var form struct {
			Operator string    `json:"operator"`
			Reason   string    `json:"reason"`
			Since    time.Time `json:"since"`
		}
		if err := smallForm(r, &form); err != nil {
			return err
		}
		sl, err = do(r.Context(), seal.ChangeRequest{SealID: sl.ID, Who: form.Operator, Why: form.Reason, Since: form.Since})
		if err != nil {
			return ruled(err)
		}
		return writeJSON(w, http.StatusOK, sl)
	}
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

func (s *Server) issue(w http.ResponseWriter, r *http.Request) error {
	var form struct {
		Profile    string `json:"profile"`
		CommonName string `json:"commonName"`
		CSR        string `json:"csr"` // PEM
		Operator   string `json:"operator"`
		Reason     string `json:"reason"`
	}
	if err := smallForm(r, &form); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(form.CSR))
	if block == nil {
		return fail(badRequest, "csr is a PKCS#10 request in PEM")
	}
	caller, _ := callerOf(r.Context())
	key, err := retry(r, form, [32]byte{})
	if err != nil {
		return err
	}
	row, err := s.p.CA.Issue(r.Context(), ca.IssueRequest{Profile: form.Profile, Agency: caller.Agency, AgencyName: caller.Name, CommonName: form.CommonName,
		CSR: block.Bytes, Who: form.Operator, Why: form.Reason, Retry: key})
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusCreated, row)
}

func (s *Server) certificates(w http.ResponseWriter, r *http.Request) error {
	caller, _ := callerOf(r.Context())
	cursor, limit, err := page(r)
	if err != nil {
		return err
	}
	f := ca.Filter{Agency: r.URL.Query().Get("agency"), State: r.URL.Query().Get("state"), Cursor: cursor, Limit: limit}
	if f.Agency == "" && !caller.May("admin") {
		f.Agency = caller.Agency
	}
	if f.Agency != "" && !caller.ActsFor(f.Agency) {
		return fail(noRight, "")
	}
	items, err := s.p.CA.Certificates(r.Context(), f)
	if err != nil {
		return err
	}
	next := ""
	if len(items) == limit {
		next = items[len(items)-1].Serial
	}
	return writeJSON(w, http.StatusOK, map[string]any{"items": orEmpty(items), "next": next})
}

func (s *Server) ownCertificate(r *http.Request) (ca.Row, error) {
	row, err := s.p.CA.Certificate(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return row, err
	}
	if caller, _ := callerOf(r.Context()); !caller.ActsFor(row.Agency) {
		return row, fail(notFound, "")
	}
	return row, nil
}

func (s *Server) certificate(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, row)
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	row, err := s.ownCertificate(r)
	if err != nil {
		return err
	}
	var form struct {
		Operator       string    `json:"operator"`
		Grounds        string    `json:"grounds"`
		Reason         string    `json:"reason"`
		InvalidityDate time.Time `json:"invalidityDate"`
	}
	if err := smallForm(r, &form); err != nil {
		return err
	}
	reason, ok := ca.Reasons[form.Reason]
	if !ok {
		return fail(badRequest, "reason is one of RFC 5280 5.3.1, such as keyCompromise")
	}
	row, err = s.p.CA.Revoke(r.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: reason, Invalidity: form.InvalidityDate, Who: form.Operator, Why: form.Grounds})
	if err != nil {
		return ruled(err)
	}
	return writeJSON(w, http.StatusOK, row)
}
