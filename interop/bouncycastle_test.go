package interop

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/testlong"
)

// jars are where Debian puts BouncyCastle.
var jars = []string{"/usr/share/java/bcprov.jar", "/usr/share/java/bcpkix.jar", "/usr/share/java/bcutil.jar"}

// witness compiles bouncycastle/Witness.java once for all tests.
var witness = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bouncycastle")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("javac", "-nowarn", "-cp", strings.Join(jars, ":"), "-d", dir, filepath.Join("bouncycastle", "Witness.java")).CombinedOutput()
	if err != nil {
		err = errors.Join(err, errors.New(string(out)))
	}
	return dir, err
})

// bouncyCastle asks the witness, and gives what it said and whether it holds the
// thing for good.
func bouncyCastle(t testing.TB, args ...string) (string, bool) {
	t.Helper()
	java := testlong.Tool(t, "java", "default-jdk-headless")
	testlong.Tool(t, "javac", "default-jdk-headless")
	for _, jar := range jars {
		testlong.File(t, jar, "libbcprov-java libbcpkix-java")
	}
	classes, err := witness()
	if err != nil {
		t.Fatal(err)
	}
	out, ok := run(t, java, append([]string{"-XX:TieredStopAtLevel=1", "-cp", strings.Join(append(jars, classes), ":"), "Witness"}, args...)...)
	if !ok && !strings.Contains(out, "refused: ") {
		t.Fatalf("BouncyCastle did not judge %q: %s", args, out)
	}
	return out, ok
}

// refused wants the witness to say no, and why.
func refused(t testing.TB, what, why string, args ...string) {
	t.Helper()
	if out, ok := bouncyCastle(t, args...); ok || !strings.Contains(out, why) {
		t.Errorf("%s: %s", what, out)
	}
}

// file puts DER where the witness can read it.
func file(t testing.TB, der []byte) string { t.Helper(); return write(t, "der", der) }

// Each certificate of a province by the whole of RFC 5280 6, as BouncyCastle has
// it: its signatures, names, times, uses and path lengths.
func TestBouncyCastleFollowsEachPath(t *testing.T) {
	t.Parallel()
	h, namesake := newHouse(t), newHouse(t)
	at := time.Now().UTC().Format(time.RFC3339)
	root, issuing := file(t, h.purpose(t, ca.PurposeRoot)), file(t, h.purpose(t, ca.PurposeIssuing))
	for _, r := range h.certificates(t) {
		if r.Issuer != string(ca.PurposeIssuing) {
			continue
		}
		if out, ok := bouncyCastle(t, "path", at, root, "--", file(t, r.DER), issuing); !ok {
			t.Errorf("%s: %s", r.Subject, out)
		}
	}
	leaf := h.purpose(t, ca.PurposeStatus)
	refused(t, "under a namesake of the root", "certificate validation failed", "path", at, file(t, namesake.purpose(t, ca.PurposeRoot)), "--", file(t, leaf), issuing)
	refused(t, "after its end", "expired", "path", "2040-01-01T00:00:00Z", root, "--", file(t, leaf), issuing)
	leaf = append([]byte(nil), leaf...)
	leaf[len(leaf)-1] ^= 1
	refused(t, "forged", "signature", "path", at, root, "--", file(t, leaf), issuing)
}
