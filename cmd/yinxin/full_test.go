package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// onSmallDisk moves an office's data folder to a disk of 16 MB.
func (o *office) onSmallDisk() {
	t := o.t
	t.Helper()
	disk := o.path("disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("SKIPPED: a small disk cannot be mounted: %v (run as root)", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(disk, "data")
	if err := os.CopyFS(data, os.DirFS(o.data)); err != nil {
		t.Fatal(err)
	}
	o.data = data
	o.set("YINXIN_DATA", data)
}

// fill leaves so many octets free on the small disk.
func (o *office) fill(name string, free int) {
	o.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(o.path("disk"), &s); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(o.path("disk/"+name), make([]byte, int(s.Bavail)*int(s.Bsize)-free), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// TestTheServersDiskIsFull: stamps until the disk takes no more. What was
// acknowledged stays, what was refused was never done, and when there is room
// again work goes on without a restart.
func TestTheServersDiskIsFull(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.onSmallDisk()
	o.fill("ballast", 3<<20)
	p := o.serve()
	c := o.client(p)
	acked := o.stampUntilFull(c)
	if len(acked) < 20 {
		t.Fatalf("full after %d stamps", len(acked))
	}
	// Reading still works, and a refusal stays a refusal.
	o.registerHolds(c, acked)
	if a, err := c.stamp(order{seal: o.seal, matter: "refused"}); err != nil || a.status != http.StatusInsufficientStorage {
		t.Fatal(a.status, string(a.body), err)
	}
	if err := os.Remove(o.path("disk/ballast")); err != nil {
		t.Fatal(err)
	}
	a, err := c.stamp(order{seal: o.seal, matter: "again", retry: "refused-once"})
	if err != nil || a.status != http.StatusOK {
		t.Fatal("after room was made:", a.status, string(a.body), err)
	}
	acked["again"] = a.id
	o.registerHolds(c, acked)
	p.stop()
	o.want(0, "journal", "verify")
}

// stampUntilFull gives the ids of what was acknowledged, by matter.
func (o *office) stampUntilFull(c *client) map[string]string {
	t := o.t
	t.Helper()
	acked := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for side := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				f := order{seal: o.seal, matter: fmt.Sprintf("%d-%d", side, n), pdf: n%2 == 0}
				a, err := c.stamp(f)
				if err != nil {
					t.Error(err)
					return
				}
				switch a.status {
				case http.StatusOK:
					mu.Lock()
					acked[f.matter] = a.id
					mu.Unlock()
				case http.StatusInsufficientStorage:
					if !strings.Contains(string(a.body), `"CANNOT_WRITE"`) {
						t.Errorf("%s", a.body)
					}
					return
				default:
					t.Errorf("%d %s", a.status, a.body)
					return
				}
			}
		})
	}
	wg.Wait()
	return acked
}

// registerHolds checks that the register is exactly what was acknowledged.
func (o *office) registerHolds(c *client, acked map[string]string) {
	o.t.Helper()
	entries := c.register(o.t)
	for _, e := range entries {
		if acked[e.MatterCode] != e.StampID {
			o.t.Errorf("the register holds %s for %q, acknowledged was %q", e.StampID, e.MatterCode, acked[e.MatterCode])
		}
	}
	if len(entries) != len(acked) {
		o.t.Errorf("%d stamps in the register, %d were acknowledged", len(entries), len(acked))
	}
}

// TestTheCommandLinesDiskIsFull: the same for commands, each of which opens the
// folder and closes it on the full disk.
func TestTheCommandLinesDiskIsFull(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.onSmallDisk()
	o.fill("ballast", 100<<10)
	made := 0
	for {
		r := o.run("seal", "stamp", "--seal", o.seal, "decision.json", "-o", "sealed.json")
		if r.code == exitNoWrite {
			if !strings.Contains(r.err, "make room") {
				t.Error(r.err)
			}
			break
		}
		if made++; r.code != 0 || made > 200 {
			t.Fatal(made, r.code, r.err)
		}
		o.stampsOf("sealed.json")
		if err := os.Remove(o.path("sealed.json")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(o.path("sealed.json")); err == nil || made == 0 {
		t.Error(made, "stamps, and a refused one left a document:", err)
	}
	// Nothing left at all.
	o.fill("more", 0)
	for range 2 {
		o.want(exitNoWrite, "seal", "stamp", "--seal", o.seal, "decision.json", "-o", "sealed.json")
	}
	for _, name := range []string{"disk/ballast", "disk/more"} {
		if err := os.Remove(o.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	o.stamp("decision.json", "sealed.json")
	o.want(0, "journal", "verify")
	p := o.serve()
	if entries := o.client(p).register(t); len(entries) != made+1 {
		t.Errorf("%d stamps in the register, %d were acknowledged", len(entries), made+1)
	}
}
