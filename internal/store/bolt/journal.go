package bolt

var bucketTiles, bucketCheckpoints = []byte("tiles"), []byte("checkpoints")

var journalBuckets = [][]byte{bucketTiles, bucketCheckpoints}
