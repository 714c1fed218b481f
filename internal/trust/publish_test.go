package trust_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
)

// TestWhenListsAreMadeAnew: at once when something changed and each hour otherwise;
// and no two lists ever bear one sequence, whatever the clock does.
func TestWhenListsAreMadeAnew(t *testing.T) {
	k := newKeyring(t)
	w := newTown(t, k, "520000")
	var seen [][]byte
	look := func(what string, anew bool) {
		t.Helper()
		raw := w.bundle().Regions[0]
		if again := w.bundle().Regions[0]; !bytes.Equal(raw, again) {
			t.Errorf("%s: two lists for one question", what)
		}
		if n := len(seen); n > 0 {
			if last := seen[n-1]; bytes.Equal(raw, last) == anew {
				t.Errorf("%s: made anew: %v", what, !anew)
			} else if anew && sequenceOf(t, raw) <= sequenceOf(t, last) {
				t.Errorf("%s: sequence %d after %d", what, sequenceOf(t, raw), sequenceOf(t, last))
			}
		}
		seen = append(seen, raw)
		st, err := certs.ParseStatement(raw)
		if err != nil || st.Expires.Sub(st.IssuedAt) > certs.ListLife {
			t.Fatal(err)
		}
	}
	journal := k.signer("日志二", morning.Add(-time.Hour)).Certificate
	look("the first", true)
	w.now = morning.Add(29 * time.Minute)
	look("within the hour", false)
	w.restart()
	look("after a restart within the hour", false)
	w.serve(journal)
	look("a service more", true)
	w.source.state += "a revocation of something else"
	look("nothing that the list tells", false)
	w.serve(journal, certs.ServiceStatus{State: certs.Withdrawn, Since: w.now})
	look("withdrawn in the same second", true)
	w.serve(journal, certs.ServiceStatus{State: certs.Distrusted, Since: w.now})
	look("distrusted in the same second", true)
	if s := w.trusted().Regions["520000"].Services; len(s) != 2 || s[1].History[2].State != certs.Distrusted {
		t.Errorf("%+v", s)
	}
	w.now = morning.Add(31 * time.Minute)
	look("the next hour", true)
	w.now = morning.Add(-10 * time.Minute)
	look("the clock ten minutes back, in the hour before", true)
	w.now = morning.Add(31 * time.Minute)
	look("the clock set right", true)
	w.source.list = append([]certs.StatementSigner{k.signer("列表二", morning.Add(-time.Hour))}, w.source.list...)
	w.source.state += "another key"
	look("the key that signs renewed", true)
}

// TestARestoredBackup: the file lacks the lists that were published since it was
// copied, and the next ones are numbered above them all the same.
func TestARestoredBackup(t *testing.T) {
	k := newKeyring(t)
	w := newTown(t, k, "520000")
	w.bundle()
	copied := filepath.Join(t.TempDir(), "backup.db")
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.db.Snapshot(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		w.now = w.now.Add(time.Minute)
		w.serve(k.signer("日志", morning.Add(-time.Hour)).Certificate)
		if i == 19 {
			w.now = w.now.Add(2 * time.Hour)
		}
		w.bundle()
	}
	last := w.bundle()
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if w.db, err = bolt.Open(copied, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.now = w.now.Add(time.Hour)
	now := w.bundle()
	if sequenceOf(t, now.Regions[0]) <= sequenceOf(t, last.Regions[0]) || sequenceOf(t, now.Scheme) <= sequenceOf(t, last.Scheme) {
		t.Error("a list has a number that was given before")
	}
	if _, err := last.Advance(now); err != nil {
		t.Error(err)
	}
}

// TestTheSchemeKeyIsRenewed: whoever trusts the old key is led to the new one.
func TestTheSchemeKeyIsRenewed(t *testing.T) {
	k := newKeyring(t)
	w := newTown(t, k, "520000")
	first, anchor := w.bundle(), w.anchor()
	for range 2 {
		w.now = w.now.Add(time.Hour)
		last := sequenceOf(t, w.bundle().Scheme)
		w.source.scheme = append([]certs.StatementSigner{k.signer("体系新", morning)}, w.source.scheme...)
		w.source.state += "renewed"
		b := w.bundle()
		if sequenceOf(t, b.Scheme) != last+1 {
			t.Errorf("list %d after %d", sequenceOf(t, b.Scheme), last)
		}
		w.restart()
		w.now = w.now.Add(time.Hour)
		if b = w.bundle(); sequenceOf(t, b.Scheme) <= last+1 {
			t.Error("no list after the first of the new key")
		}
		if w.anchor() == anchor {
			t.Error("the fingerprint is the same")
		}
		for _, a := range []string{anchor, w.anchor()} {
			if _, err := b.Open(certs.TrustOptions{Anchors: []string{a}, At: w.now}); err != nil {
				t.Error(a, err)
			}
		}
		if _, err := first.Advance(b); err != nil {
			t.Error(err)
		}
	}
	for _, raw := range w.bundle().History {
		got, err := w.SchemeList(t.Context(), sequenceOf(t, raw))
		if err != nil || !bytes.Equal(got, raw) {
			t.Error("a list between cannot be had", err)
		}
	}
	if _, err := w.SchemeList(t.Context(), 1<<60); !errors.Is(err, trust.ErrNoList) {
		t.Error(err)
	}
}

// A key that is renewed more often than a bundle can tell of: those who know one of
// the newer keys are led on, and the bundle stays one that can be read.
func TestTheSchemeKeyIsRenewedTooOften(t *testing.T) {
	k := newKeyring(t)
	w := newTown(t, k, "520000")
	anchors := []string{w.anchor()}
	for i := range certs.MaxHistoryLists {
		w.now = w.now.Add(time.Duration(i%2) * time.Hour) // in the hour of the one before, and in the next
		w.source.scheme = append([]certs.StatementSigner{k.signer("体系新", morning)}, w.source.scheme...)
		w.source.state += "renewed"
		anchors = append(anchors, w.anchor())
	}
	text, err := w.bundle().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := certs.ParseBundle(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range anchors {
		_, err := b.Open(certs.TrustOptions{Anchors: []string{a}, At: w.now})
		if known := i > len(anchors)-certs.MaxHistoryLists/2; known && err != nil || !known && err != nil && !errors.Is(err, certs.ErrUnknownAnchor) {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

// A province that was closed for a year goes on within the thousand numbers that a
// scheme list may rise by.
func TestAfterAYear(t *testing.T) {
	w := newTown(t, newKeyring(t), "520000")
	before := w.bundle()
	w.now = w.now.Add(300 * 24 * time.Hour)
	after := w.bundle()
	if _, err := before.Advance(after); err != nil {
		t.Error(err)
	}
}
