package storetest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

// fillers is how many write at once: as many as a batch of a store may hold.
const fillers = 512

// Fill puts certificates of clients, issued by "issuing" over the year before
// morning, into a register through its own interface, and revokes the first few of
// them. It gives the serials, the revoked ones first; they are spread evenly over
// all shards. Serials, agencies and ends come in their order: in a random one a million
// certificates would write each page hundreds of times, to lie as they do now.
func Fill(t testing.TB, s Store, certificates, revoked int) []string {
	t.Helper()
	serials := make([]string, certificates)
	for i := range serials {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			t.Fatal(err)
		}
		random[0] = random[0]&0x3f | 0x40
		serials[i] = hex.EncodeToString(random[:])
	}
	slices.Sort(serials[:revoked])
	slices.Sort(serials[revoked:])
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range min(fillers, certificates) {
		wg.Go(func() {
			for i := range jobs {
				if err := fillOne(t, s, i, certificates, i < revoked, serials[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range certificates {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return serials
}

func fillOne(t testing.TB, s Store, i, of int, revoke bool, serial string) error {
	issued := morning.Add(-365 * 24 * time.Hour / time.Duration(of) * time.Duration(of-i))
	r := row(serial)
	r.Profile, r.Agency, r.KeyID = ca.ProfileClient, fmt.Sprintf("91520000MA%06dXX", i*1000/of), ""
	r.Subject = fmt.Sprintf("C=CN, O=某单位%d, CN=client %d", i*1000/of, i)
	r.NotBefore, r.IssuedAt, r.NotAfter = issued.Truncate(time.Second), issued.Truncate(time.Second), issued.Truncate(time.Second).AddDate(1, 0, i*365/of)
	r.DER = bytes.Repeat([]byte(serial), 23) // a real one takes some 700 octets
	in := intent(r.Serial, 0)
	in.Profile, in.Agency, in.Subject = r.Profile, r.Agency, fmt.Sprint("client ", i)
	binary.BigEndian.PutUint64(in.KeySM3[:], uint64(i)+1)
	if err := s.CA().PutIntent(t.Context(), in); err != nil {
		return err
	}
	id, err := act.NewID(issued, rand.Reader)
	if err != nil {
		return err
	}
	r.Act = id
	a, err := act.NewWithID(id, issued, rand.Reader, ca.ActIssued, r.Serial, r)
	if err != nil {
		return err
	}
	if err := s.CA().CommitCertificate(t.Context(), a, r); err != nil {
		return err
	}
	if !revoke {
		return nil
	}
	rev := ca.Revocation{Serial: r.Serial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
	if a, err = act.New(morning, rand.Reader, ca.ActRevoked, r.Serial, rev); err != nil {
		return err
	}
	_, err = s.CA().CommitRevocation(t.Context(), a, rev)
	return err
}
