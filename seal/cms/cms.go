// Package cms is a signature as CMS SignedData (RFC 5652, GB/T 35275): the plain
// ones that stand in documents without a seal, and the stamp of profile cms
// (protocol.md 2), which says by signed attributes what SES_Signature says by
// TBS_Sign.
//
// Whoever reads a plain signature begins with ParseSignature; whoever reads a stamp
// with ParseStamp, which gives it as ses.Stamp, so that it is judged by the very
// same checks. A maker begins with NewBuilder: Attributes, a signature over them,
// then Stamp.
package cms

import (
	"errors"
	"fmt"
)

// ErrMalformed: the bytes are no signature, or no stamp.
var ErrMalformed = errors.New("malformed")

func malformed(what string) error { return fmt.Errorf("%w: CMS: %s", ErrMalformed, what) }
