package verify_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/verify"
)

// megabyte is a sealed package of 1 MB.
func megabyte(b *testing.B) (*scene, []byte) {
	s := newScene(b)
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	return s, s.r.sealOFD(b, s.order, ofdOrder{}, plainPack().with("Doc_0/Res/map.png", string(noise))).zip(b)
}

// BenchmarkVerifyOFD beside BenchmarkVerifyOFDRaw, which hashes as much and checks
// one signature.
func BenchmarkVerifyOFD(b *testing.B) {
	s, doc := megabyte(b)
	in := s.input()
	var e verify.Engine
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if r := e.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), in); r.Verdict != verify.Valid {
			b.Fatal(r.Verdict)
		}
	}
}

func BenchmarkVerifyOFDRaw(b *testing.B) {
	s, doc := megabyte(b)
	message := make([]byte, 2000)
	signature := s.r.signer.signature(b, message)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		sm3.Sum(doc)
		if !sm2.VerifyASN1WithSM2(s.r.signer.cert.PublicKey, nil, message, signature) {
			b.Fatal("the signature does not verify")
		}
	}
}
