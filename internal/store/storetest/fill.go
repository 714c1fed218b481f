package storetest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

// fillers are so many at once, so that a commit is shared by hundreds.
const fillers = 512

// Fill puts certificates of the issuing authority into a register, each with its
// intent, and revokes some of them, evenly spread, all through the store's own
// interface. Each is an act of its own millisecond, the last of at. It gives the
// serials in their order: new ones are random, but a million random pages would be
// written again and again, and where the rows come to lie is the same.
func Fill(t testing.TB, s ca.Store, at time.Time, certificates, revoked int) []string {
	t.Helper()
	serials := make([]string, certificates)
	for i := range serials {
		var b [16]byte
		if _, err := rand.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		b[0] = b[0]&0x7f | 0x40
		serials[i] = hex.EncodeToString(b[:])
	}
	slices.Sort(serials)
	der := make([]byte, 720) // as long as a certificate of ours
	if _, err := rand.Read(der); err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range fillers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= certificates || t.Failed() {
					return
				}
				// Every so many: i*revoked/certificates steps at each that is.
				revoke := i*revoked/certificates != (i+1)*revoked/certificates
				if err := fill(t.Context(), s, at.Add(time.Duration(i+1-certificates)*time.Millisecond), serials[i], i, der, revoke); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return serials
}

func fill(ctx context.Context, s ca.Store, at time.Time, serial string, n int, der []byte, revoke bool) error {
	second := at.Truncate(time.Second)
	i := ca.Intent{Serial: serial, Profile: ca.ProfileClient, Agency: usccA, Subject: "业务系统", At: second, TBS: der[:600]}
	binary.BigEndian.PutUint64(i.KeySM3[:], uint64(n))
	if err := s.PutIntent(ctx, i); err != nil {
		return err
	}
	r := ca.Row{Serial: serial, Issuer: string(ca.PurposeIssuing), Profile: i.Profile, Agency: i.Agency, Subject: "C=CN, O=某局, CN=业务系统", NotBefore: second, NotAfter: second.AddDate(1, 0, 0),
		DER: der, IssuedAt: second, Who: "test", Why: "test"}
	id, err := act.NewID(at, rand.Reader)
	if err != nil {
		return err
	}
	r.Act = id
	a, err := act.NewWithID(id, at, rand.Reader, ca.ActIssued, serial, r)
	if err != nil {
		return err
	}
	if err := s.CommitCertificate(ctx, a, r); err != nil || !revoke {
		return err
	}
	rev := ca.Revocation{Serial: serial, At: second, Reason: certs.ReasonKeyCompromise, Invalidity: second.Add(-time.Hour), Who: "test", Why: "test"}
	if a, err = act.New(at, rand.Reader, ca.ActRevoked, serial, rev); err != nil {
		return err
	}
	_, err = s.CommitRevocation(ctx, a, rev)
	return err
}
