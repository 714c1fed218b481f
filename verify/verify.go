// Package verify is the engine: bytes, trust, evidence and a time in, a report
// out. It has no network, no store, no clock and no files, and builds for
// WebAssembly, so that the same input gives the same report for ever.
//
// Call Open with the file first; it never fails, a file that cannot be read
// being judged as such. Wants tells what evidence would help, Judge gives the
// Report. A server keeps one Engine and calls its Judge, which remembers
// signatures that it has already found good; the report is the same.
package verify

import (
	"time"

	"yinxin/certs"
)

// Limits of one judgement. It is a budget of work, not of time, so that the same
// file always ends the same way (design.md "Limits worth stating").
const (
	// MaxSignatureChecks stops a file with a thousand stamps from buying
	// minutes of a server's time with one request.
	MaxSignatureChecks = 200
	// MaxHashed is how many octets are hashed for the stamps of a JSON document,
	// each of which covers all of it: 10 MB under 100 stamps would be a gigabyte.
	MaxHashed = 128 << 20
	// MaxPixels is how much of faces is unpacked and compared: a picture of a few
	// kilobytes can hold four million pixels, and a page a thousand stamps. Sixteen
	// seals of 42 mm at 600 dpi take it.
	MaxPixels = 16 << 20
	// MaxEvidence and MaxEvidenceItem stop evidence files made to fill memory: a
	// CRL that is read takes five times its octets, and 16 MB hold 400,000 entries.
	MaxEvidence     = 1000
	MaxEvidenceItem = 16 << 20
	// MaxDetached bounds a detached stamp: a seal with its picture is some
	// tens of kilobytes.
	MaxDetached = 4 << 20
)

// The rules of protocol.md 4.
const (
	// MaxAge is how old knowledge of "revoked since" may be.
	MaxAge = 24 * time.Hour
	// LateToken is how long after the claimed time a time-stamp may come
	// without a notice.
	LateToken = 10 * time.Minute
)

// Input is all that a judgement depends on besides the file.
type Input struct {
	Trust    *certs.Trust // nil: nothing can be confirmed
	Evidence *Evidence    // nil: none
	// At is the time of validation: evidence made after it is ignored and
	// revocations count as then known.
	At time.Time
	// Now is shown as checkedAt and decides nothing; zero means At.
	Now time.Time
	// Unremembered says that no sequence seen earlier could be remembered.
	Unremembered bool
}

// Kind of a piece of evidence.
type Kind string

const (
	KindCRL         Kind = "crl"
	KindOCSP        Kind = "ocsp"
	KindSealStatus  Kind = "seal-status"
	KindSealList    Kind = "seal-list"
	KindLicence     Kind = "licence-status"
	KindStatusList  Kind = "status-list"
	KindCertificate Kind = "certificate" // of an issuer between signer and trust list
)

// Evidence is what was collected beside the file. Its order does not matter.
type Evidence struct{ Items []Item }

// Item is one piece: make it with NewItem, which reads it once however many
// documents it serves. One that cannot be read, or is not of its kind, is no
// evidence and is passed over.
type Item struct {
	Kind Kind
	Raw  []byte
	read *reading
}

// Want is a piece of evidence that would help.
type Want struct {
	Kind   Kind
	URL    string
	Region string
	Key    string // what is asked about: the seal's id, the licence's identifier, the shard
	Seal   string // for seal-status: SM3 of the seal, hex
	At     time.Time
	// Request is the OCSPRequest, DER, to be put to URL. Else is where the CRL is to
	// be had if there is no answer, "" for nowhere.
	Request, Else string
}
