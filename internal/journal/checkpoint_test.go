package journal_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"yinxin/certs"
	"yinxin/internal/journal"
)

// noteKey signs any text by a journal's key.
type noteKey struct {
	*journal.Verifier
	key key
}

func (k noteKey) Sign(msg []byte) ([]byte, error) {
	der, err := k.key.SignMessage(context.Background(), msg)
	if err != nil {
		return nil, err
	}
	return certs.SignatureToRaw(der)
}

func TestACheckpointIsReadInOneSpellingOnly(t *testing.T) {
	j, m := newJournal(t)
	m.add(t, 7)
	if err := j.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	good, err := j.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, sig, _ := strings.Cut(string(good), "\n\n")
	lines := strings.Split(text, "\n")
	for name, b := range map[string]string{
		"no text":         "\n\n" + sig,
		"no signature":    text + "\n",
		"another size":    lines[0] + "\n8\n" + lines[2] + "\n\n" + sig,
		"another root":    lines[0] + "\n7\n" + strings.Repeat("A", 43) + "=\n\n" + sig,
		"another journal": "yinxin/110000\n7\n" + lines[2] + "\n\n" + sig,
		"CR LF":           strings.ReplaceAll(string(good), "\n", "\r\n"),
		"a key's id":      text + "\n\n" + strings.Replace(sig, "yinxin/520000 ", "yinxin/110000 ", 1),
		"too long":        string(good) + strings.Repeat("x", journal.MaxCheckpoint),
	} {
		if c, err := j.Verifiers().Open([]byte(b)); err == nil {
			t.Errorf("%s: opened as %+v", name, c)
		}
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			if c, err := j.Verifiers().Open(b); err == nil {
				t.Errorf("octet %d changed: opened as %+v", i, c)
			}
		}
	}
	// Signed by the right key, and still not a checkpoint.
	for name, body := range map[string]string{
		"a size of zeros":    "yinxin/520000\n007\n" + lines[2] + "\n",
		"a size with a sign": "yinxin/520000\n+7\n" + lines[2] + "\n",
		"a size too large":   "yinxin/520000\n9223372036854775808\n" + lines[2] + "\n",
		"a short root":       "yinxin/520000\n7\nAAAA\n",
		"a loose root":       "yinxin/520000\n7\n" + lines[2][:43] + "\n",
		"no root":            "yinxin/520000\n7\n",
		"another journal":    "yinxin/110000\n7\n" + lines[2] + "\n",
	} {
		signed, err := note.Sign(&note.Note{Text: body}, noteKey{j.Verifiers()[0], m.key})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := j.Verifiers().Open(signed); err == nil {
			t.Errorf("%s: opened as %+v", name, c)
		}
	}
}
