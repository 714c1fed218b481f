//go:build unix

package evidence

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock waits for other processes that write the memory: each holds it for one
// small write.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		// Closing lets the lock go; nothing was written through f.
		_ = f.Close()
	}, nil
}
