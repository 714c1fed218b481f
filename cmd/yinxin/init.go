package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"

	"yinxin/certs"
	"yinxin/internal/province"
)

func runVersion(_ context.Context, c *call) error {
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.print(map[string]string{"version": version}, func(w io.Writer) { fmt.Fprintln(w, "yinxin", version) })
}

func runInit(ctx context.Context, c *call) error {
	c.withData()
	var id province.Identity
	c.flags.StringVar(&id.Region, "region", "", "region `code` of GB/T 2260, six digits")
	c.flags.StringVar(&id.Name, "name", "", "the province's `name`, such as 贵州省")
	c.flags.StringVar(&id.URL, "url", "http://127.0.0.1:8520", "`address` of the public endpoint, as certificates name it")
	tsaURL := c.flags.String("tsa-url", "", "`address` of a time-stamp authority elsewhere (RFC 3161, SM2) that stamps seals in the place of the province's own")
	tsaCert := c.flags.String("tsa-certificate", "", "`file` with the certificate under which it stands; without, it must be a tsa service of the trust lists")
	c.flags.BoolVar(&id.SealFiling, "seal-filing", false, "seals must be filed (备案) before they stamp")
	store := c.flags.String("store", "bolt", "register: bolt")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("region", id.Region, "name", id.Name); err != nil {
		return err
	}
	if *store != "bolt" {
		return usageError("--store: only bolt is built")
	}
	if err := outsideTSA(&id, *tsaURL, *tsaCert); err != nil {
		return err
	}
	o, err := c.options(quiet())
	if err != nil {
		return err
	}
	if err := province.Init(ctx, o, id); err != nil {
		return err
	}
	return c.print(map[string]string{"data": o.Dir}, func(w io.Writer) { fmt.Fprintf(w, "made %s (%s) in %s\n", id.Name, id.Region, o.Dir) })
}

// outsideTSA reads the flags of a time-stamp authority elsewhere.
func outsideTSA(id *province.Identity, url, file string) error {
	switch {
	case url == "" && file == "":
		return nil
	case url == "":
		return usageError("--tsa-certificate needs --tsa-url")
	}
	id.TSA = &province.OutsideTSA{URL: url}
	if file == "" {
		return nil
	}
	b, err := readSmall(file, maxPEM)
	if err != nil {
		return err
	}
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	if _, err := certs.ParseCertificate(b); err != nil {
		return badInput(file, err)
	}
	id.TSA.Certificate = b
	return nil
}
