package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"yinxin/internal/testlong"
	"yinxin/verify"
)

// mostKB is how much memory a process may have resident, whatever the size of
// the document (design.md, Limits).
const mostKB = 100_000

// TestALargePDF is sealed and verified by the command line and over HTTP in a
// memory that does not grow with it, and without mapping it.
func TestALargePDF(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	size := testlong.Count(20<<20, 200<<20)
	writeLargePDF(t, o.path("large.pdf"), size)

	o.watched("large.pdf", 0, "seal", "stamp", "--seal", o.seal, "large.pdf", "-o", "large.cli.pdf")
	o.watched("large.cli.pdf", 2, append([]string{"verify", "large.cli.pdf"}, o.trusted()...)...)
	if got := o.stampsOf("large.cli.pdf"); got != 1 {
		t.Error(got, "stamps")
	}

	info, err := os.Stat(o.path("large.cli.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	p := o.serve("--max-body", strconv.FormatInt(info.Size(), 10))
	c := o.client(p)
	c.Timeout = 0
	o.sealLarge(c, "application/pdf", "large.http.pdf")
	o.stampsOf("large.http.pdf")
	o.sealLarge(c, "application/json", "large.json") // the document in it in base64
	o.verifyLarge(c, "large.http.pdf")
	if !look(t, p.cmd.Process.Pid, "large") {
		t.Error("the server could not be looked at")
	}
	// One octet more than is allowed is refused, and the server goes on.
	p.stop()
	p = o.serve("--max-body", strconv.Itoa(1<<20))
	req := o.largeRequest(o.client(p), "application/pdf")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Error(resp.Status)
		}
	}
	if a, err := o.client(p).stamp(order{seal: o.seal, matter: "m"}); err != nil || a.status != http.StatusOK {
		t.Error(a.status, err)
	}
}

// watched runs a command and looks at it while it runs. What the kernel reports
// at its end would not do: that counts this test's own memory at the fork too.
func (o *office) watched(document string, code int, args ...string) {
	o.t.Helper()
	cmd := o.command(args...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the code is checked below
		close(ended)
	}()
	looks := 0
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-time.After(2 * time.Millisecond):
			if look(o.t, cmd.Process.Pid, document) {
				looks++
			}
		}
	}
	if looks == 0 {
		o.t.Errorf("%v ended before it was looked at", args)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		o.t.Fatalf("%v ends with %d: %s", args, got, said.String())
	}
}

// look checks the memory of a process, if it is alive.
func look(t *testing.T, pid int, document string) bool {
	t.Helper()
	status, serr := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	maps, merr := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	_, after, alive := strings.Cut(string(status), "VmHWM:")
	if serr != nil || merr != nil || !alive || !strings.Contains(string(maps), "/yinxin\n") {
		return false // it has ended, or has not begun to be what it will be
	}
	if kb, err := strconv.Atoi(strings.Fields(after)[0]); err != nil || kb > mostKB {
		t.Errorf("process %d takes %d kB: %v", pid, kb, err)
	}
	if strings.Contains(string(maps), "/"+document) || strings.Contains(string(maps), "/yinxin-upload") || strings.Contains(string(maps), "/yinxin-input") {
		t.Errorf("process %d maps the document", pid)
	}
	return true
}

func (o *office) largeRequest(c *client, accept string) *http.Request {
	doc, err := os.Open(o.path("large.pdf"))
	if err != nil {
		o.t.Fatal(err)
	}
	body, sender := io.Pipe()
	w := multipart.NewWriter(sender)
	go func() {
		defer doc.Close()
		sender.CloseWithError(writeParts(w, map[string]string{"sealId": o.seal, "operator": "x"}, doc))
	}()
	req, err := http.NewRequest(http.MethodPost, c.url+"/api/v1/stamps", body)
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Accept", accept)
	return req
}

// sealLarge sends the document and keeps the answer in a file.
func (o *office) sealLarge(c *client, accept, name string) {
	o.t.Helper()
	resp, err := c.Do(o.largeRequest(c, accept))
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := os.Create(o.path(name))
	if err != nil {
		o.t.Fatal(err)
	}
	defer out.Close()
	n, err := io.Copy(out, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || n < int64(testlong.Count(20<<20, 200<<20)) {
		o.t.Fatal(resp.Status, n, err)
	}
}

func (o *office) verifyLarge(c *client, name string) {
	o.t.Helper()
	doc, err := os.Open(o.path(name))
	if err != nil {
		o.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, c.url+"/api/v1/verify", doc)
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/pdf")
	a, err := c.answer(req)
	if err != nil || a.status != http.StatusOK || !strings.Contains(string(a.body), `"verdict": "`+string(verify.Valid)+`"`) {
		o.t.Fatal(a.status, string(a.body), err)
	}
}

// writeLargePDF writes a document of the size: half of it a few long streams,
// half many small objects.
func writeLargePDF(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &pdfWriter{w: bufio.NewWriterSize(f, 1<<20)}
	w.print("%%PDF-1.7\n")
	w.object("<< /Type /Catalog /Pages 2 0 R >>")
	w.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	w.object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>")
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	for w.at < size/2 {
		random.Read(noise)
		w.object("<< /Length %d >>\nstream\n%s\nendstream", len(noise), noise)
	}
	for w.at < size {
		random.Read(noise[:1000])
		w.object("<< /Length 1000 >>\nstream\n%s\nendstream", noise[:1000])
	}
	w.end()
	if err := w.w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// pdfWriter writes objects one after another and the table of where they are.
type pdfWriter struct {
	w       *bufio.Writer
	at      int
	offsets []int
}

func (p *pdfWriter) print(format string, a ...any) {
	n, _ := fmt.Fprintf(p.w, format, a...) // Flush tells of errors
	p.at += n
}

func (p *pdfWriter) object(format string, a ...any) {
	p.offsets = append(p.offsets, p.at)
	p.print("%d 0 obj\n", len(p.offsets))
	p.print(format, a...)
	p.print("\nendobj\n")
}

func (p *pdfWriter) end() {
	table := p.at
	p.print("xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1)
	for _, at := range p.offsets {
		p.print("%010d 00000 n \n", at)
	}
	p.print("trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(p.offsets)+1, table)
}
