package journal

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is what a signed note says (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   [32]byte
}

// MaxCheckpoint bounds a note: three lines and a handful of cosignatures.
const MaxCheckpoint = 16 << 10

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// algorithm is the type byte and long id of an unassigned C2SP signature type.
const algorithm = "\xffsm2-sm3"

// Verifier checks one journal's notes; it is a note.Verifier.
type Verifier struct {
	name string
	key  *ecdsa.PublicKey
	hash uint32
}

var _ note.Verifier = (*Verifier)(nil)

// NewVerifier names the key id as the first 4 octets of
// SHA-256(name LF ff "sm2-sm3" point), protocol.md 7.
func NewVerifier(origin string, key *ecdsa.PublicKey) (*Verifier, error) {
	if origin == "" || strings.ContainsAny(origin, " +\n") {
		return nil, fmt.Errorf("journal: %q cannot name a checkpoint's key", origin)
	}
	point, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return nil, fmt.Errorf("journal: key: %w", err)
	}
	sum := sha256.Sum256(append([]byte(origin+"\n"+algorithm), point.Bytes()...))
	return &Verifier{name: origin, key: key, hash: binary.BigEndian.Uint32(sum[:])}, nil
}

// Name is the origin.
func (v *Verifier) Name() string { return v.name }

// KeyHash is the key id.
func (v *Verifier) KeyHash() uint32 { return v.hash }

// Verify checks 64 octets r||s over the note's text.
func (v *Verifier) Verify(msg, sig []byte) bool {
	if len(sig) != 64 {
		return false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[:32]))
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[32:]))
	})
	der, err := b.Bytes()
	return err == nil && sm2.VerifyASN1WithSM2(v.key, nil, msg, der)
}

// Open reads a note and checks this key's signature on it.
func (v *Verifier) Open(signed []byte) (Checkpoint, error) { return Verifiers{v}.Open(signed) }

// openNote reads a note that one of the known keys signed, and tells the id of the
// key: of several, the first that the note names.
func openNote(signed []byte, known note.Verifiers) (Checkpoint, uint32, error) {
	if len(signed) > MaxCheckpoint {
		return Checkpoint{}, 0, errors.New("journal: checkpoint too long")
	}
	n, err := note.Open(signed, known)
	if err != nil {
		return Checkpoint{}, 0, fmt.Errorf("journal: checkpoint: %w", err)
	}
	// note reads loose base64: one signature in several spellings.
	for _, sig := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, 0, errors.New("journal: the checkpoint's signature is not canonical base64")
		}
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != n.Sigs[0].Name {
		err = errors.New("journal: not a checkpoint of this journal")
	}
	return c, n.Sigs[0].Hash, err
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return c, errors.New("journal: not a checkpoint of this journal")
	}
	c = Checkpoint{Origin: lines[0]}
	if c.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil || strconv.FormatUint(c.Size, 10) != lines[1] {
		return Checkpoint{}, errors.New("journal: bad size in checkpoint")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return Checkpoint{}, errors.New("journal: bad root in checkpoint")
	}
	copy(c.Root[:], root)
	return c, nil
}

// noteSigner lends the journal's key to note.Sign.
type noteSigner struct {
	*Verifier
	ctx context.Context
	key Signer
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) {
	der, err := s.key.SignMessage(s.ctx, msg)
	if err != nil {
		return nil, err
	}
	var seq cryptobyte.String
	var r, ss big.Int
	in := cryptobyte.String(der)
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&ss) {
		return nil, errors.New("journal: the key's signature is not DER")
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	ss.FillBytes(out[32:])
	return out, nil
}

func sign(by noteSigner, size uint64, root [32]byte) ([]byte, error) {
	return note.Sign(&note.Note{Text: Checkpoint{Origin: by.name, Size: size, Root: root}.text()}, by)
}
