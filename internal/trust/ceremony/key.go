// Package ceremony is what the holders of a scheme's offline keys do, each on a
// machine of their own, with files carried between them: Make a key, Draft the next
// scheme list, Open a key and Sign the draft with it. Nothing here needs a data
// folder or a network.
package ceremony

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/durable"
)

// The files in a key's folder.
const (
	keysDir     = "keys"
	certificate = "certificate.pem"
	memory      = "signed.json"
)

// maxFile bounds what is read of them: a certificate takes 800 octets.
const maxFile = 16 << 10

// Options of Make and Open.
type Options struct {
	Dir        string
	Passphrase []byte
	Rand       io.Reader
	Clock      func() time.Time
	Iterations int // of the passphrase's derivation, for Make; 0 is the default
}

func (o *Options) softkey() softkey.Options {
	return softkey.Options{Dir: filepath.Join(o.Dir, keysDir), Passphrase: o.Passphrase, Rand: o.Rand, Clock: o.Clock, Iterations: o.Iterations}
}

// ErrNoKey: the folder holds no key of this kind.
var ErrNoKey = errors.New("the folder holds no offline key")

// ErrExists: the folder is there already.
var ErrExists = errors.New("the folder exists already")

// Make makes a key and its certificate in a new folder. The certificate is what is
// given to whoever drafts the list.
func Make(ctx context.Context, o Options, n ca.Name) (*certs.Certificate, error) {
	if err := os.Mkdir(o.Dir, 0o700); errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrExists, o.Dir)
	} else if err != nil {
		return nil, err
	}
	c, err := o.fill(ctx, n)
	if err != nil {
		// It was made a moment ago and nobody has the certificate.
		return nil, errors.Join(err, os.RemoveAll(o.Dir))
	}
	return c, nil
}

func (o *Options) fill(ctx context.Context, n ca.Name) (*certs.Certificate, error) {
	keys, err := softkey.Create(o.softkey())
	if err != nil {
		return nil, err
	}
	c, err := o.make(ctx, keys, n)
	return c, errors.Join(err, keys.Close())
}

func (o *Options) make(ctx context.Context, keys hsm.Keystore, n ca.Name) (*certs.Certificate, error) {
	key, err := keys.Generate(ctx, "scheme list", hsm.UsageSign)
	if err != nil {
		return nil, err
	}
	c, err := ca.OfflineCertificate(ctx, key, n, o.Clock(), o.Rand)
	if err != nil {
		return nil, err
	}
	// Written last: without it the folder holds no key that anyone knows of.
	return c, durable.WriteFile(filepath.Join(o.Dir, certificate), PEM(c))
}

// PEM is a certificate as a text file.
func PEM(c *certs.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// Holder is an open key.
type Holder struct {
	Certificate *certs.Certificate

	dir  string
	keys hsm.Keystore
	key  hsm.Key
}

// Open opens a folder that Make made.
func Open(ctx context.Context, o Options) (*Holder, error) {
	b, err := readFile(filepath.Join(o.Dir, certificate))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	c, err := certs.ParseCertificatePEMOrDER(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	keys, err := softkey.Open(o.softkey())
	if err != nil {
		return nil, err
	}
	h := &Holder{Certificate: c, dir: o.Dir, keys: keys}
	if h.key, err = find(ctx, keys, c); err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	return h, nil
}

func find(ctx context.Context, keys hsm.Keystore, c *certs.Certificate) (hsm.Key, error) {
	all, err := keys.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range all {
		k, err := keys.Key(ctx, info.ID)
		if err != nil {
			return nil, err
		}
		if k.Public().Equal(c.PublicKey) {
			return k, nil
		}
	}
	return nil, fmt.Errorf("%w: none of its keys is that of its certificate", ErrNoKey)
}

// Close lets the folder go.
func (h *Holder) Close() error { return h.keys.Close() }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s is too long", path)
	}
	return b, err
}
