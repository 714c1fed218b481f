package server

import (
	"io"
	"net/http"
	"net/netip"

	"yinxin/internal/agency"
	"yinxin/seal/face"
)

// named settles who a request is by: an officer's key says it, so a form may
// leave its operator out and may not name another. Of a program's key the form
// alone says it.
func named(r *http.Request, operator *string) error {
	caller, _ := callerOf(r.Context())
	switch {
	case caller.Officer == "":
	case *operator == "":
		*operator = caller.Officer
	case *operator != caller.Officer:
		return fail(noRight, "the operator is not the officer whose key this is")
	}
	return nil
}

// peer is whence a request came, as the connection says; the zero address where it
// says none.
func peer(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// actForm reads the form of an act and settles who it is by.
func actForm(r *http.Request, form any, operator *string) error {
	if err := smallForm(r, form); err != nil {
		return err
	}
	return named(r, operator)
}

// pictureForm is actForm for a form that may hold a seal's picture.
func pictureForm(r *http.Request, form any, operator *string) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxPictureForm+1))
	if err != nil {
		return bodyError(err)
	}
	if len(b) > maxPictureForm {
		return fail(tooLarge, "")
	}
	if err := decodeForm(b, form); err != nil {
		return err
	}
	return named(r, operator)
}

// maxPictureForm bounds it: the largest picture (face.MaxBytes) in base64, and the
// rest of the form.
const maxPictureForm = face.MaxBytes*4/3 + maxForm

// agencyAsked is whose rows a list is to show: the caller's own where none is named,
// and "" for all, which only the province's own may see.
func agencyAsked(r *http.Request) (string, error) {
	return agencyListed(r, r.URL.Query().Get("agency"))
}

// agencyListed is agencyAsked of an agency that was named elsewhere than in the query.
func agencyListed(r *http.Request, of string) (string, error) {
	caller, _ := callerOf(r.Context())
	if of == "" && !caller.May(agency.ScopeAdmin) {
		of = caller.Agency
	}
	if of != "" && !caller.ActsFor(of) {
		return "", fail(noRight, "")
	}
	return of, nil
}
