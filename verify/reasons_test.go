package verify

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/errors.md from the reason table")

const errorsPage = "../docs/errors.md"

// The codes that interface.md names; a release may add to them, never drop one.
const promised = `ALTERED CONTENT_ADDED_AFTER_SEAL PARTIAL_COVERAGE SIGNATURE_FORGED SEAL_FORGED SIGNER_NOT_IN_SEAL
CERTIFICATE_EXPIRED_AT_SEALING CERTIFICATE_REVOKED_BEFORE_SEALING CERTIFICATE_REVOKED_AFTER_SEALING
SEAL_FROZEN_AT_SEALING SEAL_CANCELLED_BEFORE_SEALING SEAL_OUT_OF_VALIDITY LICENCE_SUSPENDED LICENCE_REVOKED
LICENCE_CANCELLED LICENCE_EXPIRED LICENCE_SUPERSEDED LICENCE_TRANSFERRED SEAL_FACE_MISMATCH SEALS_MISSING
ISSUER_UNKNOWN STATUS_UNAVAILABLE STATUS_STALE STATUS_TODAY_UNKNOWN TIME_NOT_PROVEN TRUST_LIST_EXPIRED NOT_SEALED
FORMAT_UNSUPPORTED MALFORMED TOO_LARGE`

func TestReasonTable(t *testing.T) {
	have := map[Code]entry{}
	for _, e := range reasonTable {
		if _, twice := have[e.code]; twice {
			t.Errorf("%s stands twice", e.code)
		}
		have[e.code] = e
		if !regexp.MustCompile(`^[A-Z][A-Z_]+$`).MatchString(string(e.code)) {
			t.Errorf("%s is not an upper-case code", e.code)
		}
		if !strings.HasSuffix(e.zh, "。") || !strings.HasSuffix(e.en, ".") {
			t.Errorf("%s: its sentences are not sentences", e.code)
		}
		if strings.HasPrefix(string(e.code), "LICENCE_") && e.verdict != NotValid {
			t.Errorf("%s is not not_valid", e.code)
		}
		// EN 319 102-1 clause 5: TOTAL-FAILED has these and no others.
		failed := strings.Contains(" FORMAT_FAILURE HASH_FAILURE SIG_CRYPTO_FAILURE REVOKED EXPIRED NOT_YET_VALID ", " "+e.sub+" ")
		if (e.verdict == NotValid) != failed {
			t.Errorf("%s: %s does not go with %q", e.code, e.verdict, e.sub)
		}
		if e.verdict == CannotConfirm && e.sub == "" {
			t.Errorf("%s has no sub-indication", e.code)
		}
	}
	for _, c := range strings.Fields(promised) {
		if _, ok := have[Code(c)]; !ok {
			t.Errorf("%s is promised by interface.md and missing", c)
		}
	}
	if e, _ := lookup("NO_SUCH_CODE"); e.verdict != CannotConfirm {
		t.Error("an unknown code must never look good")
	}
}

func TestErrorsPage(t *testing.T) {
	want := printErrors()
	if *update {
		if err := os.WriteFile(errorsPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsPage)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/errors.md is not what the table says; run: go test ./verify -run TestErrorsPage -update (%v)", err)
	}
}

func printErrors() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "# Reason codes\n\nPrinted from the table in `verify/reasons.go` by its test (`go test ./verify -run TestErrorsPage -update`).\n"+
		"Each code belongs to one verdict; a document gets the worst verdict of its stamps.\n")
	for _, v := range []Verdict{NotValid, CannotConfirm, ValidWithNotice, None} {
		fmt.Fprintf(&b, "\n## `%s` (exit code %d)\n\n| code | sub-indication | 中文 | English |\n|---|---|---|---|\n", v, v.ExitCode())
		for _, e := range reasonTable {
			if e.verdict == v {
				sub := e.sub
				if sub == "" {
					sub = "-"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.code, sub, e.zh, e.en)
			}
		}
	}
	return b.Bytes()
}

func TestVerdicts(t *testing.T) {
	order := []Verdict{Valid, ValidWithNotice, CannotConfirm, None, NotValid}
	for i, a := range order {
		for j, b := range order {
			if got := Worst(a, b); got != order[max(i, j)] {
				t.Errorf("worst of %s and %s is %s", a, b, got)
			}
		}
	}
	if Worst() != None || Verdict("").ExitCode() != 2 {
		t.Error("nothing judged must never look good")
	}
	for v, code := range map[Verdict]int{Valid: 0, ValidWithNotice: 0, NotValid: 1, CannotConfirm: 2, None: 3} {
		if v.ExitCode() != code {
			t.Errorf("%s ends with %d", v, v.ExitCode())
		}
	}
}
