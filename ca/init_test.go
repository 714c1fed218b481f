package ca_test

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

var purposes = []ca.Purpose{
	ca.PurposeRoot, ca.PurposeIssuing, ca.PurposeSealMaker, ca.PurposeTSA, ca.PurposeOCSP, ca.PurposeStatus, ca.PurposeQR, ca.PurposeJournal, ca.PurposeTrustList, ca.PurposeScheme, ca.PurposeOCSPRoot,
}

func TestInitTwiceIsTheSame(t *testing.T) {
	o := fresh(t)
	before := o.rows()
	o.start()
	o.restart()
	if d := cmp.Diff(before, o.rows()); d != "" {
		t.Fatal(d)
	}
	if len(before) != len(purposes) {
		t.Fatalf("%d certificates for %d purposes", len(before), len(purposes))
	}
	keys := map[string]bool{}
	for _, p := range purposes {
		c, err := o.Purpose(t.Context(), p)
		if err != nil || c.Row.Purpose != p || keys[c.Row.KeyID] || !c.Key.Public().Equal(c.Certificate.PublicKey) {
			t.Fatalf("%s: %v", p, err)
		}
		keys[c.Row.KeyID] = true
	}
	chain, err := o.Chain(t.Context())
	if err != nil || len(chain) != 1 || !chain[0].Equal(o.purpose(ca.PurposeIssuing)) {
		t.Fatal(err)
	}
}

var errDisk = errors.New("the disk is gone")

// faulty fails one write of each named kind: the nth, which is persisted all
// the same or not.
type faulty struct {
	ca.Store
	faults map[string]*fault
}

type fault struct {
	nth       int
	persisted bool
}

func (f *faulty) do(name string, write func() error) error {
	at := f.faults[name]
	if at == nil {
		return write()
	}
	if at.nth--; at.nth != 0 {
		return write()
	}
	if at.persisted {
		if err := write(); err != nil {
			return err
		}
	}
	return errDisk
}

func (f *faulty) PutIntent(ctx context.Context, i ca.Intent) error {
	return f.do("intent", func() error { return f.Store.PutIntent(ctx, i) })
}

func (f *faulty) CommitCertificate(ctx context.Context, a act.Act, r ca.Row) error {
	return f.do("certificate", func() error { return f.Store.CommitCertificate(ctx, a, r) })
}

func (f *faulty) CommitAbandoned(ctx context.Context, a act.Act, serial string) error {
	return f.do("abandoned", func() error { return f.Store.CommitAbandoned(ctx, a, serial) })
}

func (f *faulty) CommitProfile(ctx context.Context, a act.Act, v ca.ProfileVersion) error {
	return f.do("profile", func() error { return f.Store.CommitProfile(ctx, a, v) })
}

func (f *faulty) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	err = f.do("revocation", func() error {
		row, err = f.Store.CommitRevocation(ctx, a, r)
		return err
	})
	if err != nil {
		return ca.Row{}, err
	}
	return row, nil
}

// agree holds what the register, the intents, the journal and the revocation lists
// must have in common whatever failed before the start that just was.
func (o *office) agree() {
	o.t.Helper()
	serials := map[string]string{}
	rows := o.rows()
	for _, r := range rows {
		if r.Serial == "" || serials[r.Serial] != "" {
			o.t.Fatalf("serial %q stands twice", r.Serial)
		}
		serials[r.Serial] = "certificate"
		if again, err := o.Certificate(o.t.Context(), r.Serial); err != nil || again.Act != r.Act {
			o.t.Fatal("listed and not found:", err)
		}
	}
	intents, err := o.db.CA().Intents(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	abandoned, err := o.Abandoned(o.t.Context())
	if err != nil || len(abandoned) != len(intents) {
		o.t.Fatalf("%d of %d intents are settled: %v", len(abandoned), len(intents), err)
	}
	for _, i := range intents {
		if serials[i.Serial] != "" || len(i.TBS) == 0 {
			o.t.Fatalf("the intent of %s stands beside a %s", i.Serial, serials[i.Serial])
		}
		serials[i.Serial] = "intent"
	}
	o.agreeWithLists(rows)
	changes := 0
	for _, r := range rows {
		story, err := o.Changes(o.t.Context(), r.Serial)
		if err != nil || r.Revocation != nil && len(story) == 0 {
			o.t.Fatalf("%s: %v %v", r.Serial, story, err)
		}
		changes += len(story)
	}
	set, err := o.db.CA().ProfileVersions(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	if n, err := o.db.Journal().CountActs(o.t.Context()); err != nil || int(n) != len(rows)+len(abandoned)+changes+len(set) {
		o.t.Fatalf("%d acts for %d certificates, %d abandoned, %d changes, %d profiles: %v", n, len(rows), len(abandoned), changes, len(set), err)
	}
}

// agreeWithLists: what is revoked is in its issuer's list, and nothing else is.
func (o *office) agreeWithLists(rows []ca.Row) {
	o.t.Helper()
	publisher, err := crl.New(crl.Config{Authority: o.Authority, Store: o.db.CRLs(), Clock: o.clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		o.t.Fatal(err)
	}
	issuers, err := o.Issuers(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	lists, listed, revoked := map[string]*certs.CRL{}, 0, 0
	for _, issuer := range issuers {
		published, err := publisher.Fresh(o.t.Context(), issuer, o.now)
		if err != nil {
			o.t.Fatal(issuer, err)
		}
		if lists[issuer], err = certs.ParseCRL(published.DER); err != nil {
			o.t.Fatal(err)
		}
		listed += lists[issuer].Len()
	}
	for _, r := range rows {
		if r.Revocation == nil {
			continue
		}
		revoked++
		serial, _ := new(big.Int).SetString(r.Serial, 16)
		if entry, ok := lists[r.Issuer].Find(serial); !ok || entry.Reason != r.Revocation.Reason || !entry.At.Equal(r.Revocation.At) {
			o.t.Fatalf("%s is revoked and not so in the list", r.Serial)
		}
	}
	if listed != revoked {
		o.t.Fatalf("%d certificates are listed, %d are revoked", listed, revoked)
	}
}

func TestInitGoesOnWhereItWasKilled(t *testing.T) {
	for _, write := range []string{"intent", "certificate"} {
		for _, nth := range []int{1, 2, 3, len(purposes)} {
			for _, persisted := range []bool{false, true} {
				o := empty(t)
				o.kill()
				o.wrap = func(s ca.Store) ca.Store {
					return &faulty{s, map[string]*fault{write: {nth, persisted}, "abandoned": {1, false}}}
				}
				o.open(false)
				if err := o.Init(t.Context()); !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				o.restart()
				o.agree()
				keys, err := o.keys.List(t.Context())
				if err != nil || len(keys) != len(purposes) {
					t.Fatalf("%s %d, persisted %t: %d keys for %d purposes: %v", write, nth, persisted, len(keys), len(purposes), err)
				}
				if rows := o.rows(); len(rows) != len(purposes) {
					t.Fatalf("%s %d, persisted %t: %d certificates", write, nth, persisted, len(rows))
				}
			}
		}
	}
}

// The key was made and the process died: no second key is made for the purpose.
func TestInitTakesTheKeyThatWasMade(t *testing.T) {
	o := empty(t)
	made, err := o.keys.Generate(t.Context(), "ca root", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"ca issuing", "ca qr"} { // of no use: for the wrong usage, and gone
		usage := map[string]hsm.Usage{"ca issuing": hsm.UsageEncrypt, "ca qr": hsm.UsageSign}[label]
		k, err := o.keys.Generate(t.Context(), label, usage)
		if err != nil {
			t.Fatal(err)
		}
		if label == "ca qr" {
			if err := o.keys.SetState(t.Context(), k.Info().ID, hsm.Destroyed); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.restart()
	rows := o.rows()
	i := slices.IndexFunc(rows, func(r ca.Row) bool { return r.Purpose == ca.PurposeRoot })
	if rows[i].KeyID != made.Info().ID {
		t.Fatal("another key was made for the root")
	}
	if keys, _ := o.keys.List(t.Context()); len(keys) != len(purposes)+2 {
		t.Fatalf("%d keys", len(keys))
	}
}

func TestIncompleteConfiguration(t *testing.T) {
	o := fresh(t)
	good := ca.Config{Store: o.db.CA(), Keys: o.keys, Clock: time.Now, Rand: o.rand, Region: "520000", RegionName: "贵州省", BaseURL: "https://a/", Log: slog.New(slog.DiscardHandler)}
	for name, change := range map[string]func(*ca.Config){
		"store": func(c *ca.Config) { c.Store = nil }, "keys": func(c *ca.Config) { c.Keys = nil }, "clock": func(c *ca.Config) { c.Clock = nil }, "rand": func(c *ca.Config) { c.Rand = nil },
		"log": func(c *ca.Config) { c.Log = nil }, "region": func(c *ca.Config) { c.Region = "52000" }, "letters": func(c *ca.Config) { c.Region = "52000a" },
		"no name": func(c *ca.Config) { c.RegionName = "" }, "a name turned round": func(c *ca.Config) { c.RegionName = "\u202e省" },
		"no address": func(c *ca.Config) { c.BaseURL = "" }, "ftp": func(c *ca.Config) { c.BaseURL = "ftp://a" }, "no host": func(c *ca.Config) { c.BaseURL = "https:///x" },
		"user": func(c *ca.Config) { c.BaseURL = "https://u@a" }, "query": func(c *ca.Config) { c.BaseURL = "https://a?b" }, "long": func(c *ca.Config) { c.BaseURL = "https://" + strings.Repeat("a", 200) },
	} {
		c := good
		change(&c)
		if _, err := ca.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := ca.New(good); err != nil {
		t.Fatal(err)
	}
}
