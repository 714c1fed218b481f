package server

import (
	"bytes"
	_ "embed"
	"net/http"
	"text/template"

	"yinxin/ca"
	"yinxin/certs"
)

// The practice statement that every certificate names (RFC 5280 4.2.1.4). What it
// says of profiles is read from the authority, so that it cannot say otherwise.
//
//go:embed cps.txt
var practiceText string

var practice = template.Must(template.New("cps").Parse(practiceText))

func (s *Server) cpsRoutes() []endpoint {
	return []endpoint{
		{get, "/cps", "", "certification practice statement", nil, content{}, raw("text/plain"), s.practiceStatement},
	}
}

func (s *Server) practiceStatement(w http.ResponseWriter, _ *http.Request) error {
	id := s.p.Identity
	var text bytes.Buffer
	err := practice.Execute(&text, struct {
		Name, Region, URL                    string
		Demonstration                        bool
		Seal, Person, Service, Demonstrating certs.OID
		Profiles                             []ca.Statement
	}{id.Name, id.Region, id.URL, id.Demonstration, certs.OIDPolicyAgencySeal, certs.OIDPolicyPerson, certs.OIDPolicyService, certs.OIDPolicyDemonstration, s.p.CA.Profiles()})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return writeBytes(w, http.StatusOK, "text/plain; charset=utf-8", text.Bytes())
}
