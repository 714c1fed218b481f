package crl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"yinxin/ca"
)

// ErrNoList: nobody publishes a list of that name.
var ErrNoList = errors.New("no such revocation list")

// name of a list: an issuer's full list, its delta, or one of its shards.
type name struct {
	issuer, shard string
	delta         bool
}

const deltaSuffix = "delta"

// String is the name as addresses have it.
func (n name) String() string {
	if n.delta {
		return n.issuer + "-" + deltaSuffix
	}
	return n.scope()
}

// scope is what the list's numbers are for: RFC 5280 5.2.3 has a full list and its
// deltas share theirs.
func (n name) scope() string {
	if n.shard == "" {
		return n.issuer
	}
	return n.issuer + "-" + n.shard
}

// kind is full, shard or delta.
func (n name) kind() string {
	switch {
	case n.delta:
		return "delta"
	case n.shard != "":
		return "shard"
	}
	return "full"
}

// shards are all that ca.Shard gives.
var shards = func() []string {
	out := make([]string, 0, 64)
	for i := 0x40; i < 0x80; i++ {
		out = append(out, fmt.Sprintf("%02x", i))
	}
	return out
}()

// parse reads the name of a list that an issuer of the authority has.
func (p *Publisher) parse(ctx context.Context, s string) (name, error) {
	issuers, err := p.c.Authority.Issuers(ctx)
	if err != nil {
		return name{}, err
	}
	if slices.Contains(issuers, s) {
		return name{issuer: s}, nil
	}
	dash := strings.LastIndexByte(s, '-')
	if dash < 0 || !slices.Contains(issuers, s[:dash]) {
		return name{}, fmt.Errorf("%w: %q", ErrNoList, s)
	}
	issuer, part := s[:dash], s[dash+1:]
	if divided, err := p.divided(ctx, issuer); err != nil || !divided {
		return name{}, errors.Join(err, fmt.Errorf("%w: %q", ErrNoList, s))
	}
	switch {
	case part == deltaSuffix:
		return name{issuer: issuer, delta: true}, nil
	case slices.Contains(shards, part):
		return name{issuer: issuer, shard: part}, nil
	}
	return name{}, fmt.Errorf("%w: %q", ErrNoList, s)
}

// divided tells whether an issuer has shards and deltas. A root revokes a handful of
// certificates in its life: its key signs one list.
func (p *Publisher) divided(ctx context.Context, issuer string) (bool, error) {
	c, err := p.c.Authority.Issuer(ctx, issuer)
	return c.Row.Issuer != issuer, err
}

// names are those of all lists of an issuer, the full one first.
func (p *Publisher) names(ctx context.Context, issuer string) ([]name, error) {
	divided, err := p.divided(ctx, issuer)
	if err != nil {
		return nil, err
	}
	out := []name{{issuer: issuer}}
	if !divided {
		return out, nil
	}
	out = append(out, name{issuer: issuer, delta: true})
	for _, s := range shards {
		out = append(out, name{issuer: issuer, shard: s})
	}
	return out, nil
}

// Address of a list, as certificates and lists name it.
func Address(a *ca.Authority, list string) string { return a.BaseURL() + "/crl/" + list + ".crl" }
