package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"hash"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/digitorus/pdfsign"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal"
)

// The same file is sealed by our office (SM2 over SM3, time-stamp, register and journal
// on disk) and signed by digitorus/pdfsign (P-256 over SHA-256, nothing else), each in
// a process of its own. What hashing the file costs is told apart, since SM3 takes four
// times as long as SHA-256 on this kind of machine.
//
//	go test ./interop -run '^$' -bench Pdfsign -benchtime 1x
func BenchmarkPdfsign(b *testing.B) {
	for _, c := range []struct {
		name        string
		size, times int
	}{{"1MB", 1 << 20, 50}, {"100MB", 100 << 20, 3}} {
		b.Run(c.name, func(b *testing.B) {
			in := filepath.Join(b.TempDir(), "in.pdf") // made here: the peak is the peer's
			bigPDF(b, in, c.size)
			for b.Loop() {
				ours, peak := peer(b, "ours", in, c.times)
				theirs, theirPeak := peer(b, "pdfsign", in, c.times)
				sm3Cost, _ := peer(b, "sm3", in, c.times)
				sha256Cost, _ := peer(b, "sha256", in, c.times)
				b.ReportMetric(ours, "ms-CPU-ours")
				b.ReportMetric(theirs, "ms-CPU-pdfsign")
				b.ReportMetric(ours-sm3Cost, "ms-CPU-ours-less-SM3")
				b.ReportMetric(theirs-sha256Cost, "ms-CPU-pdfsign-less-SHA256")
				b.ReportMetric(peak, "MB-ours")
				b.ReportMetric(theirPeak, "MB-pdfsign")
			}
		})
	}
}

const peerEnv = "YINXIN_PEER"

// peer runs TestPeerProcess in a process of its own; it gives milliseconds of CPU a
// file and the peak of memory in MB.
func peer(b *testing.B, mode, in string, times int) (ms, mb float64) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestPeerProcess$", "-test.v")
	cmd.Env = append(os.Environ(), peerEnv+"="+fmt.Sprint(mode, " ", times, " ", in))
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	_, told, _ := strings.Cut(string(out), "CPU ")
	if _, err := fmt.Sscanf(told, "%f ms, peak %f MB", &ms, &mb); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return ms, mb
}

// TestPeerProcess is what BenchmarkPdfsign runs, and nothing else does.
func TestPeerProcess(t *testing.T) {
	var mode, in string
	var times int
	if _, err := fmt.Sscan(os.Getenv(peerEnv), &mode, &times, &in); err != nil {
		return // no part of the tests
	}
	once := map[string]func(*testing.T, string) func() error{"ours": oursOnce, "pdfsign": pdfsignOnce, "sm3": hashOnce(sm3.New), "sha256": hashOnce(sha256.New)}[mode](t, in)
	if err := once(); err != nil { // what is prepared once for a seal is prepared
		t.Fatal(err)
	}
	before := cpu(t)
	for range times {
		if err := once(); err != nil {
			t.Fatal(err)
		}
	}
	spent := cpu(t) - before
	t.Logf("CPU %.3f ms, peak %.1f MB", float64(spent.Microseconds())/1000/float64(times), peakMB(t))
}

func oursOnce(t *testing.T, in string) func() error {
	h := newHouse(t)
	return func() error {
		f, err := os.Open(in)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		r := h.request()
		r.Placement = seal.Place{Page: 1, X: 20, Y: 20}
		done, err := h.Seals.StampPDF(t.Context(), r, f, info.Size(), nil)
		if err != nil {
			return err
		}
		out, err := os.Create(in + ".out")
		if err != nil {
			return err
		}
		if _, err := done.WriteTo(out); err != nil {
			return err
		}
		return out.Close()
	}
}

func pdfsignOnce(t *testing.T, in string) func() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	draft := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, draft, draft, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		doc, err := pdfsign.OpenFile(in)
		if err != nil {
			return err
		}
		out, err := os.Create(in + ".out")
		if err != nil {
			return err
		}
		doc.Sign(key, cert).Reason("peer")
		if _, err := doc.Write(out); err != nil {
			return err
		}
		return out.Close()
	}
}

func hashOnce(fresh func() hash.Hash) func(*testing.T, string) func() error {
	return func(_ *testing.T, in string) func() error {
		return func() error {
			f, err := os.Open(in)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.CopyBuffer(fresh(), onlyReader{f}, make([]byte, 128<<10))
			return err
		}
	}
}

type onlyReader struct{ io.Reader }

// bigPDF writes a page with a stream of n octets that do not compress.
func bigPDF(t testing.TB, path string, n int) {
	t.Helper()
	data := make([]byte, n)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	object := func(s string, stream []byte) {
		at = append(at, b.Len())
		b.WriteString(strconv.Itoa(len(at)) + " 0 obj\n" + s)
		if stream != nil {
			b.WriteString("\nstream\n")
			b.Write(stream)
			b.WriteString("\nendstream")
		}
		b.WriteString("\nendobj\n")
	}
	object("<< /Type /Catalog /Pages 2 0 R /Data 4 0 R >>", nil)
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>", nil)
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>", nil)
	object(fmt.Sprintf("<< /Length %d >>", n), data)
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, off := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func cpu(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peakMB is Linux's high-water mark. That of getrusage is inherited from whoever
// started the process.
func peakMB(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, told, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(told, &kb); err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}
