package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"yinxin/internal/code"
	"yinxin/internal/province"
	"yinxin/seal"
)

func runStamp(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := seal.StampRequest{}
	place := c.withUse(&r)
	also, order := c.withSeries()
	detached := c.flags.Bool("detached", false, "write the stamp alone, for any file")
	out := c.flags.String("o", "", "output `file`, - for standard output")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if *order == "" {
		if err := need("seal", r.SealID); err != nil {
			return err
		}
	}
	if err := need("o", *out); err != nil {
		return err
	}
	if err := place.read(&r); err != nil {
		return err
	}
	all, err := c.seriesOf(r, *also, *order)
	if err != nil {
		return err
	}
	in, err := openInput(c, c.args[0])
	if err != nil {
		return err
	}
	defer in.close()
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		doc := seal.Document{ReaderAt: in, Size: in.size, Detached: *detached}
		if len(all) > 0 {
			return c.stampSeries(ctx, p, all, doc, to, *out)
		}
		s, err := p.Seals.Show(ctx, r.SealID)
		if err != nil {
			return err
		}
		if err := c.stampsAs(ctx, p, &r, s.Agency); err != nil {
			return err
		}
		done, err := p.Seals.Stamp(ctx, r, doc)
		if err != nil {
			return err
		}
		if err := to.put(done); err != nil {
			return fmt.Errorf("the seal was used and stamp %s stands in the register, but the document is lost: %w", done.ID, err)
		}
		text := fmt.Sprintf("sealed by %s %s, verification code %s\n", s.ID, plain(s.Name), code.Group(done.Code))
		if !c.json || *out == "-" { // where standard output is the document
			_, err := io.WriteString(c.err, text)
			return err
		}
		return c.print(done.Stamp, nil)
	})
}

// stampsAs says who asks for a stamp: the operator of the data folder acts for the
// seal's owner, an officer by a key of his own for the agency of that.
func (c *call) stampsAs(ctx context.Context, p *province.Province, r *seal.StampRequest, owner string) error {
	by, err := c.officer(ctx, p)
	if err != nil {
		return err
	}
	r.Operator, r.Agency = by.String(), owner
	if by.Known() {
		r.Agency, r.Key, r.Officer, r.From = by.Agency, by.KeyID, by.Name, loopback
	}
	return nil
}

// withUse adds the flags of a use of a seal.
func (c *call) withUse(r *seal.StampRequest) *placeFlags {
	c.flags.StringVar(&r.SealID, "seal", "", "`id` of the seal")
	c.flags.StringVar(&r.Matter, "matter", "", "matter `code`")
	c.flags.StringVar(&r.Reason, "reason", "", "why it is sealed")
	c.flags.StringVar(&r.Approval, "approval", "", "`id` of the approved use, where a second person approves each")
	c.flags.IntVar(&r.Expected, "expected-seals", 0, "how many seals the finished document must bear")
	return c.withPlace(r)
}

// input is a file that can be read at any place.
type input struct {
	io.ReaderAt
	size int64
	name string
	file *os.File
}

// maxStdin bounds what is taken from a pipe.
const maxStdin = 1 << 30

func openInput(c *call, path string) (*input, error) {
	if path == "-" {
		return spoolInput(c.in)
	}
	// Looked at before it is opened: opening a named pipe would wait for ever.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file; - reads a pipe")
	}
	if err != nil {
		return nil, badInput(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, badInput(path, err)
	}
	return &input{f, info.Size(), path, f}, nil
}

// spoolInput keeps a pipe's bytes in an unlinked file: they must be read at any
// place, and may be more than memory should hold.
func spoolInput(in io.Reader) (*input, error) {
	f, err := os.CreateTemp("", "yinxin-input-*")
	if err != nil {
		return nil, noWrite("a temporary file", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, noWrite("a temporary file", errors.Join(err, f.Close()))
	}
	n, err := io.Copy(f, io.LimitReader(in, maxStdin+1))
	switch {
	case errors.Is(err, syscall.ENOSPC):
		err = noWrite("a temporary file", err)
	case err != nil:
		err = badInput("standard input", err)
	case n > maxStdin:
		err = badInput("standard input", errors.New("it is too long; give a file"))
	default:
		return &input{f, n, "standard input", f}, nil
	}
	return nil, errors.Join(err, f.Close())
}

func (i *input) close() {
	// It was only read.
	_ = i.file.Close()
}

// readInput is readSmall that takes "-" for standard input.
func (c *call) readInput(path string, limit int64) ([]byte, error) {
	in, err := openInput(c, path)
	if err != nil {
		return nil, err
	}
	defer in.close()
	if in.size > limit {
		return nil, badInput(in.name, fmt.Errorf("it is longer than %d bytes", limit))
	}
	b, err := io.ReadAll(io.NewSectionReader(in, 0, in.size))
	if err != nil {
		return nil, badInput(in.name, err)
	}
	return b, nil
}

// readSmall reads a file of at most limit bytes, whatever kind of file it is.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, badInput(path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	if err != nil {
		return nil, badInput(path, err)
	}
	return b, nil
}
