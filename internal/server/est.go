package server

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gorilla/mux"

	"yinxin/ca"
	"yinxin/ca/est"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

const (
	estRoot = "/.well-known/est/"

	mediaCerts    = "application/pkcs7-mime"
	mediaEnrolled = "application/pkcs7-mime; smime-type=certs-only"
	mediaPKCS10   = "application/pkcs10"
	mediaCSRAttrs = "application/csrattrs"
)

// speaksEST tells the requests whose client knows no bearer keys.
func speaksEST(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, estRoot) }

// estRoutes are RFC 7030 3.2.2, with a label and without. Faults are problems as
// everywhere: 4.2.3 asks for plain text only of an answer without a media type.
func (s *Server) estRoutes() (out []endpoint) {
	for _, root := range []string{estRoot, estRoot + "{label}/"} {
		out = append(out,
			endpoint{get, root + "cacerts", "", "EST: the certificates above those that are issued", nil, content{}, raw(mediaCerts), s.estCACerts},
			endpoint{get, root + "csrattrs", "", "EST: what a request is made of", nil, content{}, raw(mediaCSRAttrs), s.estAttributes},
			endpoint{post, root + "simpleenroll", agency.ScopeCertificateIssue, "EST: issue a certificate", nil, raw(mediaPKCS10), raw(mediaEnrolled).orWaits(), s.estEnroll},
			endpoint{post, root + "simplereenroll", agency.ScopeCertificateIssue, "EST: renew the certificate whose subject the request names", nil, raw(mediaPKCS10), raw(mediaEnrolled).orWaits(), s.estReenroll})
	}
	return out
}

// estProfiles are the labels (RFC 7030 3.2.2). A seal's certificate comes with its
// seal, and is not enrolled for.
var estProfiles = map[string]string{"": ca.ProfileClient, "client": ca.ProfileClient, "person": ca.ProfilePerson}

func estProfile(r *http.Request) (string, error) {
	profile, ok := estProfiles[mux.Vars(r)["label"]]
	if !ok {
		return "", fail(notFound, "the labels are client and person")
	}
	return profile, nil
}

// certified tells whom a client certificate speaks for: the agency whose unified
// social credit code stands in its subject, as serialNumber or organizationIdentifier.
// That its authority may say so was decided when it was configured (serve --client-ca).
func (s *Server) certified(ctx context.Context, c *x509.Certificate) (agency.Caller, error) {
	serialNumber, organizationIdentifier := asn1.ObjectIdentifier{2, 5, 4, 5}, asn1.ObjectIdentifier{2, 5, 4, 97}
	code := ""
	for _, part := range c.Subject.Names {
		if !part.Type.Equal(serialNumber) && !part.Type.Equal(organizationIdentifier) {
			continue
		}
		text, ok := part.Value.(string)
		if !ok || code != "" && text != code {
			return agency.Caller{}, agency.ErrUnauthenticated // two codes: whose is it
		}
		code = text
	}
	if !certs.USCCValid(code) {
		return agency.Caller{}, agency.ErrUnauthenticated
	}
	a, err := s.p.Agencies.Show(ctx, code)
	switch {
	case errors.Is(err, agency.ErrNotFound):
		return agency.Caller{}, agency.ErrUnauthenticated
	case err != nil:
		return agency.Caller{}, err
	case a.State != agency.Active:
		return agency.Caller{}, agency.ErrUnauthenticated
	}
	// By its SM3: two authorities may give one serial number.
	sum := sm3.Sum(c.Raw)
	return agency.Caller{Agency: a.ID, Name: a.Name, Certificate: hex.EncodeToString(sum[:]), Scopes: []string{agency.ScopeCertificateIssue}}, nil
}

func (s *Server) estCACerts(w http.ResponseWriter, r *http.Request) error {
	if _, err := estProfile(r); err != nil {
		return err
	}
	names, err := s.p.CA.Issuers(r.Context())
	if err != nil {
		return err
	}
	var list []*certs.Certificate
	for _, name := range names {
		c, err := s.p.CA.Issuer(r.Context(), name)
		if err != nil {
			return err
		}
		if c.Row.State(s.clock()) == ca.StateValid {
			list = append(list, c.Certificate)
		}
	}
	return writeCerts(w, mediaCerts, list...)
}

func (s *Server) estAttributes(w http.ResponseWriter, r *http.Request) error {
	if _, err := estProfile(r); err != nil {
		return err
	}
	der, err := est.Attributes()
	if err != nil {
		return err
	}
	return writeEST(w, mediaCSRAttrs, der)
}

func writeCerts(w http.ResponseWriter, media string, list ...*certs.Certificate) error {
	der, err := est.CertsOnly(list...)
	if err != nil {
		return err
	}
	return writeEST(w, media, der)
}

// writeEST names the encoding, which RFC 8951 3.1 has no one need and RFC 7030 asks
// for.
func writeEST(w http.ResponseWriter, media string, der []byte) error {
	w.Header().Set("Content-Transfer-Encoding", "base64")
	return writeBytes(w, http.StatusOK, media, est.Encode(der))
}

// estRequest is a PKCS#10 request with what it is to become.
type estRequest struct {
	profile string
	csr     []byte
	subject certs.Name
}

func readEST(r *http.Request) (q estRequest, err error) {
	if q.profile, err = estProfile(r); err != nil {
		return q, err
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != mediaPKCS10 {
		return q, fail(wrongMediaType, "a request is of type "+mediaPKCS10)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, est.MaxBody+1))
	if err != nil {
		return q, bodyError(err)
	}
	if len(body) > est.MaxBody {
		return q, fail(tooLarge, "")
	}
	if q.csr, err = est.Decode(body); err != nil {
		return q, failBy(badRequest, err)
	}
	q.subject, err = ca.RequestSubject(q.csr)
	return q, ruled(err)
}

// estAsker stands in the register for who, which EST has no place for, and asks where
// a second officer must approve. A program is named by its agency and by what it
// showed: no person stands behind it that anybody knows of.
func estAsker(c agency.Caller) act.Officer {
	switch {
	case c.Officer != "":
		return c.By("")
	case c.Certificate != "":
		return c.By("EST client of " + c.Name)
	}
	return c.By("key " + c.KeyID)
}

// estWho is the asker as a certificate's row has it.
func estWho(by act.Officer) string {
	if by.Certificate != "" {
		return by.String()
	}
	return by.Name
}

// estRetry makes the request its own idempotency key: whoever was told to wait, or
// lost the answer, sends the same request again (RFC 7030 4.2.3) and gets what came of
// the first.
func estRetry(r *http.Request, c agency.Caller, csr []byte) *act.Retry {
	h := sm3.New()
	io.WriteString(h, r.URL.Path+"\n")
	h.Write(csr)
	sum := [32]byte(h.Sum(nil))
	return &act.Retry{Owner: c.Agency, Key: "EST " + hex.EncodeToString(sum[:]), Request: sum}
}

// estEnroll issues for the caller's agency; of the subject only the common name is
// the request's to choose (RFC 7030 4.2.1).
func (s *Server) estEnroll(w http.ResponseWriter, r *http.Request) error {
	q, err := readEST(r)
	if err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	by := estAsker(caller)
	row, err := s.p.CA.Issue(r.Context(), ca.IssueRequest{Profile: q.profile, Agency: caller.Agency, AgencyName: caller.Name, CommonName: q.subject.CommonName,
		CSR: q.csr, Who: estWho(by), Why: "EST simpleenroll", Retry: estRetry(r, caller, q.csr), By: by})
	return enrolled(w, row, err)
}

// estReenroll renews the caller's newest certificate of the request's subject (RFC
// 7030 4.2.2), on a new key or the same.
func (s *Server) estReenroll(w http.ResponseWriter, r *http.Request) error {
	q, err := readEST(r)
	if err != nil {
		return err
	}
	caller, _ := callerOf(r.Context())
	old, err := s.newestOf(r.Context(), caller.Agency, q)
	if err != nil {
		return err
	}
	by := estAsker(caller)
	row, err := s.p.CA.RenewCertificate(r.Context(), ca.RenewRequest{Serial: old, AgencyName: caller.Name, CSR: q.csr,
		Who: estWho(by), Why: "EST simplereenroll", Retry: estRetry(r, caller, q.csr), By: by})
	return enrolled(w, row, err)
}

// enrolled answers both: 202 with Retry-After where a second officer has to approve
// (RFC 7030 4.2.3).
func enrolled(w http.ResponseWriter, row ca.Row, err error) error {
	if err != nil {
		return waits(w, err)
	}
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		return err
	}
	return writeCerts(w, mediaEnrolled, c)
}

// newestOf finds the serial of the newest certificate in force with a subject.
func (s *Server) newestOf(ctx context.Context, agency string, q estRequest) (serial string, err error) {
	subject := q.subject.String()
	err = s.p.CA.Each(ctx, ca.Filter{Agency: agency, Profile: q.profile, State: ca.StateValid}, func(row ca.Row) error {
		if row.Subject == subject {
			serial = row.Serial
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if serial == "" {
		return "", fail(refused, "no certificate in force has the subject of the request: the two must be the same")
	}
	return serial, nil
}
