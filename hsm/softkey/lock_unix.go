//go:build unix

package softkey

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"yinxin/hsm"
)

// lockFolder keeps a second process out: two would count uses past each other.
func lockFolder(dir string) (*os.File, error) {
	if _, err := os.Stat(filepath.Join(dir, "kek.pem")); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there are no keys in %s", hsm.ErrNotFound, dir)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, writeError(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(hsm.ErrInUse, f.Close())
	}
	return f, nil
}

// unlockFolder lets the folder go at once. Closing alone would leave it locked
// while a child that this process is starting still holds the file, until its
// exec closes it.
func unlockFolder(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}
