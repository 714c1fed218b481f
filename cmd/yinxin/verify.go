package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/verify"
	"yinxin/verify/evidence"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	trust, anchor, status, save, at string
	offline                         bool
}

func runVerify(ctx context.Context, c *call) error {
	var f verifyFlags
	c.flags.StringVar(&f.trust, "trust", "", "trust bundle `file`")
	c.flags.StringVar(&f.anchor, "trust-anchor", "", "fingerprint that the bundle must lead to, `SM3` in hex")
	c.flags.StringVar(&f.status, "status", "", "evidence `file`, as --save-evidence writes it")
	c.flags.StringVar(&f.save, "save-evidence", "", "write the evidence that was used to a `file`")
	c.flags.StringVar(&f.at, "at", "", "`time` of validation, now by default (RFC 3339)")
	c.flags.BoolVar(&f.offline, "offline", false, "ask nobody")
	if err := c.parse(1, -1); err != nil {
		return err
	}
	at, err := optionalTime("at", f.at)
	if err != nil {
		return err
	}
	fixed := !at.IsZero()
	if !fixed {
		at = time.Now()
	}
	trust, err := f.openTrust(at)
	if err != nil {
		return err
	}
	given := &verify.Evidence{}
	if f.status != "" {
		if given, err = evidence.Load(f.status); err != nil {
			return badInput(f.status, err)
		}
	}
	files, stamps := detachedPairs(c.args)
	var verdicts []verify.Verdict
	var reports []verify.Report
	for i, path := range files {
		r, err := f.judge(ctx, c, path, stamps[i], trust, given, at, fixed)
		if err != nil {
			return err
		}
		verdicts, reports = append(verdicts, r.Verdict), append(reports, r)
	}
	if f.save != "" {
		if err := evidence.Save(f.save, given); err != nil {
			return err
		}
	}
	if err := c.printReports(files, reports); err != nil {
		return err
	}
	return verdictError(verify.Worst(verdicts...).ExitCode())
}

// detachedPairs reads "F.ses FILE" as a stamp and its file.
func detachedPairs(args []string) (files, stamps []string) {
	for i := 0; i < len(args); i++ {
		if strings.HasSuffix(args[i], ".ses") && i+1 < len(args) {
			files, stamps = append(files, args[i+1]), append(stamps, args[i])
			i++
			continue
		}
		files, stamps = append(files, args[i]), append(stamps, "")
	}
	return files, stamps
}

func (f *verifyFlags) openTrust(at time.Time) (*certs.Trust, error) {
	if f.trust == "" {
		return nil, nil
	}
	b, err := os.ReadFile(f.trust)
	if err != nil {
		return nil, badInput(f.trust, err)
	}
	bundle, err := certs.ParseBundle(b)
	if err != nil {
		return nil, badInput(f.trust, err)
	}
	o := certs.TrustOptions{At: at}
	if f.anchor != "" {
		if err := certs.CheckAnchor(f.anchor); err != nil {
			return nil, usageError("--trust-anchor: " + err.Error())
		}
		o.Anchors = []string{f.anchor}
	}
	anchor := strings.ToLower(f.anchor)
	if anchor != "" {
		if o.HighestSeen, err = evidence.Remembered(anchor); err != nil {
			return nil, err
		}
	}
	trust, err := bundle.Open(o)
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return nil, badInput(f.trust, err)
	}
	if trust.Anchor == certs.AnchorGiven {
		// Only what a known anchor vouches for may raise the mark: anyone can
		// make a bundle with a high number.
		if err := evidence.Remember(anchor, trust); err != nil {
			return nil, err
		}
	}
	return trust, nil
}

func (f *verifyFlags) judge(ctx context.Context, c *call, path, stamp string, trust *certs.Trust, ev *verify.Evidence, at time.Time, fixed bool) (verify.Report, error) {
	in, err := openInput(c, path)
	if err != nil {
		return verify.Report{}, err
	}
	defer in.close()
	var detached []byte
	if stamp != "" {
		if detached, err = os.ReadFile(stamp); err != nil {
			return verify.Report{}, badInput(stamp, err)
		}
	}
	d := verify.Open(in, in.size, path, detached)
	input := verify.Input{Trust: trust, Evidence: ev, At: at}
	if !f.offline {
		evidence.Collect(ctx, d.Wants(input), ev)
		if !fixed {
			input.At = time.Now() // the answers were made after the question
		}
	}
	return d.Judge(input), nil
}

func (c *call) printReports(files []string, reports []verify.Report) error {
	if c.json && len(reports) == 1 {
		_, err := c.out.Write(reports[0].JSON())
		return err
	}
	return c.print(reports, func(w io.Writer) {
		for i, r := range reports {
			fmt.Fprintf(w, "%s: %s\n", files[i], r.Verdict)
			for _, reason := range r.Reasons {
				fmt.Fprintf(w, "  %s  %s %s\n", reason.Code, reason.Zh, reason.En)
			}
			for _, s := range r.Stamps {
				fmt.Fprintf(w, "  %s %s, %s (%s): %s\n", s.Seal.ID, s.Seal.Name, s.SealedAt, s.TimeSource, s.Verdict)
			}
		}
	})
}
