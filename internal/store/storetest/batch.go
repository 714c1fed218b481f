package storetest

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/seal/batch"
)

// Batch is the conformance suite of the store of jobs.
func Batch(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"job": jobKept, "list": jobList, "items": jobItems, "course": jobCourse, "settled twice": jobSettledTwice, "at once": jobAtOnce, "forgotten": jobForgotten,
	})
}

func (b *bench) newJob(t testing.TB, of string) (act.Act, batch.Job) {
	t.Helper()
	b.now = b.now.Add(time.Millisecond)
	j := batch.Job{Agency: of, By: batch.By{Key: "00000001", Officer: "张三", From: "10.0.0.1"}, State: batch.Open, Made: b.now.Truncate(time.Second),
		Template: batch.Template{SealID: "52000000000001", Operator: "张三", Placement: seal.Place{Page: -1, X: 1.5}, Order: seal.Order{Level: seal.LevelT}}}
	var err error
	if j.ID, err = act.NewID(b.now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	a, err := act.NewWithID(j.ID, b.now, rand.Reader, batch.ActMade, j.Template.SealID, j)
	if err != nil {
		t.Fatal(err)
	}
	return a, j
}

// jobWith makes a job with n documents.
func (b *bench) jobWith(t testing.TB, n int) batch.Job {
	t.Helper()
	a, j := b.newJob(t, usccA)
	check(t, "a job", b.Batches().CommitJob(t.Context(), a, j), nil)
	j, err := b.Batches().AddItems(t.Context(), j.ID, documents("1.docs", 1, n))
	check(t, "its documents", err, nil)
	return j
}

// documents are those from the number first to last.
func documents(file string, first, last int) (items []batch.Item) {
	for n := first; n <= last; n++ {
		items = append(items, batch.Item{Name: fmt.Sprintf("决定 %d.pdf", n), SM3: [32]byte{byte(n), byte(n >> 8)}, Size: int64(n), File: file, At: int64(100 * n), State: batch.Queued})
	}
	return items
}

func jobKept(t *testing.T, b *bench) {
	a, j := b.newJob(t, usccA)
	a.Retry = &act.Retry{Owner: usccA, Key: "k"}
	b.kept(t, "a job", a, func() error { return b.Batches().CommitJob(t.Context(), a, j) })
	if got, err := b.Batches().Job(t.Context(), j.ID); err != nil || !same(got, j) {
		t.Errorf("%v %s", err, diff(j, got))
	}
	if done, found, err := b.Batches().Done(t.Context(), a.Retry.Slot(), b.now); err != nil || !found || done.Act != j.ID {
		t.Error(done, found, err)
	}
	_, err := b.Batches().Job(t.Context(), act.ID{1})
	check(t, "an unknown job", err, batch.ErrNotFound)
	first := j.ID
	for n := 1; n < batch.MaxJobs; n++ {
		a, j := b.newJob(t, usccA)
		check(t, "a job more", b.Batches().CommitJob(t.Context(), a, j), nil)
	}
	a, j = b.newJob(t, usccA)
	a.Retry = &act.Retry{Owner: usccA, Key: "one too many"}
	b.unchanged(t, "a job too many", batch.ErrFull, func() error { return b.Batches().CommitJob(t.Context(), a, j) })
	if _, found, _ := b.Batches().Done(t.Context(), a.Retry.Slot(), b.now); found {
		t.Error("its key is taken")
	}
	over := b.act(t, batch.ActCancelled, j.ID.String(), 1)
	_, err = b.Batches().CancelJob(t.Context(), over, first, b.now)
	check(t, "one is cancelled", err, nil)
	check(t, "one in its place", b.Batches().CommitJob(t.Context(), a, j), nil)
	a, j = b.newJob(t, usccB)
	b.kept(t, "another agency's", a, func() error { return b.Batches().CommitJob(t.Context(), a, j) })
}

func jobList(t *testing.T, b *bench) {
	var all, ours []act.ID
	for n := range 7 {
		a, j := b.newJob(t, []string{usccA, usccB}[n%2])
		check(t, "a job", b.Batches().CommitJob(t.Context(), a, j), nil)
		all = append(all, j.ID)
		if n%2 == 0 {
			ours = append(ours, j.ID)
		}
	}
	for of, want := range map[string][]act.ID{"": all, usccA: ours, "11330000MB1234567X": nil} {
		for limit := 1; limit <= 8; limit++ {
			var got []act.ID
			for cursor := ""; ; {
				rows, next, err := b.Batches().Jobs(t.Context(), of, cursor, limit)
				if err != nil || len(rows) > limit {
					t.Fatal(len(rows), err)
				}
				for _, j := range rows {
					got = append(got, j.ID)
				}
				if cursor = next; next == "" {
					break
				}
			}
			if !same(got, want) {
				t.Errorf("of %q by %d: %d jobs, want %d", of, limit, len(got), len(want))
			}
		}
	}
	_, _, err := b.Batches().Jobs(t.Context(), "", "x", 1)
	check(t, "a cursor that is none", err, batch.ErrNotFound)
}

func jobItems(t *testing.T, b *bench) {
	j := b.jobWith(t, 5)
	if j.Items != 5 || j.Bytes != 15 || !same(j.Files, []string{"1.docs"}) {
		t.Fatalf("%+v", j)
	}
	// Some again, some new: only those are entered.
	j, err := b.Batches().AddItems(t.Context(), j.ID, documents("2.docs", 3, 8))
	if err != nil || j.Items != 8 || j.Bytes != 36 || len(j.Files) != 2 {
		t.Fatalf("%v %+v", err, j)
	}
	before := j
	other := documents("3.docs", 9, 10)
	other[1].Name = "决定 1.pdf"
	_, err = b.Batches().AddItems(t.Context(), j.ID, other)
	check(t, "another document of a name", err, batch.ErrNameTaken)
	twice := documents("3.docs", 9, 10)
	twice[1].Name = twice[0].Name
	_, err = b.Batches().AddItems(t.Context(), j.ID, twice)
	check(t, "two of one name in one call", err, batch.ErrNameTaken)
	if got, err := b.Batches().Job(t.Context(), j.ID); err != nil || !same(got, before) {
		t.Errorf("a refused call left %s %v", diff(before, got), err)
	}
	if _, err := b.Batches().Item(t.Context(), j.ID, 9); err == nil {
		t.Error("a refused call left a document")
	}
	for n := 1; n <= 8; n++ {
		one, err := b.Batches().Item(t.Context(), j.ID, n)
		named, nerr := b.Batches().ItemNamed(t.Context(), j.ID, one.Name)
		if err != nil || nerr != nil || one.N != n || one.SM3[0] != byte(n) || !same(one, named) {
			t.Errorf("%d: %+v %v %v", n, one, err, nerr)
		}
	}
	for _, c := range []struct{ after, limit, first, count int }{{0, 3, 1, 3}, {3, 100, 4, 5}, {8, 10, 0, 0}} {
		rows, err := b.Batches().Items(t.Context(), j.ID, "", c.after, c.limit)
		if err != nil || len(rows) != c.count || c.count > 0 && rows[0].N != c.first {
			t.Errorf("%+v: %d rows, %v", c, len(rows), err)
		}
	}
	_, err = b.Batches().AddItems(t.Context(), act.ID{1}, documents("1.docs", 1, 1))
	check(t, "of no job", err, batch.ErrNotFound)
}

// jobCourse: from open to done, failed ones again, and never back.
func jobCourse(t *testing.T, b *bench) {
	a, empty := b.newJob(t, usccA)
	check(t, "a job", b.Batches().CommitJob(t.Context(), a, empty), nil)
	_, err := b.Batches().StartJob(t.Context(), empty.ID, batch.By{}, b.now)
	check(t, "an empty job", err, batch.ErrRefused)
	j := b.jobWith(t, 4)
	start := b.now.Truncate(time.Second)
	_, err = b.Batches().Requeue(t.Context(), j.ID, batch.By{}, start)
	check(t, "again before it ran", err, batch.ErrState)
	for _, key := range []string{"00000002", "00000003"} { // the second is nothing
		if j, err = b.Batches().StartJob(t.Context(), j.ID, batch.By{Key: key}, start); err != nil || j.State != batch.Running || j.By.Key != "00000002" || !j.Started.Equal(start) {
			t.Fatalf("%v %+v", err, j)
		}
	}
	_, err = b.Batches().AddItems(t.Context(), j.ID, documents("2.docs", 9, 9))
	check(t, "a document for one that runs", err, batch.ErrState)
	stamp := seal.Stamp{ID: act.ID{7}, Code: "CODE", SealedAt: start}
	problem := &batch.Problem{Code: "REFUSED", Detail: "因为"}
	j, err = b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{{N: 1, Stamp: &stamp}, {N: 3, Problem: problem}}, start)
	if err != nil || j.State != batch.Running || j.Sealed != 1 || j.Failed != 1 {
		t.Fatalf("%v %+v", err, j)
	}
	for state, want := range map[batch.ItemState][]int{batch.Queued: {2, 4}, batch.Sealed: {1}, batch.Failed: {3}, "": {1, 2, 3, 4}} {
		rows, err := b.Batches().Items(t.Context(), j.ID, state, 0, 100)
		var got []int
		for _, r := range rows {
			got = append(got, r.N)
		}
		if err != nil || !same(got, want) {
			t.Errorf("%s: %v, want %v: %v", state, got, want, err)
		}
	}
	j, err = b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{{N: 2, Stamp: &stamp}, {N: 4, Problem: problem}}, start.Add(time.Hour))
	if err != nil || j.State != batch.Done || !j.Ended.Equal(start.Add(time.Hour)) {
		t.Fatalf("%v %+v", err, j)
	}
	if one, err := b.Batches().Item(t.Context(), j.ID, 2); err != nil || one.State != batch.Sealed || one.Stamp != stamp.ID || one.Code != "CODE" || one.SealedAt != start {
		t.Errorf("%v %+v", err, one)
	}
	if one, err := b.Batches().Item(t.Context(), j.ID, 4); err != nil || one.Problem == nil || *one.Problem != *problem {
		t.Errorf("%v %+v", err, one)
	}
	j, err = b.Batches().Requeue(t.Context(), j.ID, batch.By{Key: "00000004"}, start)
	if err != nil || j.State != batch.Running || j.Failed != 0 || j.Sealed != 2 || j.By.Key != "00000004" || !j.Ended.IsZero() {
		t.Fatalf("%v %+v", err, j)
	}
	if rows, err := b.Batches().Items(t.Context(), j.ID, batch.Queued, 0, 100); err != nil || len(rows) != 2 || rows[0].Problem != nil {
		t.Errorf("%v %+v", err, rows)
	}
	cancel := b.act(t, batch.ActCancelled, j.ID.String(), "x")
	b.kept(t, "cancelled", cancel, func() error {
		_, err := b.Batches().CancelJob(t.Context(), cancel, j.ID, start)
		return err
	})
	// What was taken up comes to its end.
	if j, err = b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{{N: 3, Stamp: &stamp}, {N: 4, Stamp: &stamp}}, start); err != nil || j.State != batch.Cancelled || j.Sealed != 4 {
		t.Errorf("%v %+v", err, j)
	}
	again := b.act(t, batch.ActCancelled, j.ID.String(), "x")
	b.unchanged(t, "cancelled again", batch.ErrState, func() error {
		_, err := b.Batches().CancelJob(t.Context(), again, j.ID, start)
		return err
	})
	_, err = b.Batches().StartJob(t.Context(), j.ID, batch.By{}, start)
	check(t, "started again", err, batch.ErrState)
	_, err = b.Batches().Requeue(t.Context(), j.ID, batch.By{}, start)
	check(t, "tried again", err, batch.ErrState)
}

func jobSettledTwice(t *testing.T, b *bench) {
	j := b.jobWith(t, 2)
	_, err := b.Batches().StartJob(t.Context(), j.ID, batch.By{}, b.now)
	check(t, "start", err, nil)
	stamp := seal.Stamp{ID: act.ID{7}, Code: "CODE", SealedAt: morning}
	for _, o := range []batch.Outcome{{N: 1, Stamp: &stamp}, {N: 1, Problem: &batch.Problem{Code: "X"}}, {N: 1, Stamp: &seal.Stamp{ID: act.ID{8}}}} {
		if j, err = b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{o}, b.now); err != nil || j.Sealed != 1 || j.Failed != 0 || j.State != batch.Running {
			t.Fatalf("%v %+v", err, j)
		}
	}
	if one, err := b.Batches().Item(t.Context(), j.ID, 1); err != nil || one.Stamp != stamp.ID || one.Problem != nil {
		t.Errorf("%v %+v", err, one)
	}
	_, err = b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{{N: 3, Stamp: &stamp}}, b.now)
	check(t, "of no document", err, batch.ErrNotFound)
}

// jobAtOnce: counts and numbers are right whoever writes at once.
func jobAtOnce(t *testing.T, b *bench) {
	a, j := b.newJob(t, usccA)
	check(t, "a job", b.Batches().CommitJob(t.Context(), a, j), nil)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			// Each document comes twice.
			if _, err := b.Batches().AddItems(t.Context(), j.ID, documents("1.docs", w/2*25+1, w/2*25+25)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	j, err := b.Batches().StartJob(t.Context(), j.ID, batch.By{}, b.now)
	if err != nil || j.Items != 100 || j.Bytes != 5050 {
		t.Fatalf("%v %+v", err, j)
	}
	for w := range 8 {
		wg.Go(func() {
			for n := 1; n <= 100; n++ {
				o := batch.Outcome{N: n, Stamp: &seal.Stamp{ID: act.ID{byte(n)}}}
				if n%10 == w {
					o = batch.Outcome{N: n, Problem: &batch.Problem{Code: "X"}}
				}
				if _, err := b.Batches().Settle(t.Context(), j.ID, []batch.Outcome{o}, b.now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if j, err = b.Batches().Job(t.Context(), j.ID); err != nil || j.State != batch.Done || j.Sealed+j.Failed != 100 {
		t.Fatalf("%v %+v", err, j)
	}
	failed, err := b.Batches().Items(t.Context(), j.ID, batch.Failed, 0, 1000)
	if err != nil || len(failed) != j.Failed {
		t.Errorf("%d failed, %d counted: %v", len(failed), j.Failed, err)
	}
}

func jobForgotten(t *testing.T, b *bench) {
	j, other := b.jobWith(t, 25), b.jobWith(t, 3)
	_, err := b.Batches().StartJob(t.Context(), other.ID, batch.By{}, b.now)
	check(t, "start", err, nil)
	_, err = b.Batches().Forget(t.Context(), other.ID, 10)
	check(t, "one that runs", err, batch.ErrState)
	for n := 1; ; n++ {
		more, err := b.Batches().Forget(t.Context(), j.ID, 10)
		if err != nil || n > 3 {
			t.Fatal(n, err)
		}
		if !more {
			break
		}
	}
	_, err = b.Batches().Job(t.Context(), j.ID)
	check(t, "the job", err, batch.ErrNotFound)
	_, err = b.Batches().Item(t.Context(), j.ID, 25)
	check(t, "a document", err, batch.ErrNotFound)
	_, err = b.Batches().ItemNamed(t.Context(), j.ID, "决定 25.pdf")
	check(t, "a name", err, batch.ErrNotFound)
	if rows, _, err := b.Batches().Jobs(t.Context(), usccA, "", 10); err != nil || len(rows) != 1 || rows[0].ID != other.ID {
		t.Errorf("%v %+v", err, rows)
	}
	if rows, err := b.Batches().Items(t.Context(), other.ID, "", 0, 10); err != nil || len(rows) != 3 {
		t.Errorf("%v: %d documents of the other", err, len(rows))
	}
	if _, _, _, err := b.Act(t.Context(), j.ID); err != nil {
		t.Error("the act that made the job is gone:", err)
	}
}
