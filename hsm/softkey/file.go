package softkey

import (
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/fxamacker/cbor/v2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/hsm"
)

// fileVersion begins every key file; the additional data binds it.
const fileVersion = 1

// keyFile is a key on the disk, in CBOR. Everything but Secret is authenticated
// with it: a counter or state changed by hand is found.
type keyFile struct {
	Version uint   `cbor:"1,keyasint"`
	ID      string `cbor:"2,keyasint"`
	Usage   string `cbor:"3,keyasint"`
	State   string `cbor:"4,keyasint"`
	Label   string `cbor:"5,keyasint"`
	Created int64  `cbor:"6,keyasint"`
	Uses    uint64 `cbor:"7,keyasint"`
	Exact   bool   `cbor:"8,keyasint"` // Uses was used, not reserved
	Public  []byte `cbor:"9,keyasint"` // uncompressed point
	Nonce   []byte `cbor:"10,keyasint"`
	Secret  []byte `cbor:"11,keyasint"` // SM4-GCM of the 32-octet private key; of nothing once destroyed
}

// bound is the additional data of the encryption.
func (f keyFile) bound() ([]byte, error) {
	f.Nonce, f.Secret = nil, nil
	b, err := cbor.Marshal(f)
	return append([]byte("yinxin/softkey/v1"), b...), err
}

func (k *key) seal(uses uint64, exact bool) ([]byte, error) {
	f := keyFile{Version: fileVersion, ID: k.info.ID, Usage: string(k.info.Usage), State: string(k.info.State), Label: k.info.Label,
		Created: k.info.Created.Unix(), Uses: uses, Exact: exact}
	var secret []byte
	var err error
	if f.Public, secret, err = k.halves(); err != nil {
		return nil, err
	}
	aad, err := f.bound()
	if err != nil {
		return nil, err
	}
	if f.Nonce, err = k.nonce(); err != nil {
		return nil, err
	}
	f.Secret = k.store.aead.Seal(nil, f.Nonce, secret, aad)
	clear(secret)
	return cbor.Marshal(f)
}

func (s *Store) loadKey(id string) (*key, error) {
	b, err := readSmall(filepath.Join(s.o.Dir, id+".key"))
	if err != nil {
		return nil, err
	}
	f, err := parseKeyFile(b)
	if err != nil {
		return nil, err
	}
	if f.ID != id {
		return nil, fmt.Errorf("%w: the file holds another key", hsm.ErrCorrupt)
	}
	aad, err := f.bound()
	if err != nil {
		return nil, err
	}
	if len(f.Nonce) != s.aead.NonceSize() {
		return nil, hsm.ErrCorrupt
	}
	secret, err := s.aead.Open(nil, f.Nonce, f.Secret, aad)
	if err != nil {
		return nil, fmt.Errorf("%w: its file was changed", hsm.ErrCorrupt)
	}
	k := &key{store: s, reserved: f.Uses, exact: f.Exact,
		info: hsm.Info{ID: f.ID, Usage: hsm.Usage(f.Usage), State: hsm.State(f.State), Label: f.Label, Created: time.Unix(f.Created, 0).UTC()}}
	pair := k.pairFrom
	if k.info.Usage == hsm.UsageCompanion {
		pair = k.companionFrom
	}
	err = pair(f.Public, secret)
	clear(secret)
	if err != nil {
		return nil, err
	}
	k.uses.Store(f.Uses)
	if !f.Exact && f.Uses > 0 {
		s.gaps = append(s.gaps, UseGap{KeyID: id, N: useBlock})
	}
	return k, nil
}

// pairFrom puts a pair of SM2 together from its file.
func (k *key) pairFrom(public, secret []byte) error {
	var err error
	if k.public, err = sm2.NewPublicKey(public); err != nil {
		return fmt.Errorf("%w: public key", hsm.ErrCorrupt)
	}
	if k.info.State == hsm.Destroyed {
		return nil
	}
	if k.private, err = sm2.NewPrivateKeyFromInt(new(big.Int).SetBytes(secret)); err != nil || !k.private.PublicKey.Equal(k.public) {
		return fmt.Errorf("%w: the halves of the key do not belong together", hsm.ErrCorrupt)
	}
	return nil
}

// strictCBOR refuses what our writer does not write.
var strictCBOR = func() cbor.DecMode {
	m, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, MaxNestedLevels: 4}.DecMode()
	if err != nil {
		panic(err) // the options are constants of the library
	}
	return m
}()

func parseKeyFile(b []byte) (keyFile, error) {
	var f keyFile
	if err := strictCBOR.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("%w: %w", hsm.ErrCorrupt, err)
	}
	if f.Version != fileVersion {
		return f, fmt.Errorf("%w: version %d", hsm.ErrCorrupt, f.Version)
	}
	usage := f.Usage == string(hsm.UsageSign) || f.Usage == string(hsm.UsageEncrypt) || f.Usage == string(hsm.UsageCompanion)
	state := f.State == string(hsm.Active) || f.State == string(hsm.Suspended) || f.State == string(hsm.Destroyed)
	if !usage || !state {
		return f, fmt.Errorf("%w: usage or state", hsm.ErrCorrupt)
	}
	return f, nil
}

// maxIterations bounds the work that a changed kek.pem can make of opening it.
const maxIterations = 10_000_000

var errKEK = fmt.Errorf("%w: kek.pem is no encrypted key", hsm.ErrCorrupt)

// checkIterations reads EncryptedPrivateKeyInfo down to PBKDF2's count.
func checkIterations(der []byte) error {
	in := cryptobyte.String(der)
	var info, algorithm, params, kdf, kdfParams, skip cryptobyte.String
	var n int64
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1(&skip, asn1.OBJECT_IDENTIFIER) ||
		!algorithm.ReadASN1(&params, asn1.SEQUENCE) || !params.ReadASN1(&kdf, asn1.SEQUENCE) || !kdf.ReadASN1(&skip, asn1.OBJECT_IDENTIFIER) ||
		!kdf.ReadASN1(&kdfParams, asn1.SEQUENCE) || !kdfParams.ReadASN1(&skip, asn1.OCTET_STRING) || !kdfParams.ReadASN1Integer(&n) {
		return errKEK
	}
	if n < 1 || n > maxIterations {
		return errors.Join(errKEK, fmt.Errorf("%d iterations", n))
	}
	return nil
}
