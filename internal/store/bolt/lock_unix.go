//go:build unix

package bolt

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// shareLock waits for whoever writes the file to let it go: pages read while
// they are being written look damaged. Closing f ends the lock.
func shareLock(f *os.File) error {
	const again = 10 * time.Millisecond
	for waited := time.Duration(0); ; waited += again {
		err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if waited >= lockWait {
			return ErrInUse
		}
		time.Sleep(again)
	}
}
