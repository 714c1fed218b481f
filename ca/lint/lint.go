// Package lint looks at a certificate before it is signed. New makes a Linter;
// its Check signs the certificate by a key that is thrown away when the process
// ends, reads that twin as strangers will, and holds it against the rules of RFC
// 5280, of GM/T 0015 and of our own practice (protocol.md 9), one rule a file.
//
// What passes comes back as a Checked, which nothing else can make, and an
// authority's key signs nothing but what a Checked is redeemed for: a certificate
// that was not linted does not compile. docs/lint.md lists the rules.
package lint

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var (
	// ErrFindings: the certificate breaks a rule. The error names each.
	ErrFindings = errors.New("the certificate would break its rules")
	// ErrRedeemed: what was checked has been signed, or was never checked.
	ErrRedeemed = errors.New("what was linted is signed once only")
)

// Expected is what profile and order say that the certificate must be. The
// certificate itself is not asked.
type Expected struct {
	Life             time.Duration // at most
	KeyUsage         certs.KeyUsage
	EKU              certs.OID // "" for none
	EKUCritical      bool
	CA, OCSPNoCheck  bool
	PathLen          int         // of a CA; -1 for no limit
	Policies         []certs.OID // each with the address CPS
	CPS              string
	Permitted        [][]byte // name constraints: DER of directory names
	RequirePolicy    bool     // policy constraints: an explicit policy for all below
	Organization, CN string
	Agency           string // USCC, "" for none
	Seal             bool   // subject of the national e-seal PKI
	Region           string // GB/T 2260
	Key              *ecdsa.PublicKey
	Issuer           *certs.Certificate // nil: signed by itself
	CRL, FreshestCRL string             // addresses; "" for none
	OCSP, IssuerURL  string
}

// Checked is the content of a certificate that broke no rule.
type Checked struct {
	tbs      []byte
	redeemed atomic.Bool
}

// Record gives the octets to keep as the intent, before they are signed.
func (c *Checked) Record() []byte { return append([]byte(nil), c.tbs...) }

// Redeem gives the octets to sign, once: one check is for one signature.
func (c *Checked) Redeem() ([]byte, error) {
	if c == nil || c.tbs == nil || !c.redeemed.CompareAndSwap(false, true) {
		return nil, ErrRedeemed
	}
	return c.tbs, nil
}

// Finding is a rule that was broken, and how.
type Finding struct {
	Rule *Rule
	How  string
}

// Findings is the error of Check.
type Findings []Finding

func (f Findings) Error() string {
	var told []string
	for _, x := range f {
		told = append(told, fmt.Sprintf("%s (%s): %s", x.Rule.ID, x.Rule.Source, x.How))
	}
	return ErrFindings.Error() + ": " + strings.Join(told, "; ")
}

// Is makes all findings ErrFindings.
func (f Findings) Is(target error) bool { return target == ErrFindings }

// Linter signs twins. Its methods may be called concurrently.
type Linter struct {
	random io.Reader
	key    *sm2.PrivateKey
}

// New makes the throwaway key. It stands outside any key store on purpose: nothing
// that it signs leaves this package, and nobody trusts it.
func New(random io.Reader) (*Linter, error) {
	key, err := sm2.GenerateKey(random)
	if err != nil {
		return nil, fmt.Errorf("throwaway key: %w", err)
	}
	return &Linter{random, key}, nil
}

// Check lints TBSCertificate. An error that is ErrFindings names the rules that
// it breaks.
func (l *Linter) Check(tbs []byte, want Expected) (*Checked, error) {
	tbs = append([]byte(nil), tbs...) // what is signed is what was looked at
	twin, err := l.twin(tbs)
	if err != nil {
		return nil, err
	}
	if found := examine(twin, want); len(found) > 0 {
		return nil, found
	}
	return &Checked{tbs: tbs}, nil
}

// twin is the whole certificate, signed by the throwaway key.
func (l *Linter) twin(tbs []byte) ([]byte, error) {
	signature, err := l.key.SignWithSM2(l.random, nil, tbs)
	if err != nil {
		return nil, fmt.Errorf("sign the twin: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2WithSM3) })
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// examine runs every rule over a certificate.
func examine(der []byte, want Expected) Findings {
	v, err := read(der, want)
	if err != nil {
		return Findings{{structure, err.Error()}}
	}
	var found Findings
	for _, r := range rules {
		if how := r.broken(v); how != "" {
			found = append(found, Finding{r, how})
		}
	}
	return found
}
