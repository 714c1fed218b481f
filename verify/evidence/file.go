package evidence

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"yinxin/internal/durable"
	"yinxin/verify"
)

// Limits of an evidence file: a small zip can unpack to anything, and its
// directory alone can name millions of entries.
const (
	maxFile      = 64 << 20
	maxUnpacked  = 128 << 20
	maxDirectory = 256 << 10
)

// Save writes evidence to a file: a zip of the pieces as they came, each named
// by its kind.
func Save(path string, e *verify.Evidence) error {
	if len(e.Items) > verify.MaxEvidence {
		return fmt.Errorf("%d pieces of evidence are more than one file may hold (%d): verify fewer documents at once", len(e.Items), verify.MaxEvidence)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, item := range e.Items {
		w, err := z.Create(fmt.Sprintf("%04d.%s", i, item.Kind))
		if err != nil {
			return err
		}
		if _, err := w.Write(item.Raw); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return durable.WriteFile(path, out.Bytes())
}

// Load reads what Save wrote.
func Load(path string) (*verify.Evidence, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, errors.New("the evidence file is too long")
	}
	return parse(b, maxUnpacked, verify.MaxEvidenceItem)
}

// endOfDirectory is the last record of a zip without a comment (APPNOTE 4.3.16):
// at 12 the length of the directory, at 16 where it begins.
const endOfDirectory = 22

// checkDirectory looks before archive/zip does, which reads every entry that the
// directory names.
func checkDirectory(b []byte) error {
	if len(b) < endOfDirectory {
		return errors.New("it is no evidence file: too short")
	}
	end := b[len(b)-endOfDirectory:]
	length, begin := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if !bytes.HasPrefix(end, []byte("PK\x05\x06")) || length > maxDirectory || begin+length != int64(len(b)-endOfDirectory) {
		return errors.New("it is no evidence file: its directory is not where Save puts it")
	}
	return nil
}

// parse reads a file that unpacks to at most so many octets, in all and an item.
func parse(b []byte, unpacked, each int64) (*verify.Evidence, error) {
	if err := checkDirectory(b); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("it is no evidence file: %w", err)
	}
	if len(z.File) > verify.MaxEvidence {
		return nil, errors.New("the evidence file has too many entries")
	}
	e := &verify.Evidence{}
	left := unpacked
	for _, entry := range z.File {
		_, kind, ok := strings.Cut(entry.Name, ".")
		if !ok {
			return nil, fmt.Errorf("entry %q is no evidence", entry.Name)
		}
		r, err := entry.Open()
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(io.LimitReader(r, min(left, each)+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		if left -= int64(len(raw)); left < 0 || int64(len(raw)) > each {
			return nil, errors.New("the evidence file unpacks to too much")
		}
		e.Items = append(e.Items, verify.NewItem(verify.Kind(kind), raw))
	}
	return e, nil
}
