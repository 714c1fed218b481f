package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"yinxin/internal/store/storetest"
	"yinxin/seal"
)

// No code of the store removes an act, its leaf or an index of the register: what
// may be removed is named here.
func TestNothingOfTheRegisterIsDeleted(t *testing.T) {
	may := []string{
		"bucketRetries",                                   // keys of a week
		"bucketJobs", "bucketJobAgency", "bucketJobItems", // a batch's papers; its stamps stay
		"bucketJobNames", "bucketSealPending", "bucketRequestsOpen", "bucketPairsOpen", "bucketIntents", "bucketCompanionIntents", // what is open, not what was done
		"bucketLicenceStates", "bucketRevoked", // indexes of a state that changed
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	call := regexp.MustCompile(`(?i)\.delete(bucket)?\(([^,)]*)`)
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			if found++; name == "tx.go" && m[2] == "key" { // the one door
				continue
			}
			if !slices.Contains(may, m[2]) {
				t.Errorf("%s: %s", name, m[0])
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d places found: the test looks for nothing", found)
	}
}

// A stamp that somebody takes out of the file is missed: by the audit, by a list that
// an index leads, and by the count of the key.
func TestARemovedStampIsMissed(t *testing.T) {
	t.Parallel()
	path, k := filepath.Join(t.TempDir(), "store.db"), newKey(t)
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	last := storetest.FillStamps(t, db, 20)
	if err := errors.Join(journalOf(t, db, k).Sign(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketActs).Delete(last.ID[:]) })
	if err = errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	db = open(t, path, false)
	if a, err := journalOf(t, db, k).Audit(t.Context(), nil); err != nil || len(a.Faults) == 0 {
		t.Errorf("the audit finds nothing: %v", err)
	}
	for _, f := range []seal.Filter{{SealID: last.SealID}, {Agency: last.Agency}, {Operator: last.Operator}} {
		f.Limit = 100
		if _, _, err := db.Seals().Stamps(t.Context(), f); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	tally, err := db.Seals().Tally(t.Context())
	if err != nil || len(tally) != 1 {
		t.Fatal(tally, err)
	}
	for id, n := range tally {
		if told, err := db.Seals().Accounted(t.Context(), id); err != nil || told != 20 || n.Stamps != 19 {
			t.Errorf("%d told, %d counted: %v", told, n.Stamps, err)
		}
	}
}
