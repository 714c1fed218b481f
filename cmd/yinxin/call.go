package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/term"
)

// call is one run of a command: its flags and its streams.
type call struct {
	stdio
	cmd            *command
	flags          *flag.FlagSet
	raw            []string
	args           []string
	json           bool
	ask            bool // other regions may be asked
	data           string
	passphraseFile string
	officerKeyFile string
}

var errHelped = errors.New("helped")

// usageError is a wrong call; exit code 64.
type usageError string

func (e usageError) Error() string { return string(e) }

func newCall(cmd *command, raw []string, std stdio) *call {
	c := &call{stdio: std, cmd: cmd, raw: raw, flags: flag.NewFlagSet(cmd.name, flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard)
	c.flags.BoolVar(&c.json, "json", false, "answer in JSON")
	return c
}

// withData adds the flags of a command that opens a data folder.
func (c *call) withData() {
	c.flags.StringVar(&c.data, "data", "", "the data `folder` (or YINXIN_DATA, or data: in yinxin.yaml)")
	c.flags.StringVar(&c.passphraseFile, "passphrase-file", "", "`file` whose first line opens the keys (or YINXIN_PASSPHRASE_FILE, or a prompt)")
}

// parse reads flags wherever they stand and checks the number of the rest;
// most < 0 is any number.
func (c *call) parse(least, most int) error {
	rest := c.raw
	for len(rest) > 0 {
		if err := c.flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				c.help()
				return errHelped
			}
			return usageError(err.Error())
		}
		after := c.flags.Args()
		if len(after) == 0 {
			break
		}
		if len(rest) > len(after) && rest[len(rest)-len(after)-1] == "--" {
			c.args = append(c.args, after...)
			break
		}
		c.args, rest = append(c.args, after[0]), after[1:]
	}
	switch {
	case len(c.args) < least:
		return usageError("missing: " + c.cmd.args)
	case most >= 0 && len(c.args) > most:
		return usageError(fmt.Sprintf("%q is one argument too many", c.args[most]))
	}
	return nil
}

func (c *call) help() {
	fmt.Fprintf(c.out, "%s\n\n  %s\n\n", c.cmd.help, strings.TrimSpace("yinxin "+c.cmd.name+" [flags] "+c.cmd.args))
	c.flags.SetOutput(c.out)
	c.flags.PrintDefaults()
}

// need refuses empty flags.
func need(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return usageError("--" + pairs[i] + " is missing")
		}
	}
	return nil
}

// print answers in JSON if that was asked for, else by text.
func (c *call) print(value any, text func(w io.Writer)) error {
	if !c.json {
		text(c.out)
		return nil
	}
	return writeJSON(c.out, value)
}

// writeJSON is for people too: indented, and as it is.
func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// folder finds the data folder.
func (c *call) folder() (string, error) {
	if c.data != "" {
		return c.data, nil
	}
	if dir := os.Getenv("YINXIN_DATA"); dir != "" {
		return dir, nil
	}
	settings, err := os.ReadFile("yinxin.yaml")
	if errors.Is(err, os.ErrNotExist) {
		return "", usageError("--data is missing")
	}
	if err != nil {
		return "", err
	}
	var file struct {
		Data string `yaml:"data"`
	}
	// An unknown key is a misspelt one: it must not be passed over.
	if err := yaml.NewDecoder(bytes.NewReader(settings), yaml.Strict()).Decode(&file); err != nil {
		return "", badInput("yinxin.yaml", err)
	}
	if file.Data == "" {
		return "", usageError("--data is missing and yinxin.yaml names no data folder")
	}
	return file.Data, nil
}

// maxSecretFile bounds a file of which the first line counts.
const maxSecretFile = 64 << 10

// secret reads the first line of a file. Neither a passphrase nor a bearer key comes
// as an argument: those are seen by every user of the machine.
func secret(what, path string) (string, error) {
	b, err := readSmall(path, maxSecretFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", badInput(what, errors.New("its first line is empty"))
	}
	return line, nil
}

func (c *call) passphrase() ([]byte, error) {
	path := c.passphraseFile
	if path == "" {
		path = os.Getenv("YINXIN_PASSPHRASE_FILE")
	}
	if path != "" {
		line, err := secret("the passphrase file", path)
		return []byte(line), err
	}
	f, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, usageError("no passphrase: give --passphrase-file or YINXIN_PASSPHRASE_FILE")
	}
	fmt.Fprint(c.err, "口令 passphrase: ")
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(c.err)
	if err == nil && len(b) == 0 {
		err = usageError("the passphrase is empty")
	}
	return b, err
}

// several is a flag that may be given again.
type several []string

func (s *several) String() string { return strings.Join(*s, " ") }

func (s *several) Set(value string) error {
	*s = append(*s, value)
	return nil
}

func optionalTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usageError(fmt.Sprintf("--%s: %q is no time such as 2026-11-24T08:00:00Z", flag, s))
	}
	return t.UTC(), nil
}
