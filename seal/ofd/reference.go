package ofd

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// checkMethod is how the files of a Signature.xml are digested (GB/T 33190 18.2.3).
type checkMethod int

const (
	methodUnknown checkMethod = iota
	methodSM3
	methodMD5 // the standard's default
	methodSHA1
)

// methods are the names seen; 1.2.156.10197.1.401.2 is HMAC-SM3's number, and in the
// field plain SM3 stands under it.
var methods = map[string]checkMethod{
	"SM3": methodSM3, "1.2.156.10197.1.401": methodSM3, "1.2.156.10197.1.401.1": methodSM3, "1.2.156.10197.1.401.2": methodSM3,
	"": methodMD5, "MD5": methodMD5, "1.2.840.113549.2.5": methodMD5,
	"SHA1": methodSHA1, "SHA-1": methodSHA1, "1.3.14.3.2.26": methodSHA1,
}

func (p *Package) readReferences(s *Stamp, l *listed, info *node) error {
	list, err := info.one("References")
	if err != nil || list == nil {
		return malformed("Signature.xml has not one References")
	}
	m := methods[strings.ToUpper(list.attr("CheckMethod"))]
	err = list.each("Reference", func(n *node) error {
		if p.left.references--; p.left.references < 0 {
			return tooLarge("more than %d references", budgetReferences)
		}
		return p.readReference(s, l, n, m)
	})
	if err == nil && len(s.named) == 0 && len(s.Altered) == 0 {
		err = malformed("Signature.xml names no file")
	}
	return err
}

// readReference holds one file against its digest. A file that is gone, or cannot
// be unpacked, was altered.
func (p *Package) readReference(s *Stamp, l *listed, n *node, m checkMethod) error {
	name, err := p.resolve(n.attr("FileRef"), l.file)
	if err != nil {
		s.Altered = append(s.Altered, fmt.Sprintf("%.80s: %v", n.attr("FileRef"), err))
		return nil
	}
	value, err := n.only("CheckValue")
	if err != nil {
		return err
	}
	want, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return malformed("the digest of %q is not base64", name)
	}
	s.named[name] = true
	if m == methodUnknown {
		s.Weak = append(s.Weak, name)
		return nil
	}
	if m != methodSM3 {
		s.Weak = append(s.Weak, name)
	}
	have, err := p.digest(name, m)
	switch {
	case unreadable(err):
		s.Altered = append(s.Altered, err.Error())
		return nil
	case err != nil:
		return err
	}
	if !bytes.Equal(have, want) {
		s.Altered = append(s.Altered, name)
	}
	return nil
}

func (p *Package) digest(name string, m checkMethod) ([]byte, error) {
	if m == methodSM3 {
		sum, err := p.Hash(name)
		return sum[:], err
	}
	var h hash.Hash
	switch m {
	case methodMD5:
		h = md5.New()
	case methodSHA1:
		h = sha1.New()
	default:
		return nil, errors.New("no such digest")
	}
	if err := p.unpack(p.Entry(name), h); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
