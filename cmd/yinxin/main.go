// Command yinxin is the whole of Yinxin (印信) in one binary: it makes a
// province's certificate authority, seal office and licence office, serves
// them, and verifies what they or other provinces have sealed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the linker of a release.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal does not wait for anything
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one verb; noun and verb together, such as "seal stamp".
type command struct {
	name string
	args string // what stands after the flags, for the usage line
	help string
	run  func(ctx context.Context, c *call) error
}

// run finds the command and turns its error into an exit code and one
// sentence.
func run(ctx context.Context, args []string, std stdio) int {
	out := &checkedWriter{w: std.out}
	std.out = out
	cmd, rest := find(args)
	if cmd == nil {
		fmt.Fprintln(std.err, noCommand(args))
		return exitUsage
	}
	err := guarded(ctx, newCall(cmd, rest, std))
	if out.err != nil && (err == nil || errors.Is(err, errHelped) || errors.As(err, new(verdictError))) {
		err = noWrite("standard output", out.err)
	}
	var verdict verdictError
	switch {
	case err == nil, errors.Is(err, errHelped):
		return exitOK
	case errors.As(err, &verdict):
		return int(verdict)
	}
	code, sentence := explain(err)
	if code == exitUsage {
		sentence += "; yinxin " + cmd.name + " -h shows how"
	}
	fmt.Fprintf(std.err, "yinxin %s: %s\n", cmd.name, sentence)
	return code
}

// guarded turns a panic into an error: whoever runs a command gets one sentence
// and an exit code, whatever file they gave it.
func guarded(ctx context.Context, c *call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("an internal fault, please report it: %v", p)
		}
	}()
	return c.cmd.run(ctx, c)
}

// find takes the command with the longest name that the arguments begin with, or the
// help that they ask for.
func find(args []string) (*command, []string) {
	if cmd, rest := findHelp(args); cmd != nil {
		return cmd, rest
	}
	all := commands()
	for words := min(3, len(args)); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		for i, c := range all {
			if c.name == name {
				return &all[i], args[words:]
			}
		}
	}
	return nil, nil
}
