package main

import (
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"yinxin/ca/outside"
	"yinxin/ca/outside/outsidetest"
	"yinxin/certs"
	"yinxin/seal"
)

func TestASealOfAnOutsideAuthorityOnTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	root := outsidetest.New(t, "某根", nil, time.Now)
	sub := outsidetest.New(t, "某签发", root, time.Now)
	o.write("root.pem", root.PEM())
	o.write("sub.pem", sub.PEM())
	add := func(code int, file string) string {
		t.Helper()
		return o.want(code, "ca", "outside", "add", file, "--name", "某机构", "--address", sub.CRL, "--why", "持证机构", "--json")
	}
	add(exitRefused, "sub.pem") // before its root
	add(0, "root.pem")
	added := answered[outside.Authority](t, add(0, "sub.pem"))
	if added.State() != certs.Granted {
		t.Fatal(added)
	}
	add(exitRefused, "sub.pem")
	add(exitBadInput, "decision.json")
	if out := o.want(0, "seal", "request", "--agency", demoAgency, "--mm", "10", "-o", "r.pem"); !strings.Contains(out, "seal request import 52000000000002") {
		t.Errorf("%q", out)
	}
	block, _ := pem.Decode(o.read("r.pem"))
	if block == nil {
		t.Fatal("the request is no PEM")
	}
	if out := o.want(0, "seal", "request", "list"); !strings.Contains(out, "52000000000002 pending ") {
		t.Errorf("%q", out)
	}
	o.write("c.pem", outsidetest.PEM(sub.Certify(block.Bytes, nil)))
	o.write("bad.pem", outsidetest.PEM(outsidetest.New(t, "别家", nil, time.Now).Certify(block.Bytes, nil)))
	o.want(exitRefused, "seal", "request", "import", "52000000000002", "bad.pem")
	o.want(exitBadInput, "seal", "request", "import", "52000000000009", "c.pem")
	o.want(exitBadInput, "seal", "request", "import", "52000000000002", "r.pem")
	var made seal.Seal
	if err := json.Unmarshal([]byte(o.want(0, "seal", "request", "import", "52000000000002", "c.pem", "--chain", "sub.pem", "--json")), &made); err != nil || made.ID != "52000000000002" {
		t.Fatal(made, err)
	}
	if out := o.want(0, "seal", "request", "list"); !strings.Contains(out, "52000000000002 answered ") {
		t.Errorf("%q", out)
	}
	o.want(0, "seal", "request", "--agency", demoAgency, "--mm", "10", "--code", "52010000000077", "-o", "r2.pem")
	o.want(exitRefused, "seal", "request", "--agency", demoAgency, "--mm", "10", "--code", "52010000000077")
	o.want(exitUsage, "seal", "request", "withdraw", "52010000000077")
	o.want(0, "seal", "request", "withdraw", "52010000000077", "--why", "不再需要")
	o.want(exitRefused, "seal", "request", "withdraw", "52010000000077", "--why", "again")
	o.want(exitRefused, "seal", "request", "import", "52010000000077", "c.pem")
	o.want(0, "seal", "stamp", "--seal", made.ID, "decision.json", "-o", "sealed.json")
	if out := o.want(0, "ca", "list", "--issuer", outside.Name(added.ID)); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, made.CertSerial) {
		t.Errorf("%q", out)
	}
	if out := o.want(0, "ca", "show", made.CertSerial); !strings.Contains(out, "BEGIN CERTIFICATE") {
		t.Errorf("%q", out)
	}
	o.want(exitUsage, "ca", "outside", "withdraw", added.ID)
	o.want(exitBadInput, "ca", "outside", "withdraw", "none", "--why", "x")
	o.want(0, "ca", "outside", "withdraw", added.ID, "--why", "合同到期")
	o.want(exitRefused, "ca", "outside", "withdraw", added.ID, "--why", "again")
	o.want(0, "ca", "outside", "distrust", added.ID, "--why", "密钥泄露", "--officer-key-file", o.officerKey("张三", "admin"))
	if out := o.want(0, "ca", "outside", "list"); !strings.Contains(out, added.ID+" distrusted ") || strings.Count(out, " since ") != 4 || !strings.Contains(out, ", 张三 (key ") {
		t.Errorf("%q", out)
	}
	o.want(0, "journal", "verify")
}
