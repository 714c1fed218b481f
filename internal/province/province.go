// Package province puts a province's offices together over one data folder:
// its keys, its register and journal, its certificate authority and its seal
// office. Init makes the folder, Open opens it; the command line and the
// server both go through here.
package province

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/crl"
	"yinxin/ca/escrow"
	"yinxin/ca/ocsp"
	"yinxin/ca/outside"
	"yinxin/ca/tsa"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/agency"
	"yinxin/internal/durable"
	"yinxin/internal/journal"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify"
)

// Identity is who the province is; it stands in province.json.
type Identity struct {
	Region string `json:"region"` // GB/T 2260, six digits
	Name   string `json:"name"`
	URL    string `json:"url"` // of its public endpoint
	// Demonstration is for provinces that demo makes: their certificates say that
	// they are of no worth.
	Demonstration bool `json:"demonstration,omitempty"`
	// TSA is the time-stamp authority elsewhere that stamps seals; nil for the
	// province's own.
	TSA *OutsideTSA `json:"tsa,omitempty"`
}

func (id Identity) check() error {
	u, err := url.Parse(id.URL)
	if len(id.Region) != 6 || strings.Trim(id.Region, "0123456789") != "" || id.Name == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w, not %q, %q and %q", ErrIdentity, id.Region, id.Name, id.URL)
	}
	if id.TSA != nil {
		return id.TSA.check()
	}
	return nil
}

// Options of Init and Open.
type Options struct {
	Dir        string
	Passphrase []byte
	Clock      func() time.Time
	Rand       io.Reader
	Log        *slog.Logger
	// Iterations of the passphrase's derivation, for Init; 0 is the default.
	Iterations int
	// Ask lets Judge ask other regions for evidence, and Run for their lists.
	Ask bool
}

// ErrNoProvince: the folder holds none.
var ErrNoProvince = errors.New("no province in this folder")

// ErrExists: the folder is not empty.
var ErrExists = errors.New("the folder is not empty")

// ErrIdentity: who the province is was not said as it must be.
var ErrIdentity = errors.New("a province needs a region of six digits, a name and an http address")

// ErrDamaged: province.json is not what Init wrote, or is gone.
var ErrDamaged = errors.New("province.json is damaged")

// ErrWrite: the folder cannot be made or written.
var ErrWrite = errors.New("the data folder cannot be written")

// Province is an open data folder.
type Province struct {
	Identity  Identity
	Store     *bolt.DB
	Keys      hsm.Keystore
	CA        *ca.Authority
	CRLs      *crl.Publisher
	Outside   *outside.Office
	OCSP      *ocsp.Responder
	TSA       *tsa.Authority
	Seals     *seal.Office
	Licences  *license.Office
	Agencies  *agency.Office
	Journal   *journal.Journal
	Lists     *trust.Office
	Engine    verify.Engine
	o         Options
	asked     asked
	read      readItems
	Approvals *approval.Office // acts that wait for a second officer
	Escrow    *escrow.Office   // the key centre
}

func (o *Options) path(name string) string { return filepath.Join(o.Dir, name) }

// Init makes a province in a new or empty folder and closes it.
func Init(ctx context.Context, o Options, id Identity) error {
	if err := id.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s", ErrExists, o.Dir)
	}
	keys, err := softkey.Create(o.softkey())
	if err != nil {
		return err
	}
	if err := keys.Close(); err != nil {
		return err
	}
	db, err := bolt.Open(o.path("store.db"), bolt.Options{Create: true})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	b, err := json.MarshalIndent(id, "", " ")
	if err != nil {
		return err
	}
	// Written last: a folder without it was not finished, and Open says so.
	if err := durable.WriteFile(o.path("province.json"), append(b, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	p, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return p.Close()
}

func (o *Options) softkey() softkey.Options {
	return softkey.Options{Dir: o.path("keys"), Passphrase: o.Passphrase, Rand: o.Rand, Clock: o.Clock, Iterations: o.Iterations}
}

// Open opens a province. The chain and the certificates of each purpose are
// made now if a killed Init left some out.
func Open(ctx context.Context, o Options) (*Province, error) {
	p := &Province{o: o}
	var err error
	if p.Identity, err = readIdentity(o); err != nil {
		return nil, err
	}
	keys, err := softkey.Open(o.softkey())
	if err != nil {
		return nil, err
	}
	p.Keys = keys
	if p.Store, err = bolt.Open(o.path("store.db"), bolt.Options{}); err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	if err = p.wire(ctx); err == nil {
		err = p.account(ctx, keys)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func readIdentity(o Options) (id Identity, err error) {
	b, err := os.ReadFile(o.path("province.json"))
	if errors.Is(err, os.ErrNotExist) {
		if _, kerr := os.Stat(o.path("keys")); kerr == nil {
			// No advice to remove anything: the keys may be all that is left.
			return id, fmt.Errorf("%w: it is missing beside keys, so init was not finished in %s or the file was removed", ErrDamaged, o.Dir)
		}
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return id, fmt.Errorf("%w: %s", ErrNoProvince, o.Dir)
	}
	if err != nil {
		return id, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&id); err != nil {
		return id, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return id, fmt.Errorf("%w: something follows it", ErrDamaged)
	}
	if err := id.check(); err != nil {
		return id, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return id, nil
}

func (p *Province) wire(ctx context.Context) (err error) {
	id, o := p.Identity, p.o
	if p.Approvals, err = approval.New(approval.Config{Store: p.Store.Approvals(), Clock: o.Clock, Rand: o.Rand, Log: o.Log}); err != nil {
		return err
	}
	if p.CA, err = ca.New(ca.Config{Store: p.Store.CA(), Gate: p.Approvals, Keys: p.Keys, Clock: o.Clock, Rand: o.Rand, Region: id.Region, RegionName: id.Name, BaseURL: id.URL, Demonstration: id.Demonstration, Log: o.Log}); err != nil {
		return err
	}
	if err := p.CA.Init(ctx); err != nil {
		return err
	}
	p.renewDue(ctx)
	if p.CRLs, err = crl.New(crl.Config{Authority: p.CA, Store: p.Store.CRLs(), Clock: o.Clock, Log: o.Log}); err != nil {
		return err
	}
	p.OCSP = ocsp.New(p.CA, p.Store.CA(), o.Clock)
	if p.Outside, err = outside.New(outside.Config{Store: p.Store.Outside(), CA: p.CA, Trust: p.Trust, Clock: o.Clock, Rand: o.Rand, Region: id.Region}); err != nil {
		return err
	}
	if p.Lists, err = trust.New(trust.Config{Store: p.Store.Trust(), Source: &ownServices{p: p}, Clock: o.Clock, Rand: o.Rand, Log: o.Log, Region: id.Region, Name: id.Name, URL: id.URL}); err != nil {
		return err
	}
	if p.Agencies, err = agency.New(agency.Config{Store: p.Store.Agencies(), Clock: o.Clock, Rand: o.Rand}); err != nil {
		return err
	}
	// A key that is missing is told now, and not at the first stamp.
	for _, purpose := range []ca.Purpose{ca.PurposeTSA, ca.PurposeSealMaker, ca.PurposeStatus, ca.PurposeJournal, ca.PurposeQR} {
		if _, err := p.CA.Purpose(ctx, purpose); err != nil {
			return err
		}
	}
	newest, err := p.Store.NewestAct(ctx)
	if err != nil {
		return err
	}
	stamper, err := tsa.New(tsa.Config{Signing: p.stamping, Clock: o.Clock, Rand: o.Rand, NotBefore: newest})
	if err != nil {
		return err
	}
	p.TSA = stamper
	times, err := p.timeStamper()
	if err != nil {
		return err
	}
	if p.Seals, err = seal.NewOffice(seal.Config{Store: p.Store.Seals(), Keys: p.Keys, CA: p.CA, Gate: p.Approvals, Outside: certifier{p.Outside}, TSA: times, Clock: o.Clock, Rand: o.Rand, Region: id.Region,
		Maker: p.signing(ca.PurposeSealMaker), Status: p.signing(ca.PurposeStatus)}); err != nil {
		return err
	}
	if p.Licences, err = license.NewOffice(license.Config{Store: p.Store.Licences(), Seals: p.Seals, Clock: o.Clock, Rand: o.Rand, Region: id.Region, URL: strings.TrimRight(id.URL, "/"),
		Status: p.signing(ca.PurposeStatus), QR: p.signing(ca.PurposeQR)}); err != nil {
		return err
	}
	if err := p.wireEscrow(ctx); err != nil {
		return err
	}
	p.Journal, err = journal.New(ctx, journal.Config{Store: p.Store.Journal(), Origin: "yinxin/" + id.Region, Keys: journalKeys{p.CA}, Clock: o.Clock, Log: o.Log})
	return err
}

// Close signs a last checkpoint over what was done, and lets the folder go.
// Every act was durable before; what a full disk or a revoked journal key keeps from being written here,
// the next Open makes up for, so it is logged and no reason to call what was
// done undone.
func (p *Province) Close() error {
	var err error
	if p.Journal != nil {
		// The caller's context may have ended; the last checkpoint is still due.
		err = p.later("the last checkpoint was not signed", p.Journal.Sign(context.Background()))
	}
	return errors.Join(err, p.Store.Close(), p.later("the exact counts of uses were not written", p.Keys.Close()))
}

func (p *Province) later(what string, err error) error {
	if errors.Is(err, bolt.ErrWrite) || errors.Is(err, hsm.ErrWrite) || errors.Is(err, ca.ErrEnded) {
		p.o.Log.Error(what, "error", err)
		return nil
	}
	return err
}

// hourly is how often retry keys older than a week are looked for, and certificates
// that are to be renewed.
const hourly = time.Hour

// Run does what must be done as long as the folder is open: checkpoints, revocation
// lists, renewals, forgetting old retry keys, and telling what ends soon.
func (p *Province) Run(ctx context.Context) {
	go p.Journal.Run(ctx)
	go p.CRLs.Run(ctx)
	go p.watchLists(ctx)
	go p.settle(ctx)
	tick, daily := time.NewTicker(hourly), time.NewTicker(warnEvery)
	defer tick.Stop()
	defer daily.Stop()
	p.warnOfEnds(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.renewDue(ctx)
			p.sweep(ctx)
		case <-daily.C:
			p.warnOfEnds(ctx)
		}
	}
}

func (p *Province) sweep(ctx context.Context) {
	const chunk = 10_000
	from := []byte(nil)
	for {
		next, err := p.Store.SweepRetries(ctx, p.o.Clock(), from, chunk)
		if err != nil {
			p.o.Log.Error("retry keys were not swept", "error", err)
		}
		if err != nil || next == nil {
			return
		}
		from = next
	}
}
