package certs

import (
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// OID is an object identifier in dotted decimal. Its components may be of any
// size, unlike those of encoding/asn1.
type OID string

// arc is ours, from one UUID (protocol.md 9).
const arc = "2.25.25969492960821962851421249290022187753"

// Ours: protocol.md 9.
const (
	OIDEKUSealMaker    OID = arc + ".1.1" // 制章者
	OIDEKUStatusSigner OID = arc + ".1.2"
	OIDEKUQRSigner     OID = arc + ".1.3"
	OIDEKUJournal      OID = arc + ".1.4"
	OIDEKUTrustList    OID = arc + ".1.5"
	OIDEKUWitness      OID = arc + ".1.6"
	OIDStampID         OID = arc + ".2.1"
	OIDExpectedSeals   OID = arc + ".2.2"
	OIDSESealAttr      OID = arc + ".3"
	OIDTSAPolicy       OID = arc + ".5.1"
	// Certificate policies. The last one is for provinces that are a demonstration.
	OIDPolicyAgencySeal    OID = arc + ".4.1"
	OIDPolicyPerson        OID = arc + ".4.2"
	OIDPolicyService       OID = arc + ".4.3"
	OIDPolicyDemonstration OID = arc + ".4.4"
)

// Chinese algorithms and attributes: formats.md 1.5 and 3.
const (
	OIDSM2Curve     OID = "1.2.156.10197.1.301"
	OIDSM2Sign      OID = "1.2.156.10197.1.301.1"
	OIDSM3          OID = "1.2.156.10197.1.401"
	OIDSM2WithSM3   OID = "1.2.156.10197.1.501"
	OIDUSCC         OID = "1.2.156.10260.4.1.4" // 统一社会信用代码
	OIDIdentityCode OID = "1.2.156.10260.4.1.1" // 居民身份证号码: personal data
	OIDGMData       OID = "1.2.156.10197.6.1.4.2.1"
	OIDGMSignedData OID = "1.2.156.10197.6.1.4.2.2"
)

// RFC 5280, 5652, 3161, 5035, 6960.
const (
	OIDECPublicKey          OID = "1.2.840.10045.2.1"
	OIDData                 OID = "1.2.840.113549.1.7.1"
	OIDSignedData           OID = "1.2.840.113549.1.7.2"
	OIDContentType          OID = "1.2.840.113549.1.9.3"
	OIDMessageDigest        OID = "1.2.840.113549.1.9.4"
	OIDSigningTime          OID = "1.2.840.113549.1.9.5"
	OIDTSTInfo              OID = "1.2.840.113549.1.9.16.1.4"
	OIDTimeStampToken       OID = "1.2.840.113549.1.9.16.2.14"
	OIDSigningCertV2        OID = "1.2.840.113549.1.9.16.2.47"
	OIDEKUTimeStamping      OID = "1.3.6.1.5.5.7.3.8"
	OIDEKUOCSPSigning       OID = "1.3.6.1.5.5.7.3.9"
	OIDEKUClientAuth        OID = "1.3.6.1.5.5.7.3.2"
	OIDEKUAny               OID = "2.5.29.37.0"
	OIDOCSPNoCheck          OID = "1.3.6.1.5.5.7.48.1.5"
	OIDQualifierCPS         OID = "1.3.6.1.5.5.7.2.1"
	OIDAnyPolicy            OID = "2.5.29.32.0"
	oidAIAOCSP              OID = "1.3.6.1.5.5.7.48.1"
	oidAIAIssuers           OID = "1.3.6.1.5.5.7.48.2"
	oidExtSubjectKeyID      OID = "2.5.29.14"
	oidExtKeyUsage          OID = "2.5.29.15"
	oidExtBasic             OID = "2.5.29.19"
	oidExtAltNames          OID = "2.5.29.17"
	oidExtCRLNumber         OID = "2.5.29.20"
	oidExtReason            OID = "2.5.29.21"
	oidExtInvalidity        OID = "2.5.29.24"
	oidExtDeltaCRL          OID = "2.5.29.27"
	oidExtIDP               OID = "2.5.29.28"
	oidExtCertIssuer        OID = "2.5.29.29"
	oidExtNameConstraints   OID = "2.5.29.30"
	oidExtCRLPoints         OID = "2.5.29.31"
	oidExtPolicies          OID = "2.5.29.32"
	oidExtPolicyMappings    OID = "2.5.29.33"
	oidExtAuthorityKeyID    OID = "2.5.29.35"
	oidExtPolicyConstraints OID = "2.5.29.36"
	oidExtExtendedKeyUse    OID = "2.5.29.37"
	oidExtFreshest          OID = "2.5.29.46"
	oidExtInhibitAny        OID = "2.5.29.54"
	oidExtAuthorityAccess   OID = "1.3.6.1.5.5.7.1.1"
)

// maxOID bounds the content octets of an identifier: ours take 23.
const maxOID = 64

// DER gives the content octets, without tag and length; nil if the identifier
// is not well formed.
func (o OID) DER() []byte {
	parts := strings.Split(string(o), ".")
	if len(parts) < 2 {
		return nil
	}
	var out []byte
	first, err := strconv.Atoi(parts[0])
	if err != nil || first < 0 || first > 2 {
		return nil
	}
	for i, p := range parts[1:] {
		n, ok := new(big.Int).SetString(p, 10)
		// Under 0 and 1 there are 40 (X.690 8.19.4): 1.40 would be read as 2.0.
		if !ok || strings.Trim(p, "0123456789") != "" || i == 0 && first < 2 && n.Cmp(big.NewInt(40)) >= 0 {
			return nil
		}
		if i == 0 {
			n.Add(n, big.NewInt(int64(first)*40))
		}
		out = appendBase128(out, n)
	}
	return out
}

func appendBase128(out []byte, n *big.Int) []byte {
	groups := max((n.BitLen()+6)/7, 1)
	for i := groups - 1; i >= 0; i-- {
		b := byte(new(big.Int).Rsh(n, uint(7*i)).Uint64() & 0x7f)
		if i > 0 {
			b |= 0x80
		}
		out = append(out, b)
	}
	return out
}

// AddOID writes an OBJECT IDENTIFIER.
func AddOID(b *cryptobyte.Builder, o OID) {
	b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) {
		content := encodedOIDs[o]
		if content == nil {
			content = o.DER()
		}
		if content == nil {
			b.SetError(ErrMalformed)
			return
		}
		b.AddBytes(content)
	})
}

// ReadOID reads an OBJECT IDENTIFIER in its minimal form.
func ReadOID(s *cryptobyte.String) (OID, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.OBJECT_IDENTIFIER) {
		return "", false
	}
	return oidOf(content)
}

func oidOf(content []byte) (OID, bool) {
	if known, ok := knownOIDs[string(content)]; ok {
		return known, true
	}
	if len(content) == 0 || len(content) > maxOID || content[len(content)-1]&0x80 != 0 {
		return "", false
	}
	var dotted strings.Builder
	n, first, begin := new(big.Int), true, true
	for _, b := range content {
		if begin && b == 0x80 { // X.690 8.19.2: no leading zero group
			return "", false
		}
		begin = b&0x80 == 0
		n.Lsh(n, 7).Or(n, big.NewInt(int64(b&0x7f)))
		if !begin {
			continue
		}
		if first {
			root := min(n.Int64(), 80) / 40
			if !n.IsInt64() {
				root = 2
			}
			dotted.WriteString(strconv.FormatInt(root, 10))
			n.Sub(n, big.NewInt(root*40))
			first = false
		}
		dotted.WriteByte('.')
		dotted.WriteString(n.String())
		n = new(big.Int)
	}
	return OID(dotted.String()), true
}

// knownOIDs saves the arithmetic for those that every certificate holds.
var knownOIDs = func() map[string]OID {
	m := map[string]OID{}
	for _, o := range []OID{
		OIDEKUSealMaker, OIDEKUStatusSigner, OIDEKUQRSigner, OIDEKUJournal, OIDEKUTrustList, OIDEKUWitness, OIDStampID,
		OIDExpectedSeals, OIDSESealAttr, OIDTSAPolicy, OIDPolicyAgencySeal, OIDPolicyPerson, OIDPolicyService, OIDPolicyDemonstration, OIDQualifierCPS, OIDSM2Curve, OIDSM2Sign, OIDSM3, OIDSM2WithSM3, OIDUSCC, OIDGMData,
		OIDGMSignedData, OIDECPublicKey, OIDData, OIDSignedData, OIDContentType, OIDMessageDigest, OIDSigningTime,
		OIDTSTInfo, OIDTimeStampToken, OIDSigningCertV2, OIDEKUTimeStamping, OIDEKUOCSPSigning, OIDEKUClientAuth, OIDEKUAny, OIDOCSPNoCheck,
		oidAIAOCSP, oidAIAIssuers, oidExtSubjectKeyID, oidExtKeyUsage, oidExtBasic, oidExtCRLNumber, oidExtReason,
		oidExtInvalidity, oidExtDeltaCRL, oidExtIDP, oidExtNameConstraints, oidExtCRLPoints, oidExtPolicies, oidExtAuthorityKeyID,
		oidExtExtendedKeyUse, oidExtAuthorityAccess, OIDAnyPolicy, oidCountry, oidOrganization, oidUnit, oidCommonName,
		OIDOCSPBasic, oidOCSPNonce, OIDArchiveCutoff, oidSHA1, oidSHA256,
	} {
		m[string(o.DER())] = o
	}
	return m
}()

// encodedOIDs is the same the other way.
var encodedOIDs = func() map[OID][]byte {
	m := map[OID][]byte{}
	for content, o := range knownOIDs {
		m[o] = []byte(content)
	}
	return m
}()
