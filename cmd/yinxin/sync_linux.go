package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncsAtOnce: a folder's disk can be synced as a whole, so that ten thousand files
// cost one sync.
const syncsAtOnce = true

// syncAll makes durable what was written below a folder.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}
