package seal_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"yinxin/internal/act"
	"yinxin/seal"
)

var errDisk = errors.New("the disk says no")

// faulty is a store one of whose writes fails, persisted all the same or not.
type faulty struct {
	seal.Store
	write     string // which
	persisted bool
	failed    bool
}

// fails tells whether the write at hand fails, and whether it is done first.
func (f *faulty) fails(write string, do func() error) error {
	if f.failed || f.write != write {
		return do()
	}
	f.failed = true
	if f.persisted {
		if err := do(); err != nil {
			return err
		}
	}
	return errDisk
}

func (f *faulty) CommitStamp(ctx context.Context, a act.Act, s seal.Stamp, g seal.Guard) error {
	return f.fails("stamp", func() error { return f.Store.CommitStamp(ctx, a, s, g) })
}

func (f *faulty) KeepPart(ctx context.Context, part []byte) error {
	return f.fails("part", func() error { return f.Store.KeepPart(ctx, part) })
}

// Each write of a stamp fails once. Whoever asks gets an error and no document; asks
// again under the same key and gets one, the one that was sealed if it was, and there
// is one stamp in the register.
func TestEachWriteOfAStampFails(t *testing.T) {
	t.Parallel()
	for kind, stamp := range kinds {
		for _, write := range []string{"stamp", "part"} {
			for _, persisted := range []bool{false, true} {
				h := newHouse(t)
				before := h.count(t)
				good := h.config.Store
				h.config.Store = &faulty{Store: good, write: write, persisted: persisted}
				h.restart(t)
				r := request(h.seal)
				r.Retry = retry("k", 1)
				if doc, _, err := stamp(t, h, r); !errors.Is(err, errDisk) || doc != nil {
					t.Fatalf("%s, %s: %d octets, %v", kind, write, len(doc), err)
				}
				sealed := write == "stamp" && persisted
				if after := h.count(t); sealed != (after.Stamps == before.Stamps+1) || sealed != (after.Leaves == before.Leaves+1) {
					t.Errorf("%s, %s, persisted %t: left %v after %v", kind, write, persisted, after, before)
				}
				one, row, err := stamp(t, h, r)
				if err != nil {
					t.Fatalf("%s, %s, persisted %t: %v", kind, write, persisted, err)
				}
				h.config.Store = good
				h.restart(t)
				two, same, err := stamp(t, h, r)
				if err != nil || !bytes.Equal(one, two) {
					t.Errorf("%s, %s, persisted %t: the retry is another document, %v", kind, write, persisted, err)
				}
				checkSame(t, same, row)
				if after := h.count(t); after.Stamps != before.Stamps+1 || after.Leaves != before.Leaves+1 {
					t.Errorf("%s, %s, persisted %t: in the end %v after %v", kind, write, persisted, after, before)
				}
			}
		}
	}
}
