package crl

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/certs"
)

// Extensions of lists: RFC 5280 5.2, and X.509 (10/2019) 9.5.2.9.
const (
	extNumber         certs.OID = "2.5.29.20"
	extDelta          certs.OID = "2.5.29.27"
	extDistribution   certs.OID = "2.5.29.28"
	extAuthorityKeyID certs.OID = "2.5.29.35"
	extFreshest       certs.OID = "2.5.29.46"
	extExpiredCerts   certs.OID = "2.5.29.60"
)

// content is all of a list but its signature.
type content struct {
	issuer     *certs.Certificate
	number     uint64
	this, next time.Time
	entries    []ca.Revocation // by serial
	base       uint64          // number of the list that a delta builds on
	address    string          // of a shard, as in its certificates
	freshest   string          // address of a full list's delta
}

func sequence(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }

// entryRoom is what an entry with reason and date takes in octets; a list of many is
// encoded without being moved.
const entryRoom = 80

// tbs encodes TBSCertList.
func (c *content) tbs() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 1024+entryRoom*len(c.entries)))
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		certs.AddSM2WithSM3(b)
		b.AddBytes(c.issuer.RawSubject)
		certs.AddTime(b, c.this)
		certs.AddTime(b, c.next)
		if len(c.entries) > 0 { // RFC 5280 5.1.2.6: absent when empty
			sequence(b, c.addEntries)
		}
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			sequence(b, c.addExtensions)
		})
	})
	return b.Bytes()
}

func (c *content) addExtensions(b *cryptobyte.Builder) {
	certs.AddExtension(b, extAuthorityKeyID, false, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(c.issuer.SubjectKeyID) })
		})
	})
	certs.AddExtension(b, extNumber, false, func(b *cryptobyte.Builder) { b.AddASN1Uint64(c.number) })
	if c.base != 0 {
		certs.AddExtension(b, extDelta, true, func(b *cryptobyte.Builder) { b.AddASN1Uint64(c.base) })
	}
	if c.address != "" {
		// RFC 5280 5.2.5: the scope of a shard is the certificates that name the same
		// address. A list without it speaks for every certificate of the issuer.
		certs.AddExtension(b, extDistribution, true, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) { addPoint(b, c.address) })
		})
	}
	if c.freshest != "" {
		certs.AddExtension(b, extFreshest, false, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) { addPoint(b, c.freshest) })
			})
		})
	}
	// A revoked certificate stays on the lists when it has expired, so that who opens
	// an old document need not wonder what a list leaves out: from the issuer's first
	// day on.
	certs.AddExtension(b, extExpiredCerts, false, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(c.issuer.NotBefore.UTC()) })
}

// addPoint writes DistributionPointName in its tag: [0] { fullName [0] { URI } }.
func addPoint(b *cryptobyte.Builder, uri string) {
	wrapped := asn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(wrapped, func(b *cryptobyte.Builder) {
		b.AddASN1(wrapped, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(uri)) })
		})
	})
}

// assemble puts tbs and its signature together.
func assemble(tbs, signature []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+128))
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		certs.AddSM2WithSM3(b)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}
