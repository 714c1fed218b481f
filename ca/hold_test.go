package ca_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

func (o *office) hold(serial string) (ca.Row, error) {
	return o.Hold(o.t.Context(), ca.HoldRequest{Serial: serial, Who: "某人", Why: "遗失"})
}

func (o *office) release(serial string) (ca.Row, error) {
	return o.Release(o.t.Context(), ca.HoldRequest{Serial: serial, Who: "某人", Why: "找到"})
}

// A held certificate counts as revoked until it is released, and all of it is told.
func TestHoldAndRelease(t *testing.T) {
	o := fresh(t)
	row := o.issue()
	if _, err := o.release(row.Serial); !errors.Is(err, ca.ErrNotHeld) {
		t.Fatal(err)
	}
	var want []ca.Change
	for i := range 3 {
		o.now = noon.Add(time.Duration(2*i) * time.Hour)
		held, err := o.hold(row.Serial)
		if err != nil || held.State(o.now) != ca.StateHeld || held.Revocation.Reason != certs.ReasonCertificateHold || !held.Revocation.At.Equal(o.now) {
			t.Fatalf("%+v %v", held.Revocation, err)
		}
		want = append(want, ca.Change{Act: ca.ActHeld, Revocation: *held.Revocation})
		if _, err := o.hold(row.Serial); !errors.Is(err, ca.ErrRevoked) {
			t.Fatal("held twice:", err)
		}
		o.now = o.now.Add(time.Hour)
		back, err := o.release(row.Serial)
		if err != nil || back.State(o.now) != ca.StateValid {
			t.Fatalf("%+v %v", back.Revocation, err)
		}
		want = append(want, ca.Change{Act: ca.ActReleased, Revocation: ca.Revocation{Serial: row.Serial, At: o.now, Reason: certs.ReasonRemoveFromCRL, Who: "某人", Why: "找到"}})
	}
	o.restart()
	if got, err := o.Changes(t.Context(), row.Serial); err != nil || cmp.Diff(want, got) != "" {
		t.Error(err, cmp.Diff(want, got))
	}
	o.agree()
}

// What was revoked stays so, whether it was held before or not.
func TestARevocationIsNoHold(t *testing.T) {
	o := fresh(t)
	for _, before := range []bool{false, true} {
		row := o.issue()
		at := o.now
		if before {
			if _, err := o.hold(row.Serial); err != nil {
				t.Fatal(err)
			}
			o.now = o.now.Add(time.Hour)
		}
		got, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"})
		if err != nil || got.Revocation.Reason != certs.ReasonSuperseded || !got.Revocation.At.Equal(at) {
			t.Fatalf("%+v %v", got.Revocation, err)
		}
		if _, err := o.release(row.Serial); !errors.Is(err, ca.ErrNotHeld) {
			t.Error(err)
		}
		if _, err := o.hold(row.Serial); !errors.Is(err, ca.ErrRevoked) {
			t.Error(err)
		}
	}
}

// A signer is never on hold: what it signed meanwhile would be good again.
func TestWhoIsNeverOnHold(t *testing.T) {
	o := fresh(t)
	person := agencyOrder(request(t))
	person.Profile, person.CommonName = ca.ProfilePerson, "张三"
	signer, err := o.Issue(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	client := o.issue()
	for name, r := range map[string]ca.HoldRequest{
		"a person":                {Serial: signer.Serial, Who: "x", Why: "y"},
		"the time-stamper":        {Serial: o.purposeRow(ca.PurposeTSA).Serial, Who: "x", Why: "y"},
		"an authority":            {Serial: o.purposeRow(ca.PurposeIssuing).Serial, Who: "x", Why: "y"},
		"nobody asks":             {Serial: client.Serial, Why: "y"},
		"no grounds":              {Serial: client.Serial, Who: "x"},
		"grounds that are a book": {Serial: client.Serial, Who: "x", Why: strings.Repeat("x", 1001)},
	} {
		if _, err := o.Hold(t.Context(), r); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: held: %v", name, err)
		}
		if _, err := o.Release(t.Context(), r); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: released: %v", name, err)
		}
	}
	if _, err := o.hold("00"); !errors.Is(err, ca.ErrNotFound) {
		t.Error(err)
	}
}

// holdFaults fails one hold or release, persisted or not.
type holdFaults struct {
	ca.Store
	release, persisted bool
	done               bool
}

func (f *holdFaults) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (ca.Row, error) {
	return f.fail(!f.release, func() (ca.Row, error) { return f.Store.CommitRevocation(ctx, a, r) })
}

func (f *holdFaults) CommitRelease(ctx context.Context, a act.Act, r ca.Revocation) (ca.Row, error) {
	return f.fail(f.release, func() (ca.Row, error) { return f.Store.CommitRelease(ctx, a, r) })
}

func (f *holdFaults) fail(mine bool, do func() (ca.Row, error)) (ca.Row, error) {
	if f.done || !mine {
		return do()
	}
	f.done = true
	if f.persisted {
		if _, err := do(); err != nil {
			return ca.Row{}, err
		}
	}
	return ca.Row{}, errDisk
}

func TestHoldFaults(t *testing.T) {
	for _, release := range []bool{false, true} {
		for _, persisted := range []bool{false, true} {
			o := fresh(t)
			o.kill()
			o.wrap = func(s ca.Store) ca.Store { return &holdFaults{Store: s, release: release, persisted: persisted} }
			o.open(false)
			o.start()
			row := o.issue()
			_, err := o.hold(row.Serial)
			if release {
				if err != nil {
					t.Fatal(err)
				}
				_, err = o.release(row.Serial)
			}
			if !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			o.restart()
			o.agree()
			story, err := o.Changes(t.Context(), row.Serial)
			if want := map[bool]int{true: 1}[release] + map[bool]int{true: 1}[persisted]; err != nil || len(story) != want {
				t.Errorf("release %t, persisted %t: %v %v", release, persisted, story, err)
			}
			after, err := o.Certificate(t.Context(), row.Serial)
			if held := release != persisted; err != nil || (after.Revocation != nil) != held {
				t.Errorf("release %t, persisted %t: %+v %v", release, persisted, after.Revocation, err)
			}
		}
	}
}
