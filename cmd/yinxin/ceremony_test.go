package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"yinxin/certs"
	"yinxin/internal/province"
	"yinxin/verify"
)

// holders are three machines, each with an offline key and none with a data folder.
type holders struct {
	t  *testing.T
	at []*machine
}

func newHolders(t *testing.T) *holders {
	t.Helper()
	h := &holders{t: t}
	for _, name := range []string{"甲", "乙", "丙"} {
		h.add(name)
	}
	return h
}

func (h *holders) add(name string) {
	h.t.Helper()
	m := newMachine(h.t)
	m.set("YINXIN_PASSPHRASE_FILE", m.write("passphrase", []byte("secret of "+name+"\n")))
	m.want(0, "trust", "key", "--out", "key", "--name", name, "--organisation", "两省印章体系")
	h.at = append(h.at, m)
}

// carry takes files from one machine to another.
func carry(from, to *machine, names ...string) {
	for _, name := range names {
		to.write(name, from.read(name))
	}
}

// sign has the holders sign a draft one after the other, as files go round.
func (h *holders) sign(draft []byte, previous []byte, by ...int) []byte {
	h.t.Helper()
	for _, i := range by {
		m := h.at[i]
		m.write("list.json", draft)
		args := []string{"trust", "sign", "list.json", "--key", "key", "-o", "signed.json"}
		if previous != nil {
			m.write("previous.json", previous)
			args = append(args, "--previous", "previous.json")
		}
		m.want(0, args...)
		draft = m.read("signed.json")
	}
	return draft
}

// drafted is what trust draft and trust sign answer.
type drafted struct {
	Anchor   string
	Sequence uint64
	Complete bool
	Keys     []struct {
		KeyID  string `json:"keyId"`
		Signed bool
	}
}

func (m *machine) answer(into any, args ...string) {
	m.t.Helper()
	if err := json.Unmarshal([]byte(m.want(0, append(args, "--json")...)), into); err != nil {
		m.t.Fatal(args, err)
	}
}

// twoUnderOne is two provinces whose scheme three holders sign, two of whom are
// enough.
type twoUnderOne struct {
	*holders
	desk   *machine // where lists are drafted
	a, b   *office
	listen string // of B
	first  []byte
	anchor string
}

func newTwoUnderOne(t *testing.T) *twoUnderOne {
	t.Helper()
	p := &twoUnderOne{holders: newHolders(t), desk: newMachine(t), a: newOffice(t), listen: freePort(t)}
	m := newMachine(t)
	made, err := foundOffice(m.path("data"), province.Identity{Region: "440000", Name: "广东省", URL: "http://" + p.listen})
	if err != nil {
		t.Fatal(err)
	}
	p.b = made.on(m)
	draft := []string{"trust", "draft", "--k", "2", "-o", "draft.json"}
	for i, h := range p.at {
		name := string(rune('0'+i)) + ".pem"
		p.desk.write(name, h.read("key/certificate.pem"))
		draft = append(draft, "--add-key", name)
	}
	for name, o := range map[string]*office{"a.json": p.a, "b.json": p.b} {
		p.desk.write(name, o.read("trust.json"))
		draft = append(draft, "--add-region", name)
	}
	var d drafted
	p.desk.answer(&d, draft...)
	p.anchor = d.Anchor
	p.first = p.sign(p.desk.read("draft.json"), nil, 0, 2)
	return p
}

func (p *twoUnderOne) trusted() {
	for _, o := range []*office{p.a, p.b} {
		o.write("scheme.json", p.first)
		o.want(0, "trust", "add", "scheme.json", "--anchor", p.anchor, "--why", "两省互认")
		o.want(0, "trust", "export", "-o", "published.json")
	}
}

// TestTwoProvincesAndThreeKeys is the ceremony whole, by the command line: a scheme
// signed by two of three, trust in it, and documents of each province judged at the
// other, by the command line and by the server.
func TestTwoProvincesAndThreeKeys(t *testing.T) {
	t.Parallel()
	p := newTwoUnderOne(t)
	p.a.write("scheme.json", p.first)
	if r := p.a.run("trust", "add", "scheme.json", "--why", "x"); r.code != exitUsage || !strings.Contains(r.err, p.anchor) {
		t.Errorf("without a fingerprint: %d %s", r.code, r.err)
	}
	p.a.want(exitRefused, "trust", "add", "scheme.json", "--anchor", "00"+p.anchor[2:], "--why", "x")
	p.a.want(exitRefused, "trust", "import", "scheme.json", "--why", "x")
	p.trusted()
	p.a.want(exitRefused, "trust", "add", "scheme.json", "--anchor", p.anchor, "--why", "x")
	p.b.stamp("decision.json", "sealed.json")
	p.a.write("sealed.json", p.b.read("sealed.json"))
	alone := judge(p.a.machine, 2, "sealed.json", "--data", p.a.data)
	if alone.Reasons[0].Code != verify.IssuerUnknown {
		t.Errorf("B's list is not at hand: %v", alone.Reasons)
	}
	p.a.write("b.json", p.b.read("published.json"))
	p.a.want(0, "trust", "import", "b.json", "--why", "广东的列表")
	if out := p.a.want(0, "trust", "import", "b.json", "--why", "又一次"); !strings.Contains(out, "nothing in it is newer") {
		t.Error(out)
	}
	wantCodes(t, judge(p.a.machine, 2, "sealed.json", "--data", p.a.data), verify.StatusUnavailable) // B's server is down
	server := p.b.serve("--listen", p.listen)
	if r := judge(p.a.machine, 0, "sealed.json", "--data", p.a.data); r.Verdict != verify.Valid || r.Freshness.Trust.Scheme != 1 || len(r.Freshness.Trust.Regions) != 2 || r.Freshness.Trust.Memory != "" {
		t.Errorf("%s %v %+v", r.Verdict, r.Reasons, r.Freshness.Trust)
	}
	wantCodes(t, judge(p.a.machine, 2, "sealed.json", "--data", p.a.data, "--offline"), verify.StatusUnavailable)
	// A's own documents are judged from its own register.
	p.a.stamp("decision.json", "own.json")
	judge(p.a.machine, 0, "own.json", "--data", p.a.data, "--offline")
	// And A's server judges for anyone.
	asking := p.a.serve()
	if v := posted(t, asking.url, p.b.read("sealed.json")); v != verify.Valid {
		t.Errorf("A's server: %s", v)
	}
	server.stop()
	asking.stop()
	quiet := p.a.serve("--offline")
	if v := posted(t, quiet.url, p.b.read("sealed.json")); v != verify.CannotConfirm {
		t.Errorf("A's server, which may ask nobody: %s", v)
	}
	quiet.stop()
	// Whoever has neither folder needs the published bundle and the fingerprint.
	third := newMachine(t)
	carry(p.a.machine, third, "sealed.json")
	p.a.want(0, "trust", "export", "-o", "published.json")
	carry(p.a.machine, third, "published.json")
	r := judge(third, 2, "sealed.json", "--trust", "published.json", "--trust-anchor", p.anchor, "--offline")
	wantCodes(t, r, verify.StatusUnavailable)
	p.a.want(0, "trust", "remove", p.anchor, "--why", "不再互认")
	if got := judge(p.a.machine, 2, "sealed.json", "--data", p.a.data); got.Reasons[0].Code != verify.IssuerUnknown {
		t.Errorf("after removal: %v", got.Reasons)
	}
	if out := p.a.want(0, "trust", "show"); !strings.Contains(out, "removed") || !strings.Contains(out, "不再互认") {
		t.Error(out)
	}
}

func posted(t *testing.T, url string, doc []byte) verify.Verdict {
	t.Helper()
	resp, err := http.Post(url+"/api/v1/verify", "application/json", bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var r struct{ Verdict verify.Verdict }
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(resp.Status, err)
	}
	return r.Verdict
}

// TestALostKey is replaced by the two that are left, and the old lists are refused
// from then on, as is what one holder signs alone.
func TestALostKey(t *testing.T) {
	t.Parallel()
	p := newTwoUnderOne(t)
	p.trusted()
	p.add("丁")
	p.desk.write("3.pem", p.at[3].read("key/certificate.pem"))
	p.desk.write("first.json", p.first)
	var was drafted
	p.desk.answer(&was, "trust", "sign", "first.json", "-o", "joined.json")
	if !was.Complete || was.Sequence != 1 {
		t.Errorf("%+v", was)
	}
	p.desk.want(0, "trust", "draft", "--previous", "first.json", "--add-key", "3.pem", "--drop-key", was.Keys[0].KeyID[:8], "-o", "draft.json")
	draft := p.desk.read("draft.json")
	half := p.sign(draft, p.first, 3)
	for name, list := range map[string][]byte{"one new key": half, "one new and one old": p.sign(half, p.first, 1), "forged": bytes.Replace(draft, []byte(`"sig`), []byte(`"gis`), 1), "unsigned": draft} {
		p.a.write("list.json", list)
		if r := p.a.run("trust", "import", "list.json", "--why", "x"); r.code != exitRefused && r.code != exitBadInput {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	second := p.sign(half, p.first, 1, 2)
	p.a.write("second.json", second)
	p.a.want(0, "trust", "import", "second.json", "--why", "密钥遗失")
	p.a.want(exitRefused, "trust", "import", "scheme.json", "--why", "回退")
	// The bundle leads whoever knows the old fingerprint to the new one.
	p.a.want(0, "trust", "export", "-o", "now.json")
	var now struct {
		Anchor string
		Led    []string `json:"anchorsBefore"`
	}
	p.a.answer(&now, "trust", "show", "now.json")
	if now.Anchor == p.anchor || len(now.Led) != 1 || now.Led[0] != p.anchor {
		t.Errorf("%+v", now)
	}
	p.b.write("now.json", p.a.read("now.json"))
	p.b.want(0, "trust", "import", "now.json", "--why", "密钥遗失")
	// A verifier without a folder that saw the second list takes the first no more.
	third := newMachine(t)
	p.a.stamp("decision.json", "sealed.json")
	carry(p.a.machine, third, "sealed.json", "now.json")
	carry(p.b.machine, third, "published.json")
	judge(third, 2, "sealed.json", "--offline", "--trust", "published.json", "--trust-anchor", p.anchor)
	judge(third, 2, "sealed.json", "--offline", "--trust", "now.json", "--trust-anchor", p.anchor)
	third.want(exitBadInput, "verify", "sealed.json", "--offline", "--trust", "published.json", "--trust-anchor", p.anchor)
	// The same by the new fingerprint, which it never gave before.
	p.desk.write("second.json", second)
	p.desk.want(0, "trust", "draft", "--previous", "second.json", "-o", "draft.json")
	third.write("third.json", p.sign(p.desk.read("draft.json"), second, 1, 3))
	p.a.write("third.json", third.read("third.json"))
	p.a.want(0, "trust", "import", "third.json", "--why", "本周")
	p.a.want(0, "trust", "export", "-o", "later.json")
	carry(p.a.machine, third, "later.json")
	judge(third, 2, "sealed.json", "--offline", "--trust", "later.json", "--trust-anchor", p.anchor)
	third.want(exitBadInput, "verify", "sealed.json", "--offline", "--trust", "now.json", "--trust-anchor", now.Anchor)
	// A holder signs no second list of one number, whatever the desk drafts.
	p.desk.want(0, "trust", "draft", "--previous", "first.json", "--k", "1", "-o", "other.json")
	p.at[1].write("list.json", p.desk.read("other.json"))
	p.at[1].want(exitRefused, "trust", "sign", "list.json", "--previous", "previous.json", "--key", "key", "-o", "signed.json")
}

// TestAProvinceHandsItsSchemeOver to offline keys, and whoever knew its fingerprint
// is led to theirs.
func TestAProvinceHandsItsSchemeOver(t *testing.T) {
	t.Parallel()
	h, o := newHolders(t), newOffice(t)
	own := o.read("trust.json")
	var s struct{ Keys []struct{ KeyID string } }
	o.answer(&s, "trust", "show", "trust.json")
	args := []string{"trust", "draft", "--previous", "trust.json", "--ahead", "100", "--k", "2", "--drop-key", s.Keys[0].KeyID, "-o", "draft.json"}
	for i, m := range h.at {
		name := string(rune('0'+i)) + ".pem"
		o.write(name, m.read("key/certificate.pem"))
		args = append(args, "--add-key", name)
	}
	o.want(0, args...)
	o.write("list.json", h.sign(o.read("draft.json"), own, 1, 2))
	o.want(exitRefused, "trust", "import", "list.json", "--why", "移交")
	o.want(0, "trust", "import", "list.json", "--hand-over", "--why", "移交")
	o.want(exitRefused, "trust", "import", "list.json", "--hand-over", "--why", "移交")
	o.want(0, "trust", "export", "-o", "now.json")
	o.stamp("decision.json", "sealed.json")
	third := newMachine(t)
	carry(o.machine, third, "sealed.json", "now.json")
	r := judge(third, 2, "sealed.json", "--offline", "--trust", "now.json", "--trust-anchor", o.anchor)
	wantCodes(t, r, verify.StatusUnavailable)
	if r.Freshness.Trust.Anchor != certs.AnchorGiven {
		t.Error(r.Freshness.Trust.Anchor)
	}
	var now struct {
		K    int
		Keys []any
		Led  []string `json:"anchorsBefore"`
	}
	o.answer(&now, "trust", "show", "now.json")
	if now.K != 2 || len(now.Keys) != 3 || len(now.Led) != 1 || now.Led[0] != o.anchor {
		t.Errorf("%+v", now)
	}
}

// TestTrustCommandsRefuse: bad files, wrong keys, and nothing written.
func TestTrustCommandsRefuse(t *testing.T) {
	t.Parallel()
	m, o := newMachine(t), newOffice(t)
	m.set("YINXIN_PASSPHRASE_FILE", m.write("passphrase", []byte("secret\n")))
	m.write("bad.json", []byte(`{"scheme":1}`))
	m.write("empty.json", nil)
	m.write("trust.json", o.read("trust.json"))
	m.want(0, "trust", "key", "--out", "key", "--name", "甲", "--organisation", "体系")
	m.want(0, "trust", "draft", "--k", "1", "--add-key", "key/certificate.pem", "--add-region", "trust.json", "-o", "draft.json")
	m.write("wrong", []byte("wrong\n"))
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitUsage, []string{"trust", "key", "--out", "other"}},
		{exitRefused, []string{"trust", "key", "--out", "key", "--name", "甲", "--organisation", "体系"}},
		{exitUsage, []string{"trust", "draft"}},
		{exitUsage, []string{"trust", "draft", "-o", "x", "--days", "0"}},
		{exitRefused, []string{"trust", "draft", "-o", "x", "--days", "8", "--k", "1", "--add-key", "key/certificate.pem"}},
		{exitRefused, []string{"trust", "draft", "-o", "x", "--k", "2", "--add-key", "key/certificate.pem"}},
		{exitBadInput, []string{"trust", "draft", "-o", "x", "--k", "1", "--add-key", "bad.json"}},
		{exitBadInput, []string{"trust", "draft", "-o", "x", "--previous", "bad.json"}},
		{exitBadInput, []string{"trust", "draft", "-o", "x", "--previous", "none.json"}},
		{exitUsage, []string{"trust", "sign", "draft.json"}},
		{exitBadInput, []string{"trust", "sign", "bad.json", "-o", "x"}},
		{exitBadInput, []string{"trust", "sign", "draft.json", "trust.json", "-o", "x"}},
		{exitBadInput, []string{"trust", "sign", "draft.json", "-o", "x", "--key", "nowhere"}},
		{exitNoRight, []string{"trust", "sign", "draft.json", "-o", "x", "--key", "key", "--passphrase-file", "wrong"}},
		{exitBadInput, []string{"trust", "show", "bad.json"}},
		{exitBadInput, []string{"trust", "show", "empty.json"}},
		{exitUsage, []string{"trust", "show"}},
	} {
		m.want(c.code, c.args...)
	}
	if _, err := os.Stat(m.path("x")); err == nil {
		t.Error("a refusal left a file")
	}
	o.write("bad.json", []byte(`{}`))
	o.want(exitBadInput, "trust", "import", "bad.json", "--why", "x")
	o.want(exitUsage, "trust", "import", "trust.json")
	o.want(exitRefused, "trust", "remove", "own", "--why", "x")
	o.want(exitRefused, "trust", "remove", "nothing", "--why", "x")
	o.want(exitBadInput, "trust", "export", "--scheme", "nothing", "-o", "x")
	o.want(exitUsage, "verify", "decision.json", "--data", o.data, "--trust", "trust.json")
}
