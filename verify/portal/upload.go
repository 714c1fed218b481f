package portal

import (
	"errors"
	"io"
	"net/http"

	"yinxin/verify"
)

// ShowUpload is GET /.
func (p *Portal) ShowUpload(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, "upload", nil)
}

// ShowFault is the first page with what went wrong: a page that is not there, or a
// fault that is not the reader's.
func (p *Portal) ShowFault(w http.ResponseWriter, r *http.Request, status int) error {
	t := vocabulary[language(r)]
	text := t.Fault
	if status < http.StatusInternalServerError {
		text = t.NoPage
	}
	return p.show(w, r, status, "upload", text)
}

// Judge is POST /: the file of the form is judged and the verdict shown. The
// multipart body is read part by part, so that nothing is written to a file
// under a name.
func (p *Portal) Judge(w http.ResponseWriter, r *http.Request) error {
	t := vocabulary[language(r)]
	parts, err := r.MultipartReader()
	if err != nil {
		return p.show(w, r, http.StatusBadRequest, "upload", t.NoFile)
	}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // in an error around it, it is a form that broke off
			return p.show(w, r, http.StatusBadRequest, "upload", t.NoFile)
		}
		if err != nil {
			return p.uploadFailed(w, r, broken(err))
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		report, err := p.c.Judge(r.Context(), Upload{Name: part.FileName(), Body: part})
		if err != nil {
			return p.uploadFailed(w, r, err)
		}
		return p.show(w, r, http.StatusOK, "verdict", p.verdict(report))
	}
}

// broken tells a form that was too long from one that broke off.
func broken(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return ErrTooLarge
	}
	return ErrNoFile
}

func (p *Portal) uploadFailed(w http.ResponseWriter, r *http.Request, err error) error {
	t := vocabulary[language(r)]
	switch {
	case errors.Is(err, ErrTooLarge):
		return p.show(w, r, http.StatusRequestEntityTooLarge, "upload", t.TooLarge)
	case errors.Is(err, ErrNoFile):
		return p.show(w, r, http.StatusBadRequest, "upload", t.NoFile)
	}
	return err
}

// verdictView names the verdict by its class, for colour and mark.
type verdictView struct {
	verify.Report
	Class string // good, notice, bad, open
}

func (p *Portal) verdict(r verify.Report) verdictView {
	class := map[verify.Verdict]string{verify.Valid: "good", verify.ValidWithNotice: "notice", verify.NotValid: "bad"}[r.Verdict]
	if class == "" {
		class = "open"
	}
	return verdictView{r, class}
}
