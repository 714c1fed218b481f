package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"yinxin/certs"
	"yinxin/internal/durable"
)

// ErrNoMemory: this machine or user has nowhere to remember what was seen, so
// that only the expiry of the lists protects from an old one, and the report is
// to say so (protocol.md 3).
var ErrNoMemory = errors.New("what was seen cannot be remembered")

// memoryPath is $XDG_STATE_HOME/yinxin/trust.json (protocol.md 3).
func memoryPath() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoMemory, err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "yinxin", "trust.json"), nil
}

// sequences maps "scheme" and region codes to the highest sequence seen. Each
// trust anchor has its own, so that two schemes do not raise each other.
type sequences map[string]uint64

// Remembered gives the highest sequences seen under a trust anchor, none on a
// machine that saw none.
func Remembered(anchor string) (map[string]uint64, error) {
	path, err := memoryPath()
	if err != nil {
		return nil, err
	}
	all, err := recall(path)
	return all[anchor], err
}

func recall(path string) (map[string]sequences, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]sequences{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	seen := map[string]sequences{}
	// Memory that is damaged is not the same as none: passing it over would let
	// whoever can damage it bring an old list back.
	if err := json.Unmarshal(b, &seen); err != nil {
		return nil, fmt.Errorf("%s cannot be read; remove it to forget what was seen: %w", path, err)
	}
	return seen, nil
}

// Remember raises what is remembered under an anchor by what a trust says. It
// never lowers it, whatever other processes remember meanwhile.
func Remember(anchor string, t *certs.Trust) error {
	path, err := memoryPath()
	if err != nil {
		return err
	}
	all, err := recall(path)
	if err != nil || !raise(all, anchor, t) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	release, err := lock(path + ".lock")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	defer release()
	if all, err = recall(path); err != nil || !raise(all, anchor, t) {
		return err
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, b); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	return nil
}

// raise tells whether anything rose.
func raise(all map[string]sequences, anchor string, t *certs.Trust) bool {
	seen := all[anchor]
	if seen == nil {
		seen = sequences{}
		all[anchor] = seen
	}
	before := maps.Clone(seen)
	seen[certs.SchemeIssuer] = max(seen[certs.SchemeIssuer], t.SchemeSequence)
	for code, r := range t.Regions {
		seen[code] = max(seen[code], r.Sequence)
	}
	return !maps.Equal(before, seen)
}
