package tsa

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// query is a good one, changed.
func query(t testing.TB, change func(*Query)) []byte {
	t.Helper()
	q := &Query{Hash: certs.OIDSM3, Imprint: imprint[:], Nonce: big.NewInt(77), Certificates: true}
	if change != nil {
		change(q)
	}
	der, err := q.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// openssl are queries over nothing that "openssl ts -query" of OpenSSL 3.0 wrote.
var openssl = map[string]string{
	"-sm3 -cert":                      "30420201013030300c06082a811ccf55018311050004201ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b02084376ec51d3a11f480101ff",
	"-sha256 -no_nonce":               "30360201013031300d060960864801650304020105000420e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"-sha512 -tspolicy 1.2.3 -cert":   "30680201013051300d060960864801650304020305000440cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e06022a03020900c29ecaf636f924f50101ff",
	"-sha1 -no_nonce":                 "30260201013021300906052b0e03021a05000414da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"-md5 -no_nonce -cert":            "30280201013020300c06082a864886f70d020505000410d41d8cd98f00b204e9800998ecf8427e0101ff",
	"certReq FALSE, which is not DER": "303902010130" + "31300d060960864801650304020105000420e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" + "010100",
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQueriesOfOpenSSL(t *testing.T) {
	for name, want := range map[string]failure{"-sm3 -cert": -1, "-sha256 -no_nonce": -1, "-sha512 -tspolicy 1.2.3 -cert": unacceptedPolicy,
		"-sha1 -no_nonce": badAlg, "-md5 -no_nonce -cert": badAlg, "certReq FALSE, which is not DER": -1} {
		q, err := ParseQuery(unhex(t, openssl[name]))
		var r *Refusal
		if errors.As(err, &r) != (want >= 0) || r != nil && r.failure != want {
			t.Errorf("%s: %v", name, err)
		}
		if name == "-sm3 -cert" {
			empty := sm3.Sum(nil)
			if q.Hash != certs.OIDSM3 || !bytes.Equal(q.Imprint, empty[:]) || !q.Certificates || q.Nonce == nil || q.Nonce.Uint64() != 0x4376ec51d3a11f48 || q.Policy != "" {
				t.Errorf("%+v", q)
			}
		}
	}
}

// outcome reads a TimeStampResp as a client does.
func outcome(t testing.TB, reply []byte) (status int, text string, fail failure, token []byte) {
	t.Helper()
	in := cryptobyte.String(reply)
	var resp, info, list, s cryptobyte.String
	fail = -1
	if !in.ReadASN1(&resp, asn1.SEQUENCE) || !in.Empty() || !resp.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1Integer(&status) {
		t.Fatalf("no TimeStampResp: %x", reply)
	}
	if !info.Empty() {
		var bits cryptobyte.String
		if !info.ReadASN1(&list, asn1.SEQUENCE) || !list.ReadASN1(&s, asn1.UTF8String) || !list.Empty() || !info.ReadASN1(&bits, asn1.BIT_STRING) || !info.Empty() {
			t.Fatalf("no PKIStatusInfo: %x", reply)
		}
		last := int(8*(len(bits)-1)) - int(bits[0]) - 1
		for i := range 8 * (len(bits) - 1) {
			if bits[1+i/8]&(0x80>>(i%8)) != 0 {
				if fail >= 0 || i != last {
					t.Fatalf("failInfo %x is not one bit in DER", bits)
				}
				fail = failure(i)
			}
		}
	}
	return status, string(s), fail, resp
}

func TestAnswers(t *testing.T) {
	a, now := clocked(t, time.Time{})
	sha512 := bytes.Repeat([]byte{7}, 64)
	for name, c := range map[string]struct {
		query []byte
		want  failure // -1: a token
	}{
		"all of it":          {query(t, nil), -1},
		"no nonce":           {query(t, func(q *Query) { q.Nonce = nil }), -1},
		"our policy":         {query(t, func(q *Query) { q.Policy = certs.OIDTSAPolicy }), -1},
		"SHA-512":            {query(t, func(q *Query) { q.Hash, q.Imprint = "2.16.840.1.101.3.4.2.3", sha512 }), -1},
		"SHA-384":            {query(t, func(q *Query) { q.Hash, q.Imprint = "2.16.840.1.101.3.4.2.2", sha512[:48] }), -1},
		"NULL parameters":    {query(t, func(q *Query) { q.null = true }), -1},
		"a long nonce":       {query(t, func(q *Query) { q.Nonce = new(big.Int).Lsh(big.NewInt(1), maxNonce-1) }), -1},
		"a nonce too long":   {query(t, func(q *Query) { q.Nonce = new(big.Int).Lsh(big.NewInt(1), maxNonce) }), badDataFormat},
		"another policy":     {query(t, func(q *Query) { q.Policy = "1.2.3" }), unacceptedPolicy},
		"SHA-1":              {unhex(t, openssl["-sha1 -no_nonce"]), badAlg},
		"a short imprint":    {query(t, func(q *Query) { q.Imprint = q.Imprint[1:] }), badDataFormat},
		"SHA-512 of SM3":     {query(t, func(q *Query) { q.Hash = "2.16.840.1.101.3.4.2.3" }), badDataFormat},
		"nothing":            {nil, badDataFormat},
		"text":               {[]byte("GET / HTTP/1.1"), badDataFormat},
		"something after it": {append(query(t, nil), 0), badDataFormat},
		"too long":           {make([]byte, MaxQuery+1), badDataFormat},
		"version 2":          {bytes.Replace(query(t, nil), []byte{2, 1, 1}, []byte{2, 1, 2}, 1), badRequest},
		"an extension":       {withExtension(t, query(t, nil)), unacceptedExtension},
	} {
		reply, refused := a.Answer(t.Context(), c.query)
		status, text, fail, token := outcome(t, reply)
		if c.want >= 0 {
			var r *Refusal
			if status != statusRejection || fail != c.want || text == "" || len(token) > 0 || !errors.As(refused, &r) {
				t.Errorf("%s: status %d, failure %d, %q, %v", name, status, fail, text, refused)
			}
			continue
		}
		if status != statusGranted || fail >= 0 || len(token) == 0 || refused != nil {
			t.Errorf("%s: status %d, failure %d, %q, %v", name, status, fail, text, refused)
		}
	}
	// Ten minutes back: no token, and the reason is the time.
	*now = now.Add(-10 * time.Minute)
	reply, refused := a.Answer(t.Context(), query(t, nil))
	if status, text, fail, _ := outcome(t, reply); status != statusRejection || fail != timeNotAvailable || text == "" || !errors.Is(refused, ErrClockBackwards) {
		t.Error(status, text, fail, refused)
	}
	*now = now.Add(20 * time.Hour)
	reply, refused = a.Answer(t.Context(), query(t, nil))
	if status, _, fail, _ := outcome(t, reply); status != statusRejection || fail != timeNotAvailable || !errors.Is(refused, ErrCertificate) {
		t.Error(status, fail, refused)
	}
}

// withExtension puts an extension at the end of a query.
func withExtension(t testing.TB, q []byte) []byte {
	t.Helper()
	in := cryptobyte.String(q)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) {
		t.Fatal("no query")
	}
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(body)
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					certs.AddOID(b, "1.2.3.4")
					b.AddASN1OctetString([]byte{5, 0})
				})
			})
		})
	})
}

// What the token echoes of the query.
func TestTokensAnswerTheirQuery(t *testing.T) {
	a, _ := clocked(t, time.Time{})
	reply, _ := a.Answer(t.Context(), query(t, nil))
	_, _, _, token := outcome(t, reply)
	ts, err := certs.ParseTimeStamp(token)
	if err != nil || ts.Nonce == nil || ts.Nonce.Int64() != 77 || !bytes.Equal(ts.Imprint, imprint[:]) || ts.Policy != certs.OIDTSAPolicy || ts.Accuracy != Accuracy || len(ts.Certificates) != 1 {
		t.Fatalf("%+v %v", ts, err)
	}
	// Without certReq the certificates are left out, and whoever has them checks it.
	reply, _ = a.Answer(t.Context(), query(t, func(q *Query) { q.Certificates = false }))
	_, _, _, token = outcome(t, reply)
	sd, err := certs.ParseSignedData(token)
	if err != nil || len(sd.Certificates) != 0 || sd.Verify(ts.Signer, nil) != nil {
		t.Fatal(err)
	}
	serials := map[string]bool{ts.Serial.String(): true}
	for range 100 {
		reply, _ := a.Answer(t.Context(), query(t, nil))
		_, _, _, token := outcome(t, reply)
		ts, err := certs.ParseTimeStamp(token)
		if err != nil || serials[ts.Serial.String()] {
			t.Fatal(err)
		}
		serials[ts.Serial.String()] = true
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, q := range openssl {
		f.Add(unhex(f, q))
	}
	f.Add(query(f, nil))
	f.Add(withExtension(f, query(f, nil)))
	f.Fuzz(func(t *testing.T, der []byte) {
		q, err := ParseQuery(der)
		if err != nil {
			var r *Refusal
			if !errors.As(err, &r) || r.sentence == "" || q != nil && r.failure == badDataFormat && len(q.Imprint) > 64 {
				t.Fatal(err)
			}
			outcome(t, rejection(r))
			return
		}
		again, err := q.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := ParseQuery(again); err != nil || second.Hash != q.Hash || !bytes.Equal(second.Imprint, q.Imprint) || second.Policy != q.Policy || second.Certificates != q.Certificates ||
			(second.Nonce == nil) != (q.Nonce == nil) || q.Nonce != nil && second.Nonce.Cmp(q.Nonce) != 0 {
			t.Fatalf("%+v is read again as %+v: %v", q, second, err)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	a, _ := clocked(b, time.Time{})
	q := query(b, nil)
	for b.Loop() {
		if _, err := a.Answer(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}
