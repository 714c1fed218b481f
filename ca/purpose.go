package ca

// Purpose names a key and certificate of the offices' own.
type Purpose string

const (
	PurposeRoot      Purpose = "root"
	PurposeIssuing   Purpose = "issuing"
	PurposeSealMaker Purpose = "seal-maker" // 制章者
	PurposeTSA       Purpose = "tsa"
	PurposeOCSP      Purpose = "ocsp"
	PurposeOCSPRoot  Purpose = "ocsp-root" // answers for what the root issued
	PurposeStatus    Purpose = "status"
	PurposeQR        Purpose = "qr"
	PurposeJournal   Purpose = "journal"
	PurposeTrustList Purpose = "trust-list" // signs the region list
	PurposeScheme    Purpose = "scheme"     // signs the scheme list, until offline keys take over
)

// purposeSpec is how the certificate of a purpose is made: its profile, its issuer
// and what stands behind the region's name in its CN.
type purposeSpec struct {
	purpose Purpose
	profile string
	issuer  Purpose
	title   string
}

// purposes in the order in which they are made.
var purposes = []purposeSpec{{PurposeRoot, ProfileRoot, PurposeRoot, "根证书"},
	{PurposeIssuing, ProfileIssuing, PurposeRoot, "签发证书"},
	{PurposeSealMaker, ProfileSealMaker, PurposeIssuing, "统一电子印章制作系统"},
	{PurposeTSA, ProfileTSA, PurposeIssuing, "时间戳服务"},
	{PurposeOCSP, ProfileOCSP, PurposeIssuing, "证书状态服务"},
	{PurposeStatus, ProfileStatus, PurposeIssuing, "印章与证照状态服务"},
	{PurposeQR, ProfileQR, PurposeIssuing, "证照二维码"},
	{PurposeJournal, ProfileJournal, PurposeIssuing, "日志"},
	{PurposeTrustList, ProfileTrustList, PurposeIssuing, "信任列表"},
	// No region's authority stands above the scheme: its key is known by its
	// fingerprint, and signs for itself.
	{PurposeScheme, ProfileTrustList, PurposeScheme, "信任体系列表"},
	// RFC 6960 4.2.2.2 has a responder certified by the very authority that it
	// answers for, so the root has one of its own and need not sign answers itself.
	{PurposeOCSPRoot, ProfileOCSP, PurposeRoot, "根证书状态服务"},
}
