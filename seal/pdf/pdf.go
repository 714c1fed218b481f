// Package pdf puts electronic seals into PDF files and finds them again:
// where a stamp sits, what it covers, what came after it.
//
// Call [Open] first. To seal: (*File).Layout lays out the increment,
// (*Layout).Digest gives what is to be signed, (*Layout).WriteTo writes the
// sealed file. To check: (*File).Stamps.
//
// The reader never repairs. A file that two readers could read differently is
// refused (ErrAmbiguous, ErrMalformed), because a seal on it would say
// different things to different people. It reads over io.ReaderAt in bounded
// windows and never holds the file.
//
// Profile: `ses` of protocol.md 2, after GM/T 0112-2021. Whether a token is
// good is not decided here: this room gives the token and the SM3 of what it
// covers.
package pdf

import (
	"errors"
	"time"
)

// Kinds of refusal; test with errors.Is.
var (
	// ErrMalformed: not a PDF file, or one that breaks the syntax.
	ErrMalformed = errors.New("malformed PDF file")
	// ErrAmbiguous: two readers could read this file differently.
	ErrAmbiguous = errors.New("ambiguous PDF file")
	// ErrEncrypted: the file is encrypted; what it shows cannot be judged.
	ErrEncrypted = errors.New("encrypted PDF file")
	// ErrTooLarge: one of the limits in limits.go was reached.
	ErrTooLarge = errors.New("PDF file beyond the limits")
	// ErrOptions: the file is good, the order is not (no such page, ...).
	ErrOptions = errors.New("the seal cannot be placed as ordered")
)

// Spot says where the seal goes, or a slice of it. X and Y are millimetres from
// the top-left corner of the page as it is displayed (CropBox, Rotate, UserUnit)
// to the top-left corner of what is seen there.
type Spot struct {
	Page     int // 1-based; negative counts from the end: -1 is the last page
	X, Y     float64
	From, To int // columns of the picture's pixels; both 0 for the whole
}

// Face is the picture of the seal and the size it is shown at.
type Face struct {
	PNG               []byte
	WidthMM, HeightMM float64
}

// Options is the whole order for one stamp. The same input and the same
// options give the same bytes.
type Options struct {
	Spots      []Spot // of the one signature
	Mark       *Mark  // nil for none
	Certify    int    // DocMDP 1 to 3, 0 for none
	Lock       *Lock  // nil for none
	Face       Face
	Prepared   *PreparedFace // instead of Face, when the same seal stamps often
	FieldName  string        // made unique by a number if it is taken; default "Seal"
	SignerName string
	Reason     string
	Time       time.Time
	TokenSize  int  // octets reserved for the token
	CMS        bool // profile cms instead of ses
	// First lays out as it was done before files' tags and their claims to be PDF/A
	// were heeded: for the retry of a stamp that was made so, and nothing else.
	First bool
}

// Signature is one signature found in the file. It covers what it should only
// if Problems is empty and CoversRevision holds.
type Signature struct {
	Contents          []byte // the DER token, padding checked and taken off
	Filter, SubFilter string
	FieldName         string
	M                 string // when it was made, as it says (ISO 32000-1 table 252)
	ByteRange         [4]int64
	Digest            [32]byte   // SM3 of the two ranges; zero unless CoversRevision
	CoversRevision    bool       // one hole, exactly this object's Contents token; from 0 to the end of its revision
	CoversFile        bool       // and nothing follows
	Problems          []string   // anything here: never good
	LaterChanges      []string   // what later revisions changed, in words
	Later             []Later    // the same, to decide on
	ContentAdded      bool       // some later revision is more than one further signature or evidence, or bytes follow the last revision
	Revision          int        // 0 is the file as first written
	Page              int        // 1-based page that shows the first of its widgets, 0 if none does
	Rect              [4]float64 // x, y, width, height in mm from the top-left of the displayed page
	DocTimeStamp      bool
	Certifies         int // DocMDP: what it permits later, 1 to 3; 0 if it does not certify
}

// ChangeKind tells what a later revision did.
type ChangeKind int

const (
	// ChangeContent: something else than a further signature changed.
	ChangeContent ChangeKind = iota
	// ChangeSignature: one further signature and only its own objects. It
	// counts only if that signature is itself good: look it up by Signature.
	ChangeSignature
	// ChangeEvidence: the document security store grew, and nothing else changed.
	ChangeEvidence
)

// Later is one revision after a signature.
type Later struct {
	Revision  int
	Kind      ChangeKind
	Signature int // index in Stamps() of the signature it adds, -1 for none
	What      []string
}
