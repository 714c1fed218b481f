package bolt

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/internal/act"
	"yinxin/internal/testlong"
)

// Killed at any moment under load, the store has every act that it told of, and
// leaves and acts agree.
func TestKilledUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := open(t, path, true).Close(); err != nil {
		t.Fatal(err)
	}
	for round := range testlong.Count(4, 40) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
		cmd.Env = append(os.Environ(), "YINXIN_TEST_KILL="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var told []act.ID
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			text, ok := strings.CutPrefix(lines.Text(), "kept ")
			if !ok {
				continue
			}
			id, err := act.ParseID(text)
			if err != nil {
				continue // the line was cut off by the kill
			}
			if told = append(told, id); len(told) == 40+round*17 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if len(told) < 40 {
			t.Fatalf("%d acts before it ended", len(told))
		}
		checkKilled(t, path, told)
	}
}

func checkKilled(t *testing.T, path string, told []act.ID) {
	t.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range told {
		if _, _, _, err := db.Act(t.Context(), id); err != nil {
			t.Errorf("act %s was told of, and is lost: %v", id, err)
		}
	}
	s := db.Journal()
	size, err := s.JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.CountActs(t.Context()); err != nil || n != size {
		t.Errorf("%d acts under %d leaves, %v", n, size, err)
	}
	for i := range size {
		if _, err := s.LeafAt(t.Context(), i); err != nil {
			t.Error(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKillChild(t *testing.T) {
	path := os.Getenv("YINXIN_TEST_KILL")
	if path == "" {
		t.Skip("run by TestKilledUnderLoad")
	}
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				a := newAct(t, w<<20|i, nil)
				if err := db.Commit(context.Background(), a); err != nil {
					panic(err)
				}
				fmt.Println("kept", a.ID)
			}
		}()
	}
	select {}
}
