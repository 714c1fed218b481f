//go:build !unix

package bolt

import "os"

// shareLock does nothing where there is no flock; bbolt's own lock follows.
func shareLock(*os.File) error { return nil }
