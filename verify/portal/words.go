package portal

// words is what the pages say, in one language.
type words struct {
	Title, Tagline, OtherLanguage           string
	ChooseFile, ChooseHint, Check, Again    string
	CodeHeading, CodeHint, CodeField, Look  string
	QRHeading, QRSends, QRSend, QRNone      string
	QRWorking, QRFailed, QRScript, QRBad    string
	Seal, SealID, SealedAt, Signer, Maker   string
	Stamps, Checks, Reasons, Format, Digest string
	CheckedAt, Whole, NotWhole, Licence     string
	RecordHeading, NotPaper, BadCode        string
	NoRecord, TooLarge, NoFile, Private     string
	NoPage, Fault                           string
	Verdict                                 map[string]string
	VerdictMeaning                          map[string]string
	Result                                  map[string]string
	Record                                  map[string]string
	Licences                                map[string]string // states
	Holder, Term, State, Endless, Coverage  string
	ProvenTime, ClaimedTime                 string
	Companion, Timestamp                    string // what is no seal
}

var vocabulary = map[string]words{"zh": chinese, "en": english}

var chinese = words{
	Title: "电子印章与电子证照查验", Tagline: "查验文件上的电子印章、电子证照是否真实有效", OtherLanguage: "English",
	ChooseFile: "选择文件", ChooseHint: "PDF、OFD 或 JSON 文件。文件只用于本次查验,不会保存。", Check: "查验", Again: "查验另一份文件",
	CodeHeading: "按验证码查询", CodeHint: "纸质件上印刷的 26 位验证码", CodeField: "验证码", Look: "查询",
	QRHeading: "二维码登记信息", QRSends: "二维码中含有一份简短的证照信息(持有人已遮盖)。按下按钮后,它将发送到本服务器,用于查询登记信息,不会保存。", QRSend: "发送并查询", QRNone: "网址中没有二维码信息,请重新扫描。",
	QRWorking: "正在查询……", QRFailed: "查询没有成功,请稍后再试。", QRBad: "二维码信息有误,请重新扫描。", QRScript: "查询二维码需要浏览器允许运行脚本;也可以在首页输入纸面上的验证码。",
	Seal: "印章", SealID: "印章编码", SealedAt: "盖章时间", Signer: "签章证书", Maker: "制章者",
	Stamps: "印章", Checks: "逐项检查", Reasons: "说明", Format: "格式", Digest: "文件摘要",
	CheckedAt: "查验时间", Whole: "覆盖整个文件", NotWhole: "盖章后文件另有内容", Licence: "电子证照",
	RecordHeading: "登记信息", NotPaper: "以上是登记的信息,不能证明您手中的纸张是真的。请逐项核对纸面内容;如需确认,请查验电子原件。", BadCode: "验证码有误,请核对后重新输入。",
	NoRecord: "没有查到这个验证码的登记信息。", TooLarge: "文件过大,无法查验。", NoFile: "请选择要查验的文件。", NoPage: "没有这个页面。", Fault: "暂时无法提供服务,请稍后再试。", Private: "不需要登录,不保存上传的文件。",
	Verdict:        map[string]string{"valid": "有效", "valid_with_notice": "有效,但请注意", "not_valid": "无效", "cannot_confirm": "暂无法确认", "none": "没有可查验的印章"},
	VerdictMeaning: map[string]string{"valid": "印章真实,盖章后文件没有改动。", "valid_with_notice": "印章真实,盖章后文件没有改动,但请阅读下面的说明。", "not_valid": "文件被改动、伪造,或者印章、证书、证照不具效力。", "cannot_confirm": "缺少判断所需的信息。这既不表示真,也不表示假。", "none": "文件没有电子印章,或者格式无法识别。"},
	Result:         map[string]string{"pass": "通过", "fail": "不通过", "unknown": "未知", "not_applicable": "不适用"},
	Record:         map[string]string{"in_force": "登记为有效", "suspended": "登记为暂停", "ended": "登记为已失效", "unknown": "没有登记", "cannot_confirm": "暂无法确认"},
	Licences:       map[string]string{"valid": "有效", "revoked": "吊销", "suspended": "暂扣", "cancelled": "注销", "superseded": "已换发", "transferred": "已转出", "withdrawn": "撤销", "unknown": "未知"},
	Holder:         "持有人(已遮盖)", Term: "有效期", State: "状态", Endless: "长期", Coverage: "覆盖范围",
	ProvenTime: "可信时间戳", ClaimedTime: "未经证明", Companion: "数字签名(无印章)", Timestamp: "文件时间戳",
}

var english = words{
	Title: "Check an electronic seal or licence", Tagline: "Find out whether the seal on a document, or an electronic licence, is genuine and in force", OtherLanguage: "中文",
	ChooseFile: "Choose a file", ChooseHint: "A PDF, OFD or JSON file. It is used for this check only and is not kept.", Check: "Check", Again: "Check another file",
	CodeHeading: "Look up a verification code", CodeHint: "The 26 characters printed on the paper", CodeField: "Verification code", Look: "Look up",
	QRHeading: "What was recorded of this QR code", QRSends: "The QR code holds a short form of the licence, its holder masked. When you press the button it will be sent to this server to look up what was recorded. It is not kept.", QRSend: "Send and look up", QRNone: "There is no QR information in the address. Please scan again.",
	QRWorking: "Looking it up…", QRFailed: "The look-up did not succeed. Please try again later.", QRBad: "This is not the QR code of a licence. Please scan again.", QRScript: "Looking up a QR code needs a browser that runs scripts; or enter the verification code of the paper on the first page.",
	Seal: "Seal", SealID: "Seal code", SealedAt: "Sealed at", Signer: "Signer's certificate", Maker: "Seal maker",
	Stamps: "Seals", Checks: "Each check", Reasons: "What to know", Format: "Format", Digest: "Digest of the file",
	CheckedAt: "Checked at", Whole: "Covers the whole document", NotWhole: "There is more in the file than was sealed", Licence: "Electronic licence",
	RecordHeading: "What was recorded", NotPaper: "This is what was recorded; it does not confirm the sheet in your hand. Compare it with the paper line by line; to be sure, check the electronic original.", BadCode: "This is not a verification code. Please check what you typed.",
	NoRecord: "Nothing was recorded under this code.", TooLarge: "The file is too large to be checked.", NoFile: "Please choose a file to check.", NoPage: "There is no such page.", Fault: "Not available at the moment. Please try again later.", Private: "No login. Uploaded files are not kept.",
	Verdict:        map[string]string{"valid": "Valid", "valid_with_notice": "Valid, with something to know", "not_valid": "Not valid", "cannot_confirm": "Cannot be confirmed at present", "none": "No seal that can be checked"},
	VerdictMeaning: map[string]string{"valid": "The seal is genuine and the document has not been changed since it was sealed.", "valid_with_notice": "The seal is genuine and the document has not been changed since, but read what is said below.", "not_valid": "The document was altered or forged, or its seal, certificate or licence has no force.", "cannot_confirm": "Information needed for a judgement is missing. This means neither genuine nor forged.", "none": "The file bears no electronic seal, or its format is not one that can be read."},
	Result:         map[string]string{"pass": "pass", "fail": "fail", "unknown": "unknown", "not_applicable": "not applicable"},
	Record:         map[string]string{"in_force": "Recorded as in force", "suspended": "Recorded as suspended", "ended": "Recorded as ended", "unknown": "Not recorded", "cannot_confirm": "Cannot be confirmed at present"},
	Licences:       map[string]string{"valid": "valid", "revoked": "revoked", "suspended": "suspended", "cancelled": "cancelled", "superseded": "superseded by a newer one", "transferred": "transferred", "withdrawn": "withdrawn", "unknown": "unknown"},
	Holder:         "Holder (masked)", Term: "Term", State: "State", Endless: "no end", Coverage: "Coverage",
	ProvenTime: "trusted time-stamp", ClaimedTime: "not proven", Companion: "Signature without a seal", Timestamp: "Time-stamp of the file",
}
