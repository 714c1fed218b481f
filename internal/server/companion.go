package server

import (
	"net/http"

	"yinxin/ca"
)

// companionIssuer names the root that readers abroad are to trust.
const companionIssuer = "companion"

// companionRoot gives the newest root of the companion authority, which there is from
// the first companion on.
func (s *Server) companionRoot(w http.ResponseWriter, r *http.Request) error {
	roots, err := s.p.Companion.Root(r.Context())
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return ca.ErrNotFound
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return writeBytes(w, http.StatusOK, "application/pkix-cert", roots[len(roots)-1].DER)
}
