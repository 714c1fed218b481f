package province

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify"
)

// The benchmarks of the offices, each beside the raw work in it: every SM2 operation
// and every octet of SM3, and the output written. Nothing is kept here, since a disk's
// sync would hide what is measured; the durable figures are those over HTTP.

// unkept is a register that takes stamps and keeps none.
type unkept struct{ seal.Store }

func (unkept) CommitStamp(context.Context, act.Act, seal.Stamp, seal.Guard) error { return nil }

// unkeptOffice is the seal office of a house over such a register.
func (h *house) unkeptOffice(b *testing.B) *seal.Office {
	b.Helper()
	stamper, err := tsa.New(tsa.Config{Signing: h.stamping, Clock: h.clock.now, Rand: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	o, err := seal.NewOffice(seal.Config{Store: unkept{h.Store.Seals()}, Keys: h.Keys, CA: h.CA, TSA: stamper, Clock: h.clock.now, Rand: rand.Reader, Region: "520000",
		Maker: h.signing(ca.PurposeSealMaker), Status: h.signing(ca.PurposeStatus)})
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// sealSize is the length of the seal's DER, which every TBS_Sign carries.
func (h *house) sealSize(b *testing.B) int {
	b.Helper()
	der, err := h.Store.Seals().SealDER(b.Context(), h.seal.SM3)
	if err != nil {
		b.Fatal(err)
	}
	return len(der)
}

const (
	aroundSeal = 200 // octets of TBS_Sign beside the seal
	tokenAttrs = 150 // octets of a token's signed attributes
	tokenInfo  = 120 // and of its TSTInfo
)

// rawStamp is two signatures and what they hash.
func rawStamp(b *testing.B, key *sm2.PrivateKey, sealSize int) {
	for _, n := range []int{sealSize + aroundSeal, tokenAttrs} {
		if _, err := key.SignWithSM2(rand.Reader, nil, make([]byte, n)); err != nil {
			b.Fatal(err)
		}
	}
	sm3.Sum(make([]byte, tokenInfo))
}

func rawKey(b *testing.B) *sm2.PrivateKey {
	b.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// paper is a PDF of about a size whose one page has a stream of noise.
func paper(size int) []byte {
	var b bytes.Buffer
	var at []int
	object := func(s string, args ...any) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", len(at))
		fmt.Fprintf(&b, s, args...)
	}
	b.WriteString("%PDF-1.7\n")
	object("<< /Type /Catalog /Pages 2 0 R >>\nendobj\n")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>\nendobj\n")
	object("<< /Length 1 >>\nstream\n \nendstream\nendobj\n")
	object("<< /Length %d >>\nstream\n", size-700)
	noise := make([]byte, size-700)
	for i, s := 0, uint32(1); i < len(noise); i++ {
		s = s*1664525 + 1013904223
		noise[i] = byte(s >> 24)
	}
	b.Write(noise)
	b.WriteString("\nendstream\nendobj\n")
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

var paperSizes = []struct {
	name string
	n    int
}{{"50KB", 50 << 10}, {"1MB", 1 << 20}, {"100MB", 100 << 20}}

// onlyWriter hides ReadFrom, so that the output really is written.
type onlyWriter struct{ io.Writer }

func BenchmarkStampPDF(b *testing.B) {
	h := newHouse(b)
	o, key, n := h.unkeptOffice(b), rawKey(b), h.sealSize(b)
	for _, s := range paperSizes {
		doc := paper(s.n)
		stamp := func(b *testing.B, w io.Writer) int64 {
			done, err := o.StampPDF(b.Context(), h.request(), bytes.NewReader(doc), int64(len(doc)), nil)
			if err != nil {
				b.Fatal(err)
			}
			size, err := done.WriteTo(w)
			if err != nil {
				b.Fatal(err)
			}
			return size
		}
		added := stamp(b, io.Discard) - int64(len(doc))
		b.Run(s.name+"/stamp", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stamp(b, onlyWriter{io.Discard})
			}
		})
		b.Run(s.name+"/raw", func(b *testing.B) {
			increment, buf := make([]byte, added), make([]byte, 256<<10)
			for b.Loop() {
				sum := sm3.New()
				io.CopyBuffer(onlyWriter{sum}, bytes.NewReader(doc), buf)
				sum.Write(increment)
				sum.Sum(nil)
				rawStamp(b, key, n)
				io.CopyBuffer(onlyWriter{io.Discard}, io.MultiReader(bytes.NewReader(doc), bytes.NewReader(increment)), buf)
			}
		})
	}
}

func BenchmarkStampText(b *testing.B) {
	h := newHouse(b)
	o, key, n := h.unkeptOffice(b), rawKey(b), h.sealSize(b)
	doc := sample(b, "decision.json")
	b.Run("json/stamp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := o.StampJSON(b.Context(), h.request(), doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ses/stamp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := o.StampDetached(b.Context(), h.request(), [32]byte{1}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			sm3.Sum(doc)
			rawStamp(b, key, n)
		}
	})
}

// BenchmarkVerify judges with all evidence at hand: cold, as the command line does,
// and by an engine that has seen the seal before, as a server has.
func BenchmarkVerify(b *testing.B) {
	h := newHouse(b)
	documents := map[string][]byte{"json": h.sealJSON(b, sample(b, "decision.json"))}
	for _, s := range paperSizes {
		documents["pdf-"+s.name] = h.sealPDF(b, paper(s.n))
	}
	for _, name := range []string{"json", "pdf-50KB", "pdf-1MB", "pdf-100MB"} {
		doc := documents[name]
		in, err := h.Input(b.Context(), verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil))
		if err != nil {
			b.Fatal(err)
		}
		judge := func(b *testing.B, e *verify.Engine) {
			d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)
			if r := e.Judge(d, in); r.Verdict != verify.Valid {
				b.Fatal(r.Reasons)
			}
		}
		b.Run(name+"/cold", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				judge(b, new(verify.Engine))
			}
		})
		b.Run(name+"/warm", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				judge(b, &h.Engine)
			}
		})
		// As the server does: the province collects what it knows, then judges.
		b.Run(name+"/province", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, err := h.Judge(b.Context(), verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)); err != nil || r.Verdict != verify.Valid {
					b.Fatal(r.Reasons, err)
				}
			}
		})
		b.Run(name+"/raw", func(b *testing.B) { rawVerify(b, doc, h.sealSize(b)) })
	}
}

// rawVerify is the stamp, its seal and its token checked, and everything hashed:
// once for what the stamp covers and once for the report's digest.
func rawVerify(b *testing.B, doc []byte, sealSize int) {
	key := rawKey(b)
	messages := [][]byte{make([]byte, sealSize+aroundSeal), make([]byte, sealSize), make([]byte, tokenAttrs)}
	var signatures [][]byte
	for _, m := range messages {
		s, err := key.SignWithSM2(rand.Reader, nil, m)
		if err != nil {
			b.Fatal(err)
		}
		signatures = append(signatures, s)
	}
	for b.Loop() {
		sm3.Sum(doc)
		sm3.Sum(doc)
		for i, m := range messages {
			if !sm2.VerifyASN1WithSM2(&key.PublicKey, nil, m, signatures[i]) {
				b.Fatal("raw")
			}
		}
	}
}

// BenchmarkIssue is a certificate on a key of ours, kept, beside its signature.
func BenchmarkIssue(b *testing.B) {
	h := newHouse(b)
	held, err := h.Keys.Generate(b.Context(), "bench", hsm.UsageSign)
	if err != nil {
		b.Fatal(err)
	}
	key := rawKey(b)
	b.Run("issue", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := h.CA.Issue(context.Background(), ca.IssueRequest{Profile: ca.ProfileClient, Agency: testAgency, AgencyName: "示例局", CommonName: "bench", Key: held, Who: "x", Why: "y"}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			if _, err := key.SignWithSM2(rand.Reader, nil, make([]byte, 600)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
