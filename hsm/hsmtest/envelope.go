package hsmtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

// RunEnveloper checks a back end that hands encryption keys over; open gives a
// fresh, empty key store that is an hsm.Enveloper too.
func RunEnveloper(t *testing.T, open func(t *testing.T) hsm.Keystore) {
	for name, test := range map[string]func(*testing.T, hsm.Keystore, hsm.Enveloper){
		"opened by the recipient": opened, "only encryption keys": onlyEncryption, "states": envelopeStates, "recipients": recipients, "altered": altered,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			e, ok := s.(hsm.Enveloper)
			if !ok {
				t.Fatal("it is no hsm.Enveloper")
			}
			test(t, s, e)
		})
	}
}

func recipient(t *testing.T) *sm2.PrivateKey {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// opened: what comes out decrypts what was encrypted to the key; the key in the
// store goes on, the envelope counts as a use, and two envelopes are two.
func opened(t *testing.T, s hsm.Keystore, e hsm.Enveloper) {
	k, to := generate(t, s, hsm.UsageEncrypt), recipient(t)
	secret := []byte("会话密钥")
	c, err := sm2.EncryptASN1(rand.Reader, k.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	first, err := e.Envelope(t.Context(), k.Info().ID, &to.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sm2.ParseEnvelopedPrivateKey(to, first)
	if err != nil || !out.PublicKey.Equal(k.Public()) {
		t.Fatal("another key came out:", err)
	}
	if plain, err := out.Decrypt(nil, c, sm2.ASN1DecrypterOpts); err != nil || !bytes.Equal(plain, secret) {
		t.Fatal(err)
	}
	if plain, err := k.Decrypt(t.Context(), c); err != nil || !bytes.Equal(plain, secret) {
		t.Fatal("the key in the store is gone:", err)
	}
	if n := k.Info().Uses; n != 2 {
		t.Errorf("%d uses counted of an envelope and a decryption", n)
	}
	if second, err := e.Envelope(t.Context(), k.Info().ID, &to.PublicKey); err != nil || bytes.Equal(first, second) {
		t.Error("two envelopes are the same:", err)
	}
	if _, err := sm2.ParseEnvelopedPrivateKey(recipient(t), first); err == nil {
		t.Error("another opened it")
	}
}

// onlyEncryption: the private half of a signing key leaves in no form.
func onlyEncryption(t *testing.T, s hsm.Keystore, e hsm.Enveloper) {
	k, to := generate(t, s, hsm.UsageSign), recipient(t)
	if out, err := e.Envelope(t.Context(), k.Info().ID, &to.PublicKey); !errors.Is(err, hsm.ErrWrongUsage) || out != nil {
		t.Fatalf("a signing key: %x, %v", out, err)
	}
	if n := k.Info().Uses; n != 0 {
		t.Errorf("%d uses of a refusal", n)
	}
	if _, err := e.Envelope(t.Context(), "none", &to.PublicKey); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Envelope(ctx, generate(t, s, hsm.UsageEncrypt).Info().ID, &to.PublicKey); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func envelopeStates(t *testing.T, s hsm.Keystore, e hsm.Enveloper) {
	k, to := generate(t, s, hsm.UsageEncrypt), recipient(t)
	for _, step := range []struct {
		to   hsm.State
		want error
	}{{hsm.Suspended, hsm.ErrSuspended}, {hsm.Active, nil}, {hsm.Destroyed, hsm.ErrDestroyed}} {
		if err := s.SetState(t.Context(), k.Info().ID, step.to); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Envelope(t.Context(), k.Info().ID, &to.PublicKey); !errors.Is(err, step.want) {
			t.Errorf("%s: %v", step.to, err)
		}
	}
}

// recipients that are none: an envelope for a point off the curve could be
// opened by whoever chose it.
func recipients(t *testing.T, s hsm.Keystore, e hsm.Enveloper) {
	k := generate(t, s, hsm.UsageEncrypt)
	point, err := sm2.PublicKeyToECDH(&recipient(t).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	x, y := new(big.Int).SetBytes(point.Bytes()[1:33]), new(big.Int).SetBytes(point.Bytes()[33:])
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*ecdsa.PublicKey{
		"none": nil, "empty": {}, "without a point": {Curve: sm2.P256()}, "of P-256": &p256.PublicKey,
		"off the curve": {Curve: sm2.P256(), X: x, Y: new(big.Int).Add(y, big.NewInt(1))},
		"at infinity":   {Curve: sm2.P256(), X: new(big.Int), Y: new(big.Int)},
		"not reduced":   {Curve: sm2.P256(), X: new(big.Int).Add(x, sm2.P256().Params().P), Y: y},
		"negative":      {Curve: sm2.P256(), X: new(big.Int).Neg(x), Y: y},
	} {
		if out, err := e.Envelope(t.Context(), k.Info().ID, to); !errors.Is(err, hsm.ErrRecipient) || out != nil {
			t.Errorf("%s: %x, %v", name, out, err)
		}
	}
	if n := k.Info().Uses; n != 0 {
		t.Errorf("%d uses of refusals", n)
	}
}

// altered: no octet of an envelope can be changed so that the recipient takes
// another key for this one. The envelope's key is under a MAC (C3 of SM2), the
// private key under its public half.
func altered(t *testing.T, s hsm.Keystore, e hsm.Enveloper) {
	k, to := generate(t, s, hsm.UsageEncrypt), recipient(t)
	der, err := e.Envelope(t.Context(), k.Info().ID, &to.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for i := range der {
		for _, bit := range []byte{0x01, 0x80} {
			bad := bytes.Clone(der)
			bad[i] ^= bit
			if out, err := open(to, bad); err == nil && !out.PublicKey.Equal(k.Public()) {
				t.Errorf("octet %d of %d: it opens as another key", i, len(der))
			} else if err == nil && i > algorithmEnd {
				t.Errorf("octet %d of %d: it opens all the same", i, len(der))
			}
		}
	}
	for n := range der {
		if _, err := open(to, der[:n]); err == nil {
			t.Fatalf("cut off at %d it opens", n)
		}
	}
	if _, err := open(to, append(bytes.Clone(der), 0)); err == nil {
		t.Error("with an octet more it opens")
	}
}

// algorithmEnd is where the AlgorithmIdentifier ends. The reader takes SM4 and
// SM4-ECB for the same, and no parameters for NULL.
const algorithmEnd = 20

// open reads an envelope as a careful recipient does: a reader that panics has
// refused it.
func open(to *sm2.PrivateKey, der []byte) (k *sm2.PrivateKey, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the reader panics")
		}
	}()
	return sm2.ParseEnvelopedPrivateKey(to, der)
}
