package cms

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"

	"yinxin/certs"
	"yinxin/seal/ses"
)

// ErrNoSeal: it is a SignedData, or looks like one, without a seal under its
// signature.
var ErrNoSeal = errors.New("a CMS signature without a seal")

// ParseStamp reads exactly one stamp of profile cms. What it says stands in signed
// attributes, so that a seal that was put beside the signature is none. When it was
// made stands beside it in the PDF (/M, which its digest covers), since ETSI EN 319
// 142-1 6.3 has no signing-time there; others' may have one.
func ParseStamp(der []byte, claimed time.Time) (*ses.Stamp, error) {
	sd, err := certs.ParseFieldSignedData(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSeal, err)
	}
	raw, ok := sd.Attribute(certs.OIDSESealAttr)
	if !ok {
		return nil, ErrNoSeal
	}
	seal, err := ses.ParseSeal(raw)
	if err != nil {
		return nil, err
	}
	s := ses.Stamp{
		Profile: ses.ProfileCMS, Seal: seal, TimeInfo: claimed, PropertyInfo: ses.PropertyPDF, Raw: sd.Raw, Signed: sd.Signed(),
		Algorithm: certs.OIDSM2WithSM3, SignatureValue: sd.SignatureValue(), Notices: sd.Notices,
	}
	for _, step := range []func(*ses.Stamp, *certs.SignedData) error{takeDigest, takeSigner, takeToken, takeAttributes, takeForm} {
		if err := step(&s, sd); err != nil {
			return nil, err
		}
	}
	return ses.Wrapped(s)
}

func takeDigest(s *ses.Stamp, sd *certs.SignedData) error {
	if sd.Content != nil {
		return malformed("the stamp holds a content of its own")
	}
	var err error
	if s.DataHash, err = sd.MessageDigest(); err == nil && len(s.DataHash) != sm3.Size {
		err = malformed("messageDigest is not one of SM3")
	}
	return err
}

// takeSigner: the certificate is one under the signature, by signingCertificateV2,
// or another of the same key could be put in its place.
func takeSigner(s *ses.Stamp, sd *certs.SignedData) error {
	if sd.Signer == nil {
		return malformed("the stamp lacks its signer's certificate")
	}
	named, err := sd.NamesSigner()
	switch {
	case err != nil:
		return err
	case !named && s.Seal.Vendor == ses.VendorID:
		return malformed("the stamp lacks signingCertificateV2")
	case !named:
		s.Notices = append(s.Notices, "no signingCertificateV2")
	}
	s.SignerCert = sd.Signer.Raw
	return nil
}

// takeToken takes the one time-stamp (RFC 3161 appendix A).
func takeToken(s *ses.Stamp, sd *certs.SignedData) error {
	for _, a := range sd.Unsigned {
		switch {
		case a.Type != certs.OIDTimeStampToken:
			s.Notices = append(s.Notices, "an unsigned attribute of another kind")
		case s.TimeStamp != nil:
			return malformed("the stamp has two time-stamps")
		default:
			s.TimeStamp = a.Value
		}
	}
	return nil
}

// takeAttributes: what extDatas are to a TBS_Sign, attributes of the same names are
// here.
func takeAttributes(s *ses.Stamp, sd *certs.SignedData) error {
	ours := s.Seal.Vendor == ses.VendorID
	for _, a := range sd.Attributes {
		switch a.Type {
		case certs.OIDStampID, certs.OIDExpectedSeals:
			s.Extensions = append(s.Extensions, ses.Extension{ID: a.Type, Value: a.Value})
		case certs.OIDContentType, certs.OIDMessageDigest, certs.OIDSigningCertV2, certs.OIDSESealAttr:
		case certs.OIDSigningTime:
			in := cryptobyte.String(a.Value)
			if at, ok := certs.ReadTime(&in); ours || !ok || !in.Empty() {
				return malformed("signingTime")
			} else if s.TimeInfo.IsZero() {
				s.TimeInfo = at
			}
		default:
			if ours {
				return malformed("the stamp has an attribute that its maker does not write")
			}
		}
	}
	if s.TimeInfo.IsZero() {
		s.Notices = append(s.Notices, "nothing says when it was made")
	}
	return nil
}

// takeForm: under our vendor id there is one encoding (protocol.md 2, Encodings), so
// that nothing beside the signature can be changed unseen. Under others' the
// departures are told.
func takeForm(s *ses.Stamp, sd *certs.SignedData) error {
	asBuilt := sd.AsBuilt()
	switch {
	case s.Seal.Vendor != ses.VendorID:
		if !asBuilt && len(s.Notices) == 0 {
			s.Notices = append(s.Notices, "the SignedData is encoded otherwise than RFC 5652 and DER have it")
		}
	case !asBuilt || len(sd.Certificates) != 1:
		return malformed("the stamp is not encoded as its maker does")
	case slices.ContainsFunc(sd.Unsigned, func(a certs.Attribute) bool { return a.Type != certs.OIDTimeStampToken }):
		return malformed("the stamp has an unsigned attribute beside its time-stamp")
	}
	return nil
}
