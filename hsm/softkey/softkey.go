// Package softkey keeps keys in encrypted files, the embedded default of hsm.
// Create makes a folder of keys, Open opens it.
//
// The folder holds kek.pem, an SM2 key in PKCS#8 under the passphrase (PBES2,
// PBKDF2-HMAC-SM3, SM4-CBC; GmSSL reads it), from which the key encryption key
// is derived, and one file a key under it (SM4-GCM), bound to the key's id and
// usage. A counter of uses is reserved in blocks, one durable write a block
// (protocol.md 8).
package softkey

import (
	"context"
	"crypto/cipher"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/pkcs"
	"github.com/emmansun/gmsm/pkcs8"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"yinxin/hsm"
	"yinxin/internal/durable"
)

// defaultIterations of PBKDF2: 0.2 s of guessing a passphrase.
const defaultIterations = 100_000

// maxKeyFile bounds what is read: a key file takes 600 octets.
const maxKeyFile = 16 << 10

// maxKeys bounds the folder.
const maxKeys = 100_000

// Options of Create and Open. Iterations counts for Create alone; 0 is the
// default.
type Options struct {
	Dir        string
	Passphrase []byte
	Rand       io.Reader
	Clock      func() time.Time
	Iterations int
}

// UseGap is what a killed process left of a block: at most N signatures of
// the key stand in no act.
type UseGap struct {
	KeyID string
	N     uint64
}

// Store is an open folder of keys.
type Store struct {
	o    Options
	aead cipher.AEAD
	lock *os.File
	gaps []UseGap

	mu     sync.RWMutex
	keys   map[string]*key
	closed bool
}

var _ hsm.Keystore = (*Store)(nil)

func (o *Options) check() error {
	if o.Dir == "" || len(o.Passphrase) == 0 || o.Rand == nil || o.Clock == nil {
		return errors.New("softkey: folder, passphrase, random source or clock is missing")
	}
	return nil
}

// Create makes the folder, which must not exist, and opens it.
func Create(o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Iterations == 0 {
		o.Iterations = defaultIterations
	}
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return nil, writeError(err)
	}
	root, err := sm2.GenerateKey(o.Rand)
	if err != nil {
		return nil, err
	}
	encrypter := &pkcs.PBES2Opts{Cipher: pkcs.SM4CBC, KDFOpts: gmsslKDF{pkcs.NewPBKDF2Opts(pkcs.SM3, 16, o.Iterations)}}
	der, err := pkcs8.MarshalPrivateKey(root, o.Passphrase, encrypter)
	if err != nil {
		return nil, fmt.Errorf("softkey: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
	if err := durable.WriteFile(filepath.Join(o.Dir, "kek.pem"), block); err != nil {
		return nil, writeError(err)
	}
	if err := durable.SyncDir(filepath.Dir(o.Dir)); err != nil {
		return nil, writeError(err)
	}
	return Open(o)
}

func writeError(err error) error { return fmt.Errorf("%w: %w", hsm.ErrWrite, err) }

// Open opens a folder that Create made and reads every key in it.
func Open(o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	lock, err := lockFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, lock: lock, keys: map[string]*key{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, unlockFolder(lock))
	}
	return s, nil
}

func (s *Store) load() error {
	kek, err := openKEK(filepath.Join(s.o.Dir, "kek.pem"), s.o.Passphrase)
	if err != nil {
		return err
	}
	block, err := sm4.NewCipher(kek)
	if err != nil {
		return err
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return err
	}
	if len(entries) > maxKeys {
		return fmt.Errorf("%w: too many files", hsm.ErrCorrupt)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".key")
		if !ok {
			continue
		}
		k, err := s.loadKey(id)
		if err != nil {
			return fmt.Errorf("key %s: %w", id, err)
		}
		s.keys[id] = k
	}
	return nil
}

// openKEK derives the key encryption key from the SM2 key in kek.pem.
func openKEK(path string, passphrase []byte) ([]byte, error) {
	b, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "ENCRYPTED PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("%w: kek.pem is no encrypted key", hsm.ErrCorrupt)
	}
	if err := checkIterations(block.Bytes); err != nil {
		return nil, err
	}
	root, err := pkcs8.ParsePKCS8PrivateKeySM2(block.Bytes, passphrase)
	if err != nil {
		// A wrong passphrase and a flipped bit in the ciphertext look the same.
		return nil, fmt.Errorf("%w (or kek.pem is damaged)", hsm.ErrWrongPassphrase)
	}
	d := root.D.FillBytes(make([]byte, 32))
	return sm3.Kdf(append(d, "yinxin/kek/v1"...), 16), nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", hsm.ErrCorrupt, filepath.Base(path))
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("%w: %s is too long", hsm.ErrCorrupt, filepath.Base(path))
	}
	return b, nil
}

// Generate makes a key pair; it is on the disk when Generate returns.
func (s *Store) Generate(ctx context.Context, label string, u hsm.Usage) (hsm.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if u != hsm.UsageSign && u != hsm.UsageEncrypt {
		return nil, fmt.Errorf("%w: %q", hsm.ErrWrongUsage, u)
	}
	private, err := sm2.GenerateKey(s.o.Rand)
	if err != nil {
		return nil, err
	}
	k := &key{private: private}
	if err := s.add(k, label, u); err != nil {
		return nil, err
	}
	return k, nil
}

// add names a new pair and writes it.
func (s *Store) add(k *key, label string, u hsm.Usage) error {
	if len(label) > hsm.MaxLabel || !utf8.ValidString(label) {
		return hsm.ErrLabel
	}
	var id [16]byte
	if _, err := io.ReadFull(s.o.Rand, id[:]); err != nil {
		return err
	}
	k.store = s
	k.info = hsm.Info{ID: hex.EncodeToString(id[:]), Usage: u, State: hsm.Active, Label: label, Created: s.o.Clock().UTC().Truncate(time.Second)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if err := k.save(); err != nil {
		return err
	}
	s.keys[k.info.ID] = k
	return nil
}

var errClosed = errors.New("the key store is closed")

// Key finds a key of SM2.
func (s *Store) Key(ctx context.Context, id string) (hsm.Key, error) {
	k, err := s.find(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case k.Info().Usage == hsm.UsageCompanion:
		return nil, hsm.ErrWrongUsage
	}
	return k, nil
}

func (s *Store) find(ctx context.Context, id string) (*key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k, ok := s.keys[id]; ok {
		return k, nil
	}
	return nil, hsm.ErrNotFound
}

// List gives what may be known of each key, oldest first.
func (s *Store) List(ctx context.Context) ([]hsm.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]hsm.Info, 0, len(s.keys))
	for _, k := range s.keys {
		out = append(out, k.Info())
	}
	slices.SortFunc(out, func(a, b hsm.Info) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// SetState is durable when it returns; a destroyed key's private half is gone
// from memory and disk, its id stays.
func (s *Store) SetState(ctx context.Context, id string, state hsm.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if state != hsm.Active && state != hsm.Suspended && state != hsm.Destroyed {
		return fmt.Errorf("no such state of a key: %q", state)
	}
	s.mu.RLock()
	k, ok := s.keys[id]
	s.mu.RUnlock()
	if !ok {
		return hsm.ErrNotFound
	}
	return k.setState(state)
}

// Unaccounted gives what the last process left of its blocks, once.
func (s *Store) Unaccounted(context.Context) ([]UseGap, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.gaps
	s.gaps = nil
	return out, nil
}

// Close writes the exact counters and lets the folder go.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, k := range s.keys {
		errs = append(errs, k.close())
	}
	return errors.Join(append(errs, unlockFolder(s.lock))...)
}
