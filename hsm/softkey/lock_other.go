//go:build !unix

package softkey

import (
	"errors"
	"os"
)

// lockFolder refuses where there is no lock to keep a second process out.
func lockFolder(string) (*os.File, error) {
	return nil, errors.New("softkey: this system has no file locks; keep the keys on a unix system")
}

func unlockFolder(f *os.File) error { return f.Close() }
