package interop

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// station is a machine with the program, a data folder and a server over it, and
// someone at its shell who has OpenSSL and curl.
type station struct {
	t           testing.TB
	dir, binary string
	url, secret string
}

// newStation builds the binary and sets a province up by its commands, for an agency
// with a bearer key. It serves under TLS, since EST carries that key.
func newStation(t testing.TB) *station {
	t.Helper()
	openssl(t)
	curl(t)
	s := &station{t: t, dir: t.TempDir()}
	s.binary = filepath.Join(s.dir, "yinxin")
	s.shell("go", "build", "-o", s.binary, "yinxin/cmd/yinxin")
	if err := os.WriteFile(s.path("passphrase"), []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	s.shell("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", s.path("tls.key"), "-out", s.path("tls.pem"),
		"-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
	s.shell(s.binary, "init", "--region", "520000", "--name", "贵州省", "--url", "http://127.0.0.1:1")
	s.shell(s.binary, "agency", "add", "--uscc", agencyID, "--name", "示例局")
	s.secret = strings.Fields(s.shell(s.binary, "key", "create", "--agency", agencyID, "--scope", "certificate:issue,certificate:revoke"))[0]
	s.serve()
	return s
}

func (s *station) path(name string) string { return filepath.Join(s.dir, name) }

func (s *station) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "YINXIN_DATA="+s.path("data"), "YINXIN_PASSPHRASE_FILE="+s.path("passphrase"), "USER=tester")
	return cmd
}

// shell runs a command that must end well.
func (s *station) shell(program string, args ...string) string {
	s.t.Helper()
	out, err := s.command(program, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// shows runs a command whose output must have all of these.
func (s *station) shows(want []string, program string, args ...string) {
	s.t.Helper()
	out := s.shell(program, args...)
	for _, w := range want {
		if !strings.Contains(out, w) {
			s.t.Errorf("%s %q does not show %q:\n%s", program, args, w, out)
		}
	}
}

func (s *station) serve() {
	s.t.Helper()
	cmd := s.command(s.binary, "serve", "--listen", "127.0.0.1:0", "--offline", "--tls-cert", s.path("tls.pem"), "--tls-key", s.path("tls.key"))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			s.t.Error("the server did not end well:", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), " on ")
	if err != nil || !found {
		s.t.Fatalf("the server said %q: %v", line, err)
	}
	s.url = url
}

// fetch has curl bring an answer into a file.
func (s *station) fetch(name, at string, more ...string) string {
	s.t.Helper()
	args := append([]string{"-sS", "--fail-with-body", "--tlsv1.3", "--cacert", s.path("tls.pem"), "-o", s.path(name)}, more...)
	if out, err := s.command("curl", append(args, s.url+at)...).CombinedOutput(); err != nil {
		answer, _ := os.ReadFile(s.path(name))
		s.t.Fatalf("%s: %v %s%s", at, err, out, answer)
	}
	return s.path(name)
}

// fetchBase64 is fetch for what EST sends.
func (s *station) fetchBase64(name, at string, more ...string) string {
	s.t.Helper()
	s.shell("openssl", "base64", "-d", "-in", s.fetch(name+".b64", at, more...), "-out", s.path(name))
	return s.path(name)
}
