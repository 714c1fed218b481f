package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"

	"yinxin/seal"
)

func TestProfileCompanionAndGeneration(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.want(exitBadInput, "ca", "companion", "-o", "root.pem")
	o.stamp("decision.pdf", "a.pdf", "--profile", "cms", "--companion")
	r := judge(o.machine, 2, "a.pdf", o.trusted()...)
	if len(r.Stamps) != 2 || r.Stamps[0].Standard != "GB/T 38540-2020 (CMS)" || r.Stamps[1].Role != "companion" {
		t.Errorf("%+v", r.Stamps)
	}
	o.want(0, "ca", "companion", "-o", "root.pem")
	block, _ := pem.Decode(o.read("root.pem"))
	if block == nil {
		t.Fatal("no PEM")
	}
	if c, err := x509.ParseCertificate(block.Bytes); err != nil || !c.IsCA {
		t.Error(err)
	}
	o.want(exitUsage, "seal", "stamp", "--seal", o.seal, "--profile", "cms", "decision.json", "-o", "b.json")
	o.want(exitUsage, "seal", "stamp", "--seal", o.seal, "--profile", "wax", "decision.pdf", "-o", "b.pdf")
	o.want(exitRefused, "seal", "make", "--agency", demoAgency, "--generation", "3")
	var made seal.Seal
	out := o.want(0, "seal", "make", "--agency", demoAgency, "--generation", "5", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	o.want(0, "seal", "stamp", "--seal", made.ID, "decision.json", "-o", "five.json")
	if r := judge(o.machine, 2, "five.json", o.trusted()...); len(r.Stamps) != 1 || r.Stamps[0].Standard != "GM/T 0031-2025" {
		t.Errorf("%+v", r.Stamps)
	}
}
