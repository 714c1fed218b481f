package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/internal/server"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify"
)

//go:embed decisions/decision.pdf
var decisionPDF []byte

//go:embed decisions/decision.ofd
var decisionOFD []byte

//go:embed decisions/decision.json
var decisionJSON []byte

// The demonstration's agency is nobody's: its code is well formed and not given
// out.
const (
	demoAgency = "11520000MB1A00001X"
	demoName   = "贵州省示例局"
	demoListen = "127.0.0.1:8520"
)

// demo is one run: where it works, and the rows of its table.
type demo struct {
	c       *call
	dir     string
	p       *province.Province
	seal    seal.Seal
	licence license.Issued
	about   map[string]string // demo.json
	rows    []demoRow
}

// demoRow is a line of the table: a verdict, or what a code was recorded as.
type demoRow struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Why  string `json:"why,omitempty"`
}

func runDemo(ctx context.Context, c *call) error {
	dir := c.flags.String("dir", "", "new `folder` to work in, a temporary one by default")
	serveIt := c.flags.Bool("serve", false, "then serve the province")
	listen := c.flags.String("listen", demoListen, "`address` to serve on")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	d := &demo{c: c, dir: *dir}
	if d.dir == "" {
		var err error
		if d.dir, err = os.MkdirTemp("", "yinxin-demo-"); err != nil {
			return err
		}
	} else if err := claim(&d.dir); err != nil {
		return err
	}
	pass := make([]byte, 24)
	if _, err := rand.Read(pass); err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(pass)
	passFile := filepath.Join(d.dir, "passphrase")
	if err := os.WriteFile(passFile, []byte(text+"\n"), 0o600); err != nil {
		return err
	}
	o := province.Options{Dir: filepath.Join(d.dir, "data"), Passphrase: []byte(text), Clock: time.Now, Rand: rand.Reader, Log: quiet()}
	if err := province.Init(ctx, o, province.Identity{Region: "520000", Name: "贵州省", URL: "http://" + *listen, Demonstration: true}); err != nil {
		return err
	}
	var err error
	if d.p, err = province.Open(ctx, o); err != nil {
		return err
	}
	if err = d.play(ctx, passFile); err == nil && *serveIt {
		err = serve(ctx, c, d.p, quiet(), *listen, server.DefaultMaxBody, nil)
	}
	if cerr := d.p.Close(); err == nil {
		err = cerr
	}
	return err
}

// claim makes the folder, which must be empty: what an earlier demonstration left
// there would be lost, its passphrase first. The path is made absolute, since
// demo.json is read from anywhere.
func claim(dir *string) (err error) {
	if *dir, err = filepath.Abs(*dir); err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return noWrite(*dir, err)
	}
	entries, err := os.ReadDir(*dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%w: %s", province.ErrExists, *dir)
	}
	return err
}

func (d *demo) play(ctx context.Context, passFile string) error {
	if err := d.setUp(ctx, passFile); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.playPDF, d.playOrders, d.playOFD, d.playJSON, d.playFreeze, d.playLicence, d.playQR, d.leave} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.p.Journal.Sign(ctx); err != nil {
		return err
	}
	audit, err := d.p.Journal.Audit(ctx, nil)
	if err != nil {
		return err
	}
	if err := d.c.print(map[string]any{"dir": d.dir, "rows": d.rows, "journal": audit}, func(w io.Writer) { d.table(w); printAudit(w, audit); fmt.Fprintln(w, "left in", d.dir) }); err != nil {
		return err
	}
	for _, r := range d.rows {
		if r.Got != r.Want {
			return fmt.Errorf("%s: %s, not %s", r.What, r.Got, r.Want)
		}
	}
	if len(audit.Faults) > 0 {
		return errors.New("the journal does not verify")
	}
	return nil
}

func (d *demo) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, r := range d.rows {
		mark := "✓"
		if r.Got != r.Want {
			mark = "✗"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", mark, r.What, r.Got, r.Why)
	}
	t.Flush()
}

// setUp makes an agency, its keys and a seal, and leaves what others need to
// try things.
func (d *demo) setUp(ctx context.Context, passFile string) error {
	if _, err := d.p.Agencies.Add(ctx, agency.AddRequest{ID: demoAgency, Name: demoName, Region: "520000", Who: "demo"}); err != nil {
		return err
	}
	var keys [2]string
	for i, scopes := range [][]string{{agency.ScopeStamp, agency.ScopeSealRead, agency.ScopeCertificateIssue, agency.ScopeLicenceIssue, agency.ScopeLicenceRead, agency.ScopeLicenceManage}, {agency.ScopeAdmin}} {
		secret, _, err := d.p.Agencies.CreateKey(ctx, agency.KeyRequest{Agency: demoAgency, Scopes: scopes, Networks: []string{"127.0.0.0/8", "::1/128"}, Who: "demo"})
		if err != nil {
			return err
		}
		keys[i] = secret
	}
	var err error
	if d.seal, err = d.p.Seals.Make(ctx, seal.MakeRequest{Agency: demoAgency, AgencyName: demoName, Name: demoName, Who: "demo", Why: "演示"}); err != nil {
		return err
	}
	bundle, err := d.p.Bundle(ctx)
	if err != nil {
		return err
	}
	anchor, err := bundle.Anchor()
	if err != nil {
		return err
	}
	trust, err := bundle.Marshal()
	if err != nil {
		return err
	}
	d.about = map[string]string{"url": d.p.Identity.URL, "agencyKey": keys[0], "operatorKey": keys[1], "sealId": d.seal.ID, "passphraseFile": passFile, "trustAnchor": anchor}
	for name, b := range map[string][]byte{"trust.json": trust, "decision.pdf": decisionPDF, "decision.ofd": decisionOFD, "decision.json": decisionJSON} {
		if err := d.write(name, b); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) write(name string, b []byte) error {
	return os.WriteFile(filepath.Join(d.dir, name), b, 0o600)
}

// leave writes demo.json, last: whoever waits for it finds all the rest.
func (d *demo) leave(context.Context) error {
	about, err := json.MarshalIndent(d.about, "", " ")
	if err != nil {
		return err
	}
	return d.write("demo.json", about)
}

// judge adds a row.
func (d *demo) judge(ctx context.Context, what string, doc []byte, name string, want verify.Verdict) error {
	r, err := d.p.Judge(ctx, verify.Open(bytes.NewReader(doc), int64(len(doc)), name, nil))
	if err != nil {
		return err
	}
	row := demoRow{What: what, Want: string(want), Got: string(r.Verdict)}
	if len(r.Reasons) > 0 {
		row.Why = string(r.Reasons[0].Code) + " " + r.Reasons[0].Zh + " " + r.Reasons[0].En
	}
	d.rows = append(d.rows, row)
	return nil
}

func (d *demo) request() seal.StampRequest {
	return seal.StampRequest{SealID: d.seal.ID, Agency: demoAgency, Operator: "demo", Reason: "演示", Placement: seal.Place{Page: 1, X: 132, Y: 205}}
}

func (d *demo) playPDF(ctx context.Context) error {
	sealed, err := d.stampPDF(ctx, func(*seal.StampRequest) {})
	if err != nil {
		return err
	}
	if err := d.write("decision.sealed.pdf", sealed); err != nil {
		return err
	}
	if err := d.judge(ctx, "PDF, sealed", sealed, "x.pdf", verify.Valid); err != nil {
		return err
	}
	altered := bytes.Clone(sealed)
	at := bytes.Index(altered, []byte("stream"))
	altered[at+100] ^= 1
	if err := d.judge(ctx, "PDF, one bit of its content altered", altered, "x.pdf", verify.NotValid); err != nil {
		return err
	}
	added := append(bytes.Clone(sealed), "\n% added\n"...)
	return d.judge(ctx, "PDF, something added after the seal", added, "x.pdf", verify.NotValid)
}

func (d *demo) playJSON(ctx context.Context) error {
	done, err := d.p.Seals.StampJSON(ctx, d.request(), decisionJSON)
	if err != nil {
		return err
	}
	if err := d.write("decision.sealed.json", done.Document); err != nil {
		return err
	}
	if err := d.judge(ctx, "JSON, sealed", done.Document, "x.json", verify.Valid); err != nil {
		return err
	}
	altered := bytes.Replace(done.Document, []byte("准予行政许可"), []byte("不予行政许可"), 1)
	if err := d.judge(ctx, "JSON, 准予 turned into 不予", altered, "x.json", verify.NotValid); err != nil {
		return err
	}
	return d.judge(ctx, "JSON, never sealed", decisionJSON, "x.json", verify.None)
}

// playFreeze shows that a frozen seal stamps nothing, and that what it stamped
// before stays good, with a notice.
func (d *demo) playFreeze(ctx context.Context) error {
	change := seal.ChangeRequest{SealID: d.seal.ID, Who: "demo", Why: "演示"}
	if _, err := d.p.Seals.Freeze(ctx, change); err != nil {
		return err
	}
	if _, err := d.p.Seals.StampJSON(ctx, d.request(), decisionJSON); !errors.Is(err, seal.ErrNotInForce) {
		return fmt.Errorf("a frozen seal stamped: %w", err)
	}
	sealed, err := os.ReadFile(filepath.Join(d.dir, "decision.sealed.json"))
	if err != nil {
		return err
	}
	if err := d.judge(ctx, "JSON, its seal frozen since", sealed, "x.json", verify.ValidWithNotice); err != nil {
		return err
	}
	if _, err = d.p.Seals.Thaw(ctx, change); err != nil {
		return err
	}
	// A stamp claims whole seconds, so a seal stamps again from the next one on.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	return nil
}
