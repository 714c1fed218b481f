package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"yinxin/certs"
	"yinxin/internal/durable"
)

// memoryPath is $XDG_STATE_HOME/yinxin/trust.json (protocol.md 3).
func memoryPath() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "yinxin", "trust.json"), nil
}

// Remembered gives the highest sequences seen under a trust anchor, none on a
// machine that saw none. Each anchor has its own, so that two schemes do not
// raise each other.
func Remembered(anchor string) (map[string]uint64, error) {
	all, err := recall()
	return all[anchor], err
}

func recall() (map[string]map[string]uint64, error) {
	path, err := memoryPath()
	if err != nil {
		return nil, nil // nowhere to remember: the lists' expiry protects alone
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]map[string]uint64{}
	if err := json.Unmarshal(b, &seen); err != nil {
		return nil, fmt.Errorf("%s cannot be read; remove it to forget what was seen: %w", path, err)
	}
	return seen, nil
}

// Remember raises what is remembered under an anchor by what a trust says.
func Remember(anchor string, t *certs.Trust) error {
	path, err := memoryPath()
	if err != nil {
		return nil
	}
	all, err := recall()
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]map[string]uint64{}
	}
	before := fmt.Sprint(all)
	seen := all[anchor]
	if seen == nil {
		seen = map[string]uint64{}
		all[anchor] = seen
	}
	seen[certs.SchemeIssuer] = max(seen[certs.SchemeIssuer], t.SchemeSequence)
	for code, r := range t.Regions {
		seen[code] = max(seen[code], r.Sequence)
	}
	if fmt.Sprint(all) == before {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, b)
}
