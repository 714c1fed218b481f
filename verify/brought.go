package verify

import (
	"fmt"
	"sync"

	"yinxin/certs"
	"yinxin/seal/ses"
)

// brought is what a mark brings, as read from its octets alone. It is read once:
// whoever asks what is wanted judges afterwards, and it is the same then.
type brought struct {
	once                  sync.Once
	stamp                 *ses.Stamp // nil if it cannot be read
	signer, maker         *certs.Certificate
	signerSlip, makerSlip string     // what a lenient reader passed over
	err                   error      // of the stamp, else of its signer's certificate
	companion             *companion // instead of a stamp

	tokenOnce sync.Once
	token     *certs.TimeStamp
	tokenErr  error
}

func (b *brought) read(m *mark) {
	b.once.Do(func() {
		stamp, err := m.parseStamp()
		if b.err = err; err != nil {
			if errNoSeal(err) {
				b.readCompanion(m)
			}
			return
		}
		b.stamp = stamp
		b.signer, b.signerSlip, b.err = b.certificate(stamp.SignerCert)
		b.maker, b.makerSlip, _ = b.certificate(stamp.Seal.MakerCert)
	})
}

// certificate reads one that a stamp brought. Under another's vendor id the slips
// of the field are passed over and told; under ours there are none.
func (b *brought) certificate(der []byte) (*certs.Certificate, string, error) {
	c, err := certs.ParseCertificate(der)
	if err == nil || b.stamp.Seal.Vendor == ses.VendorID {
		return c, "", err
	}
	c, slips, lenientErr := certs.ParseLenient(der)
	if lenientErr != nil {
		return nil, "", err
	}
	return c, fmt.Sprintf("read leniently: %v", slips), nil
}

// documentStamp reads the token that a document time-stamp is, likewise.
func (b *brought) documentStamp(der []byte) (*certs.TimeStamp, error) {
	b.tokenOnce.Do(func() { b.token, b.tokenErr = certs.ParseTimeStamp(der) })
	return b.token, b.tokenErr
}

// timeStamp reads the token of the stamp and checks its signature, which depends on
// nothing but its octets.
func (b *brought) timeStamp() (*certs.TimeStamp, error) {
	b.tokenOnce.Do(func() { b.token, b.tokenErr = certs.ParseTimeStamp(b.stamp.TimeStamp) })
	return b.token, b.tokenErr
}
