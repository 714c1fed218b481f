package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/internal/testlong"
)

// pageNumbered is a PDF of one page (ISO 32000-1 7.5) that no other is the same as.
func pageNumbered(n int) []byte {
	text := fmt.Sprintf("BT /F1 24 Tf 72 720 Td (Decision %d) Tj ET", n)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for i, object := range []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(text), text), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	b.WriteString("xref\n0 6\n0000000000 65535 f \n")
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", start)
	return b.Bytes()
}

// decisions writes n documents of one page into a folder with folders in it.
func (o *office) decisions(dir string, n int) {
	o.t.Helper()
	for i := range n {
		sub := o.path(filepath.Join(dir, fmt.Sprint(i%7)))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			o.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("决定 %d.pdf", i)), pageNumbered(i), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
}

// files counts what stands under its name below a folder.
func files(dir string) (n int) {
	_ = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			n++
		}
		return nil
	})
	return n
}

// use is a row of the exported register.
type use struct{ StampID, JobID, VerificationCode string }

func (o *office) uses() (all []use) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.want(0, "seal", "uses", "--all", "--json")), &all); err != nil {
		o.t.Fatal(err)
	}
	return all
}

// checkOnce: the register holds n stamps, each another, all of one job, and the
// journal is whole.
func (o *office) checkOnce(n int) {
	o.t.Helper()
	all, seen := o.uses(), map[string]bool{}
	for _, u := range all {
		if seen[u.StampID] || u.JobID == "" || u.JobID != all[0].JobID {
			o.t.Fatalf("%+v", u)
		}
		seen[u.StampID] = true
	}
	if len(all) != n {
		o.t.Fatalf("%d stamps for %d documents", len(all), n)
	}
	o.want(0, "journal", "verify")
	o.want(0, "seal", "reconcile")
}

// TestABatchIsKilled: a run that is killed on the way goes on when it is run again,
// and each document is sealed once.
func TestABatchIsKilled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	n, kills := testlong.Count(200, 10_000), testlong.Count(2, 5)
	o.decisions("in", n)
	args := []string{"seal", "batch", "--seal", o.seal, o.path("in"), "-o", o.path("out"), "--report", o.path("out/report.csv"), "--json"}
	for k := range kills {
		cmd := o.command(args...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until := time.Now().Add(hung)
		for files(o.path("out")) < n*(k+1)/(kills+1) {
			if time.Now().After(until) {
				t.Fatalf("it hangs: %s", errs.String())
			}
			time.Sleep(time.Duration(testlong.Count(1, 50)) * time.Millisecond) // each look walks all files
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	var done batchAnswer
	if err := json.Unmarshal([]byte(o.want(0, args...)), &done); err != nil {
		t.Fatal(err)
	}
	if done.Documents != n || done.Done != n || done.Kept == 0 || done.Kept == n || len(done.Failed) != 0 {
		t.Errorf("%+v", done)
	}
	o.checkOnce(n)
	before := contents(t, o.path("out"))
	if len(before) != n+2 { // and the job's file and the report
		t.Errorf("%d files in the folder", len(before))
	}
	// Once more is nothing.
	if err := json.Unmarshal([]byte(o.want(0, args...)), &done); err != nil || done.Kept != n {
		t.Errorf("%+v %v", done, err)
	}
	for name, b := range contents(t, o.path("out")) {
		if before[name] != b && name != "/report.csv" {
			t.Errorf("%s was written anew", name)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(o.read("out/report.csv"))).ReadAll()
	if err != nil || len(rows) != n+1 {
		t.Fatal(len(rows), err)
	}
	for _, row := range rows[1:min(n, 20)] {
		o.verifies(filepath.Join("out", row[0]))
	}
}

// verifies: nothing is wrong with a document but that nobody is there to be asked for
// the seal's status.
func (o *office) verifies(name string) {
	o.t.Helper()
	o.want(2, "verify", "--offline", "--trust", o.bundle, "--trust-anchor", o.anchor, o.path(name))
}

// TestABatchTellsWhatFails: bad documents do not keep the good from being sealed, the
// exit code is the worst, and what was mended is sealed by the next run.
func TestABatchTellsWhatFails(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.decisions("in", 3)
	o.write("in/bad.pdf", []byte("%PDF-1.7 nothing"))
	o.write("in/text.txt", []byte("text"))
	o.write("in/.hidden.pdf", pageNumbered(9))
	args := []string{"seal", "batch", "--seal", o.seal, o.path("in"), "-o", o.path("in/out")}
	r := o.run(args...)
	if r.code != exitBadInput || !strings.Contains(r.err, "2 of 5 documents were not sealed, bad.pdf among them") || !strings.Contains(r.out, "failed  text.txt") || !strings.Contains(r.out, "sealed 3 (0 of them before), failed 2") {
		t.Fatalf("%d %s%s", r.code, r.out, r.err)
	}
	o.write("in/bad.pdf", pageNumbered(7))
	if err := os.Remove(o.path("in/text.txt")); err != nil {
		t.Fatal(err)
	}
	if out := o.want(0, args...); !strings.Contains(out, "sealed 4 (3 of them before), failed 0") {
		t.Error(out)
	}
	o.checkOnce(4)
	// Another document under the name of one that is sealed is told, not sealed.
	o.write("in/bad.pdf", pageNumbered(8))
	if r := o.run(args...); r.code == 0 || !strings.Contains(r.out, "idempotency key was used for another request") {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
	o.checkOnce(4)
	for name, c := range map[string]struct {
		code int
		args []string
	}{
		"another order":         {exitBadInput, append(args, "--x", "50")},
		"over the originals":    {exitUsage, []string{"seal", "batch", "--seal", o.seal, o.path("in"), "-o", o.path("in")}},
		"two of one name":       {exitUsage, []string{"seal", "batch", "--seal", o.seal, o.path("in/0"), o.path("in/0"), "-o", o.path("other")}},
		"nothing":               {exitBadInput, []string{"seal", "batch", "--seal", o.seal, o.path("none"), "-o", o.path("other")}},
		"an unknown seal":       {exitBadInput, []string{"seal", "batch", "--seal", "52000000009999", o.path("in"), "-o", o.path("other")}},
		"a job's file not ours": {exitBadInput, append(args, "--job", o.path("in/bad.pdf"))},
		"no output":             {exitUsage, []string{"seal", "batch", "--seal", o.seal, o.path("in")}},
	} {
		if r := o.run(c.args...); r.code != c.code {
			t.Errorf("%s: %d %s%s", name, r.code, r.out, r.err)
		}
	}
	o.want(0, "seal", "batch", "--detached", "--seal", o.seal, o.path("in/0"), o.path("decision.json"), "-o", o.path("stamps"))
	o.want(2, "verify", "--offline", "--trust", o.bundle, "--trust-anchor", o.anchor, "--stamp", o.path("stamps/decision.json.ses"), o.path("decision.json"))
}

// jobAnswer is a job as the interface shows it.
type jobAnswer struct {
	ID, State           string
	Items, Done, Failed int
}

// TestAJobIsKilled: a server that is killed while it works a job off goes on with it
// at its next start, and each document is sealed once.
func TestAJobIsKilled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	n, kills := testlong.Count(200, 10_000), testlong.Count(2, 5)
	p := o.serve()
	c := o.client(p)
	j := o.sendJob(c, n)
	for k := range kills {
		c.awaitJob(t, j.ID, n*(k+1)/(kills+2))
		p.kill()
		p = o.serve()
		c = o.client(p)
	}
	if j = c.awaitJob(t, j.ID, n); j.State != "done" || j.Failed != 0 {
		t.Fatalf("%+v", j)
	}
	for item := 1; item <= n; item += max(n/20, 1) {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/v1/stamp-jobs/%s/items/%d/document", c.url, j.ID, item), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.key)
		a, err := c.answer(req)
		if err != nil || a.status != http.StatusOK {
			t.Fatal(a.status, err)
		}
		o.write("sealed.pdf", a.body)
		o.verifies("sealed.pdf")
	}
	p.stop()
	o.checkOnce(n)
}

func (o *office) sendJob(c *client, n int) (j jobAnswer) {
	t := o.t
	t.Helper()
	body, pipe := io.Pipe()
	w := multipart.NewWriter(pipe)
	go func() {
		part, err := w.CreateFormField("request")
		if err == nil {
			err = json.NewEncoder(part).Encode(map[string]any{"sealId": o.seal, "operator": "张三"})
		}
		for i := 0; i < n && err == nil; i++ {
			if part, err = w.CreateFormFile("document", fmt.Sprintf("决定 %d.pdf", i)); err == nil {
				_, err = part.Write(pageNumbered(i))
			}
		}
		if err == nil {
			err = w.Close()
		}
		pipe.CloseWithError(err)
	}()
	req, err := http.NewRequest(http.MethodPost, c.url+"/api/v1/stamp-jobs", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", w.FormDataContentType())
	a, err := c.answer(req)
	if err == nil {
		err = json.Unmarshal(a.body, &j)
	}
	if err != nil || a.status != http.StatusAccepted || j.Items != n {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	return j
}

// awaitJob waits until so many documents of a job are sealed.
func (c *client) awaitJob(t *testing.T, id string, done int) (j jobAnswer) {
	t.Helper()
	for until := time.Now().Add(10 * hung); ; time.Sleep(2 * time.Millisecond) {
		if c.get(t, "/api/v1/stamp-jobs/"+id, &j); j.Done+j.Failed >= done {
			return j
		}
		if time.Now().After(until) {
			t.Fatalf("it hangs: %+v", j)
		}
	}
}
