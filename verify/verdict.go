package verify

// Verdict is what a document, or one stamp in it, is found to be; the words and
// their exit codes are one contract for the command line, HTTP and the pages
// (interface.md "Verdicts, everywhere the same").
type Verdict string

const (
	Valid           Verdict = "valid"             // 有效
	ValidWithNotice Verdict = "valid_with_notice" // 有效但请注意
	NotValid        Verdict = "not_valid"         // 无效
	CannotConfirm   Verdict = "cannot_confirm"    // 暂无法确认
	None            Verdict = "none"              // no seal, no such format, or beyond reading
)

// ExitCode is what `yinxin verify` ends with.
func (v Verdict) ExitCode() int {
	switch v {
	case Valid, ValidWithNotice:
		return 0
	case NotValid:
		return 1
	case None:
		return 3
	}
	// Whatever is not known to be good ends as "cannot confirm", never as 0.
	return 2
}

// Indication is the main indication of ETSI EN 319 102-1, empty for None.
func (v Verdict) Indication() string {
	switch v {
	case Valid, ValidWithNotice:
		return "TOTAL_PASSED"
	case NotValid:
		return "TOTAL_FAILED"
	case None:
		return ""
	}
	return "INDETERMINATE"
}

// rank orders verdicts: a higher one prevails. Exit code 3 ranks above 2 when
// several files are judged (interface.md).
func (v Verdict) rank() int {
	switch v {
	case Valid:
		return 0
	case ValidWithNotice:
		return 1
	case None:
		return 3
	case NotValid:
		return 4
	}
	return 2
}

// Worst is the verdict of many: of a document's stamps, or of several files. Of
// nothing it is None, for nothing was judged.
func Worst(verdicts ...Verdict) Verdict {
	if len(verdicts) == 0 {
		return None
	}
	worst := verdicts[0]
	for _, v := range verdicts[1:] {
		if v.rank() > worst.rank() {
			worst = v
		}
	}
	return worst
}
