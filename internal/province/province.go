// Package province puts a province's offices together over one data folder:
// its keys, its register and journal, its certificate authority and its seal
// office. Init makes the folder, Open opens it; the command line and the
// server both go through here.
package province

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/companion"
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
	"yinxin/internal/pagetext"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify"
)

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
	Approvals *approval.Office // acts that wait for a second officer
	Escrow    *escrow.Office   // the key centre
	Companion *companion.Authority

	o     Options
	words *pagetext.Engine // starts when the first keyword is looked for
	asked asked
	read  readItems
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
	if err := p.wireCompanion(); err != nil {
		return err
	}
	p.words = pagetext.New(o.path("pdfium")) // what runs from there is as safe as the keys beside it
	if p.Seals, err = seal.NewOffice(seal.Config{Store: p.Store.Seals(), Keys: p.Keys, CA: p.CA, Gate: p.Approvals, Outside: certifier{p.Outside}, TSA: times, Companion: p.Companion, Archivist: archivist{p}, Clock: o.Clock, Rand: o.Rand, Region: id.Region, URL: strings.TrimRight(id.URL, "/"), Finder: keywords{p.words},
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
// Every act was durable before; what a full disk or a revoked journal key keeps from
// being written here, the next Open makes up for, so it is logged and no reason to
// call what was done undone.
func (p *Province) Close() error {
	var err error
	if p.Journal != nil {
		// The caller's context may have ended; the last checkpoint is still due.
		err = p.later("the last checkpoint was not signed", p.Journal.Sign(context.Background()))
	}
	if p.words != nil {
		err = errors.Join(err, p.words.Close())
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
