package server

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// inMemory is how much of an upload is held in memory before it goes to a
// file: with the server's bound on requests at once it bounds what uploads
// can take.
const inMemory = 1 << 20

// spooled is an upload that can be read at any place. It was never visible
// under a name (protocol.md 8: what must spool goes to an unlinked file).
type spooled struct {
	io.ReaderAt
	size int64
	file *os.File // nil while in memory
}

// Close lets the bytes go.
func (s *spooled) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// spool reads an upload of at most limit bytes. What passes is hashed on the
// way when h is given: hashing is the whole cost of a large document, and the
// upload is the time to do it.
func spool(r io.Reader, limit int64, h hash.Hash) (*spooled, error) {
	if h != nil {
		r = io.TeeReader(r, h)
	}
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, inMemory+1)
	if errors.Is(err, io.EOF) {
		if n > limit {
			return nil, fail(tooLarge, "")
		}
		return &spooled{ReaderAt: bytes.NewReader(head.Bytes()), size: n}, nil
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return spoolFile(&head, r, limit)
}

func spoolFile(head *bytes.Buffer, r io.Reader, limit int64) (*spooled, error) {
	f, err := os.CreateTemp("", "yinxin-upload-*")
	if err != nil {
		return nil, &failure{refusal: cannotWrite, cause: err}
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink upload: %w", err), f.Close())
	}
	size, err := io.Copy(diskWriter{f}, io.LimitReader(io.MultiReader(head, r), limit+1))
	switch {
	case err == nil && size > limit:
		err = fail(tooLarge, "")
	case err == nil:
		return &spooled{ReaderAt: f, size: size, file: f}, nil
	}
	return nil, errors.Join(bodyError(err), f.Close())
}

// diskWriter tells a full disk from a caller that went away.
type diskWriter struct{ f *os.File }

func (d diskWriter) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = &failure{refusal: cannotWrite, cause: err}
	}
	return n, err
}
