package bolt

import (
	"testing"

	"yinxin/internal/store/storetest"
	"yinxin/verify/status"
)

func TestLicenseStore(t *testing.T) {
	storetest.License(t, func(t testing.TB) storetest.LicenseStore { return fresh(t) })
}

// A shard opens once half of the positions of the last are used; half a million
// licences are written down here as counted.
func TestAShardOpensAtHalf(t *testing.T) {
	db := fresh(t)
	shard := positionKey(3, 0)[:4]
	for _, c := range []struct{ used, want uint32 }{{1, 3}, {status.ShardSize/2 - 1, 3}, {status.ShardSize / 2, 4}, {status.ShardSize, 4}} {
		if err := db.commit(t.Context(), func(tx *Tx) error { return tx.put(bucketLicenceShards, shard, indexKey(uint64(c.used))) }); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Licences().OpenShard(t.Context()); err != nil || got != c.want {
			t.Errorf("%d used: shard %d, %v, want %d", c.used, got, err, c.want)
		}
	}
}
