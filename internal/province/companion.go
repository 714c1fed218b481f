package province

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"yinxin/ca/companion"
	"yinxin/certs"
	"yinxin/hsm"
)

// wireCompanion opens the authority of companion signatures. It makes nothing before a
// stamp asks for one.
func (p *Province) wireCompanion() (err error) {
	keys, ok := p.Keys.(hsm.CompanionStore)
	if !ok {
		return errors.New("province: the key store keeps no companion keys")
	}
	p.Companion, err = companion.New(companion.Config{Store: p.Store.Companions(), Keys: keys, Clock: p.o.Clock, Rand: p.o.Rand,
		Region: p.Identity.Region, RegionName: p.Identity.Name, Demonstration: p.Identity.Demonstration})
	return err
}

// companionState tells which roots there are, one a line.
func (s *ownServices) companionState(ctx context.Context) (string, error) {
	roots, err := s.p.companionRoots(ctx)
	var b strings.Builder
	for _, r := range roots {
		b.WriteString(r.Serial)
		b.WriteByte('\n')
	}
	return b.String(), err
}

// companionRoots is none until the first one was made. The trust lists are read before
// the authority is opened.
func (p *Province) companionRoots(ctx context.Context) ([]companion.Row, error) {
	if p.Companion == nil {
		return nil, nil
	}
	return p.Companion.Root(ctx)
}

// companionServices names the roots of companion signatures.
func (s *ownServices) companionServices(ctx context.Context) (out []certs.RegionService, err error) {
	roots, err := s.p.companionRoots(ctx)
	for i, r := range roots {
		name := "companion"
		if i > 0 {
			name = fmt.Sprintf("companion.%d", i+1)
		}
		out = append(out, certs.RegionService{Type: certs.ServiceCompanionCA, Name: name, Certificate: r.DER, Prefixes: []string{s.p.Identity.Region[:2]},
			Addresses: []string{strings.TrimRight(s.p.Identity.URL, "/") + "/ca/companion.cer"},
			History:   []certs.ServiceStatus{{State: certs.Granted, Since: r.NotBefore}}})
	}
	return out, err
}
