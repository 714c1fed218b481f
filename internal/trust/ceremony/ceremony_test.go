package ceremony_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/trust/ceremony"
)

var morning = time.Date(2026, 11, 24, 4, 30, 0, 0, time.UTC)

func options(dir string) ceremony.Options {
	return ceremony.Options{Dir: dir, Passphrase: []byte("天上"), Rand: rand.Reader, Clock: func() time.Time { return morning }, Iterations: 10}
}

// machine is a holder's.
func machine(t *testing.T, name string) (*ceremony.Holder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "key")
	c, err := ceremony.Make(t.Context(), options(dir), ca.Name{Organization: "示例", CommonName: name})
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, dir)
	if !h.Certificate.Equal(c) {
		t.Fatal("another certificate was kept")
	}
	return h, dir
}

func open(t *testing.T, dir string) *ceremony.Holder {
	t.Helper()
	h, err := ceremony.Open(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() }) // a test may have closed it
	return h
}

var shandong = certs.SchemeRegion{Code: "370000", Name: "山东省", URL: "https://370000.example"}

// first drafts a scheme's first list.
func first(t *testing.T, holders ...*ceremony.Holder) (*certs.SchemeDraft, ceremony.Change) {
	t.Helper()
	c := ceremony.Change{K: 2, At: morning, Life: certs.ListLife}
	region := shandong
	for _, h := range holders {
		c.AddKeys = append(c.AddKeys, h.Certificate)
	}
	region.Keys = []certs.Base64{holders[0].Certificate.Raw}
	c.AddRegions = []certs.SchemeRegion{region}
	d, err := ceremony.Draft(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

func sign(t *testing.T, d, before *certs.SchemeDraft, by ...*ceremony.Holder) {
	t.Helper()
	for _, h := range by {
		if err := h.Sign(t.Context(), d, before, morning); err != nil {
			t.Fatal(err)
		}
	}
}

// TestACeremony: three holders sign the first list by two; one loses the key and is
// replaced.
func TestACeremony(t *testing.T) {
	a, _ := machine(t, "甲")
	b, _ := machine(t, "乙")
	c, _ := machine(t, "丙")
	d, _ := first(t, a, b, c)
	sign(t, d, nil, a, c)
	if !d.Standing(nil).Enough() {
		t.Fatal(d.Standing(nil))
	}
	again, _ := machine(t, "甲二")
	change := ceremony.Change{AddKeys: []*certs.Certificate{again.Certificate}, DropKeys: []string{certs.KeyID(a.Certificate)[:8]}, At: morning.Add(time.Hour), Life: certs.ListLife}
	next, err := ceremony.Draft(d, change)
	if err != nil {
		t.Fatal(err)
	}
	if l := next.List(); l.Sequence != 2 || l.K != 2 || len(l.Keys) != 3 {
		t.Fatalf("%+v", l)
	}
	sign(t, next, d, again, b)
	if s := next.Standing(d); s.Enough() || s.Own != 2 || s.Before != 1 {
		t.Fatal("a new key counts as an old one:", s)
	}
	sign(t, next, d, c)
	if s := next.Standing(d); !s.Enough() {
		t.Fatal(s)
	}
	raw1, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	raw2, err := next.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&certs.Bundle{Scheme: raw1}).Advance(&certs.Bundle{Scheme: raw2}); err != nil {
		t.Error(err)
	}
}

// TestAHolderRefuses to sign what would harm: a list that cannot follow, one of
// whose past nothing is known, and a second one of a number.
func TestAHolderRefuses(t *testing.T) {
	a, dir := machine(t, "甲")
	b, _ := machine(t, "乙")
	stranger, _ := machine(t, "外人")
	d, change := first(t, a, b)
	change.AddRegions[0].Name = "另一个"
	twin, err := ceremony.Draft(nil, change)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Sign(t.Context(), d, nil, morning); !errors.Is(err, certs.ErrNotAsked) {
		t.Errorf("a stranger: %v", err)
	}
	if err := a.Sign(t.Context(), d, nil, morning.Add(certs.ListLife)); !errors.Is(err, ceremony.ErrRefused) {
		t.Errorf("a list that has ended: %v", err)
	}
	sign(t, d, nil, a)
	if err := a.Sign(t.Context(), d, nil, morning); !errors.Is(err, certs.ErrSigned) {
		t.Errorf("twice: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir)
	if err := a.Sign(t.Context(), twin, nil, morning); !errors.Is(err, ceremony.ErrRefused) {
		t.Errorf("another list of the same number, after a restart: %v", err)
	}
	next, err := ceremony.Draft(d, ceremony.Change{At: morning, Life: certs.ListLife})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Sign(t.Context(), next, nil, morning); !errors.Is(err, ceremony.ErrRefused) {
		t.Errorf("a second list without the first: %v", err)
	}
	if err := a.Sign(t.Context(), next, d, morning); !errors.Is(err, certs.ErrSignature) {
		t.Errorf("after a list that lacks signatures: %v", err)
	}
	sign(t, d, nil, b)
	list := d.List()
	list.Sequence, list.K = 7, 1
	ahead, err := certs.DraftScheme(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Sign(t.Context(), ahead, d, morning); !errors.Is(err, certs.ErrCannotFollow) {
		t.Errorf("a list too far ahead: %v", err)
	}
	sign(t, next, d, a)
	if err := os.WriteFile(filepath.Join(dir, "signed.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	third, err := ceremony.Draft(next, ceremony.Change{At: morning, Life: certs.ListLife})
	if err != nil {
		t.Fatal(err)
	}
	sign(t, next, d, b)
	if err := a.Sign(t.Context(), third, next, morning); !errors.Is(err, ceremony.ErrRefused) {
		t.Errorf("what was signed is not known any more: %v", err)
	}
}

func TestDraftsThatAreRefused(t *testing.T) {
	a, _ := machine(t, "甲")
	b, _ := machine(t, "乙")
	d, _ := first(t, a, b)
	for name, c := range map[string]struct {
		change ceremony.Change
		want   error
	}{
		"a key that is there":     {ceremony.Change{AddKeys: []*certs.Certificate{a.Certificate}}, ceremony.ErrRefused},
		"a key that is not there": {ceremony.Change{DropKeys: []string{"00000000"}}, ceremony.ErrRefused},
		"too short a key id":      {ceremony.Change{DropKeys: []string{certs.KeyID(a.Certificate)[:7]}}, ceremony.ErrRefused},
		"more needed than are":    {ceremony.Change{K: 3}, ceremony.ErrRefused},
		"all keys dropped":        {ceremony.Change{DropKeys: []string{certs.KeyID(a.Certificate), certs.KeyID(b.Certificate)}}, ceremony.ErrRefused},
		"a region not there":      {ceremony.Change{DropRegions: []string{"110000"}}, ceremony.ErrRefused},
		"a region of five digits": {ceremony.Change{AddRegions: []certs.SchemeRegion{{Code: "11000"}}}, ceremony.ErrRefused},
		"a life of eight days":    {ceremony.Change{Life: 8 * 24 * time.Hour}, ceremony.ErrRefused},
		"ahead with other keys":   {ceremony.Change{K: 1, Ahead: 5}, certs.ErrCannotFollow},
		"nothing but the number":  {ceremony.Change{}, nil},
		"a region renewed":        {ceremony.Change{AddRegions: []certs.SchemeRegion{{Code: "370000", Name: "山东", Keys: []certs.Base64{b.Certificate.Raw}}}}, nil},
	} {
		c.change.At = morning
		if c.change.Life == 0 {
			c.change.Life = certs.ListLife
		}
		next, err := ceremony.Draft(d, c.change)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.want == nil && len(next.List().Regions) != 1 {
			t.Errorf("%s: %d regions", name, len(next.List().Regions))
		}
	}
	if l := d.List(); len(l.Keys) != 2 || l.Regions[0].Name != shandong.Name {
		t.Error("the list before was changed")
	}
}

// TestAheadOfAProvince: a province with one key of its own goes on numbering while
// the offline keys sign the list that takes over.
func TestAheadOfAProvince(t *testing.T) {
	own, _ := machine(t, "省")
	a, _ := machine(t, "甲")
	b, _ := machine(t, "乙")
	d, err := ceremony.Draft(nil, ceremony.Change{K: 1, AddKeys: []*certs.Certificate{own.Certificate}, At: morning, Life: certs.ListLife})
	if err != nil {
		t.Fatal(err)
	}
	sign(t, d, nil, own)
	change := ceremony.Change{K: 2, AddKeys: []*certs.Certificate{a.Certificate, b.Certificate}, DropKeys: []string{certs.KeyID(own.Certificate)}, Ahead: 1000, At: morning, Life: certs.ListLife}
	if _, err := ceremony.Draft(d, change); !errors.Is(err, certs.ErrCannotFollow) {
		t.Errorf("a thousand and one: %v", err)
	}
	change.Ahead = 999
	next, err := ceremony.Draft(d, change)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, next, d, a, b)
	if s := next.Standing(d); s.Own != 2 || s.Before != 0 || s.Enough() {
		t.Error(s)
	}
}

func TestFoldersThatHoldNoKey(t *testing.T) {
	_, dir := machine(t, "甲")
	if _, err := ceremony.Make(t.Context(), options(dir), ca.Name{Organization: "示例", CommonName: "乙"}); !errors.Is(err, ceremony.ErrExists) {
		t.Errorf("a folder that is there: %v", err)
	}
	if _, err := ceremony.Make(t.Context(), options(filepath.Join(t.TempDir(), "key")), ca.Name{CommonName: "\x07"}); !errors.Is(err, ca.ErrRefused) {
		t.Errorf("a name that is none: %v", err)
	}
	wrong := options(dir)
	wrong.Passphrase = []byte("地下")
	if _, err := ceremony.Open(t.Context(), options(t.TempDir())); !errors.Is(err, ceremony.ErrNoKey) {
		t.Errorf("an empty folder: %v", err)
	}
	_, other := machine(t, "丙")
	copied, err := os.ReadFile(filepath.Join(other, "certificate.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"another key's certificate": copied, "text": []byte("x"), "too long": make([]byte, 1<<20)} {
		t.Run(name, func(t *testing.T) {
			h, dir := machine(t, "丁")
			if err := errors.Join(h.Close(), os.WriteFile(filepath.Join(dir, "certificate.pem"), b, 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := ceremony.Open(t.Context(), options(dir)); !errors.Is(err, ceremony.ErrNoKey) {
				t.Error(err)
			}
		})
	}
	h, dir := machine(t, "戊")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	wrong.Dir = dir
	if _, err := ceremony.Open(t.Context(), wrong); !errors.Is(err, hsm.ErrWrongPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
}

// No private key leaves the store of keys.
func TestWhatIsGivenAwayIsPublic(t *testing.T) {
	_, dir := machine(t, "甲")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != "[certificate.pem keys]" {
		t.Error(names)
	}
	info, err := os.Stat(filepath.Join(dir, "keys"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
}
