package bolt

import (
	"crypto/rand"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

// One act revokes a tenth of a register, or under -long 10,000 of 100,000: how long
// everyone else waits for it.
func BenchmarkRevokeMany(b *testing.B) {
	db, _, serials := register(b)
	defer db.Close()
	n := len(serials) / 10
	for i := 0; b.Loop(); i++ {
		if (i+1)*n > len(serials) {
			b.Skip("the register is used up; ask for fewer iterations")
		}
		var list []ca.Revocation
		for _, serial := range serials[i*n : (i+1)*n] {
			list = append(list, ca.Revocation{Serial: serial, At: time.Now(), Reason: certs.ReasonKeyCompromise, Invalidity: time.Now(), Who: "x", Why: "y"})
		}
		a, err := act.New(time.Now(), rand.Reader, ca.ActCompromised, "x", ca.Compromise{Serials: serials[i*n : (i+1)*n]})
		if err != nil {
			b.Fatal(err)
		}
		if changed, err := db.CA().CommitRevocations(b.Context(), a, list); err != nil || changed != n {
			b.Fatal(changed, err)
		}
	}
	b.ReportMetric(float64(n), "revoked/op")
}
