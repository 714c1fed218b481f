package seal

import (
	"fmt"

	"yinxin/seal/cms"
	"yinxin/seal/ses"
)

// content is what a stamp says, in whichever wrapping.
type content struct{ ses.StampSpec }

// wrapping makes a stamp in two steps, between which its key signs (protocol.md 2).
type wrapping interface {
	// signed gives the octets to be signed.
	signed(c content) ([]byte, error)
	// stamp puts the stamp together; a nil token leaves the time-stamp out.
	stamp(signed, signature, token []byte) ([]byte, error)
}

// wrappingOf the order's profile.
func (r *ready) wrappingOf(o Order) (wrapping, error) {
	if o.Profile != ProfileCMS {
		return sesWrapping{r}, nil
	}
	r.cmsOnce.Do(func() { r.cms, r.cmsErr = cms.NewBuilder(r.der, r.cert) })
	return cmsWrapping{r.cms}, r.cmsErr
}

type sesWrapping struct{ *ready }

func (w sesWrapping) signed(c content) ([]byte, error) {
	c.SealDER, c.Generation = w.der, w.generation
	return ses.BuildTBS(c.StampSpec)
}

func (w sesWrapping) stamp(signed, signature, token []byte) ([]byte, error) {
	return ses.BuildStamp(signed, w.cert, signature, token)
}

type cmsWrapping struct{ *cms.Builder }

func (w cmsWrapping) signed(c content) ([]byte, error) {
	return w.Attributes(cms.StampSpec{DataHash: c.DataHash, StampID: c.StampID, ExpectedSeals: c.ExpectedSeals})
}

func (w cmsWrapping) stamp(signed, signature, token []byte) ([]byte, error) {
	return w.Stamp(signed, signature, token)
}

// parts are what the register keeps once for many stamps, in the order in which they
// stand in one.
func (o *Order) parts(seal, cert, tokenCerts []byte) [][]byte {
	if o != nil && o.Profile == ProfileCMS {
		return [][]byte{cert, seal, tokenCerts}
	}
	return [][]byte{seal, cert, tokenCerts}
}

// order that a stamp was made by.
func (s *Stamp) order() Order {
	if s.Order == nil {
		return Order{}
	}
	return *s.Order
}

// fits refuses what a format has not.
func (o *Order) fits(format string) error {
	if format != formatPDF && (o.Profile == ProfileCMS || o.Companion) {
		return fmt.Errorf("%w: profile cms and companions are for PDF", ErrOrder)
	}
	return nil
}

// alike tells whether two orders ask for the same wrapping: a retry of another is
// another request, whatever its key says.
func (o Order) alike(other Order) bool {
	cms := func(o Order) bool { return o.Profile == ProfileCMS }
	return cms(o) == cms(other) && o.Companion == other.Companion
}
