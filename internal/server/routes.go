package server

import (
	"maps"
	"net/http"
	"slices"

	"yinxin/ca"
	"yinxin/ca/escrow"
	"yinxin/internal/agency"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/portal"
)

// endpoint is a row of the route table. Scope "" is public. With names the
// parameters beside those of the path, takes is the request's body and gives that
// of the answer.
type endpoint struct {
	method, path, scope, summary string
	with                         []string
	takes, gives                 content
	do                           route
}

// content is a body by its media types, each with a value of the type whose JSON it
// is; nil where it is not ours to say. Status is that of the answer, 0 for 200.
type content struct {
	status int
	media  map[string]any
	waits  bool // or 202 with the request, where a second officer must approve
	brief  bool // a body of a few KB that comes at once and takes no place
	parts  bool // a body of many documents
}

// inBrief is for questions (see briefly).
func (c content) inBrief() content {
	c.brief = true
	return c
}

// inParts is for many documents (see multiparted).
func (c content) inParts() content {
	c.parts = true
	return c
}

// either is a body of one of several types.
type either []any

// orWaits is for acts that a second officer may have to approve.
func (c content) orWaits() content {
	c.waits = true
	return c
}

func jsonOf(v any) content { return content{media: map[string]any{"application/json": v}} }

func created(v any) content {
	return content{status: http.StatusCreated, media: map[string]any{"application/json": v}}
}

func formOf(v any) content { return content{media: map[string]any{"multipart/form-data": v}} }

func raw(types ...string) content {
	c := content{media: map[string]any{}}
	for _, t := range types {
		c.media[t] = nil
	}
	return c
}

// or joins two choices of a body.
func (c content) or(d content) content {
	maps.Copy(c.media, d.media)
	return c
}

// methods: whoever may GET may ask for the head alone (RFC 9110 9.1).
func (e endpoint) methods() []string {
	if e.method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{e.method}
}

// admitted is what a request passes before the route: its credential first, so that
// a stranger takes no place of an agency's.
func (s *Server) admitted(e endpoint) route {
	do, places := e.do, s.busy
	if e.scope == "" {
		places = s.stranger
	}
	switch {
	case e.takes.brief:
		do = s.briefly(do)
	case e.takes.parts:
		do = s.multiparted(do)
	case e.method == http.MethodPost:
		do = s.limited(places, do)
	}
	if e.scope != "" {
		do = s.authorised(e.scope, do)
	}
	return do
}

// endpoints is the one table of routes: mux and the OpenAPI document are both
// made from it.
func (s *Server) endpoints() []endpoint {
	return slices.Concat(s.pageRoutes(), s.publicRoutes(), s.trustRoutes(), s.crlRoutes(), s.ocspRoutes(), s.sealRoutes(), s.sealFaceRoutes(), s.certificateRoutes(), s.licenceRoutes(), s.approvalRoutes(), s.escrowRoutes(), s.sealRequestRoutes(), s.sealLifeRoutes(), s.grantRoutes(), s.useRoutes(), s.cpsRoutes(), s.stampJobRoutes(), s.tsaRoutes(), s.augmentRoutes(), s.estRoutes())
}

const get, post = http.MethodGet, http.MethodPost

var listing = []string{"agency", "limit", "cursor"}

func (s *Server) pageRoutes() []endpoint {
	return []endpoint{
		{get, "/", "", "upload page", []string{"lang"}, content{}, raw("text/html"), s.portal.ShowUpload},
		{post, "/", "", "verdict page", []string{"lang"}, formOf(fileForm{}), raw("text/html"), s.portal.Judge},
		{get, "/v", "", "look-up of a verification code", []string{"lang", "code"}, content{}, raw("text/html"), s.portal.FindRecord},
		{get, "/v/{code}", "", "page of what was recorded under a code", []string{"lang"}, content{}, raw("text/html"), s.showRecord},
		{get, "/q", "", "page of a licence's QR code; its token stays in the fragment", []string{"lang"}, content{}, raw("text/html"), s.portal.ShowQR},
		{get, "/openapi.json", "", "this document", nil, content{}, jsonOf(nil), s.showOpenAPI},
		{get, "/healthz", "", "the process answers", nil, content{}, raw("text/plain"), s.healthz},
		{get, "/readyz", "", "requests are taken", nil, content{}, raw("text/plain"), s.readyz},
	}
}

func (s *Server) publicRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/verify", "", "judge a file; a report whatever the verdict", nil, raw(mediaOctets, mediaPDF, mediaOFD, "application/json"), jsonOf(verify.Report{}), s.verify},
		{get, "/api/v1/records/{code}", "", "what was recorded under a verification code", nil, content{}, jsonOf(portal.Record{}), s.record},
		{post, "/api/v1/records", "", "what was recorded of the licence of a QR token", nil, jsonOf(tokenForm{}).inBrief(), jsonOf(portal.Record{}), s.recordByToken},
		{get, "/api/v1/licences/{id}/status", "", "signed state of a licence", []string{"nonce"}, content{}, jsonOf(statement{}), s.licenceStatus},
		{get, "/api/v1/seals/{id}/status", "", "signed status of a seal at a time", []string{"at", "seal", "nonce"}, content{}, jsonOf(statement{}), s.sealStatus},
		{get, "/status/seals", "", "signed list of seals that are or were not in force", nil, content{}, jsonOf(statement{}), s.sealList},
		{get, "/status/{shard}", "", "signed list of the states of a shard of licences", nil, content{}, jsonOf(statement{}), s.statusList},
		{get, "/ca/{issuer}.cer", "", "certificate of an issuer, DER", nil, content{}, raw("application/pkix-cert"), s.issuer},
		{get, "/journal/checkpoint", "", "newest signed checkpoint", nil, content{}, raw("text/plain"), s.checkpoint},
		{get, "/journal/tile/{level}/{index}", "", "hashes of a tile", nil, content{}, raw(mediaOctets), s.tile},
		{get, "/journal/proof", "", "proof of inclusion (index, size) or consistency (first, second)", []string{"index", "size", "first", "second"}, content{}, jsonOf(proofAnswer{}), s.proof},
	}
}

func (s *Server) sealRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/stamps", agency.ScopeStamp, "seal a document", []string{"Idempotency-Key"}, formOf(stampParts{}).or(jsonOf(stampForm{})),
			jsonOf(sealedAnswer{}).or(raw(mediaPDF, mediaOFD, mediaOctets)), s.stamp},
		{get, "/api/v1/stamps", agency.ScopeSealRead, "the seal-use register: a page as JSON, all that match as a table or as lines", slices.Concat(useQuery, listing), content{}, jsonOf(listOf[seal.Stamp]{}).or(raw(mediaCSV, mediaLines)), s.stamps},
		{get, "/api/v1/stamps/{id}", agency.ScopeSealRead, "an entry of the register with its receipt", nil, content{}, jsonOf(entryAnswer{}), s.entry},
	}
}

func (s *Server) certificateRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/certificates", agency.ScopeCertificateIssue, "issue a certificate from a PKCS#10 request", []string{"Idempotency-Key"}, jsonOf(certificateForm{}), created(either{ca.Row{}, escrow.Issued{}}).orWaits(), s.issue},
		{get, "/api/v1/certificates", agency.ScopeCertificateIssue, "list certificates: a page as JSON, all that match as a table or as lines", slices.Concat(certificateQuery, []string{"bom"}, listing), content{},
			jsonOf(listOf[ca.Row]{}).or(raw(mediaCSV, mediaLines)), s.certificates},
		{post, "/api/v1/certificates/search", agency.ScopeCertificateIssue, "look for certificates by a part of the subject, given as a list is", []string{"bom"}, jsonOf(searchForm{}).inBrief(),
			jsonOf(listOf[ca.Row]{}).or(raw(mediaCSV, mediaLines)), s.searchCertificates},
		{get, "/api/v1/certificates/{id}", agency.ScopeCertificateIssue, "show a certificate", nil, content{}, jsonOf(ca.Row{}), s.certificate},
		{post, "/api/v1/certificates/{id}/revoke", agency.ScopeCertificateRevoke, "revoke a certificate, for ever", nil, jsonOf(revokeForm{}), jsonOf(ca.Row{}).orWaits(), s.revoke},
		{post, "/api/v1/certificates/{id}/renew", agency.ScopeCertificateIssue, "renew a certificate, on a new key or the same", []string{"Idempotency-Key"}, jsonOf(renewForm{}), created(ca.Row{}).orWaits(), s.renew},
		{post, "/api/v1/certificates/{id}/hold", agency.ScopeCertificateRevoke, "suspend a client or encryption certificate", nil, jsonOf(changeForm{}), jsonOf(ca.Row{}), s.changeCertificate(s.p.CA.Hold)},
		{post, "/api/v1/certificates/{id}/release", agency.ScopeCertificateRevoke, "end a suspension", nil, jsonOf(changeForm{}), jsonOf(ca.Row{}), s.changeCertificate(s.p.CA.Release)},
	}
}

func (s *Server) licenceRoutes() []endpoint {
	return []endpoint{
		{post, "/api/v1/licence-types", agency.ScopeAdmin, "define a licence type", nil, jsonOf(licenceTypeForm{}), created(license.Type{}), s.defineLicenceType},
		{get, "/api/v1/licence-types", agency.ScopeLicenceRead, "list licence types", nil, content{}, jsonOf(listOf[license.Type]{}), s.licenceTypes},
		{post, "/api/v1/licences", agency.ScopeLicenceIssue, "issue a licence as a sealed JSON document", []string{"Idempotency-Key"}, jsonOf(licenceForm{}), created(licenceAnswer{}), s.issueLicence},
		{get, "/api/v1/licences", agency.ScopeLicenceRead, "list licences", append([]string{"type", "state"}, listing...), content{}, jsonOf(listOf[license.Licence]{}), pageOf(s.licences)},
		{get, "/api/v1/licences/{id}", agency.ScopeLicenceRead, "show a licence with its document", nil, content{}, jsonOf(licenceAnswer{}), s.licence},
		{get, "/api/v1/licences/{id}/qr.png", agency.ScopeLicenceRead, "its QR code to print", nil, content{}, raw("image/png"), s.licencePicture},
		{post, "/api/v1/licences/{id}/suspend", agency.ScopeLicenceManage, "suspend a licence", nil, jsonOf(changeForm{}), jsonOf(license.Licence{}), s.changeLicence(s.p.Licences.Suspend)},
		{post, "/api/v1/licences/{id}/resume", agency.ScopeLicenceManage, "end a suspension", nil, jsonOf(changeForm{}), jsonOf(license.Licence{}), s.changeLicence(s.p.Licences.Resume)},
		{post, "/api/v1/licences/{id}/revoke", agency.ScopeLicenceManage, "revoke a licence, for ever", nil, jsonOf(changeForm{}), jsonOf(license.Licence{}), s.changeLicence(s.p.Licences.Revoke)},
	}
}
