package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/internal/province"
	"yinxin/verify"
	"yinxin/verify/evidence"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	trust, anchor, stamp, status, save, at string
	offline                                bool
}

// court is what all the files of one run are judged by.
type court struct {
	input     verify.Input        // with the evidence that was given
	fixed     bool                // the time was given
	collector *evidence.Collector // nil: ask nobody
	province  *province.Province  // nil without --data
	stamp     []byte              // detached, nil where the stamps are in the files
}

func runVerify(ctx context.Context, c *call) error {
	var f verifyFlags
	c.withData()
	c.flags.StringVar(&f.trust, "trust", "", "trust bundle `file`")
	c.flags.StringVar(&f.anchor, "trust-anchor", "", "fingerprint that the bundle must lead to, `SM3` in hex")
	c.flags.StringVar(&f.stamp, "stamp", "", "detached stamp, a .ses `file`, of the one FILE")
	c.flags.StringVar(&f.status, "status", "", "evidence `file`, as --save-evidence writes it")
	c.flags.StringVar(&f.save, "save-evidence", "", "write the evidence that was used to a `file`")
	c.flags.StringVar(&f.at, "at", "", "`time` of validation, now by default (RFC 3339)")
	c.flags.BoolVar(&f.offline, "offline", false, "ask nobody")
	if err := c.parse(1, -1); err != nil {
		return err
	}
	if f.stamp != "" && len(c.args) > 1 {
		return usageError("--stamp is the stamp of one file")
	}
	if f.anchor != "" && f.trust == "" {
		return usageError("--trust-anchor says where --trust must lead, and there is no --trust")
	}
	// A data folder that the environment names is not meant: verify needs none.
	if c.data == "" {
		return f.run(ctx, c, nil)
	}
	if f.trust != "" {
		return usageError("--data and --trust both say what is trusted")
	}
	return c.withProvince(ctx, func(p *province.Province) error { return f.run(ctx, c, p) })
}

func (f *verifyFlags) run(ctx context.Context, c *call, p *province.Province) error {
	j, err := f.open(ctx, p)
	if err != nil {
		return err
	}
	var verdicts []verify.Verdict
	var reports []fileReport
	for _, path := range c.args {
		r, err := j.judge(ctx, c, path)
		if err != nil {
			return err
		}
		verdicts, reports = append(verdicts, r.Verdict), append(reports, fileReport{path, r})
	}
	if err := c.printReports(reports); err != nil {
		return err
	}
	if f.save != "" {
		if err := evidence.Save(f.save, j.all()); err != nil {
			return noWrite(f.save, err)
		}
	}
	return verdictError(verify.Worst(verdicts...).ExitCode())
}

// open reads what the files are to be judged by.
func (f *verifyFlags) open(ctx context.Context, p *province.Province) (*court, error) {
	j := &court{input: verify.Input{Evidence: &verify.Evidence{}}, province: p}
	var err error
	if j.input.At, err = optionalTime("at", f.at); err != nil {
		return nil, err
	}
	if j.fixed = f.at != ""; !j.fixed {
		j.input.At = time.Now()
	}
	if f.trust != "" {
		if err := f.openTrust(&j.input); err != nil {
			return nil, err
		}
	}
	if f.status != "" {
		if j.input.Evidence, err = evidence.Load(f.status); err != nil {
			return nil, badInput(f.status, err)
		}
	}
	if p != nil {
		if err := j.know(ctx); err != nil {
			return nil, err
		}
	}
	if f.stamp != "" {
		if j.stamp, err = readSmall(f.stamp, verify.MaxDetached); err != nil {
			return nil, err
		}
	}
	if !f.offline {
		j.collector = evidence.NewCollector()
	}
	return j, nil
}

// know takes over what the data folder trusts and knows. Its register is the memory
// of the trust lists it has seen.
func (j *court) know(ctx context.Context) (err error) {
	if j.input.Trust, err = j.province.Trust(ctx); err != nil {
		return err
	}
	items, err := j.province.Evidence(ctx)
	j.input.Evidence.Items = append(j.input.Evidence.Items, items...)
	return err
}

func (f *verifyFlags) openTrust(in *verify.Input) error {
	b, err := readSmall(f.trust, certs.MaxBundle)
	if err != nil {
		return err
	}
	bundle, err := certs.ParseBundle(b)
	if err != nil {
		return badInput(f.trust, err)
	}
	o := certs.TrustOptions{At: in.At}
	anchor := strings.ToLower(f.anchor)
	if anchor != "" {
		if err := certs.CheckAnchor(anchor); err != nil {
			return usageError("--trust-anchor: " + err.Error())
		}
		o.Anchors = []string{anchor}
		o.HighestSeen, err = evidence.Remembered(anchor)
		if in.Unremembered = errors.Is(err, evidence.ErrNoMemory); err != nil && !in.Unremembered {
			return badInput("the memory of trust lists", err)
		}
	}
	in.Trust, err = bundle.Open(o)
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return badInput(f.trust, err)
	}
	if in.Trust.Anchor != certs.AnchorGiven {
		// Anyone can make a bundle with a high number, so only what a known anchor
		// vouches for may raise the mark.
		in.Unremembered = true
		return nil
	}
	return f.remember(bundle, anchor, in)
}

// remember raises the mark under every fingerprint that the bundle leads to from the
// one given, so that whoever goes on to a newer one forgets nothing.
func (f *verifyFlags) remember(bundle *certs.Bundle, anchor string, in *verify.Input) error {
	from, err := bundle.From(anchor)
	if err != nil {
		return err
	}
	anchors, err := from.Anchors()
	if err != nil {
		return err
	}
	for _, a := range anchors {
		err := evidence.Remember(a, in.Trust)
		if errors.Is(err, evidence.ErrNoMemory) {
			in.Unremembered = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *court) judge(ctx context.Context, c *call, path string) (verify.Report, error) {
	in, err := openInput(c, path)
	if err != nil {
		return verify.Report{}, err
	}
	defer in.close()
	d, input := verify.Open(in, in.size, path, j.stamp), j.input
	if j.collector != nil || j.province != nil {
		input.Evidence = &verify.Evidence{Items: slices.Clone(j.input.Evidence.Items)}
		if err := j.gather(ctx, d.Wants(j.input), input.Evidence); err != nil {
			return verify.Report{}, err
		}
	}
	if !j.fixed {
		// Answers are made after the question, and what comes through a pipe may
		// have been sealed after the command began.
		input.At = time.Now()
	}
	return d.Judge(input), nil
}

// gather asks the register for what is the province's own, and others for the rest.
func (j *court) gather(ctx context.Context, wants []verify.Want, into *verify.Evidence) error {
	if j.province != nil {
		answers, err := j.province.Answers(ctx, wants)
		if err != nil {
			return err
		}
		into.Items = append(into.Items, answers...)
		wants = j.province.Others(wants)
	}
	if j.collector != nil && len(wants) > 0 {
		j.collector.Collect(ctx, wants, into)
	}
	return nil
}

// all is what was given and what was said.
func (j *court) all() *verify.Evidence {
	e := &verify.Evidence{Items: slices.Clone(j.input.Evidence.Items)}
	if j.collector != nil {
		e.Items = append(e.Items, j.collector.Said()...)
	}
	return e
}

// fileReport is a report with the name of its file, for several at once.
type fileReport struct {
	File string `json:"file"`
	verify.Report
}

func (c *call) printReports(reports []fileReport) error {
	if c.json && len(reports) == 1 {
		_, err := c.out.Write(reports[0].JSON())
		return err
	}
	return c.print(reports, func(w io.Writer) {
		for _, r := range reports {
			fmt.Fprintf(w, "%s: %s\n", plain(r.File), r.Verdict)
			for _, reason := range r.Reasons {
				fmt.Fprintf(w, "  %s  %s %s\n", reason.Code, reason.Zh, reason.En)
			}
			for _, s := range r.Stamps {
				if s.Role != "seal" {
					fmt.Fprintf(w, "  %s by %s: %s\n", s.Role, plain(s.Signer.Subject), s.Verdict)
					continue
				}
				fmt.Fprintf(w, "  %s %s, %s (%s): %s\n", plain(s.Seal.ID), plain(s.Seal.Name), s.SealedAt, s.TimeSource, s.Verdict)
			}
		}
	})
}
