package server

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/internal/code"
	"yinxin/internal/journal"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/portal"
	"yinxin/verify/status"
)

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

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeBytes(w, http.StatusOK, "text/plain", []byte("ok\n"))
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.draining.Load() {
		return fail(unavailable, "the server is stopping")
	}
	if _, err := s.p.Journal.Latest(r.Context()); err != nil {
		return err
	}
	return s.healthz(w, r)
}

// verify judges a body. The report is the answer whatever the verdict.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	body, err := spool(r.Body, s.maxBody, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	report, err := s.p.Judge(r.Context(), verify.Open(body, body.size, r.Header.Get("Content-Type"), nil))
	if err != nil {
		return err
	}
	s.metrics.verdicts.WithLabelValues(string(report.Verdict)).Inc()
	return writeBytes(w, http.StatusOK, "application/json", report.JSON())
}

func (s *Server) judgeUpload(ctx context.Context, u portal.Upload) (verify.Report, error) {
	body, err := spool(u.Body, s.maxBody, nil)
	if err != nil {
		return verify.Report{}, err
	}
	defer body.Close()
	report, err := s.p.Judge(ctx, verify.Open(body, body.size, u.Name, nil))
	if err == nil {
		s.metrics.verdicts.WithLabelValues(string(report.Verdict)).Inc()
	}
	return report, err
}

func (s *Server) showRecord(w http.ResponseWriter, r *http.Request) error {
	return s.portal.ShowRecord(w, r, mux.Vars(r)["code"])
}

// recordByCode tells what was recorded; nothing in it is personal.
func (s *Server) recordByCode(ctx context.Context, typed string) (portal.Record, error) {
	canonical, err := code.Parse(typed)
	if err != nil {
		return portal.Record{}, portal.ErrBadCode
	}
	if l, err := s.p.Licences.ByCode(ctx, canonical); err == nil {
		return s.licenceRecord(l), nil
	} else if !errors.Is(err, license.ErrNotFound) {
		return portal.Record{}, err
	}
	st, err := s.p.Seals.ByCode(ctx, canonical)
	if errors.Is(err, seal.ErrNotFound) {
		return portal.Record{}, portal.ErrNoRecord
	}
	if err != nil {
		return portal.Record{}, err
	}
	sl, err := s.p.Seals.Show(ctx, st.SealID)
	if err != nil {
		return portal.Record{}, err
	}
	state := "in_force"
	switch sl.State {
	case status.SealFrozen:
		state = "suspended"
	case status.SealCancelled, status.SealReplaced:
		state = "ended"
	}
	rec := portal.Record{Record: state, Kind: "stamp", PageCount: st.Pages, AsOf: s.clock().UTC().Format(time.RFC3339), Notice: portal.NotPaper(), Fields: []portal.Field{
		{Name: "seal", Zh: "印章名称", En: "Seal", Value: sl.Name}, {Name: "sealId", Zh: "印章编码", En: "Seal code", Value: sl.ID},
		{Name: "sealedAt", Zh: "盖章时间", En: "Sealed at", Value: st.SealedAt.Format(time.RFC3339)}, {Name: "format", Zh: "文件格式", En: "Format", Value: st.Format},
	}}
	if st.Pages > 0 {
		rec.Fields = append(rec.Fields, portal.Field{Name: "pageCount", Zh: "页数", En: "Pages", Value: strconv.Itoa(st.Pages)})
	}
	return rec, nil
}

func (s *Server) record(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.recordByCode(r.Context(), mux.Vars(r)["code"])
	switch {
	case errors.Is(err, portal.ErrBadCode):
		return failBy(badRequest, err)
	case errors.Is(err, portal.ErrNoRecord):
		return failBy(notFound, err)
	case err != nil:
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusOK, rec)
}

func (s *Server) sealStatus(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var at time.Time
	if text := q.Get("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return fail(badRequest, "at is no time such as 2026-11-24T08:00:00Z")
		}
	}
	id := mux.Vars(r)["id"]
	var sum [32]byte
	if text := q.Get("seal"); text != "" {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != len(sum) {
			return fail(badRequest, "seal is the SM3 of the SESeal, 64 hex digits")
		}
		copy(sum[:], b)
	} else if known, err := s.p.Seals.Show(r.Context(), id); err == nil {
		sum = known.SM3
	} else {
		return err
	}
	signed, err := s.p.Seals.Status(r.Context(), id, sum, at, q.Get("nonce"))
	if err != nil {
		return ruled(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, "application/json", signed)
}

func (s *Server) sealList(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, s.p.Seals.SealList, 60)
}

func (s *Server) statusList(w http.ResponseWriter, r *http.Request) error {
	shard, err := strconv.ParseUint(mux.Vars(r)["shard"], 10, 32)
	if err != nil {
		return fail(notFound, "")
	}
	return s.signed(w, r, func(ctx context.Context) ([]byte, error) { return s.p.Licences.StatusList(ctx, uint32(shard)) }, 60)
}

func (s *Server) regionList(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, s.p.RegionList, 300)
}

func (s *Server) schemeList(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, s.p.SchemeList, 300)
}

func (s *Server) bundle(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, func(ctx context.Context) ([]byte, error) {
		b, err := s.p.Bundle(ctx)
		if err != nil {
			return nil, err
		}
		return b.Marshal()
	}, 300)
}

func (s *Server) signed(w http.ResponseWriter, r *http.Request, make func(context.Context) ([]byte, error), seconds int) error {
	b, err := make(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(seconds))
	return writeBytes(w, http.StatusOK, "application/json", b)
}

func (s *Server) crl(w http.ResponseWriter, r *http.Request) error {
	der, err := s.p.CRLs.List(r.Context(), ca.Purpose(mux.Vars(r)["issuer"]))
	if errors.Is(err, crl.ErrNoIssuer) {
		return fail(notFound, "")
	}
	if err != nil {
		return err
	}
	return writeBytes(w, http.StatusOK, "application/pkix-crl", der)
}

func (s *Server) issuer(w http.ResponseWriter, r *http.Request) error {
	p := ca.Purpose(mux.Vars(r)["issuer"])
	if p != ca.PurposeRoot && p != ca.PurposeIssuing {
		return fail(notFound, "")
	}
	c, err := s.p.CA.Purpose(r.Context(), p)
	if err != nil {
		return err
	}
	return writeBytes(w, http.StatusOK, "application/pkix-cert", c.Certificate.Raw)
}

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
	return writeBytes(w, http.StatusOK, "application/octet-stream", b)
}

func (s *Server) proof(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(q.Get(name), 10, 63)
		if err != nil {
			return 1 << 63
		}
		return n
	}
	prove, a, b := s.p.Journal.Inclusion, number("index"), number("size")
	if q.Has("first") {
		prove, a, b = s.p.Journal.Consistency, number("first"), number("second")
	}
	path, err := prove(r.Context(), a, b)
	if err != nil {
		return fail(badRequest, "no such proof: "+err.Error())
	}
	return writeJSON(w, http.StatusOK, map[string]any{"proof": path})
}

// openAPI is made from the table of routes.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	paths := map[string]map[string]any{}
	for _, e := range s.endpoints() {
		if paths[e.path] == nil {
			paths[e.path] = map[string]any{}
		}
		op := map[string]any{"summary": e.summary, "responses": map[string]any{
			"200":     map[string]any{"description": "done"},
			"default": map[string]any{"description": "a problem (RFC 9457)", "content": map[string]any{"application/problem+json": map[string]any{}}},
		}}
		if e.scope != "" {
			op["security"] = []any{map[string]any{"bearer": []string{e.scope}}}
		}
		paths[e.path][map[string]string{http.MethodGet: "get", http.MethodPost: "post"}[e.method]] = op
	}
	return writeJSON(w, http.StatusOK, map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": "Yinxin 印信", "version": "1"}, "paths": paths,
		"components": map[string]any{"securitySchemes": map[string]any{"bearer": map[string]any{"type": "http", "scheme": "bearer"}}},
	})
}
