package server

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"yinxin/verify"
	"yinxin/verify/portal"
)

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
	release, err := s.judging.hold(r.Context(), body.size)
	if err != nil {
		return err
	}
	defer release()
	report, err := s.p.Judge(r.Context(), verify.Open(body, body.size, r.Header.Get("Content-Type"), nil))
	if err != nil {
		return err
	}
	s.metrics.verdicts.WithLabelValues(string(report.Verdict)).Inc()
	w.Header().Set("Cache-Control", "no-store")
	return writeBytes(w, http.StatusOK, "application/json", report.JSON())
}

func (s *Server) judgeUpload(ctx context.Context, u portal.Upload) (verify.Report, error) {
	body, err := spool(u.Body, s.maxBody, nil)
	if err != nil {
		switch asFailure(err).code {
		case tooLarge.code:
			err = portal.ErrTooLarge
		case badRequest.code:
			err = portal.ErrNoFile
		}
		return verify.Report{}, err
	}
	defer body.Close()
	release, err := s.judging.hold(ctx, body.size)
	if err != nil {
		return verify.Report{}, err
	}
	defer release()
	report, err := s.p.Judge(ctx, verify.Open(body, body.size, u.Name, nil))
	if err == nil {
		s.metrics.verdicts.WithLabelValues(string(report.Verdict)).Inc()
	}
	return report, err
}

func (s *Server) sealStatus(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	at, err := queryTime(q, "at")
	if err != nil {
		return err
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
	signed, err := inTurn(r.Context(), s, func(ctx context.Context) ([]byte, error) { return s.p.Seals.Status(ctx, id, sum, at, q.Get("nonce")) })
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

func (s *Server) signed(w http.ResponseWriter, r *http.Request, make func(context.Context) ([]byte, error), seconds int) error {
	b, err := inTurn(r.Context(), s, make)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(seconds))
	return writeBytes(w, http.StatusOK, "application/json", b)
}

func (s *Server) issuer(w http.ResponseWriter, r *http.Request) error {
	name := mux.Vars(r)["issuer"]
	if name == companionIssuer {
		return s.companionRoot(w, r)
	}
	c, err := s.p.CA.Issuer(r.Context(), name)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return writeBytes(w, http.StatusOK, "application/pkix-cert", c.Certificate.Raw)
}
