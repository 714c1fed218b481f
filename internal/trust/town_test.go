package trust_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
)

// morning is the present when a test begins; certificates begin an hour earlier.
var morning = time.Date(2026, 11, 24, 4, 30, 0, 0, time.UTC)

// keyring makes keys with trust-list certificates.
type keyring struct {
	t    testing.TB
	keys *softkey.Store
}

func newKeyring(t testing.TB) *keyring {
	t.Helper()
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(t.TempDir(), "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: func() time.Time { return morning }, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	return &keyring{t, keys}
}

func (k *keyring) signer(name string, from time.Time) certs.StatementSigner {
	k.t.Helper()
	key, err := k.keys.Generate(k.t.Context(), name, hsm.UsageSign)
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := ca.OfflineCertificate(k.t.Context(), key, ca.Name{Organization: "示例", CommonName: name}, from, rand.Reader)
	if err != nil {
		k.t.Fatal(err)
	}
	return certs.StatementSigner{Certificate: c, Signer: key}
}

// source is a province as the office sees it.
type source struct {
	state        string
	services     []certs.RegionService
	list, scheme []certs.StatementSigner
}

func (s *source) State(context.Context) (string, error)                        { return s.state, nil }
func (s *source) Services(context.Context) ([]certs.RegionService, error)      { return s.services, nil }
func (s *source) ListSigners(context.Context) ([]certs.StatementSigner, error) { return s.list, nil }
func (s *source) SchemeSigners(context.Context) ([]certs.StatementSigner, error) {
	return s.scheme, nil
}

// town is a province that is nothing but its trust.
type town struct {
	*trust.Office
	t      testing.TB
	region string
	path   string
	db     *bolt.DB
	source *source
	now    time.Time
	log    *slog.Logger                  // nil: discarded
	wrap   func(trust.Store) trust.Store // of the store, for faults
}

func newTown(t testing.TB, k *keyring, region string) *town {
	t.Helper()
	w := &town{t: t, region: region, path: filepath.Join(t.TempDir(), "store.db"), now: morning, source: &source{}}
	from := morning.Add(-time.Hour)
	w.source.list = []certs.StatementSigner{k.signer(region+"列表", from)}
	w.source.scheme = []certs.StatementSigner{k.signer(region+"体系", from)}
	w.serve(k.signer(region+"日志", from).Certificate)
	var err error
	if w.db, err = bolt.Open(w.path, bolt.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	w.open()
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// serve adds a service, or a state to one.
func (w *town) serve(c *certs.Certificate, more ...certs.ServiceStatus) {
	w.source.state = fmt.Sprint(len(w.source.state), w.source.state)
	for i := range w.source.services {
		if s := &w.source.services[i]; string(s.Certificate) == string(c.Raw) {
			s.History = append(s.History, more...)
			return
		}
	}
	w.source.services = append(w.source.services, certs.RegionService{Type: certs.ServiceJournal, Name: c.Subject.CommonName, Certificate: c.Raw,
		Prefixes: []string{w.region[:2]}, History: []certs.ServiceStatus{{State: certs.Granted, Since: c.NotBefore}}})
}

func (w *town) open() {
	w.t.Helper()
	store := w.db.Trust()
	if w.wrap != nil {
		store = w.wrap(store)
	}
	log := w.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var err error
	w.Office, err = trust.New(trust.Config{Store: store, Source: w.source, Clock: func() time.Time { return w.now }, Rand: rand.Reader, Log: log,
		Region: w.region, Name: "某省" + w.region, URL: "https://" + w.region + ".example"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// restart opens the same file again.
func (w *town) restart() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	var err error
	if w.db, err = bolt.Open(w.path, bolt.Options{}); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *town) bundle() *certs.Bundle {
	w.t.Helper()
	b, err := w.Bundle(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *town) anchor() string {
	w.t.Helper()
	a, err := w.bundle().Anchor()
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *town) trusted() *certs.Trust {
	w.t.Helper()
	t, err := w.Trust(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// union is a scheme with offline keys.
type union struct {
	t    testing.TB
	keys []certs.StatementSigner
	list certs.SchemeList
	last *certs.Bundle
}

func newUnion(t testing.TB, k *keyring, towns ...*town) *union {
	u := &union{t: t}
	for i := range 3 {
		u.keys = append(u.keys, k.signer(fmt.Sprintf("离线%d", i), morning.Add(-time.Hour)))
		u.list.Keys = append(u.list.Keys, u.keys[i].Certificate.Raw)
	}
	u.list.K = 2
	for _, w := range towns {
		u.list.Regions = append(u.list.Regions, certs.SchemeRegion{Code: w.region, Name: w.region, URL: "https://" + w.region + ".example", Keys: []certs.Base64{w.source.list[0].Certificate.Raw}})
	}
	return u
}

// sign makes the next list, by the first two keys if no others are given.
func (u *union) sign(at time.Time, by ...certs.StatementSigner) *certs.Bundle {
	u.t.Helper()
	u.list.Sequence++
	u.list.Iat, u.list.Exp = at, at.Add(certs.ListLife)
	if by == nil {
		by = u.keys[:2]
	}
	raw, err := certs.SignSchemeList(u.t.Context(), u.list, by)
	if err != nil {
		u.t.Fatal(err)
	}
	u.last = &certs.Bundle{Scheme: raw}
	return u.last
}

func (u *union) anchor() string {
	a, err := u.list.Anchor()
	if err != nil {
		u.t.Fatal(err)
	}
	return a
}

func because(b *certs.Bundle, anchor string) trust.Request {
	return trust.Request{Bundle: b, Anchor: anchor, Who: "张三", Why: "两省互认"}
}

// sequenceOf reads it from an envelope.
func sequenceOf(t testing.TB, raw []byte) uint64 {
	t.Helper()
	st, err := certs.ParseStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	if st.Type == certs.TypeSchemeList {
		var l certs.SchemeList
		err = st.Decode(&l)
		if err == nil {
			return l.Sequence
		}
	}
	var l certs.RegionList
	if err := st.Decode(&l); err != nil {
		t.Fatal(err)
	}
	return l.Sequence
}
