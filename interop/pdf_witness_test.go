package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"yinxin/internal/testlong"
)

var pdfboxProgram = sync.OnceValues(func() (*javaWitness, error) { return mavenWitness("pdfbox") })

// pdfbox lists the signatures that PDFBox finds, a line each.
func pdfbox(t testing.TB, b []byte) []string {
	t.Helper()
	needsMaven(t)
	w, err := pdfboxProgram()
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.judge([]string{write(t, "x.pdf", b)})
	if err != nil || said[len(said)-1] != "good" {
		t.Fatalf("PDFBox: %q %v", said, err)
	}
	return said[:len(said)-1]
}

// pyHanko asks pyhanko/witness.py.
func pyHanko(t testing.TB, args ...string) string {
	t.Helper()
	python := testlong.Tool(t, "python3", "python3")
	if exec.Command(python, "-c", "import pyhanko").Run() != nil {
		testlong.Missing(t, "pyHanko", "none; pip has pyhanko")
	}
	out, err := exec.Command(python, append([]string{"pyhanko/witness.py"}, args...)...).Output()
	if err != nil {
		t.Fatalf("pyHanko: %v: %s", err, err.(*exec.ExitError).Stderr)
	}
	return strings.TrimSpace(string(out))
}

// PDFBox and pyHanko find both stamps and say that they cover what ours says.
func othersFindBoth(t *testing.T, once, both []byte) {
	var box, hanko []string
	for _, line := range pdfbox(t, both) {
		if strings.Contains(line, "\tGM.sm2seal\t") {
			box = append(box, line)
		}
	}
	for line := range strings.Lines(pyHanko(t, "ranges", write(t, "x.pdf", both))) {
		if strings.Contains(line, "\t/GM.sm2seal\t") {
			hanko = append(hanko, strings.TrimSpace(line))
		}
	}
	for i, end := range []int{len(once), len(both)} {
		hole := holes(t, both)[i]
		field := []string{"印章", "印章 2"}[i]
		ranges := fmt.Sprintf("[0, %d, %d, %d]", hole[0], hole[1], end-hole[1])
		covered := append(append([]byte(nil), both[:hole[0]]...), both[hole[1]:end]...)
		if len(box) == 2 {
			token := unhex(t, both[hole[0]+1:hole[1]-1])
			want := []string{field, "1", "GM.PKILite", "GM.sm2seal", ranges, fmt.Sprintf("%x", sha256.Sum256(covered)), fmt.Sprintf("%x", sha256.Sum256(token))}
			if box[i] != strings.Join(want, "\t") {
				t.Errorf("PDFBox: %q, want %q", box[i], want)
			}
		}
		if len(hanko) == 2 && hanko[i] != strings.Join([]string{field, "/GM.sm2seal", ranges}, "\t") {
			t.Errorf("pyHanko: %q", hanko[i])
		}
	}
	if len(box) != 2 || len(hanko) != 2 {
		t.Errorf("PDFBox finds %q, pyHanko %q", box, hanko)
	}
}

func unhex(t testing.TB, b []byte) []byte {
	t.Helper()
	out := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(out, b); err != nil {
		t.Fatal(err)
	}
	return out
}
