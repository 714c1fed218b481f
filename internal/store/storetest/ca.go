package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/act"
)

// CA is the conformance suite of a ca.Store.
func CA(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"intent": caIntent, "key": caKey, "certificate": caCertificate, "abandoned": caAbandoned, "twin": caTwin, "lists": caLists,
		"purpose": caPurpose, "revocation": caRevocation, "worse": caWorse, "hold": caHold, "count": caCount, "race": caRace, "retry": caRetry,
		"blocked": caBlocked, "blocked meanwhile": caBlockedMeanwhile, "blocked many": caBlockedMany, "profiles": caProfiles, "profile race": caProfileRace,
		"search": caSearch, "expiring": caExpiring, "many": caMany,
	})
}

func intent(serial string, key byte) ca.Intent {
	return ca.Intent{Serial: serial, Profile: ca.ProfileAgencySeal, Agency: usccA, Subject: "52000000000001", KeySM3: [32]byte{key, 31: 1}, At: morning, TBS: []byte{0x30, 0}}
}

func row(serial string) ca.Row {
	return ca.Row{Serial: serial, Issuer: "issuing", Profile: ca.ProfileAgencySeal, Agency: usccA, Subject: "C=CN, CN=52000000000001", NotBefore: morning,
		NotAfter: morning.AddDate(3, 0, 0), KeyID: "k" + serial, DER: []byte("der of " + serial), IssuedAt: morning, Who: "张三", Why: "启用"}
}

// issued puts a certificate into the register.
func (b *bench) issued(t testing.TB, r ca.Row) ca.Row {
	t.Helper()
	check(t, "its intent", b.CA().PutIntent(t.Context(), intent(r.Serial, byte(len(r.Serial)))), nil)
	a := b.issue(t, &r)
	b.kept(t, "the certificate", a, func() error { return b.CA().CommitCertificate(t.Context(), a, r) })
	return r
}

// issue makes the act of a row, whose record is the row.
func (b *bench) issue(t testing.TB, r *ca.Row) act.Act {
	t.Helper()
	r.Act = b.act(t, "x", "x", "x").ID
	a := b.act(t, ca.ActIssued, r.Serial, *r)
	a.ID = r.Act
	return a
}

func caIntent(t *testing.T, b *bench) {
	s := b.CA()
	first := intent("01", 1)
	check(t, "an intent", s.PutIntent(t.Context(), first), nil)
	if all, err := s.Intents(t.Context()); err != nil || !same(all, []ca.Intent{first}) {
		t.Fatalf("%v %s", err, diff([]ca.Intent{first}, all))
	}
	check(t, "the serial again", s.PutIntent(t.Context(), intent("01", 2)), ca.ErrSerialTaken)
	_, err := s.Certificate(t.Context(), "01")
	check(t, "the certificate that has not come", err, ca.ErrNotFound)
	r := row("01")
	a := b.issue(t, &r)
	check(t, "the certificate", s.CommitCertificate(t.Context(), a, r), nil)
	if all, err := s.Intents(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("an intent whose certificate came: %v, %v", all, err)
	}
	check(t, "the serial of a certificate", s.PutIntent(t.Context(), intent("01", 1)), ca.ErrSerialTaken)
}

// caKey: a key serves one owner, whatever became of the first certificate.
func caKey(t *testing.T, b *bench) {
	s := b.CA()
	check(t, "an intent", s.PutIntent(t.Context(), intent("01", 1)), nil)
	check(t, "the same owner again", s.PutIntent(t.Context(), intent("02", 1)), nil)
	for name, spoil := range map[string]func(i *ca.Intent){
		"another agency":  func(i *ca.Intent) { i.Agency = usccB },
		"another profile": func(i *ca.Intent) { i.Profile = ca.ProfileClient },
		"another name":    func(i *ca.Intent) { i.Subject = "52000000000002" },
	} {
		i := intent("03", 1)
		spoil(&i)
		check(t, name, s.PutIntent(t.Context(), i), ca.ErrKeyTaken)
		i.KeySM3 = [32]byte{9, byte(len(name))}
		i.Serial = "9" + name
		check(t, name+" on another key", s.PutIntent(t.Context(), i), nil)
	}
	a := b.act(t, ca.ActAbandoned, "01", "x")
	check(t, "abandoned", s.CommitAbandoned(t.Context(), a, "01"), nil)
	other := intent("04", 1)
	other.Agency = usccB
	check(t, "the key of an abandoned one", s.PutIntent(t.Context(), other), ca.ErrKeyTaken)
}

func caCertificate(t *testing.T, b *bench) {
	s := b.CA()
	want := row("01")
	a := b.issue(t, &want)
	b.unchanged(t, "without an intent", ca.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), a, want) })
	want = b.issued(t, want)
	got, err := s.Certificate(t.Context(), "01")
	if err != nil || !same(got, want) {
		t.Fatalf("%v %s", err, diff(want, got))
	}
	if got, err := s.CertificateByAct(t.Context(), want.Act); err != nil || !same(got, want) {
		t.Fatalf("by its act: %v %s", err, diff(want, got))
	}
	again := want
	second := b.issue(t, &again)
	b.unchanged(t, "a second time", ca.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), second, again) })
	_, err = s.Certificate(t.Context(), "02")
	check(t, "an unknown serial", err, ca.ErrNotFound)
	_, err = s.CertificateByAct(t.Context(), act.ID{1})
	check(t, "an unknown act", err, ca.ErrNotFound)
	other := b.act(t, "test.act", "x", map[string]int{"n": 1})
	check(t, "another act", b.Commit(t.Context(), other), nil)
	_, err = s.CertificateByAct(t.Context(), other.ID)
	check(t, "an act that issued nothing", err, ca.ErrNotFound)
}

func caAbandoned(t *testing.T, b *bench) {
	s := b.CA()
	a := b.act(t, ca.ActAbandoned, "01", "x")
	b.unchanged(t, "abandoned without an intent", ca.ErrNotFound, func() error { return s.CommitAbandoned(t.Context(), a, "01") })
	want := intent("01", 1)
	check(t, "its intent", s.PutIntent(t.Context(), want), nil)
	b.kept(t, "abandoned", a, func() error { return s.CommitAbandoned(t.Context(), a, "01") })
	want.Abandoned = time.UnixMilli(a.Leaf.Time).UTC().Truncate(time.Second)
	if all, err := s.Intents(t.Context()); err != nil || !same(all, []ca.Intent{want}) {
		t.Fatalf("%v %s", err, diff([]ca.Intent{want}, all))
	}
	again := b.act(t, ca.ActAbandoned, "01", "x")
	b.unchanged(t, "abandoned twice", ca.ErrNotFound, func() error { return s.CommitAbandoned(t.Context(), again, "01") })
	r := row("01")
	late := b.issue(t, &r)
	b.unchanged(t, "its certificate after all", ca.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), late, r) })
	check(t, "its serial", s.PutIntent(t.Context(), intent("01", 1)), ca.ErrSerialTaken)
	done := b.issued(t, row("02"))
	gone := b.act(t, ca.ActAbandoned, done.Serial, "x")
	b.unchanged(t, "abandoned once it came", ca.ErrNotFound, func() error { return s.CommitAbandoned(t.Context(), gone, done.Serial) })
}

// caTwin: a signing certificate has one encryption certificate.
func caTwin(t *testing.T, b *bench) {
	s := b.CA()
	signing := b.issued(t, row("01"))
	_, err := s.Twin(t.Context(), "01")
	check(t, "before it", err, ca.ErrNotFound)
	_, err = s.Twin(t.Context(), "")
	check(t, "of none", err, ca.ErrNotFound)
	r := row("002")
	r.Profile, r.Twin = ca.ProfileEncryption, signing.Serial
	want := b.issued(t, r)
	if got, err := s.Twin(t.Context(), "01"); err != nil || !same(got, want) {
		t.Fatalf("%v %s", err, diff(want, got))
	}
	second := row("0003")
	second.Twin = signing.Serial
	check(t, "its intent", s.PutIntent(t.Context(), intent("0003", 4)), nil)
	a := b.issue(t, &second)
	b.unchanged(t, "a second one", ca.ErrTwinned, func() error { return s.CommitCertificate(t.Context(), a, second) })
	if got, err := s.Twin(t.Context(), "01"); err != nil || !same(got, want) {
		t.Fatalf("%v %s", err, diff(want, got))
	}
}

func sameStrings(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func caPurpose(t *testing.T, b *bench) {
	s := b.CA()
	_, err := s.Current(t.Context(), ca.PurposeTSA)
	check(t, "before the first", err, ca.ErrNotFound)
	b.issued(t, row("0")) // of no purpose
	var all []ca.Row
	for _, serial := range []string{"0001", "002"} {
		r := row(serial)
		r.Purpose, r.Agency = ca.PurposeTSA, ""
		want := b.issued(t, r)
		if got, err := s.Current(t.Context(), ca.PurposeTSA); err != nil || !same(got, want) {
			t.Errorf("%v %s", err, diff(want, got))
		}
		all = append(all, want)
		if got, err := s.History(t.Context(), ca.PurposeTSA); err != nil || !same(got, all) {
			t.Errorf("%v %s", err, diff(all, got))
		}
	}
	if got, err := s.History(t.Context(), ca.PurposeStatus); err != nil || len(got) != 0 {
		t.Errorf("the history of another purpose: %v %v", got, err)
	}
	_, err = s.Current(t.Context(), ca.PurposeStatus)
	check(t, "another purpose", err, ca.ErrNotFound)
}

// caRace: a certificate and its being given up: one of the two happens.
func caRace(t *testing.T, b *bench) {
	for i := range 20 {
		r := row(fmt.Sprintf("%02d", i))
		check(t, "its intent", b.CA().PutIntent(t.Context(), intent(r.Serial, byte(i))), nil)
		come, gone := b.issue(t, &r), b.act(t, ca.ActAbandoned, r.Serial, "x")
		var wg sync.WaitGroup
		var errs [2]error
		wg.Go(func() { errs[0] = b.CA().CommitCertificate(t.Context(), come, r) })
		wg.Go(func() { errs[1] = b.CA().CommitAbandoned(t.Context(), gone, r.Serial) })
		wg.Wait()
		_, err := b.CA().Certificate(t.Context(), r.Serial)
		if (errs[0] == nil) == (errs[1] == nil) || (errs[0] == nil) != (err == nil) {
			t.Errorf("come: %v, gone: %v, there: %v", errs[0], errs[1], err)
		}
	}
}

func caRetry(t *testing.T, b *bench) {
	r := row("01")
	check(t, "its intent", b.CA().PutIntent(t.Context(), intent("01", 1)), nil)
	a := b.issue(t, &r)
	a.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	check(t, "the certificate", b.CA().CommitCertificate(t.Context(), a, r), nil)
	if done, found, err := b.CA().Done(t.Context(), a.Retry.Slot(), b.now); err != nil || !found || done.Act != r.Act {
		t.Fatal(done, found, err)
	}
	second := row("02")
	check(t, "another intent", b.CA().PutIntent(t.Context(), intent("02", 2)), nil)
	again := b.issue(t, &second)
	again.Retry = a.Retry
	b.unchanged(t, "under a key that was used", act.ErrRetryTaken, func() error { return b.CA().CommitCertificate(t.Context(), again, second) })
	if all, err := b.CA().Intents(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("the intent is gone: %v, %v", all, err)
	}
}
