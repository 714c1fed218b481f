package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"yinxin/internal/code"
	"yinxin/internal/province"
	"yinxin/seal"
)

// maxOrder bounds the file of an order for several stamps.
const maxOrder = 1 << 20

// withSeries adds the flags that ask for several stamps at once.
func (c *call) withSeries() (also *several, order *string) {
	also = &several{}
	c.flags.Var(also, "also", "a further `SEAL@PAGE,X,Y` in the same act: all stamps are made or none; may be given again")
	order = c.flags.String("order", "", "`file` with the stamps to make in one act: a JSON list of {sealId, placement, matterCode, reason, profile, mark, ...}")
	return also, order
}

// seriesOf gives the stamps of one act, none where a single one is asked for.
func (c *call) seriesOf(r seal.StampRequest, also several, order string) ([]seal.StampRequest, error) {
	switch {
	case order != "" && (r.SealID != "" || len(also) > 0):
		return nil, usageError("--order says which seals are used; --seal and --also are not given beside it")
	case order != "":
		return readOrder(r, order)
	case len(also) == 0:
		return nil, nil
	}
	all := []seal.StampRequest{r}
	for _, s := range also {
		i, err := parseAlso(s)
		if err != nil {
			return nil, err
		}
		i.Profile = r.Order.Profile
		all = append(all, i.Request(r))
	}
	return all, nil
}

func readOrder(r seal.StampRequest, path string) ([]seal.StampRequest, error) {
	b, err := readSmall(path, maxOrder)
	if err != nil {
		return nil, err
	}
	var items []seal.Item
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&items); err != nil {
		return nil, badInput(path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || len(items) == 0 {
		return nil, badInput(path, errors.New("it is not one JSON list of stamps"))
	}
	var all []seal.StampRequest
	for _, i := range items {
		all = append(all, i.Request(r))
	}
	return all, nil
}

// parseAlso reads SEAL@PAGE,X,Y.
func parseAlso(s string) (seal.Item, error) {
	id, place, ok := strings.Cut(s, "@")
	parts := strings.Split(place, ",")
	if !ok || id == "" || len(parts) != 3 {
		return seal.Item{}, usageError(fmt.Sprintf("--also %q is no SEAL@PAGE,X,Y", s))
	}
	page, err := strconv.Atoi(parts[0])
	x, err2 := strconv.ParseFloat(parts[1], 64)
	y, err3 := strconv.ParseFloat(parts[2], 64)
	if err := errors.Join(err, err2, err3); err != nil {
		return seal.Item{}, usageError(fmt.Sprintf("--also %q is no SEAL@PAGE,X,Y: a page and two distances in millimetres", s))
	}
	return seal.Item{SealID: id, Placement: &seal.Place{Page: page, X: x, Y: y}}, nil
}

// stampSeries makes them and writes the document.
func (c *call) stampSeries(ctx context.Context, p *province.Province, all []seal.StampRequest, doc seal.Document, to *output, out string) error {
	var names []string
	for i := range all {
		s, err := p.Seals.Show(ctx, all[i].SealID)
		if err != nil {
			return err
		}
		if err := c.stampsAs(ctx, p, &all[i], s.Agency); err != nil {
			return err
		}
		names = append(names, plain(s.Name))
	}
	done, err := p.Seals.StampMany(ctx, all, nil, doc)
	if err != nil {
		return err
	}
	if err := to.put(done); err != nil {
		return fmt.Errorf("the seals were used and stamp %s and the others stand in the register, but the document is lost: %w", done.Stamps[0].ID, err)
	}
	if c.json && out != "-" { // else standard output is the document
		return c.print(done.Stamps, nil)
	}
	for i, s := range done.Stamps {
		if _, err := fmt.Fprintf(c.err, "sealed by %s %s, verification code %s\n", s.SealID, names[i], code.Group(s.Code)); err != nil {
			return err
		}
	}
	return nil
}
