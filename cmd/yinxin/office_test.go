package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/seal"
)

const (
	officePass = "correct horse"
	// The address that certificates name. Nothing listens on it.
	officeURL = "http://127.0.0.1:1"
)

// office is a machine with a data folder on it: an agency, a seal, two keys.
type office struct {
	*machine
	data                   string
	seal, key, admin       string
	anchor, bundle, passed string // paths but the anchor
}

func options(data string) province.Options {
	// Few iterations: the tests open folders hundreds of times, and the one that
	// runs `yinxin init` takes the real number.
	return province.Options{Dir: data, Passphrase: []byte(officePass), Clock: time.Now, Rand: rand.Reader, Log: quiet(), Iterations: 10}
}

// template is the office that others are copies of.
var template = sync.OnceValues(func() (office, error) {
	dir := filepath.Join(filepath.Dir(binary), "template")
	return foundOffice(filepath.Join(dir, "data"), province.Identity{Region: "520000", Name: "贵州省", URL: officeURL})
})

// foundOffice makes a data folder with what an office needs. No process is
// started meanwhile: between fork and exec one would hold a copy of the folder's
// lock, and the folder would seem to be in use.
func foundOffice(data string, id province.Identity) (o office, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ctx := context.Background()
	if err := province.Init(ctx, options(data), id); err != nil {
		return o, err
	}
	p, err := province.Open(ctx, options(data))
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if _, err := p.Agencies.Add(ctx, agency.AddRequest{ID: demoAgency, Name: demoName, Region: id.Region, Who: "test"}); err != nil {
		return o, err
	}
	if o.key, _, err = p.Agencies.CreateKey(ctx, agency.KeyRequest{Agency: demoAgency, Scopes: []string{agency.ScopeStamp, agency.ScopeSealRead}, Networks: []string{"127.0.0.0/8"}, Who: "test"}); err != nil {
		return o, err
	}
	if o.admin, _, err = p.Agencies.CreateKey(ctx, agency.KeyRequest{Agency: demoAgency, Scopes: []string{agency.ScopeAdmin}, Networks: []string{"127.0.0.0/8"}, Who: "test"}); err != nil {
		return o, err
	}
	s, err := p.Seals.Make(ctx, seal.MakeRequest{Agency: demoAgency, AgencyName: demoName, Name: demoName, Who: "test", Why: "test"})
	if err != nil {
		return o, err
	}
	o.seal, o.data = s.ID, data
	b, err := p.Bundle(ctx)
	if err != nil {
		return o, err
	}
	if o.anchor, err = b.Anchor(); err != nil {
		return o, err
	}
	text, err := b.Marshal()
	if err != nil {
		return o, err
	}
	o.bundle = filepath.Join(filepath.Dir(data), "trust.json")
	return o, os.WriteFile(o.bundle, text, 0o600)
}

// newOffice gives a copy of the template.
func newOffice(t *testing.T) *office {
	t.Helper()
	o, err := template()
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	if err := os.CopyFS(m.dir, os.DirFS(filepath.Dir(o.data))); err != nil {
		t.Fatal(err)
	}
	o.data, o.bundle = m.path("data"), m.path("trust.json")
	return o.on(m)
}

// on puts the office on a machine, with the decisions to be sealed.
func (o office) on(m *machine) *office {
	o.machine = m
	o.passed = m.write("passphrase", []byte(officePass+"\n"))
	m.set("YINXIN_DATA", o.data)
	m.set("YINXIN_PASSPHRASE_FILE", o.passed)
	m.write("decision.pdf", decisionPDF)
	m.write("decision.json", decisionJSON)
	return &o
}

// stamp seals a file of the office's machine.
func (o *office) stamp(in, out string, more ...string) {
	o.t.Helper()
	o.want(0, append([]string{"seal", "stamp", "--seal", o.seal, in, "-o", out}, more...)...)
}

// freePort gives an address that nothing listens on, below the ports that the
// kernel gives to outgoing connections, which could take it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+mathrand.IntN(12000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
}

// process is a running server.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	logs *os.File
}

// serve starts `yinxin serve` and waits until it says where it is.
func (o *office) serve(args ...string) *process {
	o.t.Helper()
	return o.serveUnder(nil, args...)
}

// serveUnder starts it under another program, such as a tracer.
func (o *office) serveUnder(tracer []string, args ...string) *process {
	t := o.t
	t.Helper()
	logs, err := os.OpenFile(o.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append(tracer[:len(tracer):len(tracer)], binary, "serve", "--listen", "127.0.0.1:0"), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = o.dir, o.env, logs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, logs: logs}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), " on ")
	if err != nil || !found {
		t.Fatalf("the server said %q: %v\n%s", line, err, o.read("server.log"))
	}
	go io.Copy(io.Discard, out)
	p.url = url
	return p
}

// kill ends the server as a power cut would. It may be called again.
func (p *process) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	_ = p.cmd.Wait() // it was killed
	_ = p.logs.Close()
}

// stop asks the server to end, as an operator would.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatal(fmt.Errorf("a server that was asked to stop: %w", err))
	}
	_ = p.logs.Close()
}

// childOf gives the one child of a process, such as what a tracer runs.
func childOf(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
