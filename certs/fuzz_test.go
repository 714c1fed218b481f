package certs

import (
	"bytes"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// The targets ask of every reader: no panic, Raw is what was read, and the
// questions that callers ask next can be asked.

func FuzzParseCertificate(f *testing.F) {
	ca := root(f, "根")
	f.Add(ca.Raw)
	f.Add(timeStamper(f, ca).Raw)
	names, err := filepath.Glob("testdata/sm2/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		c, err := ParseCertificatePEMOrDER(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.Raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCertificate(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, b) || !bytes.Contains(b, c.RawTBS) || c.PublicKey == nil || c.Serial.Sign() <= 0 {
			t.Fatal("what was read is not what was given")
		}
		for _, e := range c.Extensions {
			if again, ok := oidOf(e.ID.DER()); !ok || again != e.ID {
				t.Fatalf("%s is not read as it is written", e.ID)
			}
		}
		_ = c.Subject.String()
		_, _ = BuildPath(c, PathOptions{Roots: []*Certificate{ca.Certificate}, Intermediates: []*Certificate{c}, At: c.NotBefore})
	})
}

func FuzzParseCRL(f *testing.F) {
	ca := root(f, "根")
	p := crlParts(ca)
	f.Add(p.der(f, ca.key))
	p.entries = sequence(entry(9, noon), entry(3, noon, compromised, invalidSince))
	f.Add(p.der(f, ca.key))
	leaf := spec{name: "叶", usage: signs, more: [][]byte{points(sequence(at(shardA)), sequence(at(shardB), tlv(0x81, keyReason), tlv(0xa2, tlv(0xa4, ca.RawSubject))))}}.make(f, ca)
	other := listSpec{point: cat(at(shardA), someOnly(keyReason...), indirect), base: 1, number: 2, entries: [][]byte{entry(3, noon, issuedBy(named("他人"))), entry(4, noon)}}
	f.Add(other.by(f, ca).Raw)
	f.Add(listSpec{point: tlv(0xa0, tlv(0xa1, sequence(oid(oidCommonName), tlv(0x0c, []byte("CRL1")))))}.by(f, ca).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCRL(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, b) || c.Number == nil {
			t.Fatal("what was read is not what was given")
		}
		for _, r := range c.revoked {
			if got, found := c.find(r.Serial, r.Issuer); !found || got.Serial.Cmp(r.Serial) != 0 {
				t.Fatalf("serial %d is listed and not found", r.Serial)
			}
		}
		if c.Covers(leaf.Certificate) && (c.BaseNumber != nil || c.Scope(leaf.Certificate) != AllReasons) {
			t.Fatal("covers what is not in its scope")
		}
		c.FindCertificate(leaf.Certificate)
		c.Find(new(big.Int))
		_ = c.CheckSignatureFrom(ca.Certificate)
	})
}

func FuzzParseSignedData(f *testing.F) {
	ca := root(f, "根")
	content := []byte("正文")
	p := cmsParts(ca, OIDData, content)
	f.Add(p.der(f, ca.key, content))
	bare := cmsParts(ca, OIDData, content)
	bare.attrs, bare.kind = nil, OIDGMSignedData
	f.Add(bare.der(f, ca.key, content))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSignedData(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Raw, b) {
			t.Fatal("what was read is not what was given")
		}
		s.asWritten()
		if s.Signer != nil {
			_ = s.Verify(s.Signer, nil)
		}
	})
}

func FuzzParseTimeStamp(f *testing.F) {
	tsa := timeStamper(f, root(f, "根"))
	content := usualInfo().der()
	f.Add(cmsParts(tsa, OIDTSTInfo, content).der(f, tsa.key, content))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseTimeStamp(b); err == nil && (!bytes.Equal(s.Raw, b) || len(s.Imprint) != 32 || s.Accuracy < 0 || s.Accuracy > maxAccuracy+maxAccuracy/3600) {
			t.Fatalf("%+v", s)
		}
	})
}

// The signature guards TSTInfo from a fuzzer too, so it is read without.
func FuzzTSTInfo(f *testing.F) {
	i := usualInfo()
	f.Add(i.der())
	i.ordering, i.nonce, i.tsa, i.extensions = []byte{1, 1, 0xff}, []byte{2, 1, 9}, tlv(0xa0, tlv(0xa4, named("x"))), tlv(0xa1, extension("1.2.3", false, nil))
	f.Add(i.der())
	f.Fuzz(func(t *testing.T, b []byte) {
		var s TimeStamp
		if s.parseInfo(b) == nil && (len(s.Imprint) != 32 || s.Serial == nil || s.GenTime.Location().String() != "UTC") {
			t.Fatalf("%+v", s)
		}
	})
}

func FuzzParseStatement(f *testing.F) {
	by := spec{name: "状态服务", usage: 0x80}.make(f, nil)
	b, err := SignStatement(f.Context(), TypeSealList, head("520000"), by.Certificate, by.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStatement(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Raw, b) || s.Issuer == "" || !s.Expires.After(s.IssuedAt) {
			t.Fatalf("%+v", s)
		}
		_ = s.SignedBy(by.Certificate)
	})
}

func FuzzParseBundle(f *testing.F) {
	b := newBench(f)
	good, err := b.bundle(12).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"scheme":{},"regions":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := ParseBundle(text)
		if err != nil {
			return
		}
		trust, err := read.Open(TrustOptions{At: noon})
		if err == nil && (trust == nil || trust.SchemeSequence == 0 || trust.Anchor != AnchorCaller) {
			t.Fatalf("%+v", trust)
		}
	})
}
