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
	cmd, rest := &command{name: "help", run: runHelp}, args
	if len(args) > 0 && args[0] != "help" && args[0] != "-h" && args[0] != "--help" {
		cmd, rest = find(args)
	}
	if cmd == nil {
		fmt.Fprintf(std.err, "yinxin: %q is not a command; yinxin help lists them\n", strings.Join(args[:min(len(args), 2)], " "))
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

// find takes the command with the longest name that the arguments begin with.
func find(args []string) (*command, []string) {
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

func runHelp(_ context.Context, c *call) error {
	w := c.out
	fmt.Fprint(w, `印信 Yinxin: electronic seals and licences of a province, made, served and verified.

Try it on a machine with nothing set up:
  yinxin demo

Set up a province and seal a decision:
  yinxin init --data DIR --region 520000 --name 贵州省
  yinxin agency add --data DIR --uscc 11520000MB1A00001X --name 贵州省示例局
  yinxin seal make --data DIR --agency 11520000MB1A00001X --name 贵州省示例局
  yinxin seal stamp --data DIR --seal 52000000000001 --page 1 --x 120 --y 220 decision.pdf -o sealed.pdf

Check anything, with no data folder:
  yinxin verify --trust trust.json --trust-anchor SM3HEX sealed.pdf

Commands:
`)
	list := commands()
	width := 0
	for _, c := range list {
		width = max(width, len(c.name))
	}
	for _, c := range list {
		fmt.Fprintf(w, "  %-*s  %s\n", width, c.name, c.help)
	}
	fmt.Fprint(w, "\nEvery command takes -h and --json. One that acts takes --officer-key-file FILE, whose first line is the\nbearer key of the person who acts. The keys of a data folder are opened by --passphrase-file FILE,\nYINXIN_PASSPHRASE_FILE or a prompt; the folder is named by --data DIR, YINXIN_DATA or data: in yinxin.yaml.\n")
	return nil
}
