package escrow

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/certs"
	"yinxin/internal/act"
)

// RecoveryRequest asks for an escrowed key. To is who gets it: a certification
// request whose proof of possession holds, or a certificate of our register that
// is valid, in PEM.
type RecoveryRequest struct {
	Serial string // of the encryption certificate
	To     []byte
	Why    string
	Case   string // number of the court's case, where a court wants it
	By     act.Officer
	Retry  *act.Retry
}

// AskedRecovery is what the second officer is shown, and what is carried out.
type AskedRecovery struct {
	Serial    string `json:"serial"`
	Subject   string `json:"subject"`
	Agency    string `json:"agency"`
	To        string `json:"to"`        // PEM
	Recipient string `json:"recipient"` // whose key that is, as far as it says
	KeySM3    string `json:"keySm3"`    // of the recipient's point, in hex, to compare by telephone
	Case      string `json:"case,omitempty"`
}

const (
	// MaxRecipient bounds a certificate or request in PEM.
	MaxRecipient = 24 << 10
	maxCase      = 200
)

// AskRecovery keeps the request for the second officer. It never hands anything
// out by itself.
func (o *Office) AskRecovery(ctx context.Context, r RecoveryRequest) (approval.Request, error) {
	row, err := o.kept(ctx, r.Serial)
	if err != nil {
		return approval.Request{}, err
	}
	key, recipient, err := o.recipient(ctx, r.To)
	if err != nil {
		return approval.Request{}, err
	}
	if len(r.Case) > maxCase {
		return approval.Request{}, fmt.Errorf("%w: a case number has at most %d octets", ErrRefused, maxCase)
	}
	pt, err := point(key)
	if err != nil {
		return approval.Request{}, err
	}
	sum := sm3.Sum(pt)
	return o.c.Gate.Ask(ctx, act.Asked{Kind: KindRecover, Agency: row.Agency, By: r.By, Why: r.Why, Retry: r.Retry,
		Content: AskedRecovery{Serial: row.Serial, Subject: row.Subject, Agency: row.Agency, To: string(r.To), Recipient: recipient, KeySM3: hex.EncodeToString(sum[:]), Case: r.Case}})
}

// kept finds the encryption certificate whose key is here.
func (o *Office) kept(ctx context.Context, serial string) (ca.Row, error) {
	row, err := o.c.CA.Certificate(ctx, serial)
	if errors.Is(err, ca.ErrNotFound) {
		return row, ErrNotFound
	}
	if err == nil && (row.Profile != ca.ProfileEncryption || row.Twin == "" || row.KeyID == "") {
		return row, fmt.Errorf("%w: certificate %s is of profile %q; only encryption keys are kept", ErrNotFound, serial, row.Profile)
	}
	return row, err
}

// recipient reads whom a key is handed to.
func (o *Office) recipient(ctx context.Context, b []byte) (*ecdsa.PublicKey, string, error) {
	if len(b) > MaxRecipient {
		return nil, "", fmt.Errorf("%w: the recipient's PEM is longer than %d octets", ErrRefused, MaxRecipient)
	}
	block, rest := pem.Decode(b)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, "", fmt.Errorf("%w: the recipient is one certification request or one certificate in PEM", ErrRefused)
	}
	if block.Type != "CERTIFICATE" {
		key, err := ca.RequestKey(b)
		return key, "the holder of the key of a certification request", err
	}
	c, err := certs.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, "", fmt.Errorf("%w: the recipient's certificate: %w", ErrRefused, err)
	}
	row, err := o.c.CA.Certificate(ctx, hex.EncodeToString(c.Serial.Bytes()))
	switch {
	case err != nil && !errors.Is(err, ca.ErrNotFound):
		return nil, "", err
	case err != nil || !bytes.Equal(row.DER, c.Raw):
		return nil, "", fmt.Errorf("%w: the recipient's certificate is not of this authority; send a certification request", ErrRefused)
	case row.State(o.c.Clock()) != ca.StateValid:
		return nil, "", fmt.Errorf("%w: the recipient's certificate is %s", ErrRefused, row.State(o.c.Clock()))
	}
	return c.PublicKey, row.Subject, nil
}

func point(key *ecdsa.PublicKey) ([]byte, error) {
	p, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return p.Bytes(), nil
}

// CarryOut hands the key out on a request that two officers agreed on, once.
func (o *Office) CarryOut(ctx context.Context, request approval.Request) (Recovery, error) {
	if before, err := o.c.Store.Recovery(ctx, request.ID); !errors.Is(err, ErrNotFound) {
		return before, err
	}
	var asked AskedRecovery
	if err := approval.Content(request, &asked); err != nil {
		return Recovery{}, err
	}
	if d := request.Decided; d == nil || d.State != approval.StateApproved || !d.By.Known() || !request.By.Known() {
		return Recovery{}, fmt.Errorf("%w: no two officers agreed on request %s", ErrRefused, request.ID)
	}
	row, err := o.kept(ctx, asked.Serial)
	if err != nil {
		return Recovery{}, err
	}
	// Asked again: the recipient's certificate may have been revoked meanwhile.
	to, _, err := o.recipient(ctx, []byte(asked.To))
	if err != nil {
		return Recovery{}, err
	}
	pt, err := point(to)
	if err != nil {
		return Recovery{}, err
	}
	envelope, err := o.c.Keys.Envelope(ctx, row.KeyID, to)
	if err != nil {
		return Recovery{}, fmt.Errorf("envelope: %w", err)
	}
	r := Recovery{ID: request.ID, Serial: row.Serial, Agency: row.Agency, KeyID: row.KeyID, Recipient: pt, Envelope: envelope,
		Asked: request.By.String(), Approved: request.Decided.By.String(), Why: request.Why, Case: asked.Case, At: o.now()}
	done, err := act.New(o.c.Clock(), o.c.Rand, ActRecovered, row.Serial, r)
	if err != nil {
		return Recovery{}, err
	}
	if err := o.c.Store.CommitRecovered(ctx, done, r); errors.Is(err, ErrRecovered) {
		return o.c.Store.Recovery(ctx, request.ID)
	} else if err != nil {
		return Recovery{}, err
	}
	return r, nil
}

// Recoveries lists when and to whom a certificate's key was handed out.
func (o *Office) Recoveries(ctx context.Context, serial string) ([]Recovery, error) {
	return o.c.Store.Recoveries(ctx, serial)
}
