package server

import (
	"bytes"
	"encoding/json"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal"
	"yinxin/seal/jsondoc"
)

// orderForm is what is asked for a document, or for each of many.
type orderForm struct {
	SealID        string      `json:"sealId"` // required, unless there is "stamps"
	Placement     *seal.Place `json:"placement"`
	MatterCode    string      `json:"matterCode"`
	Reason        string      `json:"reason"`
	Operator      string      `json:"operator"`
	ApprovalID    string      `json:"approvalId"`
	ExpectedSeals int         `json:"expectedSeals"`
	Detached      bool        `json:"detached"`
	seal.Order
}

// stampForm is the JSON that asks for a stamp.
type stampForm struct {
	orderForm
	Stamps   []seal.Item     `json:"stamps,omitempty"` // several at once: sealId, placement and order stand in each
	Document json.RawMessage `json:"document"`
}

// request is that of the form, by whose key it came and whence.
func (f *orderForm) request(r *http.Request) seal.StampRequest {
	caller, _ := callerOf(r.Context())
	out := seal.StampRequest{SealID: f.SealID, Agency: caller.Agency, Key: caller.KeyID, Officer: caller.Officer, Operator: f.Operator, Matter: f.MatterCode,
		Reason: f.Reason, Approval: f.ApprovalID, Expected: f.ExpectedSeals, Placement: seal.Place{Page: -1, X: 120, Y: 200}, Order: f.Order, From: peer(r)}
	if f.Placement != nil {
		out.Placement = *f.Placement
	}
	return out
}

// maxJSON bounds a request in JSON, which is held in memory, document and all.
const maxJSON = jsondoc.MaxSize + maxForm

// upload is a stamp request taken apart.
type upload struct {
	form   stampForm
	body   *spooled
	prefix hash.Hash // SM3 over the document, hashed while it arrived; nil for one in JSON
}

func (u *upload) document() seal.Document {
	return seal.Document{ReaderAt: u.body, Size: u.body.size, Prefix: u.prefix, Detached: u.form.Detached}
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
	u := &upload{}
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
	return u, nil
}

func (s *Server) readJSONUpload(body io.Reader, u *upload) error {
	b, err := io.ReadAll(io.LimitReader(body, maxJSON+1))
	if err != nil {
		return bodyError(err)
	}
	if len(b) > maxJSON {
		return fail(tooLarge, "")
	}
	if err := decodeForm(b, &u.form); err != nil {
		return err
	}
	if len(u.form.Document) == 0 {
		return nil
	}
	doc := bytes.TrimSpace(u.form.Document)
	u.body = &spooled{ReaderAt: bytes.NewReader(doc), size: int64(len(doc))}
	return nil
}

func (s *Server) readMultipart(parts *multipart.Reader, u *upload) error {
	seen := map[string]bool{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // in an error around it, it is a body that broke off
			if !seen["request"] {
				return fail(badRequest, "the part `request` is missing")
			}
			return nil
		}
		if err != nil {
			return bodyError(err)
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
				return bodyError(err)
			}
			if len(b) > maxForm {
				return fail(tooLarge, "the part `request` is too long")
			}
			if err := decodeForm(b, &u.form); err != nil {
				return err
			}
			if u.form.Document != nil {
				return fail(badRequest, "the document of a multipart request is a part of its own")
			}
		case "document":
			u.prefix = sm3.New()
			if u.body, err = spool(part, s.maxBody, u.prefix); err != nil {
				return bodyError(err)
			}
		default:
			return fail(badRequest, "the parts are `document` and `request`")
		}
	}
}

func (s *Server) stamp(w http.ResponseWriter, r *http.Request) error {
	u, err := s.readUpload(r)
	if err != nil {
		return err
	}
	defer u.close()
	form := u.form
	if err := form.checkSeries(); err != nil {
		return err
	}
	form.Document = nil
	if err := named(r, &form.Operator); err != nil {
		return err
	}
	key, err := retry(r, form, u.document().Sum)
	if err != nil {
		return err
	}
	req := form.request(r)
	req.Retry = key
	defer s.p.Batches.Interactive()()
	release, err := s.sealing.hold(r.Context(), u.body.size)
	if err != nil {
		return err
	}
	defer release()
	if form.Stamps != nil {
		return s.stampSeries(w, r, req, u)
	}
	done, err := s.p.Seals.Stamp(r.Context(), req, u.document())
	if err != nil {
		return ruled(err)
	}
	s.metrics.stamps.WithLabelValues(done.Format).Inc()
	return s.answerStamp(w, r, done)
}
