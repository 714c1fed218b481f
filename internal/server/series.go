package server

import (
	"net/http"
	"strconv"
	"strings"

	"yinxin/internal/journal"
	"yinxin/seal"
)

// seriesAnswer is the answer to a request for several stamps: the first's, and all of
// them in their order. The document follows as its last member.
type seriesAnswer struct {
	stampAnswer
	Stamps []stampAnswer `json:"stamps,omitempty"`
}

// checkSeries refuses a form that says twice, or not at all, with which seal.
func (f *stampForm) checkSeries() error {
	single := f.SealID != "" || f.Placement != nil || f.Order != (seal.Order{}) || f.Detached
	switch {
	case f.Stamps == nil && f.SealID == "":
		return fail(badRequest, "the request names no seal: `sealId` for one stamp, or `stamps`")
	case f.Stamps == nil:
		return nil
	case len(f.Stamps) == 0:
		return fail(badRequest, "the member \"stamps\" names no stamp")
	case single:
		return fail(badRequest, "with \"stamps\", each says with which seal it is made, where and how; the request itself does not")
	}
	return nil
}

// stampSeries makes several stamps at once; base is what they share.
func (s *Server) stampSeries(w http.ResponseWriter, r *http.Request, base seal.StampRequest, u *upload) error {
	var all []seal.StampRequest
	key := base.Retry
	base.Retry = nil
	for _, i := range u.form.Stamps {
		all = append(all, i.Request(base))
	}
	done, err := s.p.Seals.StampMany(r.Context(), all, key, u.document())
	if err != nil {
		return ruled(err)
	}
	s.metrics.stamps.WithLabelValues(done.Format()).Add(float64(len(done.Stamps)))
	return s.answerSeries(w, r, done)
}

// answerSeries is answerStamp for several.
func (s *Server) answerSeries(w http.ResponseWriter, r *http.Request, done *seal.Series) error {
	var ids, codes []string
	for _, one := range done.Stamps {
		ids, codes = append(ids, one.ID.String()), append(codes, one.Code)
	}
	h := w.Header()
	h.Set("Yinxin-Stamp-Id", strings.Join(ids, ", "))
	h.Set("Yinxin-Verification-Code", strings.Join(codes, ", "))
	if media := mediaOf[done.Format()]; accepts(r, media) {
		h.Set("Content-Type", media)
		h.Set("Content-Length", strconv.FormatInt(done.Size(), 10))
		w.WriteHeader(http.StatusOK)
		_, err := done.WriteTo(w)
		return err
	}
	var answer seriesAnswer
	for _, one := range done.Stamps {
		leaf, index, err := s.p.Store.Leaf(r.Context(), one.ID)
		if err != nil {
			return err
		}
		answer.Stamps = append(answer.Stamps, stampAnswer{one.ID, one.Code, one.SealedAt, journal.Receipt{Index: index, Leaf: leaf}})
	}
	answer.stampAnswer = answer.Stamps[0]
	if done.Format() == "json" {
		return writeAround(w, http.StatusOK, answer, done)
	}
	return writeAround(w, http.StatusOK, answer, inBase64{done})
}
