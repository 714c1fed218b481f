package ca_test

import (
	"crypto/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/certs"
)

// BenchmarkIssue issues by a request, durably, beside the SM2 work in it: one
// signature, and the check of the request's and of the certificate's own.
func BenchmarkIssue(b *testing.B) {
	o := fresh(b)
	csr := request(b)
	b.Run("issue", func(b *testing.B) {
		b.SetParallelism(16) // callers that share a commit
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := o.Issue(b.Context(), agencyOrder(csr)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	row := o.rows()[0]
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("raw signature", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := key.SignWithSM2(rand.Reader, nil, c.RawTBS); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("raw signature and two checks", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				sig, err := key.SignWithSM2(rand.Reader, nil, c.RawTBS)
				if err != nil || !sm2.VerifyASN1WithSM2(&key.PublicKey, nil, c.RawTBS, sig) || !sm2.VerifyASN1WithSM2(&key.PublicKey, nil, c.RawTBS, sig) {
					b.Error(err)
					return
				}
			}
		})
	})
}
