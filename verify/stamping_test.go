package verify_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/cms"
	"yinxin/seal/jsondoc"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
	"yinxin/verify"
	"yinxin/verify/status"
)

// order is what a stamp is asked to be; zero members are the usual.
type order struct {
	claimed, proven time.Time
	unproven        bool
	tsa             *party
	chain           []*certs.Certificate // in the token, beside its signer's
	seal            []byte
	signer          *party
	property        string
	expected        int
	cms             bool // profile cms
}

// stamp makes a SES_Signature over a digest.
func (r *region) stamp(t testing.TB, o order, digest [32]byte) []byte {
	t.Helper()
	if o.seal == nil {
		o.seal = r.seal
	}
	if o.signer == nil {
		o.signer = r.signer
	}
	if o.tsa == nil {
		o.tsa, o.chain = r.tsa, []*certs.Certificate{r.issuing.cert, r.root.cert}
	}
	if o.cms {
		return r.stampCMS(t, o, digest)
	}
	read, err := ses.ParseSeal(o.seal)
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := ses.BuildTBS(ses.StampSpec{Generation: read.Generation, SealDER: o.seal, TimeInfo: o.claimed, DataHash: digest, PropertyInfo: o.property, StampID: make([]byte, 16), ExpectedSeals: o.expected})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := o.signer.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	var token []byte
	if !o.unproven {
		token = timeStamp(t, o.tsa, o.chain, o.proven, ses.Imprint(signature))
	}
	der, err := ses.BuildStamp(tbs, o.signer.cert.Raw, signature, token)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// stampCMS is stamp in profile cms.
func (r *region) stampCMS(t testing.TB, o order, digest [32]byte) []byte {
	t.Helper()
	b, err := cms.NewBuilder(o.seal, o.signer.cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := b.Attributes(cms.StampSpec{DataHash: digest, StampID: make([]byte, 16), ExpectedSeals: o.expected})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := o.signer.SignMessage(t.Context(), attributes)
	if err != nil {
		t.Fatal(err)
	}
	var token []byte
	if !o.unproven {
		token = timeStamp(t, o.tsa, o.chain, o.proven, ses.Imprint(signature))
	}
	der, err := b.Stamp(attributes, signature, token)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// timeStamp makes a token as RFC 3161 has it, also where an authority would refuse.
func timeStamp(t testing.TB, by *party, chain []*certs.Certificate, at time.Time, imprint [32]byte) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		certs.AddOID(b, certs.OIDTSAPolicy)
		b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM3) })
			b.AddASN1OctetString(imprint[:])
		})
		b.AddASN1Int64(at.UnixNano())
		b.AddASN1GeneralizedTime(at)
		b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // accuracy
	})
	info, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	token, err := certs.BuildSignedData(t.Context(), certs.SignedDataSpec{ContentType: certs.OIDTSTInfo, Content: info, Signer: by, Certificate: by.cert, Chain: chain})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// sealJSON, sealPDF and sealFile put the ordered stamp on a document.
func (r *region) sealJSON(t testing.TB, o order, doc []byte) []byte {
	t.Helper()
	parsed, err := jsondoc.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := parsed.Digest(len(parsed.Stamps()))
	if err != nil {
		t.Fatal(err)
	}
	o.property = ses.PropertyJSON
	out, err := parsed.Append(r.stamp(t, o, digest))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// prepare makes a picture ready for pages, once.
func (r *region) prepare(t testing.TB, picture []byte) *pdf.PreparedFace {
	t.Helper()
	if f, ok := r.faces[string(picture)]; ok {
		return f
	}
	f, err := pdf.NewFace(picture, 40, 40)
	if err != nil {
		t.Fatal(err)
	}
	r.faces[string(picture)] = f
	return f
}

func (r *region) sealPDF(t testing.TB, o order, doc []byte) []byte {
	t.Helper()
	f, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	seal := o.seal
	if seal == nil {
		seal = r.seal
	}
	read, err := ses.ParseSeal(seal)
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Layout(pdf.Options{Spots: []pdf.Spot{{Page: 1, X: 10, Y: 5}}, Prepared: r.prepare(t, read.Picture.Data),
		FieldName: "印章", SignerName: "示例局", Time: o.claimed, TokenSize: len(seal) + 4096})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := l.Digest(nil)
	if err != nil {
		t.Fatal(err)
	}
	o.property = ses.PropertyPDF
	var out bytes.Buffer
	if _, err := l.WriteTo(&out, r.stamp(t, o, digest)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (r *region) sealFile(t testing.TB, o order, file []byte) []byte {
	t.Helper()
	o.property = ses.PropertyFile
	return r.stamp(t, o, sm3.Sum(file))
}

// revocation is an entry of a CRL.
type revocation struct {
	who     *party
	at      time.Time
	reason  int
	invalid time.Time // of a compromise: since when
}

// list is a CRL made at a time, good for a day.
func (p *party) list(t testing.TB, at time.Time, gone ...revocation) verify.Item {
	t.Helper()
	return p.listUntil(t, at, at.Add(24*time.Hour), gone...)
}

func (p *party) listUntil(t testing.TB, at, until time.Time, gone ...revocation) verify.Item {
	t.Helper()
	l := &smx509.RevocationList{Number: big.NewInt(at.Unix()), ThisUpdate: at, NextUpdate: until}
	for _, g := range gone {
		e := smx509.RevocationListEntry{SerialNumber: g.who.cert.Serial, RevocationTime: g.at, ReasonCode: g.reason}
		if !g.invalid.IsZero() {
			when, err := asn1.MarshalWithParams(g.invalid.UTC(), "generalized")
			if err != nil {
				t.Fatal(err)
			}
			e.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: when}}
		}
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, e)
	}
	der, err := smx509.CreateRevocationList(rand.Reader, l, p.cert.SMX509(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	return verify.NewItem(verify.KindCRL, der)
}

// answer is a seal-status as of a time by a region's status signer.
func (r *region) answer(t testing.TB, by *party, asOf time.Time, seal []byte, history ...status.Interval) verify.Item {
	t.Helper()
	read, err := ses.ParseSeal(seal)
	if err != nil {
		t.Fatal(err)
	}
	sum := read.SM3()
	if history == nil {
		history = []status.Interval{}
	}
	return signed(t, by, verify.KindSealStatus, status.SealStatus{Head: status.Head{Iss: r.code, Iat: asOf, Exp: asOf.Add(24 * time.Hour)}, ID: read.ID,
		Seal: hex.EncodeToString(sum[:]), At: asOf, AsOf: asOf, State: status.StateAt(history, asOf), Intervals: history})
}

// sealList tells of one seal that it was not always in force, or of none.
func (r *region) sealList(t testing.TB, by *party, asOf time.Time, seal []byte, history ...status.Interval) verify.Item {
	t.Helper()
	l := status.SealList{Head: status.Head{Iss: r.code, Iat: asOf, Exp: asOf.Add(24 * time.Hour)}, Number: uint64(asOf.Unix()), AsOf: asOf, Seals: []status.ListedSeal{}}
	if len(history) > 0 {
		sum := sm3.Sum(seal)
		l.Seals = append(l.Seals, status.ListedSeal{ID: r.sealID(1), Version: 1, Seal: hex.EncodeToString(sum[:]), Intervals: history})
	}
	return signed(t, by, verify.KindSealList, l)
}

func signed(t testing.TB, by *party, kind verify.Kind, payload any) verify.Item {
	t.Helper()
	raw, err := certs.SignStatement(t.Context(), string(kind), payload, by.cert, by)
	if err != nil {
		t.Fatal(err)
	}
	return verify.NewItem(kind, raw)
}
