package crl_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/testlong"
)

const killDir = "YINXIN_TEST_CRL"

// Killed at any moment while it publishes, every list that stands is whole, none that
// was told of is lost, and numbers go on rising.
func TestKilledWhilePublishing(t *testing.T) {
	o := open(t)
	o.revoke(o.issue(), certs.ReasonSuperseded, time.Time{})
	o.lists.Publish(t.Context())
	last := map[string]uint64{}
	for round := range testlong.Count(3, 30) {
		o.close()
		told := publishUntilKilled(t, o.dir, 20+13*round)
		o.reopen()
		for name, number := range told {
			l, err := o.db.CRLs().List(t.Context(), name)
			if err != nil || l.Number < number || l.Number < last[name] {
				t.Fatalf("%s: number %d, and %d was told: %v", name, l.Number, number, err)
			}
			o.read(l)
			last[name] = l.Number
			if o.now.Before(l.This.Add(time.Second)) {
				o.now = l.This.Add(time.Second)
			}
		}
		for name := range told {
			if l := o.fresh(name); l.Number <= last[name] {
				t.Errorf("%s: number %d after %d", name, l.Number, last[name])
			}
		}
	}
}

// publishUntilKilled runs a publisher of its own until it has told of n lists.
func publishUntilKilled(t *testing.T, dir string, n int) map[string]uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPublishingChild$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told, count := map[string]uint64{}, 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var name string
		var number uint64
		if _, err := fmt.Sscanf(lines.Text(), "published %s %d.", &name, &number); err != nil {
			continue // cut off by the kill
		}
		told[name] = number
		if count++; count == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if count < n {
		t.Fatalf("%d lists before it ended", count)
	}
	return told
}

func TestPublishingChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("run by TestKilledWhilePublishing")
	}
	// A second of its clock passes in a millisecond, from where the folder's time stands.
	begin, from := time.Now(), noon.Add(24*time.Hour)
	o := &office{t: t, dir: dir}
	o.clock = func() time.Time { return from.Add(1000 * time.Since(begin)) }
	o.reopen()
	from = o.header("issuing").This.Add(24 * time.Hour)
	for {
		for _, name := range []string{"issuing", "issuing-delta", "issuing-40", "root"} {
			l, err := o.lists.Fresh(t.Context(), name, o.clock())
			if err != nil {
				panic(err)
			}
			fmt.Printf("published %s %d.\n", name, l.Number)
		}
	}
}
