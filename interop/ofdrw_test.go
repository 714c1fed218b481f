package interop

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/internal/testlong"
	"yinxin/seal/face"
	"yinxin/verify"
)

// ofdrwProgram is ofdrw/src/main/java/Witness.java, built once for all tests.
var ofdrwProgram = sync.OnceValues(func() (*javaWitness, error) { return mavenWitness("ofdrw") })

// ofdrw asks the witness, and gives what it said and whether it holds the thing for
// good.
func ofdrw(t testing.TB, args ...string) (string, bool) {
	t.Helper()
	needsMaven(t)
	w, err := ofdrwProgram()
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.judge(args)
	if err != nil || strings.HasPrefix(said[len(said)-1], "failed: ") {
		t.Fatalf("ofdrw did not judge %q: %q %v", args, said, err)
	}
	return strings.Join(said, "\n"), said[len(said)-1] == "good"
}

// stranger is a seal maker or signer of somebody else's: key and certificate as files.
type stranger struct{ key, cert string }

func newStranger(t testing.TB, name string) stranger {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := smx509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	draft := &smx509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Country: []string{"CN"}, CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment}
	der, err := smx509.CreateCertificate(rand.Reader, draft, draft, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return stranger{file(t, pkcs8), file(t, der)}
}

// sealOf has ofdrw make a seal of generation 1 or 4.
func sealOf(t testing.TB, generation string, maker, signer stranger) string {
	t.Helper()
	picture, err := face.Default(40, 300)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "seal.esl")
	if said, ok := ofdrw(t, "seal", generation, out, maker.key, maker.cert, signer.cert, file(t, picture)); !ok {
		t.Fatal(said)
	}
	return out
}

// signed has ofdrw sign a file: kind is 1, 4, gbt, gbt9 or bare.
func (s stranger) signed(t testing.TB, in, kind, mode, seal string, places ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), kind+mode+".ofd")
	if said, ok := ofdrw(t, append([]string{"sign", in, out, kind, mode, seal, s.key, s.cert}, places...)...); !ok {
		t.Fatalf("%s, %s: %s", kind, mode, said)
	}
	return out
}

// The witness holds samples of its own kind for good, and tampered ones not: what it
// says of ours counts. Of each we say the same, trust left aside.
func TestOfdrwJudges(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{"v4signed.ofd": true, "V4RideRight.ofd": true, "tampered.ofd": false, "h.ofd": false, "helloworld.ofd": false} {
		sample := filepath.Join("..", "..", "shared", "samples", "ofd", name)
		testlong.File(t, sample, "the samples")
		if said, ok := ofdrw(t, "verify", sample, "4"); ok != good {
			t.Errorf("%s: %s", name, said)
		}
		if r := judgeAlone(read(t, sample)); (r.Verdict == verify.CannotConfirm) != good {
			t.Errorf("%s: ours: %s", name, r.Verdict)
		}
	}
}
