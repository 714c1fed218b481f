package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/seal"
	"yinxin/verify"
)

// stampOFD seals a package and gives the sealed one.
func (d *demo) stampOFD(ctx context.Context, doc []byte, change func(*seal.StampRequest)) ([]byte, error) {
	r := d.request()
	change(&r)
	done, err := d.p.Seals.StampOFD(ctx, r, bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	_, err = done.WriteTo(&sealed)
	return sealed.Bytes(), err
}

// playOFD seals over the words that name the agency and then across the edges of the
// pages, after which nothing may be added.
func (d *demo) playOFD(ctx context.Context) error {
	once, err := d.stampOFD(ctx, decisionOFD, func(r *seal.StampRequest) { r.Placement = seal.Place{Keyword: &seal.Keyword{Text: "盖章"}} })
	if err != nil {
		return err
	}
	sealed, err := d.stampOFD(ctx, once, func(r *seal.StampRequest) {
		r.Placement = seal.Place{Riding: &seal.Riding{}}
		r.Order.Protect = seal.ProtectWhole
	})
	if err != nil {
		return err
	}
	if err := d.write("decision.sealed.ofd", sealed); err != nil {
		return err
	}
	if err := d.judge(ctx, "OFD, sealed at a keyword and across the edges", sealed, "x.ofd", verify.Valid); err != nil {
		return err
	}
	altered, err := alterOFD(sealed, "Doc_0/Pages/Page_0/Content.xml", "准予行政许可", "不予行政许可")
	if err != nil {
		return err
	}
	if err := d.judge(ctx, "OFD, 准予 turned into 不予", altered, "x.ofd", verify.NotValid); err != nil {
		return err
	}
	_, err = d.stampOFD(ctx, sealed, func(*seal.StampRequest) {})
	if !errors.Is(err, seal.ErrDocument) {
		return fmt.Errorf("a document that was closed to further seals was sealed: %w", err)
	}
	return nil
}

// alterOFD packs a package anew with one text in one of its files changed.
func alterOFD(doc []byte, name, from, to string) ([]byte, error) {
	in, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if f.Name == name {
			b = bytes.Replace(b, []byte(from), []byte(to), 1)
		}
		e, err := w.Create(f.Name)
		if err == nil {
			_, err = e.Write(b)
		}
		if err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return out.Bytes(), err
}
