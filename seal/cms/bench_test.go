package cms

import (
	"testing"
	"time"

	"yinxin/seal/ses"
)

// sealFor makes a seal with a picture of so many octets, and what stamps with it.
func sealFor(t testing.TB, picture int) (der []byte, signer key, cert []byte) {
	t.Helper()
	maker, makerCert := newKey(t, "制章者")
	signer, c := newKey(t, "印章")
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	der, err := ses.BuildSeal(t.Context(), ses.SealSpec{ID: "52000000000001", Name: "贵州省示例局", Type: 1, SignerCerts: [][]byte{c.Raw},
		Created: now, ValidFrom: now, ValidTo: now.AddDate(3, 0, 0), Picture: ses.Picture{Type: "PNG", Data: make([]byte, picture), Width: 42, Height: 42}}, maker, makerCert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return der, signer, c.Raw
}

// BenchmarkStamp is a stamp of profile cms beside BenchmarkSES, the same seal's of
// profile ses.
func BenchmarkStamp(b *testing.B) {
	seal, signer, cert := sealFor(b, 20000)
	builder, err := NewBuilder(seal, cert)
	if err != nil {
		b.Fatal(err)
	}
	id := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		attributes, err := builder.Attributes(StampSpec{StampID: id})
		if err != nil {
			b.Fatal(err)
		}
		signature, err := signer.SignMessage(b.Context(), attributes)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := builder.Stamp(attributes, signature, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSES(b *testing.B) {
	seal, signer, cert := sealFor(b, 20000)
	id, now := make([]byte, 16), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		tbs, err := ses.BuildTBS(ses.StampSpec{SealDER: seal, TimeInfo: now, PropertyInfo: ses.PropertyPDF, StampID: id})
		if err != nil {
			b.Fatal(err)
		}
		signature, err := signer.SignMessage(b.Context(), tbs)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ses.BuildStamp(tbs, cert, signature, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseStamp(f *testing.F) {
	seal, signer, cert := sealFor(f, 40)
	builder, err := NewBuilder(seal, cert)
	if err != nil {
		f.Fatal(err)
	}
	for _, expected := range []int{0, 2} {
		attributes, err := builder.Attributes(StampSpec{StampID: make([]byte, 16), ExpectedSeals: expected})
		if err != nil {
			f.Fatal(err)
		}
		signature, err := signer.SignMessage(f.Context(), attributes)
		if err != nil {
			f.Fatal(err)
		}
		der, err := builder.Stamp(attributes, signature, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ParseStamp(der, at)
		if err != nil {
			return
		}
		// Whatever is read names what it is over, by whom, with which seal.
		if s.Seal == nil || len(s.DataHash) != 32 || len(s.SignerCert) == 0 || s.Profile != ses.ProfileCMS || len(s.Signed) == 0 || s.Signed[0] != 0x31 {
			t.Fatalf("%+v", s)
		}
		_ = s.VerifySignatureKey(signer.Public())
	})
}
