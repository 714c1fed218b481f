package main

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/province"
	"yinxin/verify"
)

// TestTrustThatDoesNotHold: another anchor, another scheme's bundle, and a
// bundle older than one that was seen.
func TestTrustThatDoesNotHold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	b := newMachine(t)
	b.write("sealed.json", o.read("sealed.json"))
	b.write("old.json", o.read("trust.json"))
	b.write("new.json", o.bundleOf(1))
	offline := func(bundle, anchor string) []string {
		return []string{"verify", "--offline", "sealed.json", "--trust", bundle, "--trust-anchor", anchor}
	}
	wrong := "00" + o.anchor[2:]
	b.want(exitBadInput, offline("old.json", wrong)...)
	b.want(2, offline("old.json", o.anchor)...)
	b.want(2, offline("new.json", o.anchor)...)
	r := b.run(offline("old.json", o.anchor)...)
	if r.code != exitBadInput {
		t.Errorf("an older bundle ends with %d: %s", r.code, r.err)
	}
	b.want(2, offline("new.json", o.anchor)...)
	// Without an anchor the bundle is the caller's word, and is said to be.
	plain := judge(b, 2, "sealed.json", "--offline", "--trust", "old.json")
	if plain.Freshness.Trust.Anchor != certs.AnchorCaller || plain.Freshness.Trust.Memory != "none" {
		t.Errorf("%+v", plain.Freshness)
	}
	// Where nothing can be remembered the report says so, and no more fails.
	b.set("XDG_STATE_HOME", "/dev/null")
	if forgetful := judge(b, 2, "sealed.json", offline("old.json", o.anchor)[3:]...); forgetful.Freshness.Trust.Memory != "none" {
		t.Errorf("%+v", forgetful.Freshness)
	}
	b.set("XDG_STATE_HOME", b.path("damaged"))
	if err := os.MkdirAll(b.path("damaged/yinxin"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.write("damaged/yinxin/trust.json", []byte("{"))
	b.want(exitBadInput, offline("new.json", o.anchor)...)
	none := judge(newMachineWith(t, b, "sealed.json"), 2, "sealed.json")
	wantCodes(t, none, verify.TrustMissing, verify.TimeNotProven)
}

func newMachineWith(t *testing.T, from *machine, name string) *machine {
	t.Helper()
	m := newMachine(t)
	m.write(name, from.read(name))
	return m
}

// within opens the office's folder in this process, for what has no command.
func (o *office) within(do func(p *province.Province) error) {
	o.t.Helper()
	syscall.ForkLock.RLock() // as in foundOffice
	defer syscall.ForkLock.RUnlock()
	p, err := province.Open(o.t.Context(), options(o.data))
	if err != nil {
		o.t.Fatal(err)
	}
	if err := errors.Join(do(p), p.Close()); err != nil {
		o.t.Fatal(err)
	}
}

// bundleOf gives the office's bundle with a scheme list that is later by some
// numbers and names the regions of the others' bundles too.
func (o *office) bundleOf(later uint64, others ...[]byte) []byte {
	o.t.Helper()
	var text []byte
	o.within(func(p *province.Province) error {
		ctx := o.t.Context()
		key, err := p.CA.Purpose(ctx, ca.PurposeScheme)
		if err != nil {
			return err
		}
		bundle, err := p.Bundle(ctx)
		if err != nil {
			return err
		}
		list := schemeOf(o.t, bundle)
		list.Sequence += later
		for _, b := range others {
			theirs, err := certs.ParseBundle(b)
			if err != nil {
				return err
			}
			list.Regions = append(list.Regions, schemeOf(o.t, theirs).Regions...)
			bundle.Regions = append(bundle.Regions, theirs.Regions...)
		}
		if bundle.Scheme, err = certs.SignSchemeList(ctx, list, []certs.StatementSigner{{Certificate: key.Certificate, Signer: key.Key}}); err != nil {
			return err
		}
		text, err = bundle.Marshal()
		return err
	})
	return text
}

func schemeOf(t *testing.T, b *certs.Bundle) (l certs.SchemeList) {
	t.Helper()
	st, err := certs.ParseStatement(b.Scheme)
	if err == nil {
		err = st.Decode(&l)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestTwoRegionsUnderOneScheme: A's scheme names B's region as well. Each
// region's stamp is judged by its own list and its own server's word.
func TestTwoRegionsUnderOneScheme(t *testing.T) {
	t.Parallel()
	a, m, listen := newOffice(t), newMachine(t), freePort(t)
	made, err := foundOffice(m.path("data"), province.Identity{Region: "440000", Name: "广东省", URL: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	b := made.on(m)
	a.stamp("decision.json", "a.json")
	b.stamp("decision.json", "b.json")
	third := newMachine(t)
	third.write("a.json", a.read("a.json"))
	third.write("b.json", b.read("b.json"))
	third.write("alone.json", a.read("trust.json"))
	third.write("both.json", a.bundleOf(1, b.read("trust.json")))
	b.serve("--listen", listen)
	alone := judge(third, 2, "b.json", "--offline", "--trust", "alone.json", "--trust-anchor", a.anchor)
	if alone.Reasons[0].Code != verify.IssuerUnknown {
		t.Errorf("%v", alone.Reasons)
	}
	flags := []string{"--trust", "both.json", "--trust-anchor", a.anchor}
	for file, region := range map[string]string{"a.json": "520000", "b.json": "440000"} {
		r := judge(third, 2, file, append(flags, "--offline")...)
		wantCodes(t, r, verify.StatusUnavailable)
		if r.Stamps[0].Signer.Region != region || len(r.Freshness.Trust.Regions) != 2 {
			t.Errorf("%s: %+v %+v", file, r.Stamps[0].Signer, r.Freshness)
		}
	}
	if r := judge(third, 0, "b.json", flags...); r.Verdict != verify.Valid {
		t.Error(r.Verdict, r.Reasons)
	}
	wantCodes(t, judge(third, 2, "a.json", flags...), verify.StatusUnavailable) // A is down
}
