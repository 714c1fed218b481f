package ca

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"yinxin/certs"
	"yinxin/internal/act"
)

// ErrProfileChanged: another version of the profile came first.
var ErrProfileChanged = errors.New("the profile was set by someone else meanwhile")

// ProfileVersion is one setting of a profile, for ever in the register: a
// certificate's row says which version made it.
type ProfileVersion struct {
	Name     string `cbor:"1,keyasint" json:"name"`
	Version  uint32 `cbor:"2,keyasint" json:"version"` // 1, 2, 3, ...
	LifeDays int    `cbor:"3,keyasint" json:"lifeDays"`
	Settings
	At  time.Time `cbor:"11,keyasint" json:"at"`
	Who string    `cbor:"12,keyasint" json:"who"`
	Why string    `cbor:"13,keyasint" json:"why"`
}

// ProfileStore keeps how profiles were set. Every write is durable on return,
// whole or not at all.
type ProfileStore interface {
	// CommitProfile keeps a version, with its act. It fails with
	// ErrProfileChanged if it is not the one after the newest.
	CommitProfile(ctx context.Context, a act.Act, v ProfileVersion) error
	// ProfileVersions lists every version of every profile, oldest first within
	// each.
	ProfileVersions(ctx context.Context) ([]ProfileVersion, error)
}

// ProfileChange sets a profile for what is issued from then on.
type ProfileChange struct {
	Name     string
	LifeDays int // 0: as it is
	Settings Settings
	Who, Why string
	Retry    *act.Retry
	By       act.Officer // who asks, where the province wants a second officer
	Admitted bool        // a second officer has approved it
}

// Statement is a profile as people are shown it.
type Statement struct {
	Name             string      `json:"name"`
	Version          uint32      `json:"version"` // 0: as protocol.md 9 has it
	LifeDays         int         `json:"lifeDays"`
	LimitDays        int         `json:"limitDays"` // the longest life that may be set
	KeyUsage         []string    `json:"keyUsage"`
	ExtendedKeyUsage certs.OID   `json:"extendedKeyUsage,omitempty"`
	Policies         []certs.OID `json:"policies,omitempty"`
	CA               bool        `json:"ca,omitempty"`
	Settings
}

// profile gives a profile as it is set now; the zero Profile for no profile.
func (a *Authority) profile(name string) Profile { return (*a.profiles.Load())[name] }

// Profiles lists the profiles as they are set now, by name.
func (a *Authority) Profiles() []Statement {
	now := *a.profiles.Load()
	var out []Statement
	for _, name := range slices.Sorted(maps.Keys(now)) {
		p := now[name]
		out = append(out, Statement{Name: name, Version: p.version, LifeDays: days(p.c.Life), LimitDays: days(a.standard[name].c.Life), KeyUsage: p.c.KeyUsage.Names(),
			ExtendedKeyUsage: p.c.EKU, Policies: p.c.Policies, CA: p.c.CA, Settings: p.c.Settings})
	}
	return out
}

func days(d time.Duration) int { return int(d / day) }

// ProfileHistory lists how a profile was set, oldest first.
func (a *Authority) ProfileHistory(ctx context.Context, name string) ([]ProfileVersion, error) {
	if a.profile(name).Name() == "" {
		return nil, fmt.Errorf("%w: there is no profile %q", ErrNotFound, name)
	}
	all, err := a.c.Store.ProfileVersions(ctx)
	return slices.DeleteFunc(all, func(v ProfileVersion) bool { return v.Name != name }), err
}

// SetProfile sets a profile within the limits of protocol.md 9: never a longer
// life, never another use of the key. Setting what is set already is no act, so a
// change that was approved may be carried out again.
func (a *Authority) SetProfile(ctx context.Context, c ProfileChange) error {
	// Nobody is to be asked about what is refused anyway.
	v, err := a.nextVersion(&c)
	if err != nil || v.Version == 0 {
		return err
	}
	if done, err := a.admitProfile(ctx, c); done || err != nil {
		return err
	}
	a.setting.Lock()
	defer a.setting.Unlock()
	if v, err = a.nextVersion(&c); err != nil || v.Version == 0 { // as it stands now
		return err
	}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActProfile, c.Name, v)
	if err != nil {
		return err
	}
	// Read again whatever came of it: what failed may be kept all the same.
	return errors.Join(a.c.Store.CommitProfile(ctx, done, v), a.loadProfiles(context.WithoutCancel(ctx)))
}

// nextVersion is what a change would set, of version 0 if it is set already.
func (a *Authority) nextVersion(c *ProfileChange) (ProfileVersion, error) {
	now := a.profile(c.Name)
	switch {
	case now.Name() == "":
		return ProfileVersion{}, fmt.Errorf("%w: there is no profile %q", ErrNotFound, c.Name)
	case !grounds(c.Who) || !grounds(c.Why):
		return ProfileVersion{}, fmt.Errorf("%w: who sets a profile and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	}
	if c.LifeDays == 0 {
		c.LifeDays = days(now.c.Life)
	}
	v := ProfileVersion{Name: c.Name, Version: now.version + 1, LifeDays: c.LifeDays, Settings: c.Settings, At: a.now(), Who: c.Who, Why: c.Why}
	next, err := a.withVersion(v)
	if err != nil {
		return ProfileVersion{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if next.c.Life == now.c.Life && reflect.DeepEqual(next.c.Settings, now.c.Settings) {
		return ProfileVersion{}, nil
	}
	return v, nil
}

// withVersion is the standard profile as a version sets it.
func (a *Authority) withVersion(v ProfileVersion) (Profile, error) {
	standard, ok := a.standard[v.Name]
	if !ok {
		return Profile{}, fmt.Errorf("there is no profile %q", v.Name)
	}
	if limit := days(standard.c.Life); v.LifeDays < 1 || v.LifeDays > limit {
		return Profile{}, fmt.Errorf("profile %s: a life of %d days, which protocol.md 9 has from 1 to %d", v.Name, v.LifeDays, limit)
	}
	c := standard.c
	c.Life, c.Settings = time.Duration(v.LifeDays)*day, v.Settings
	p, err := NewProfile(c)
	p.version = v.Version
	return p, err
}

// loadProfiles reads how the profiles are set. A setting that the program has come
// to forbid stops it rather than being passed over: the operator thinks that it holds.
func (a *Authority) loadProfiles(ctx context.Context) error {
	versions, err := a.c.Store.ProfileVersions(ctx)
	if err != nil {
		return err
	}
	now := maps.Clone(a.standard)
	for _, v := range versions {
		p, err := a.withVersion(v)
		if err != nil {
			return fmt.Errorf("version %d: %w", v.Version, err)
		}
		now[v.Name] = p
	}
	a.profiles.Store(&now)
	return nil
}
