package bolt

import (
	"os"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/store/storetest"
)

// The tests run where the provinces are: not in UTC, which hides a time that was
// left in the machine's zone.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("CST", 8*60*60)
	os.Exit(m.Run())
}

func freshStore(t testing.TB) storetest.Store { return fresh(t) }

func TestAgencyStore(t *testing.T) {
	storetest.Agency(t, func(t testing.TB) agency.Store { return fresh(t).Agencies() })
}

func TestCore(t *testing.T)           { storetest.Core(t, freshStore) }
func TestCAStore(t *testing.T)        { storetest.CA(t, freshStore) }
func TestCRLStore(t *testing.T)       { storetest.CRL(t, freshStore) }
func TestJournalStore(t *testing.T)   { storetest.Journal(t, freshStore) }
func TestOutsideStore(t *testing.T)   { storetest.Outside(t, freshStore) }
func TestTrustStore(t *testing.T)     { storetest.Trust(t, freshStore) }
func TestSealStore(t *testing.T)      { storetest.Seal(t, freshStore) }
func TestAgencyActs(t *testing.T)     { storetest.AgencyStore(t, freshStore) }
func TestApprovalStore(t *testing.T)  { storetest.Approval(t, freshStore) }
func TestCompanionStore(t *testing.T) { storetest.Companion(t, freshStore) }
func TestEscrowStore(t *testing.T)    { storetest.Escrow(t, freshStore) }
