package bolt

import (
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/store/storetest"
)

func freshStore(t testing.TB) storetest.Store { return fresh(t) }

func TestAgencyStore(t *testing.T) {
	storetest.Agency(t, func(t testing.TB) agency.Store { return fresh(t).Agencies() })
}

func TestCore(t *testing.T)         { storetest.Core(t, freshStore) }
func TestCAStore(t *testing.T)      { storetest.CA(t, freshStore) }
func TestJournalStore(t *testing.T) { storetest.Journal(t, freshStore) }
func TestSealStore(t *testing.T)    { storetest.Seal(t, freshStore) }
