package companion

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

const (
	year       = 365 * 24 * time.Hour
	rootLife   = 10 * year // as an issuing authority's (protocol.md 9)
	signerLife = 2 * year  // as that of a service that signs every day
)

// due: a service renews at two thirds of its life, so that nobody ever waits for it.
func (r Row) due(now time.Time) bool {
	return now.After(r.NotBefore.Add(r.NotAfter.Sub(r.NotBefore) / 3 * 2))
}

// current gives what signs now. What is missing is made: the root and the certificate
// below it, or the next of either where the last is due.
func (a *Authority) current(ctx context.Context) (*credential, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.c.Clock().UTC().Truncate(time.Second)
	if s := a.signer; s != nil && now.Before(s.cert.NotBefore.Add(s.cert.NotAfter.Sub(s.cert.NotBefore)/3*2)) && !now.Before(s.cert.NotBefore) {
		return s, nil
	}
	if err := a.settle(ctx, now); err != nil {
		return nil, err
	}
	all, err := a.c.Store.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	root, err := a.newest(ctx, all, Root, nil, now)
	if err != nil {
		return nil, err
	}
	signer, err := a.newest(ctx, all, Signer, root, now)
	if err != nil {
		return nil, err
	}
	a.signer, err = a.open(ctx, signer, root)
	return a.signer, err
}

// newest is the last of a role, below this root, that is not due; else one is made.
func (a *Authority) newest(ctx context.Context, all []Row, role Role, root *Row, now time.Time) (*Row, error) {
	for i := len(all) - 1; i >= 0; i-- {
		if r := &all[i]; r.Role == role && (root == nil || r.Issuer == root.Serial) {
			if !r.due(now) && !now.Before(r.NotBefore) {
				return r, nil
			}
			break
		}
	}
	return a.issue(ctx, role, root, now)
}

func (a *Authority) open(ctx context.Context, signer, root *Row) (*credential, error) {
	key, err := a.c.Keys.CompanionKey(ctx, signer.KeyID)
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	cert, err := certs.ParseAnyCertificate(signer.DER)
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	above, err := certs.ParseAnyCertificate(root.DER)
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	b, err := certs.NewSignedDataBuilder(nil, cert, []*certs.Certificate{above}, certs.OIDData)
	return &credential{key, cert, b}, err
}

// settle gives up what an earlier process meant to sign and never finished.
func (a *Authority) settle(ctx context.Context, now time.Time) error {
	if a.settled {
		return nil
	}
	pending, err := a.c.Store.Intents(ctx)
	if err != nil {
		return err
	}
	for _, i := range pending {
		if !i.Abandoned.IsZero() {
			continue
		}
		i.Abandoned = now
		done, err := act.New(a.c.Clock(), a.c.Rand, ActAbandoned, i.Serial, i)
		if err != nil {
			return err
		}
		if err := a.c.Store.CommitAbandoned(ctx, done, i); err != nil {
			return err
		}
	}
	a.settled = true
	return nil
}

// issue makes a key and its certificate: a draft, held against the rules; the intent,
// durable; the signature, over the very octets of the draft; the act.
func (a *Authority) issue(ctx context.Context, role Role, root *Row, now time.Time) (*Row, error) {
	key, err := a.c.Keys.GenerateCompanion(ctx, "companion "+string(role))
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	template, parent, err := a.template(role, root, now)
	if err != nil {
		return nil, err
	}
	by := key
	if role == Signer {
		if by, err = a.c.Keys.CompanionKey(ctx, root.KeyID); err != nil {
			return nil, fmt.Errorf("companion: %w", err)
		}
	}
	draft, err := a.draft(template, parent, key.Public())
	if err != nil {
		return nil, err
	}
	if err := check(role, draft, parent, now); err != nil {
		return nil, err
	}
	row := &Row{Serial: hex.EncodeToString(template.SerialNumber.Bytes()), Role: role, KeyID: key.Info().ID, NotBefore: draft.NotBefore.UTC(), NotAfter: draft.NotAfter.UTC()}
	row.Issuer = row.Serial
	if role == Signer {
		row.Issuer = root.Serial
	}
	if err := a.c.Store.PutIntent(ctx, Intent{Serial: row.Serial, Role: role, KeyID: row.KeyID, TBS: draft.RawTBSCertificate, At: now}); err != nil {
		return nil, err
	}
	if row.DER, err = a.sign(ctx, template, parent, key, by, draft.RawTBSCertificate); err != nil {
		return nil, err
	}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActIssued, row.Serial, row)
	if err != nil {
		return nil, err
	}
	row.Act = done.ID
	return row, a.c.Store.CommitCertificate(ctx, done, *row)
}

func (a *Authority) template(role Role, root *Row, now time.Time) (template, parent *x509.Certificate, err error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(a.c.Rand, serial); err != nil {
		return nil, nil, err
	}
	serial[0] = serial[0]&0x3f | 0x40 // positive, and 16 octets always
	name := pkix.Name{Country: []string{"CN"}, Organization: []string{a.c.RegionName}}
	if a.c.Demonstration {
		// A policy of ours would be read by few abroad (an arc of 128 bits).
		name.OrganizationalUnit = []string{"Demonstration, of no legal effect"}
	}
	template = &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial), Subject: name, NotBefore: now, SignatureAlgorithm: x509.ECDSAWithSHA256}
	if role == Root {
		template.Subject.CommonName = fmt.Sprintf("Companion CA %s, %d", a.c.Region, now.Year())
		template.NotAfter = now.Add(rootLife)
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		template.BasicConstraintsValid, template.IsCA, template.MaxPathLenZero = true, true, true
		return template, template, nil
	}
	if parent, err = x509.ParseCertificate(root.DER); err != nil {
		return nil, nil, fmt.Errorf("companion: %w", err)
	}
	template.Subject.CommonName = "Companion signature of seals, " + a.c.Region
	template.NotAfter = now.Add(signerLife)
	if template.NotAfter.After(parent.NotAfter) {
		template.NotAfter = parent.NotAfter
	}
	// No extended key usage: readers abroad differ in which they want of a signer.
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	return template, parent, nil
}

// draft makes the certificate under a throwaway key, which no one keeps.
func (a *Authority) draft(template, parent *x509.Certificate, public *ecdsa.PublicKey) (*x509.Certificate, error) {
	throwaway, err := ecdsa.GenerateKey(elliptic.P256(), a.c.Rand)
	if err != nil {
		return nil, err
	}
	blank := *parent
	blank.PublicKey = nil // or the library wants its private half
	der, err := x509.CreateCertificate(a.c.Rand, template, &blank, public, throwaway)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	return x509.ParseCertificate(der)
}

// errOtherDraft: the library made other octets of the same parts.
var errOtherDraft = errors.New("companion: what was signed is not what was checked")

func (a *Authority) sign(ctx context.Context, template, parent *x509.Certificate, key, by hsm.CompanionKey, tbs []byte) ([]byte, error) {
	der, err := x509.CreateCertificate(a.c.Rand, template, parent, key.Public(), bound{hsm.CompanionSigner(ctx, by), tbs})
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err == nil && !bytes.Equal(c.RawTBSCertificate, tbs) {
		err = errOtherDraft
	}
	return der, err
}

// bound signs the digest of what was checked and nothing else.
type bound struct {
	crypto.Signer
	tbs []byte
}

func (b bound) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	h := opts.HashFunc().New()
	h.Write(b.tbs)
	if !bytes.Equal(h.Sum(nil), digest) {
		return nil, errOtherDraft
	}
	return b.Signer.Sign(r, digest, opts)
}
