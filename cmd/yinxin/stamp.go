package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/code"
	"yinxin/internal/province"
	"yinxin/seal"
)

func runStamp(ctx context.Context, c *call) error {
	c.withData()
	r := seal.StampRequest{Operator: operator()}
	c.flags.StringVar(&r.SealID, "seal", "", "`id` of the seal")
	c.flags.IntVar(&r.Placement.Page, "page", -1, "PDF: page, from 1, or from the end if negative")
	c.flags.Float64Var(&r.Placement.X, "x", 120, "PDF: `mm` from the left of the page to the left of the seal")
	c.flags.Float64Var(&r.Placement.Y, "y", 200, "PDF: `mm` from the top of the page to the top of the seal")
	c.flags.StringVar(&r.Matter, "matter", "", "matter `code`")
	c.flags.StringVar(&r.Reason, "reason", "", "why it is sealed")
	c.flags.IntVar(&r.Expected, "expected-seals", 0, "how many seals the finished document must bear")
	detached := c.flags.Bool("detached", false, "write the stamp alone, for any file")
	profile := c.flags.String("profile", "ses", "PDF: ses")
	out := c.flags.String("o", "", "output `file`, - for standard output")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("seal", r.SealID, "o", *out); err != nil {
		return err
	}
	if *profile != "ses" {
		return usageError("--profile: only ses is built")
	}
	in, err := openInput(c, c.args[0])
	if err != nil {
		return err
	}
	defer in.close()
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, r.SealID)
		if err != nil {
			return err
		}
		r.Agency = s.Agency // the operator of the data folder acts for the owner
		done, err := stampInput(ctx, p, r, in, *detached)
		if err != nil {
			return err
		}
		if err := c.writeStamped(*out, done); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "sealed by %s %s, verification code %s\n", s.ID, s.Name, code.Group(done.Code))
		return nil
	})
}

func stampInput(ctx context.Context, p *province.Province, r seal.StampRequest, in *input, detached bool) (*seal.Stamped, error) {
	if detached {
		h := sm3.New()
		if _, err := io.Copy(h, io.NewSectionReader(in, 0, in.size)); err != nil {
			return nil, err
		}
		done, err := p.Seals.StampDetached(ctx, r, [32]byte(h.Sum(nil)))
		return &done, err
	}
	head := make([]byte, min(in.size, 1024))
	if _, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Contains(head, []byte("%PDF-")):
		return p.Seals.StampPDF(ctx, r, in, in.size, nil)
	case strings.HasPrefix(strings.TrimLeft(string(head), " \t\r\n"), "{"):
		doc := make([]byte, in.size)
		if _, err := in.ReadAt(doc, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		done, err := p.Seals.StampJSON(ctx, r, doc)
		return &done, err
	}
	return nil, badInput(in.name, errors.New("it is neither a PDF nor a JSON object; --detached seals any file"))
}

// writeStamped leaves no half document under the name that was asked for.
func (c *call) writeStamped(path string, s *seal.Stamped) error {
	if path == "-" {
		_, err := s.WriteTo(c.out)
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".yinxin-*")
	if err != nil {
		return err
	}
	_, err = s.WriteTo(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// input is a file that can be read at any place.
type input struct {
	io.ReaderAt
	size int64
	name string
	file *os.File
}

// maxStdin bounds what is taken from a pipe, which must be held in memory.
const maxStdin = 256 << 20

func openInput(c *call, path string) (*input, error) {
	if path == "-" {
		b, err := io.ReadAll(io.LimitReader(c.in, maxStdin+1))
		if err != nil {
			return nil, badInput("standard input", err)
		}
		if len(b) > maxStdin {
			return nil, badInput("standard input", errors.New("it is too long; give a file"))
		}
		return &input{bytes.NewReader(b), int64(len(b)), "standard input", nil}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, badInput(path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, errors.Join(badInput(path, err), f.Close())
	}
	return &input{f, info.Size(), path, f}, nil
}

func (i *input) close() {
	if i.file != nil {
		// It was only read.
		_ = i.file.Close()
	}
}
