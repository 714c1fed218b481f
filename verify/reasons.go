package verify

// Code is a reason code: stable, upper case, shared by the command line, the API,
// the pages and the logs (interface.md).
type Code string

const (
	// not_valid
	Altered                     Code = "ALTERED"
	ContentAddedAfterSeal       Code = "CONTENT_ADDED_AFTER_SEAL"
	PartialCoverage             Code = "PARTIAL_COVERAGE"
	SignatureForged             Code = "SIGNATURE_FORGED"
	SealForged                  Code = "SEAL_FORGED"
	SignerNotInSeal             Code = "SIGNER_NOT_IN_SEAL"
	SignerKeyUsage              Code = "SIGNER_KEY_USAGE"
	StampMalformed              Code = "STAMP_MALFORMED"
	WrongDocumentKind           Code = "WRONG_DOCUMENT_KIND"
	TimestampForged             Code = "TIMESTAMP_FORGED"
	TimeContradiction           Code = "TIME_CONTRADICTION"
	CertificateExpiredAtSealing Code = "CERTIFICATE_EXPIRED_AT_SEALING"
	CertificateNotYetValid      Code = "CERTIFICATE_NOT_YET_VALID_AT_SEALING"
	CertificateRevokedBefore    Code = "CERTIFICATE_REVOKED_BEFORE_SEALING"
	SealFrozenAtSealing         Code = "SEAL_FROZEN_AT_SEALING"
	SealCancelledBeforeSealing  Code = "SEAL_CANCELLED_BEFORE_SEALING"
	SealOutOfValidity           Code = "SEAL_OUT_OF_VALIDITY"
	SealMakerNotValid           Code = "SEAL_MAKER_NOT_VALID"
	SealOfAnotherRegion         Code = "SEAL_OF_ANOTHER_REGION"
	SealFaceMismatch            Code = "SEAL_FACE_MISMATCH"
	SealsMissing                Code = "SEALS_MISSING"
	LicenceSuspended            Code = "LICENCE_SUSPENDED"
	LicenceRevoked              Code = "LICENCE_REVOKED"
	LicenceCancelled            Code = "LICENCE_CANCELLED"
	LicenceExpired              Code = "LICENCE_EXPIRED"
	LicenceNotYetValid          Code = "LICENCE_NOT_YET_VALID"
	LicenceSuperseded           Code = "LICENCE_SUPERSEDED"
	LicenceTransferred          Code = "LICENCE_TRANSFERRED"
	LicenceWithdrawn            Code = "LICENCE_WITHDRAWN"
	LicenceMalformed            Code = "LICENCE_MALFORMED"
	LicenceNotByAuthority       Code = "LICENCE_NOT_BY_AUTHORITY"

	// cannot_confirm
	IssuerUnknown           Code = "ISSUER_UNKNOWN"
	StatusUnavailable       Code = "STATUS_UNAVAILABLE"
	StatusStale             Code = "STATUS_STALE"
	TimeNotProven           Code = "TIME_NOT_PROVEN"
	TrustListExpired        Code = "TRUST_LIST_EXPIRED"
	TrustMissing            Code = "TRUST_MISSING"
	SealedAfterCheck        Code = "SEALED_AFTER_CHECK"
	RevokedDuringSealing    Code = "REVOKED_DURING_SEALING"
	ServiceDistrusted       Code = "SERVICE_DISTRUSTED"
	FaceUnknown             Code = "SEAL_FACE_UNKNOWN"
	CriticalExtension       Code = "CRITICAL_EXTENSION_UNKNOWN"
	WorkLimit               Code = "WORK_LIMIT"
	FormatForeign           Code = "FORMAT_FOREIGN"
	EntryNotCovered         Code = "ENTRY_NOT_COVERED"
	WeakDigest              Code = "WEAK_DIGEST"
	LicenceStatusUnknown    Code = "STATUS_OF_LICENCE_UNKNOWN"
	SealStatusUnknownToList Code = "SEAL_NOT_IN_REGISTER"

	// valid_with_notice
	CertificateRevokedAfter Code = "CERTIFICATE_REVOKED_AFTER_SEALING"
	SealCancelledAfter      Code = "SEAL_CANCELLED_AFTER_SEALING"
	SealFrozenAfter         Code = "SEAL_FROZEN_AFTER_SEALING"
	SealMakerRevokedAfter   Code = "SEAL_MAKER_REVOKED_AFTER_MAKING"
	TSARevokedAfter         Code = "TSA_REVOKED_AFTER_SEALING"
	StatusTodayUnknown      Code = "STATUS_TODAY_UNKNOWN"
	TimestampLate           Code = "TIMESTAMP_LATE"
	FormatNotice            Code = "FORMAT_NOTICE"
	EntryUnlisted           Code = "ENTRY_UNLISTED"
	IdentifierVariant       Code = "IDENTIFIER_VARIANT"

	// none
	NotSealed         Code = "NOT_SEALED"
	FormatUnsupported Code = "FORMAT_UNSUPPORTED"
	Malformed         Code = "MALFORMED"
	TooLarge          Code = "TOO_LARGE"
)

// entry is a row of the one table of reasons. Sub is the sub-indication of ETSI EN
// 319 102-1 nearest to it: that standard gives TOTAL_FAILED only six, none for a
// signer or seal that was not entitled, which stand as SIG_CRYPTO_FAILURE or
// FORMAT_FAILURE here.
type entry struct {
	code    Code
	verdict Verdict
	sub     string
	zh, en  string
}

// reasonTable is in the order in which reports list reasons: worst first.
// docs/errors.md is printed from it.
var reasonTable = [...]entry{
	{Altered, NotValid, "HASH_FAILURE", "文件在盖章后被改动。", "The document was altered after it was sealed."},
	{ContentAddedAfterSeal, NotValid, "FORMAT_FAILURE", "盖章后文件中增加了印章、证据和时间戳以外的内容,或者较早的签名所禁止的内容。", "Something other than a further good seal, evidence or time-stamp was added after the document was sealed, or what an earlier signature forbids."},
	{PartialCoverage, NotValid, "FORMAT_FAILURE", "印章没有覆盖整个文件。", "The seal does not cover the whole document."},
	{SignatureForged, NotValid, "SIG_CRYPTO_FAILURE", "签章的签名值不正确,不是该证书持有人所盖。", "The signature of the stamp is wrong: the holder of the certificate did not make it."},
	{SealForged, NotValid, "SIG_CRYPTO_FAILURE", "印章本身的签名不正确,印章系伪造或被改动。", "The seal itself does not bear its maker's signature: it was forged or altered."},
	{SignerNotInSeal, NotValid, "SIG_CRYPTO_FAILURE", "签章证书不在该印章的证书列表中。", "The certificate that signed is not one of those this seal was made for."},
	{SignerKeyUsage, NotValid, "SIG_CRYPTO_FAILURE", "签章证书的密钥用途不允许盖章。", "The key usage of the signer's certificate does not allow sealing."},
	{StampMalformed, NotValid, "FORMAT_FAILURE", "签章数据的格式不正确。", "The data of the stamp breaks its format."},
	{WrongDocumentKind, NotValid, "FORMAT_FAILURE", "该签章属于另一种类型的文件。", "This stamp was made for another kind of document."},
	{TimestampForged, NotValid, "SIG_CRYPTO_FAILURE", "时间戳不正确,或不属于该签章。", "The time-stamp is wrong or belongs to another stamp."},
	{TimeContradiction, NotValid, "FORMAT_FAILURE", "签章声明的时间晚于时间戳证明的时间。", "The stamp claims a time later than its time-stamp proves."},
	{CertificateExpiredAtSealing, NotValid, "EXPIRED", "盖章时签章证书已过期。", "The signer's certificate had expired when the document was sealed."},
	{CertificateNotYetValid, NotValid, "NOT_YET_VALID", "盖章时签章证书尚未生效。", "The signer's certificate was not yet valid when the document was sealed."},
	{CertificateRevokedBefore, NotValid, "REVOKED", "签章证书在盖章之前已被吊销。", "The signer's certificate had been revoked before the document was sealed."},
	{SealFrozenAtSealing, NotValid, "REVOKED", "盖章时该印章处于冻结状态。", "The seal was frozen when the document was sealed."},
	{SealCancelledBeforeSealing, NotValid, "REVOKED", "该印章在盖章之前已注销或变更。", "The seal had been cancelled or replaced before the document was sealed."},
	{SealOutOfValidity, NotValid, "EXPIRED", "盖章时间不在印章的有效期内。", "The document was sealed outside the seal's time of validity."},
	{SealMakerNotValid, NotValid, "REVOKED", "制章时制章者证书无效。", "The certificate of the seal's maker was not valid when the seal was made."},
	{SealOfAnotherRegion, NotValid, "SIG_CRYPTO_FAILURE", "该地区的机构无权为此编码的印章作证。", "The region behind these certificates may not speak for a seal of this code."},
	{SealFaceMismatch, NotValid, "FORMAT_FAILURE", "页面上显示的印模与印章中的图像不一致。", "The picture shown on the page is not that of the seal."},
	{SealsMissing, NotValid, "FORMAT_FAILURE", "文件应有的印章不全。", "The document bears fewer seals than it must."},
	{LicenceNotByAuthority, NotValid, "FORMAT_FAILURE", "证照上没有其颁发机构的印章。", "The licence does not bear the seal of the authority that it names."},
	{LicenceRevoked, NotValid, "REVOKED", "该证照已被吊销。", "The licence has been revoked."},
	{LicenceWithdrawn, NotValid, "REVOKED", "该证照已被撤销。", "The licence has been withdrawn."},
	{LicenceCancelled, NotValid, "REVOKED", "该证照已注销。", "The licence has been cancelled."},
	{LicenceSuspended, NotValid, "REVOKED", "该证照已被暂扣。", "The licence is suspended."},
	{LicenceSuperseded, NotValid, "REVOKED", "该证照已有新版本,此版本失效。", "A newer version has taken the place of this licence."},
	{LicenceTransferred, NotValid, "REVOKED", "该证照已转出。", "The licence has been transferred elsewhere."},
	{LicenceExpired, NotValid, "EXPIRED", "该证照已过有效期。", "The licence has expired."},
	{LicenceNotYetValid, NotValid, "NOT_YET_VALID", "该证照尚未生效。", "The licence is not yet valid."},
	{LicenceMalformed, NotValid, "FORMAT_FAILURE", "文件中的证照信息不正确。", "What the document says of its licence is not well-formed."},

	{IssuerUnknown, CannotConfirm, "NO_CERTIFICATE_CHAIN_FOUND", "信任列表中没有该印章或证书的签发者。", "The trust list knows no service behind this seal or certificate."},
	{TrustMissing, CannotConfirm, "NO_CERTIFICATE_CHAIN_FOUND", "没有可用的信任列表。", "There is no trust list to judge by."},
	{TrustListExpired, CannotConfirm, "CERTIFICATE_CHAIN_GENERAL_FAILURE", "信任列表已过期。", "The trust list has expired."},
	{ServiceDistrusted, CannotConfirm, "NO_POE", "签发者已不受信任,且没有独立的时间证明。", "The service behind it is no longer trusted, and nothing independent proves the time."},
	{TimeNotProven, CannotConfirm, "NO_POE", "没有可信的时间戳证明盖章时间。", "No trusted time-stamp proves when the document was sealed."},
	{RevokedDuringSealing, CannotConfirm, "REVOCATION_OUT_OF_BOUNDS_NO_POE", "证书或印章在声明时间与证明时间之间失效,无法判断先后。", "Certificate or seal ended between the claimed and the proven time: which came first cannot be told."},
	{SealedAfterCheck, CannotConfirm, "TRY_LATER", "盖章时间晚于核验时间。", "The document was sealed after the time it is to be judged at."},
	{StatusUnavailable, CannotConfirm, "TRY_LATER", "无法取得证书或印章的状态。", "The status of a certificate or of the seal could not be had."},
	{StatusStale, CannotConfirm, "TRY_LATER", "取得的状态信息已过时。", "The status that could be had is too old."},
	{SealStatusUnknownToList, CannotConfirm, "TRY_LATER", "登记机关不知道该印章。", "The region's register does not know this seal."},
	{LicenceStatusUnknown, CannotConfirm, "TRY_LATER", "无法取得该证照的状态。", "The state of the licence could not be had."},
	{FaceUnknown, CannotConfirm, "SIG_CONSTRAINTS_FAILURE", "无法比对页面上显示的印模。", "The picture shown on the page could not be compared with the seal."},
	{CriticalExtension, CannotConfirm, "SIG_CONSTRAINTS_FAILURE", "含有无法识别的关键扩展项。", "It holds a critical extension that is not understood."},
	{EntryNotCovered, CannotConfirm, "SIG_CONSTRAINTS_FAILURE", "页面会用到的部分文件不在印章的保护范围内。", "A file that the pages may show is not covered by the seal."},
	{WeakDigest, CannotConfirm, "CRYPTO_CONSTRAINTS_FAILURE", "印章用可被伪造的摘要算法保护文件。", "The seal covers files by a digest that can be forged."},
	{FormatForeign, CannotConfirm, "SIG_CONSTRAINTS_FAILURE", "该签名采用了尚不支持的形式。", "This signature is of a kind that is not supported."},
	{WorkLimit, CannotConfirm, "SIG_CONSTRAINTS_FAILURE", "文件所需的核验工作超出限额。", "Checking this document would take more work than is allowed."},

	{CertificateRevokedAfter, ValidWithNotice, "", "签章证书在盖章之后被吊销,盖章时有效。", "The signer's certificate was revoked after the proven time of sealing."},
	{SealCancelledAfter, ValidWithNotice, "", "印章在盖章之后注销或变更,盖章时有效。", "The seal was cancelled or replaced after the proven time of sealing."},
	{SealFrozenAfter, ValidWithNotice, "", "印章在盖章之后被冻结,盖章时有效。", "The seal was frozen after the proven time of sealing."},
	{SealMakerRevokedAfter, ValidWithNotice, "", "制章者证书在制章之后被吊销。", "The certificate of the seal's maker was revoked after the seal was made."},
	{TSARevokedAfter, ValidWithNotice, "", "时间戳机构的证书在此之后被吊销。", "The certificate of the time-stamp authority was revoked later."},
	{StatusTodayUnknown, ValidWithNotice, "", "盖章时的状态已证实,今天的状态未知。", "The status at the time of sealing is proven; that of today is not known."},
	{TimestampLate, ValidWithNotice, "", "时间戳比声明的盖章时间晚十分钟以上。", "The time-stamp is more than ten minutes later than the time the stamp claims."},
	{FormatNotice, ValidWithNotice, "", "签章采用了不规范的编码。", "The stamp uses an encoding that departs from the standard."},
	{EntryUnlisted, ValidWithNotice, "", "文件包中有印章未列出的文件,页面不会用到。", "The package holds a file that the seal does not name and no page uses."},
	{IdentifierVariant, ValidWithNotice, "", "证照标识的校验位采用地方算法。", "The check character of the licence's identifier follows a regional variant."},

	{Malformed, None, "", "文件格式有误,无法读取。", "The file is malformed and cannot be read."},
	{TooLarge, None, "", "文件超出大小限制。", "The file is beyond the limits of size."},
	{FormatUnsupported, None, "", "不支持该文件格式。", "The format of this file is not supported."},
	{NotSealed, None, "", "文件中没有电子印章。", "The file holds no seal."},
}

// lookup finds a code's row. An unknown code cannot be told from a bug, so it
// counts as "cannot confirm".
func lookup(c Code) (entry, int) {
	for n, e := range reasonTable {
		if e.code == c {
			return e, n
		}
	}
	return entry{c, CannotConfirm, "", string(c), string(c)}, len(reasonTable)
}

// Explain gives the sentences of a code, for whoever shows one outside a report.
func Explain(c Code) (Reason, bool) {
	e, n := lookup(c)
	return Reason{e.code, e.zh, e.en}, n < len(reasonTable)
}
