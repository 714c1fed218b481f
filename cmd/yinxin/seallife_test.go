package main

import (
	"strings"
	"testing"

	"yinxin/ca/approval"
	"yinxin/seal"
)

// The life of a seal from the command line, with its history to be read.
func TestTheLifeOfASealOnTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("in.json", []byte(`{"a":1}`))
	make := []string{"seal", "make", "--agency", demoAgency, "--name", "示例局财务专用章", "--kind", "special", "--purpose", "finance", "--rank", "department", "--why", "启用"}
	o.want(exitRefused, append(make, "--mm", "50")...)
	o.want(exitBadInput, append(make, "--second", "财 务")...)
	if out := o.want(exitRefused, "seal", "make", "--agency", demoAgency, "--name", "𬭎利局"); out != "" {
		t.Error("a seal was made without its name on it:", out)
	}
	s := answered[seal.Seal](t, o.want(0, append(make, "--must-file", "--shape", "oval", "--second", "财务专用章", "--width", "40", "--height", "30", "--json")...))
	if s.WidthMM != 40 || s.HeightMM != 30 || s.Class.Purpose != seal.PurposeFinance || !s.Waits() {
		t.Fatalf("%+v", s)
	}
	if out := o.want(0, "seal", "list", "--kind", "special"); !strings.HasPrefix(out, s.ID) || strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
	stamp := []string{"seal", "stamp", "--seal", s.ID, o.path("in.json"), "-o", o.path("out.json")}
	o.want(exitRefused, stamp...)
	o.want(exitUsage, "seal", "file", s.ID, "--why", "备案")
	o.want(0, "seal", "file", s.ID, "--why", "备案", "--number", "黔备1", "--authority", "省公安厅")
	o.want(0, stamp...)
	o.want(0, "seal", "change", s.ID, "--why", "更名", "--name", "新局财务专用章")
	o.want(exitRefused, stamp...) // the new face is not filed
	o.want(0, "seal", "file", s.ID, "--why", "备案", "--number", "黔备2", "--authority", "省公安厅")
	o.want(0, "seal", "renew", s.ID, "--why", "到期")
	o.want(exitRefused, "seal", "cancel", s.ID, "--why", "x", "--grounds", "whim")
	o.want(exitRefused, "seal", "cancel", s.ID, "--why", "x", "--grounds", "split", "--since", "2026-01-01T00:00:00Z")
	o.want(0, "seal", "cancel", s.ID, "--why", "分立", "--grounds", "split")
	o.want(exitUsage, "seal", "destroy", s.ID, "--why", "销毁")
	if out := o.want(0, "seal", "destroy", s.ID, "--why", "销毁", "--witness", "监销员"); !strings.Contains(out, "edition 2 replaced") {
		t.Error(out)
	}
	shown := o.want(0, "seal", "show", s.ID)
	for _, line := range []string{"  special seal of " + demoAgency + ", 40 by 30 mm, edition 3, valid to ", "  filed as 黔备2 with 省公安厅 ", "  cancelled since ", "  ended by tester, grounds split: 分立\n", " by tester before 监销员\n"} {
		if !strings.Contains(shown, line) || strings.Contains(shown, "0001-01-01") {
			t.Errorf("%q is not told in\n%s", line, shown)
		}
	}
	out := o.want(0, "seal", "history", s.ID)
	for _, told := range []string{"by tester: 备案; filed as 黔备1 with 省公安厅\n", "by tester: 分立; grounds split\n", "by tester: 销毁; before 监销员\n"} {
		if !strings.Contains(out, told) {
			t.Errorf("%q is not told in\n%s", told, out)
		}
	}
	var names []string
	for line := range strings.Lines(out) {
		names = append(names, strings.Fields(line)[1])
	}
	if got := strings.Join(names, " "); got != "seal.made seal.filed seal.changed seal.filed seal.renewed seal.cancelled seal.destroyed" {
		t.Error(out)
	}
	o.want(exitBadInput, "seal", "history", "52000000000099")
	o.want(0, "journal", "verify")
}

// Who may stamp, and one use that a second person approves.
func TestGrantsAndUsesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("in.json", []byte(`{"a":1}`))
	zhang, li := o.officerKey("张三", "stamp,seal:approve"), o.officerKey("李四", "seal:approve")
	s := answered[seal.Seal](t, o.want(0, "seal", "make", "--agency", demoAgency, "--name", "示例局", "--why", "启用", "--json"))
	stamp := func(code int, more ...string) string {
		t.Helper()
		return o.want(code, append([]string{"seal", "stamp", "--seal", s.ID, o.path("in.json"), "-o", o.path("out.json")}, more...)...)
	}
	o.want(0, "seal", "policy", s.ID, "--why", "x", "--closed")
	stamp(exitNoRight)
	stamp(exitNoRight, "--officer-key-file", zhang)
	o.want(0, "seal", "grant", s.ID, "--why", "用印", "--officer", "张三", "--second-person", "--per-day", "5")
	if out := o.want(0, "seal", "grants", s.ID); out != "1 "+demoAgency+" officer 张三 5 a day a second person approves each use\n" {
		t.Error(out)
	}
	stamp(exitNoRight)
	stamp(exitRefused, "--officer-key-file", zhang)
	ask := []string{"seal", "use", "ask", o.path("in.json"), "--seal", s.ID, "--title", "批复", "--why", "办结"}
	o.want(exitUsage, ask...)
	o.want(exitNoRight, append(ask, "--officer-key-file", li)...)
	r := answered[approval.Request](t, o.want(0, append(ask, "--officer-key-file", zhang, "--json")...))
	id := r.ID.String()
	o.want(exitNoRight, "seal", "use", "approve", id, "--officer-key-file", zhang)
	o.want(0, "seal", "use", "approve", id, "--officer-key-file", li)
	o.write("other.json", []byte(`{"a":2}`))
	o.want(exitRefused, "seal", "stamp", "--seal", s.ID, o.path("other.json"), "-o", o.path("x.json"), "--officer-key-file", zhang, "--approval", id)
	stamp(0, "--officer-key-file", zhang, "--approval", id)
	stamp(exitRefused, "--officer-key-file", zhang, "--approval", id)
	if out := o.want(0, "seal", "use", "list"); !strings.Contains(out, id+" approved") || !strings.Contains(out, "stamp ") {
		t.Error(out)
	}
	again := answered[approval.Request](t, o.want(0, append(ask, "--officer-key-file", zhang, "--json")...))
	o.want(0, "seal", "use", "refuse", again.ID.String(), "--why", "不妥", "--officer-key-file", li)
	stamp(exitRefused, "--officer-key-file", zhang, "--approval", again.ID.String())
	o.want(0, "seal", "ungrant", s.ID, "1", "--why", "调离")
	stamp(exitNoRight, "--officer-key-file", zhang, "--approval", id)
	o.want(exitRefused, "seal", "ungrant", s.ID, "1", "--why", "x")
}
