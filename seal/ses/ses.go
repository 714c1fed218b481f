// Package ses is the seal and the stamp as ASN.1: SESeal and SES_Signature of
// GM/T 0031-2014 (V1), GB/T 38540-2020 (V4) and GM/T 0031-2025 (V5). All three
// are read; V4 is written, and V5 when asked for.
//
// A reader begins with ParseSeal or ParseStamp; what was signed is checked over
// the bytes as received, never over a re-encoding, since deployed seals encode
// BOOLEAN FALSE explicitly and would not come out the same. A maker begins with
// BuildSeal; a stamp is BuildTBS, a signature over it, then BuildStamp.
package ses

import (
	"errors"
	"time"

	"yinxin/certs"
)

// Generation is the version of the standard a seal follows.
type Generation int

const (
	V1 Generation = 1 // GM/T 0031-2014
	V4 Generation = 4 // GB/T 38540-2020
	V5 Generation = 5 // GM/T 0031-2025
)

// Standard is the name that reports show.
func (g Generation) Standard() string {
	switch g {
	case V1:
		return "GM/T 0031-2014"
	case V4:
		return "GB/T 38540-2020"
	case V5:
		return "GM/T 0031-2025"
	}
	return ""
}

// VendorID is our SES_Header.Vid (protocol.md 2). Under it nothing but the one
// encoding is read; under others' some deployed variants are, with a notice.
const VendorID = "YINXIN"

// propertyInfo of what we stamp (protocol.md 2): no stamp can be carried from
// one kind of document to another.
const (
	PropertyJSON = "json:jcs"
	PropertyFile = "file:detached"
	PropertyPDF  = "pdf:byterange"
)

var (
	// ErrMalformed: the bytes are no seal, or no stamp.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("the signature does not verify")
)

// Limits, each against a file made to eat memory or time.
const (
	MaxStamp      = 4 << 20 // a stamp holds its seal
	MaxSeal       = 3 << 20
	MaxPicture    = 2 << 20 // an OFD picture of a tax seal takes 12 KB
	maxCerts      = 32
	maxExtensions = 64
	maxText       = 4096 // names, ids, propertyInfo (an absolute path in OFD)
	maxMillimetre = 1000
)

// Picture is SES_ESPictrueInfo (sic); Width and Height in millimetres.
type Picture struct {
	Type          string
	Data          []byte
	Width, Height int
}

// Extension is an ExtData.
type Extension struct {
	ID       certs.OID
	Critical bool
	Value    []byte
}

// CertDigest is one entry of certListType 2.
type CertDigest struct {
	Type  string
	Value []byte
}

// Seal is a SESeal that was read. Its signature is not yet checked.
type Seal struct {
	Generation         Generation
	Version            int64 // SES_Header.version as it stands
	Vendor, ID, Name   string
	Type               int64
	CertListType       int // 1 certificates, 2 digests
	Certs              [][]byte
	CertDigests        []CertDigest
	Created            time.Time
	ValidFrom, ValidTo time.Time
	Picture            Picture
	Extensions         []Extension
	MakerCert          []byte // 制章者
	Algorithm          certs.OID
	SignatureValue     []byte
	TimeStamp          []byte // V5 only
	Raw                []byte
	Signed             []byte // the octets signed (formats.md 1.2)
	Notices            []string
	signatureDER       []byte
	strict             bool
}

// Profiles of a stamp (protocol.md 2): how it is wrapped.
const (
	ProfileSES = "ses" // SES_Signature
	ProfileCMS = "cms" // CMS SignedData, seal/cms
)

// Stamp is a stamp that was read. Signed is TBS_Sign of a SES_Signature, or what
// says the same in another wrapping.
type Stamp struct {
	Profile        string
	Generation     Generation
	Version        int64
	Seal           *Seal
	TimeInfo       time.Time
	DataHash       []byte
	PropertyInfo   string
	Extensions     []Extension
	SignerCert     []byte
	Algorithm      certs.OID
	SignatureValue []byte // content of the BIT STRING without its unused-bits octet
	TimeStamp      []byte // TimeStampToken, nil without
	Raw            []byte
	Signed         []byte // as received
	Notices        []string
	signatureDER   []byte
}

// Standard is the name that reports show.
func (s *Stamp) Standard() string {
	if s.Profile == ProfileCMS {
		return s.Generation.Standard() + " (CMS)"
	}
	return s.Generation.Standard()
}

// Wrapped makes a stamp of what another wrapping than SES_Signature holds: its seal,
// the octets that are signed and what they say. The form of the signature value is
// judged as in a SES_Signature.
func Wrapped(s Stamp) (*Stamp, error) {
	var err error
	s.Generation, s.Version = s.Seal.Generation, s.Seal.Version
	s.signatureDER, err = s.Seal.normalise(s.SignatureValue, &s.Notices)
	return &s, err
}

// StampID is our id of the stamp, if it has one (protocol.md 2).
func (s *Stamp) StampID() ([]byte, bool) {
	v, ok := s.extension(certs.OIDStampID)
	return readOctets16(v, ok)
}

// ExpectedSeals is how many seals the finished document must bear
// (联合行文), if the stamp says.
func (s *Stamp) ExpectedSeals() (int, bool) {
	v, ok := s.extension(certs.OIDExpectedSeals)
	return readSmallInteger(v, ok)
}

func (s *Stamp) extension(o certs.OID) ([]byte, bool) {
	for _, e := range s.Extensions {
		if e.ID == o {
			return e.Value, true
		}
	}
	return nil, false
}
