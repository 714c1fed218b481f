package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// isHelp tells whether a word asks for help where a command's name should stand.
func isHelp(word string) bool { return word == "help" || word == "-h" || word == "--help" }

// findHelp finds the help that is asked for in any of the ways in which people do: of all
// commands, of those of a noun, and of one, which knows how to tell its own.
func findHelp(args []string) (*command, []string) {
	if len(args) == 0 || len(args) == 1 && isHelp(args[0]) {
		return &command{name: "help", run: runHelp}, nil
	}
	words := args[:len(args)-1]
	switch {
	case isHelp(args[0]):
		words = args[1:]
		if cmd, rest := find(words); cmd != nil && len(rest) == 0 && len(verbsOf(words)) == 0 {
			return cmd, []string{"-h"}
		}
	case !isHelp(args[len(args)-1]):
		return nil, nil
	default:
		if own, rest := find(words); own != nil && len(rest) == 0 {
			return own, []string{"-h"}
		}
	}
	list := verbsOf(words)
	if len(list) == 0 {
		return nil, nil
	}
	return &command{name: "help", run: func(_ context.Context, c *call) error {
		printCommands(c.out, list)
		fmt.Fprint(c.out, "\nEach of them tells its flags after -h.\n")
		return nil
	}}, nil
}

// verbsOf are the commands whose name begins with these words and goes on; one that has
// this name itself stands first.
func verbsOf(words []string) (list []command) {
	all := commands()
	for i, c := range all {
		if strings.HasPrefix(c.name, strings.Join(words, " ")+" ") {
			list = append(list, all[i])
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, c := range all {
		if c.name == strings.Join(words, " ") {
			list = append([]command{c}, list...)
		}
	}
	return list
}

// noCommand tells whoever wrote another word which ones there are.
func noCommand(args []string) string {
	wrong := strings.Join(args[:min(len(args), 2)], " ")
	if !isHelp(args[0]) && len(verbsOf(args[:1])) > 0 {
		return fmt.Sprintf("yinxin: %q is not a command; yinxin help %s lists those of %[2]s", wrong, args[0])
	}
	return fmt.Sprintf("yinxin: %q is not a command; yinxin help lists them", wrong)
}

func printCommands(w io.Writer, list []command) {
	width := 0
	for _, c := range list {
		width = max(width, len(c.name))
	}
	for _, c := range list {
		fmt.Fprintf(w, "  %-*s  %s\n", width, c.name, c.help)
	}
}

func runHelp(_ context.Context, c *call) error {
	w := c.out
	fmt.Fprint(w, `印信 Yinxin: electronic seals and licences of a province, made, served and verified.

Try it on a machine with nothing set up:
  yinxin demo

Set up a province and seal a decision:
  yinxin init --data DIR --region 520000 --name 贵州省
  yinxin agency add --data DIR --uscc 11520000009390000Q --name 贵州省示例局
  yinxin seal make --data DIR --agency 11520000009390000Q --name 贵州省示例局
  yinxin seal stamp --data DIR --seal 52000000000001 --page 1 --x 120 --y 220 decision.pdf -o sealed.pdf

Check anything, with no data folder:
  yinxin verify --trust trust.json --trust-anchor SM3HEX sealed.pdf

Commands:
`)
	printCommands(w, commands())
	fmt.Fprint(w, "\nEvery command takes -h and --json; yinxin help NOUN lists the verbs of one noun. One that acts takes --officer-key-file FILE, whose first line is the\nbearer key of the person who acts. The keys of a data folder are opened by --passphrase-file FILE,\nYINXIN_PASSPHRASE_FILE or a prompt; the folder is named by --data DIR, YINXIN_DATA or data: in yinxin.yaml.\n")
	return nil
}
