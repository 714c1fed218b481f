package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

var (
	bucketProfiles = []byte("profiles") // name, 0, version -> id of the act that set it

	profileBuckets = [][]byte{bucketProfiles}
)

func profileKey(name string, version uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(name+"\x00"), version)
}

func (s caStore) CommitProfile(ctx context.Context, a act.Act, v ca.ProfileVersion) error {
	return s.commit(ctx, func(tx *Tx) error {
		newest := v.Version == 1 || tx.get(bucketProfiles, profileKey(v.Name, v.Version-1)) != nil
		if v.Version == 0 || !newest || tx.get(bucketProfiles, profileKey(v.Name, v.Version)) != nil {
			return fmt.Errorf("%w: version %d", ca.ErrProfileChanged, v.Version)
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketProfiles, profileKey(v.Name, v.Version), a.ID[:])
	})
}

func (s caStore) ProfileVersions(context.Context) (out []ca.ProfileVersion, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		acts := tx.Bucket(bucketActs)
		return tx.Bucket(bucketProfiles).ForEach(func(key, id []byte) error {
			_, record, _, err := splitAct(acts.Get(id))
			if err != nil {
				return err
			}
			var v ca.ProfileVersion
			if err := act.Decode(record, &v); err != nil || !bytes.Equal(profileKey(v.Name, v.Version), key) {
				return fmt.Errorf("%w: a version of a profile", ErrCorrupt)
			}
			utc(&v.At)
			out = append(out, v)
			return nil
		})
	})
	return out, err
}
