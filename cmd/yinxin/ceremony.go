package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/trust"
	"yinxin/internal/trust/ceremony"
)

func (c *call) offlineKey(dir string) (ceremony.Options, error) {
	pass, err := c.passphrase()
	return ceremony.Options{Dir: dir, Passphrase: pass, Rand: rand.Reader, Clock: time.Now}, err
}

// withPassphrase adds the flag alone: an offline key needs no data folder.
func (c *call) withPassphrase() {
	c.flags.StringVar(&c.passphraseFile, "passphrase-file", "", "`file` whose first line opens the key (or YINXIN_PASSPHRASE_FILE, or a prompt)")
}

func runTrustKey(ctx context.Context, c *call) error {
	c.withPassphrase()
	out := c.flags.String("out", "", "new `folder` for the key")
	name := c.flags.String("name", "", "whose key it is, such as 印章办第一密钥")
	organisation := c.flags.String("organisation", "", "the holder's `organisation`")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("out", *out, "name", *name, "organisation", *organisation); err != nil {
		return err
	}
	o, err := c.offlineKey(*out)
	if err != nil {
		return err
	}
	cert, err := ceremony.Make(ctx, o, ca.Name{Organization: *organisation, CommonName: *name})
	if err != nil {
		return err
	}
	file := filepath.Join(*out, "certificate.pem")
	return c.print(map[string]any{"keyId": certs.KeyID(cert), "certificate": file, "notAfter": cert.NotAfter}, func(w io.Writer) {
		fmt.Fprintf(w, "made key %s\ngive %s to whoever drafts the scheme list; the folder stays with you\n", certs.KeyID(cert), file)
	})
}

// draftFlags are the flags of trust draft.
type draftFlags struct {
	out, previous                             string
	k, days                                   int
	ahead                                     uint64
	addKeys, dropKeys, addRegions, dropRegion several
}

func runTrustDraft(_ context.Context, c *call) error {
	var f draftFlags
	c.flags.StringVar(&f.out, "o", "", "the draft, a new `file`")
	c.flags.StringVar(&f.previous, "previous", "", "the list or bundle `file` that it follows; none for a scheme's first list")
	c.flags.IntVar(&f.k, "k", 0, "`how many` of the keys are needed; as before by default")
	c.flags.IntVar(&f.days, "days", int(certs.ListLife/(24*time.Hour)), "`how long` the list lives")
	c.flags.Uint64Var(&f.ahead, "ahead", 0, "`numbers` left to lists that the keys before sign meanwhile: of a province that hands over its scheme, 100 is four days")
	c.flags.Var(&f.addKeys, "add-key", "certificate `file` of a key to add; may be given again")
	c.flags.Var(&f.dropKeys, "drop-key", "`id` of a key to drop, or at least 8 digits of it; may be given again")
	c.flags.Var(&f.addRegions, "add-region", "`bundle` of a province, whose region is added or brought up to date; may be given again")
	c.flags.Var(&f.dropRegion, "drop-region", "`code` of a region to drop; may be given again")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("o", f.out); err != nil {
		return err
	}
	if f.days < 1 {
		return usageError("--days: a list lives a day at least")
	}
	change, previous, err := f.read()
	if err != nil {
		return err
	}
	d, err := ceremony.Draft(previous, change)
	if err != nil {
		return err
	}
	return c.putDraft(f.out, d, previous)
}

func (f *draftFlags) read() (c ceremony.Change, previous *certs.SchemeDraft, err error) {
	c = ceremony.Change{K: f.k, DropKeys: f.dropKeys, DropRegions: f.dropRegion, Ahead: f.ahead, At: time.Now(), Life: time.Duration(f.days) * 24 * time.Hour}
	if previous, err = readPrevious(f.previous); err != nil {
		return c, nil, err
	}
	for _, path := range f.addKeys {
		b, err := readSmall(path, maxCertificates)
		if err != nil {
			return c, nil, err
		}
		k, err := certs.ParseCertificatePEMOrDER(b)
		if err != nil {
			return c, nil, badInput(path, err)
		}
		c.AddKeys = append(c.AddKeys, k)
	}
	for _, path := range f.addRegions {
		b, err := readBundle(path)
		if err != nil {
			return c, nil, err
		}
		regions, err := ceremony.Regions(b)
		if err != nil {
			return c, nil, badInput(path, err)
		}
		c.AddRegions = append(c.AddRegions, regions...)
	}
	return c, previous, nil
}

func readPrevious(path string) (*certs.SchemeDraft, error) {
	if path == "" {
		return nil, nil
	}
	b, err := readBundle(path)
	if err != nil {
		return nil, err
	}
	d, err := certs.ParseSchemeDraft(b.Scheme)
	if err != nil {
		return nil, badInput(path, err)
	}
	return d, nil
}

func runTrustSign(ctx context.Context, c *call) error {
	c.withPassphrase()
	key := c.flags.String("key", "", "`folder` of an offline key, as trust key makes it; without, the copies are only joined")
	previous := c.flags.String("previous", "", "the list or bundle `file` that this list follows")
	out := c.flags.String("o", "", "the list with one signature more, a `file`")
	if err := c.parse(1, -1); err != nil {
		return err
	}
	if err := need("o", *out); err != nil {
		return err
	}
	before, err := readPrevious(*previous)
	if err != nil {
		return err
	}
	d, err := joinDrafts(c.args)
	if err != nil {
		return err
	}
	if *key != "" {
		if err := c.signDraft(ctx, *key, d, before); err != nil {
			return err
		}
	}
	return c.putDraft(*out, d, before)
}

func joinDrafts(paths []string) (joined *certs.SchemeDraft, err error) {
	for _, path := range paths {
		b, err := readSmall(path, certs.MaxStatement)
		if err != nil {
			return nil, err
		}
		d, err := certs.ParseSchemeDraft(bytes.TrimSpace(b))
		if err == nil && joined != nil {
			err = joined.Merge(d)
		}
		if err != nil {
			return nil, badInput(path, err)
		}
		if joined == nil {
			joined = d
		}
	}
	return joined, nil
}

func (c *call) signDraft(ctx context.Context, dir string, d, before *certs.SchemeDraft) (err error) {
	o, err := c.offlineKey(dir)
	if err != nil {
		return err
	}
	h, err := ceremony.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return h.Sign(ctx, d, before, time.Now())
}

// draftAnswer tells the holder what it is that was drafted or signed.
type draftAnswer struct {
	Anchor   string               `json:"anchor"`
	Sequence uint64               `json:"sequence"`
	Expires  time.Time            `json:"expires"`
	K        int                  `json:"k"`
	Keys     []trust.ShownKey     `json:"keys"`
	Regions  []certs.SchemeRegion `json:"regions"`
	Standing certs.Standing       `json:"signatures"`
	Complete bool                 `json:"complete"`
}

func (c *call) putDraft(path string, d, before *certs.SchemeDraft) error {
	l := d.List()
	anchor, err := l.Anchor()
	if err != nil {
		return err
	}
	text, err := d.Marshal()
	if err != nil {
		return err
	}
	to, err := c.openOutput(path)
	if err != nil {
		return err
	}
	defer to.drop()
	if err := to.put(bytes.NewReader(append(text, '\n'))); err != nil {
		return err
	}
	standing := d.Standing(before)
	a := draftAnswer{anchor, l.Sequence, l.Exp, l.K, trust.ShowKeys(d), l.Regions, standing, standing.Enough()}
	return c.print(a, func(w io.Writer) {
		fmt.Fprintf(w, "scheme list %d, ends %s\nfingerprint of its keys %s\n%d of %d keys:\n", a.Sequence, day(a.Expires), a.Anchor, a.K, len(a.Keys))
		writeKeys(w, a.Keys)
		for _, r := range a.Regions {
			fmt.Fprintf(w, "region %s %s %s\n", plain(r.Code), plain(r.Name), plain(r.URL))
		}
		writeStanding(w, path, standing)
	})
}

// writeStanding tells what is to be done next.
func writeStanding(w io.Writer, path string, s certs.Standing) {
	fmt.Fprintf(w, "signatures: %d of %d by its own keys", s.Own, s.OwnNeeded)
	if s.BeforeNeeded > 0 {
		fmt.Fprintf(w, ", %d of %d by those of the list before", s.Before, s.BeforeNeeded)
	}
	fmt.Fprintln(w)
	switch {
	case s.Enough():
		fmt.Fprintf(w, "it is complete: take %s to each province, for trust add or trust import\n", plain(path))
	case s.Own >= s.OwnNeeded:
		fmt.Fprintln(w, "next: the holders of the keys before sign it too; a province's own key does so at trust import --hand-over")
	default:
		fmt.Fprintf(w, "next: take %s to the next holder, for trust sign\n", plain(path))
	}
}
