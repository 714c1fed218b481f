package ca

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca/lint"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// order is one certificate to be made.
type order struct {
	profile  Profile
	issuer   Purpose
	under    string  // the issuer by its name; "" for the current one of its purpose
	purpose  Purpose // of our own
	replaces string  // serial of the certificate that it renews
	subject  Name
	key      *ecdsa.PublicKey
	held     hsm.Key // nil when the key is elsewhere
	agency   string
	twin     string // serial of the signing certificate that an encryption certificate goes with
	who, why string
	retry    *act.Retry
}

func (o order) selfSigned() bool { return o.purpose != "" && o.purpose == o.issuer }

// drawSerials is how often a serial number is drawn before the random source
// is held to be broken: 126 bits do not meet by chance.
const drawSerials = 3

// issue makes and records one certificate. Whatever fails after the intent,
// the intent stays told.
func (a *Authority) issue(ctx context.Context, o order) (Row, error) {
	pt, err := point(o.key)
	if err != nil {
		return Row{}, fmt.Errorf("%w: the key is not of the SM2 curve: %w", ErrRefused, err)
	}
	for range drawSerials {
		var t *template
		var by Credential
		if t, by, err = a.draft(ctx, o); err != nil {
			return Row{}, err
		}
		var checked *lint.Checked
		if checked, err = a.linted(o, t, by); err != nil {
			return Row{}, err
		}
		intent := Intent{Serial: hex.EncodeToString(t.serial.Bytes()), Profile: o.profile.Name(), Agency: o.agency,
			Subject: o.subject.CommonName, KeySM3: sm3.Sum(pt), At: t.notBefore, TBS: checked.Record()}
		if err = a.c.Store.PutIntent(ctx, intent); errors.Is(err, ErrSerialTaken) {
			continue
		}
		if err != nil {
			return Row{}, fmt.Errorf("intent: %w", err)
		}
		row, err := a.fulfil(ctx, o, by, intent, checked)
		if err != nil {
			a.abandon(ctx, intent)
		}
		return row, err
	}
	return Row{}, fmt.Errorf("the random source repeats itself: %w", err)
}

// linted encodes the draft and has it looked at. A rule that is broken is no
// fault of the store or of a key: nothing was intended yet.
func (a *Authority) linted(o order, t *template, by Credential) (*lint.Checked, error) {
	tbs, err := t.tbs()
	if err != nil {
		return nil, err
	}
	checked, err := a.linter.Check(tbs, a.expected(o, hex.EncodeToString(t.serial.Bytes()), by))
	if errors.Is(err, lint.ErrFindings) {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return checked, err
}

// sign is the only place where an authority's key meets a certificate
// (TestOneSigner). It takes what was linted and nothing else.
func sign(ctx context.Context, key hsm.Key, checked *lint.Checked) ([]byte, error) {
	tbs, err := checked.Redeem()
	if err != nil {
		return nil, err
	}
	signature, err := key.SignMessage(ctx, tbs)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return assemble(tbs, signature)
}

// fulfil signs what was intended, reads it again as a stranger would, and
// records it.
func (a *Authority) fulfil(ctx context.Context, o order, by Credential, i Intent, checked *lint.Checked) (Row, error) {
	der, err := sign(ctx, by.Key, checked)
	if err != nil {
		return Row{}, err
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		return Row{}, fmt.Errorf("the certificate made cannot be read: %w", err)
	}
	issuer := by.Certificate
	if issuer == nil {
		issuer = c
	}
	// What was linted is what the intent holds, so a fault of the key's device is
	// all that is left to find.
	if !bytes.Equal(c.RawTBS, i.TBS) {
		return Row{}, errors.New("the certificate made is not the one intended")
	}
	if err := c.CheckSignatureFrom(issuer); err != nil {
		return Row{}, fmt.Errorf("the certificate made is not signed by its issuer: %w", err)
	}
	return a.record(ctx, o, c, i.Serial, by.Name)
}

func (a *Authority) record(ctx context.Context, o order, c *certs.Certificate, serial, issuer string) (Row, error) {
	now := a.c.Clock()
	r := Row{
		Serial: serial, Issuer: issuer, Profile: o.profile.Name(), ProfileVersion: o.profile.version, Purpose: o.purpose, Agency: o.agency,
		Subject: c.Subject.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter, DER: c.Raw, IssuedAt: now.UTC().Truncate(time.Second),
		Who: o.who, Why: o.why, Twin: o.twin, Replaces: o.replaces,
	}
	if o.held != nil {
		r.KeyID = o.held.Info().ID
	}
	id, err := act.NewID(now, a.c.Rand)
	if err != nil {
		return Row{}, err
	}
	r.Act = id
	done, err := act.NewWithID(id, now, a.c.Rand, ActIssued, serial, r)
	if err != nil {
		return Row{}, err
	}
	done.Retry = o.retry
	if err := a.c.Store.CommitCertificate(ctx, done, r); err != nil {
		return Row{}, fmt.Errorf("record certificate: %w", err)
	}
	return r, nil
}

// abandon tells that the certificate of an intent will not come. If it was
// recorded after all, or the store cannot be written, nothing happens: the
// next start settles it.
func (a *Authority) abandon(ctx context.Context, i Intent) {
	err := a.commitAbandoned(context.WithoutCancel(ctx), i)
	if err != nil && !errors.Is(err, ErrNotFound) {
		a.c.Log.Warn("an intent stays open until the next start", "serial", i.Serial, "error", err)
	}
}

func (a *Authority) commitAbandoned(ctx context.Context, i Intent) error {
	i.Abandoned = a.now()
	done, err := act.New(a.c.Clock(), a.c.Rand, ActAbandoned, i.Serial, i)
	if err != nil {
		return err
	}
	return a.c.Store.CommitAbandoned(ctx, done, i.Serial)
}
