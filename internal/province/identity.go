package province

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// Identity is who the province is; it stands in province.json.
type Identity struct {
	Region string `json:"region"` // GB/T 2260, six digits
	Name   string `json:"name"`
	URL    string `json:"url"` // of its public endpoint
	// Demonstration is for provinces that demo makes: their certificates say that
	// they are of no worth.
	Demonstration bool `json:"demonstration,omitempty"`
	// TSA is the time-stamp authority elsewhere that stamps seals; nil for the
	// province's own.
	TSA *OutsideTSA `json:"tsa,omitempty"`
	// SealFiling: seals must be filed (备案) before they stamp.
	SealFiling bool `json:"sealFiling,omitempty"`
}

func (id Identity) check() error {
	u, err := url.Parse(id.URL)
	if len(id.Region) != 6 || strings.Trim(id.Region, "0123456789") != "" || id.Name == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w, not %q, %q and %q", ErrIdentity, id.Region, id.Name, id.URL)
	}
	if id.TSA != nil {
		return id.TSA.check()
	}
	return nil
}

// ErrIdentity: who the province is was not said as it must be.
var ErrIdentity = errors.New("a province needs a region of six digits, a name and an http address")

// ErrDamaged: province.json is not what Init wrote, or is gone.
var ErrDamaged = errors.New("province.json is damaged")

func readIdentity(o Options) (id Identity, err error) {
	b, err := os.ReadFile(o.path("province.json"))
	if errors.Is(err, os.ErrNotExist) {
		if _, kerr := os.Stat(o.path("keys")); kerr == nil {
			// No advice to remove anything: the keys may be all that is left.
			return id, fmt.Errorf("%w: it is missing beside keys, so init was not finished in %s or the file was removed", ErrDamaged, o.Dir)
		}
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return id, fmt.Errorf("%w: %s", ErrNoProvince, o.Dir)
	}
	if err != nil {
		return id, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&id); err != nil {
		return id, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return id, fmt.Errorf("%w: something follows it", ErrDamaged)
	}
	if err := id.check(); err != nil {
		return id, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return id, nil
}
