package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"yinxin/verify"
)

// Record is what was recorded under a code or a QR token (登记信息), the answer
// of /api/v1/records. Fields are masked: enough to compare with a sheet of
// paper, not enough to learn from.
type Record struct {
	Record    string  `json:"record"` // in_force, suspended, ended, unknown, cannot_confirm
	Kind      string  `json:"kind"`   // stamp or licence
	Fields    []Field `json:"fields"`
	PageCount int     `json:"pageCount,omitempty"`
	AsOf      string  `json:"asOf"`
	// Reasons are given where nothing can be told.
	Reasons []verify.Reason `json:"reasons,omitempty"`
	Notice  Notice          `json:"notice"`
}

// Field is one line to compare.
type Field struct {
	Name  string `json:"name"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
	Value string `json:"value"`
}

// Notice says what a record is not.
type Notice struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// NotPaper is the notice that every record carries.
func NotPaper() Notice { return Notice{Zh: chinese.NotPaper, En: english.NotPaper} }

// ShowRecord is /v/{code}.
func (p *Portal) ShowRecord(w http.ResponseWriter, r *http.Request, code string) error {
	rec, err := p.c.ByCode(r.Context(), code)
	t := vocabulary[language(r)]
	switch {
	case errors.Is(err, ErrBadCode):
		return p.show(w, r, http.StatusBadRequest, "record", recordView{Problem: t.BadCode})
	case errors.Is(err, ErrNoRecord):
		return p.show(w, r, http.StatusNotFound, "record", recordView{Problem: t.NoRecord})
	case err != nil:
		return err
	}
	return p.show(w, r, http.StatusOK, "record", recordView{Record: &rec})
}

// ShowQR is /q: the token stands in the fragment, which only the page's own script
// sees; it sends it when the reader agrees.
func (p *Portal) ShowQR(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, "qr", nil)
}

type recordView struct {
	Record  *Record
	Problem string
}

// FindRecord is the form of the first page: it leads to /v/{code}, so that the
// result has an address that can be printed and read in the other language.
func (p *Portal) FindRecord(w http.ResponseWriter, r *http.Request) error {
	code := strings.TrimSpace(r.URL.Query().Get("code"))
	if code == "" || len(code) > maxCode || strings.Trim(code, codeCharacters) != "" {
		return p.show(w, r, http.StatusBadRequest, "record", recordView{Problem: vocabulary[language(r)].BadCode})
	}
	http.Redirect(w, r, "/v/"+url.PathEscape(code)+"?lang="+language(r), http.StatusSeeOther)
	return nil
}

const codeCharacters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ -"

// maxCode bounds what is looked at: 26 characters with spaces and dashes.
const maxCode = 64
