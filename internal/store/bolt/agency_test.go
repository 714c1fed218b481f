package bolt

import (
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/store/storetest"
)

func TestAgencyStore(t *testing.T) {
	storetest.Agency(t, func(t testing.TB) agency.Store { return fresh(t).Agencies() })
}
