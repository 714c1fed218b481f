package server

import (
	"errors"
	"net/http"

	"yinxin/internal/agency"
	"yinxin/seal/face"
)

const (
	mediaPNG = "image/png"
	mediaSVG = "image/svg+xml"
)

func (s *Server) sealFaceRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/seals/face", agency.ScopeSealManage, "draw the face of a seal that is to be made; no seal is made of it here", nil,
			jsonOf(face.Spec{}).inBrief(), raw(mediaPNG, mediaSVG), s.drawFace},
	}
}

// drawFace gives a PNG, or outlines to whoever accepts those and no PNG.
func (s *Server) drawFace(w http.ResponseWriter, r *http.Request) error {
	var spec face.Spec
	if err := smallForm(r, &spec); err != nil {
		return err
	}
	draw, media := face.Draw, mediaPNG
	if accepts(r, mediaSVG) && !accepts(r, mediaPNG) {
		draw, media = face.SVG, mediaSVG
	}
	picture, err := draw(spec)
	switch {
	case errors.Is(err, face.ErrGlyph):
		return failBy(refused, err)
	case errors.Is(err, face.ErrSpec):
		return failBy(badRequest, err)
	case err != nil:
		return err
	}
	return writeBytes(w, http.StatusOK, media, picture)
}
