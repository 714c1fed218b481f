package province

import (
	"context"

	"yinxin/certs"
)

// Bundle gives the trust bundle that the province publishes: its scheme list with
// the lists of the regions in it.
func (p *Province) Bundle(ctx context.Context) (*certs.Bundle, error) { return p.Lists.Bundle(ctx) }

// Trust is what the province judges by: its own scheme, and those of others that
// were added.
func (p *Province) Trust(ctx context.Context) (*certs.Trust, error) { return p.Lists.Trust(ctx) }
