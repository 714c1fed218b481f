//go:build linux || darwin || freebsd

package batch

import "golang.org/x/sys/unix"

// freeSpace tells how many octets a folder's disk has for us.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
