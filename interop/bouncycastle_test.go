package interop

import (
	"bufio"
	"errors"
	"io"
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

// javaWitness is a Java that answers one question at a time. It ends with its
// standard input, that is with us.
type javaWitness struct {
	mu     sync.Mutex
	ask    io.Writer
	answer *bufio.Scanner
}

// witness starts bouncycastle/Witness.java once for all tests: a Java takes a second
// to start, and a millisecond to judge.
var witness = sync.OnceValues(func() (*javaWitness, error) {
	return startJava("-XX:TieredStopAtLevel=1", "-cp", strings.Join(jars, ":"), filepath.Join("bouncycastle", "Witness.java"))
})

func startJava(args ...string) (*javaWitness, error) {
	cmd := exec.Command("java", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout // what the compiler says is part of the answer
	return &javaWitness{ask: in, answer: bufio.NewScanner(out)}, cmd.Start()
}

// judge gives all that was said of a question, the verdict last.
func (w *javaWitness) judge(question []string) (said []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.ask, strings.Join(question, "\t")+"\n"); err != nil {
		return nil, err
	}
	for w.answer.Scan() {
		line := w.answer.Text()
		said = append(said, line)
		if line == "good" || strings.HasPrefix(line, "refused: ") || strings.HasPrefix(line, "failed: ") {
			return said, nil
		}
	}
	return said, errors.Join(io.ErrUnexpectedEOF, w.answer.Err())
}

// bouncyCastle asks the witness, and gives what it said and whether it holds the
// thing for good.
func bouncyCastle(t testing.TB, args ...string) (string, bool) {
	t.Helper()
	testlong.Tool(t, "java", "default-jdk-headless")
	testlong.Tool(t, "javac", "default-jdk-headless") // a runtime alone compiles no source
	for _, jar := range jars {
		testlong.File(t, jar, "libbcprov-java libbcpkix-java")
	}
	w, err := witness()
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.judge(args)
	if err != nil || strings.HasPrefix(said[len(said)-1], "failed: ") {
		t.Fatalf("BouncyCastle did not judge %q: %q %v", args, said, err)
	}
	return strings.Join(said, "\n") + "\n", said[len(said)-1] == "good"
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
