// Package batch seals many documents in one job (批量用印). Make begins a job, Feed
// takes its documents, Start lets it be worked off by Run, in turn with the jobs of
// other agencies; Document gives what was sealed.
//
// A job's documents are kept in the data folder, and of what was sealed only the
// register's row: the sealed document is laid out again from both. So each document
// is sealed once, whatever is killed whenever: its idempotency key is made of the job
// and its name, and never ends.
package batch

import (
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
	"yinxin/seal"
)

var (
	ErrNotFound = errors.New("no such job or document")
	// ErrState: the job is not in the state in which this can be done.
	ErrState = errors.New("the job is in another state")
	// ErrNameTaken: the job has another document of that name.
	ErrNameTaken = errors.New("the job has another document of that name")
	ErrRefused   = errors.New("refused")
	// ErrFull: there is no room for more until older jobs are gone.
	ErrFull          = errors.New("there is no room for more documents")
	ErrRetryMismatch = act.ErrRetryMismatch
)

// Limits, each with what it stops.
const (
	MaxItems = 20_000    // a list of names that fills the register
	MaxBytes = 10 << 30  // one job that fills the disk
	MaxJobs  = 50        // of an agency that are not over: a stolen key that begins jobs for ever
	MaxKept  = 2000      // of an agency in all: one that begins and cancels them for ever
	MaxDisk  = 100 << 30 // the documents of all jobs
	MinFree  = 1 << 30   // left on the disk: the register must always be able to grow
	MaxName  = 200       // octets of a document's name
	MaxFeeds = 2         // calls that feed documents at once, an agency: each holds a connection and a file

	// Kept is how long a job stays after it has ended, or was begun and not started.
	// Then its documents are removed; the seal-use register stays.
	Kept = 7 * 24 * time.Hour
)

// Names of acts in the journal.
const (
	ActMade      = "stamp-job.made"
	ActCancelled = "stamp-job.cancelled"
)

// State of a job.
type State string

const (
	Open      State = "open"      // it takes documents
	Running   State = "running"   // they are being sealed
	Done      State = "done"      // each is sealed or has failed
	Cancelled State = "cancelled" // what was not sealed then is not sealed
)

// Template is what is asked for each document of a job.
type Template struct {
	SealID    string     `cbor:"1,keyasint" json:"sealId"`
	Operator  string     `cbor:"2,keyasint" json:"operator"`
	Matter    string     `cbor:"3,keyasint,omitempty" json:"matterCode,omitempty"`
	Reason    string     `cbor:"4,keyasint,omitempty" json:"reason,omitempty"`
	Approval  string     `cbor:"5,keyasint,omitempty" json:"approvalId,omitempty"`
	Expected  int        `cbor:"6,keyasint,omitempty" json:"expectedSeals,omitempty"`
	Placement seal.Place `cbor:"7,keyasint" json:"placement"`
	Order     seal.Order `cbor:"8,keyasint" json:"order"`
	Detached  bool       `cbor:"9,keyasint,omitempty" json:"detached,omitempty"`
}

// TemplateOf takes from a request what is the same for each document.
func TemplateOf(r seal.StampRequest, detached bool) Template {
	return Template{SealID: r.SealID, Operator: r.Operator, Matter: r.Matter, Reason: r.Reason, Approval: r.Approval, Expected: r.Expected, Placement: r.Placement, Order: r.Order, Detached: detached}
}

// By is on whose word the documents are sealed: the bearer key, the person whose own
// it is, and whence it came.
type By struct {
	Key     string `cbor:"1,keyasint,omitempty" json:"credential,omitempty"`
	Officer string `cbor:"2,keyasint,omitempty" json:"officer,omitempty"`
	From    string `cbor:"3,keyasint,omitempty" json:"-"`
}

// ByOf takes it from a request.
func ByOf(r seal.StampRequest) By {
	by := By{Key: r.Key, Officer: r.Officer}
	if r.From.IsValid() {
		by.From = r.From.String()
	}
	return by
}

// Request is that for one document, known by its name in the job and its SM3.
func (t Template) Request(job act.ID, agency string, by By, name string, sum [32]byte) (seal.StampRequest, error) {
	b, err := act.Encode(t)
	if err != nil {
		return seal.StampRequest{}, err
	}
	from, _ := netip.ParseAddr(by.From) // none is in no network
	return seal.StampRequest{SealID: t.SealID, Agency: agency, Key: by.Key, Officer: by.Officer, From: from, Operator: t.Operator, Matter: t.Matter, Reason: t.Reason, Approval: t.Approval, Expected: t.Expected,
		Placement: t.Placement, Order: t.Order, Job: job.String(),
		Retry: &act.Retry{Owner: "job:" + job.String(), Key: name, Request: sm3.Sum(append(b, sum[:]...)), Lasting: true}}, nil
}

// Job is many documents to be sealed alike. Files are those that its documents stand
// in.
type Job struct {
	ID       act.ID    `cbor:"1,keyasint" json:"id"`
	Agency   string    `cbor:"2,keyasint" json:"agency"`
	By       By        `cbor:"3,keyasint" json:"by"` // who started it last
	Template Template  `cbor:"4,keyasint" json:"request"`
	State    State     `cbor:"5,keyasint" json:"state"`
	Items    int       `cbor:"6,keyasint" json:"items"`
	Sealed   int       `cbor:"7,keyasint" json:"done"`
	Failed   int       `cbor:"8,keyasint" json:"failed"`
	Bytes    int64     `cbor:"9,keyasint" json:"bytes"`
	Made     time.Time `cbor:"10,keyasint" json:"made"`
	Started  time.Time `cbor:"11,keyasint" json:"started,omitzero"`
	Ended    time.Time `cbor:"12,keyasint" json:"ended,omitzero"`
	Files    []string  `cbor:"13,keyasint" json:"-"`
}

// Over tells whether nothing of the job is to be done any more, unless it is asked
// for again.
func (j Job) Over() bool { return j.State == Done || j.State == Cancelled }

// Expires is when its documents are removed; zero while it runs.
func (j Job) Expires() time.Time {
	switch {
	case j.Over():
		return j.Ended.Add(Kept)
	case j.State == Open:
		return j.Made.Add(Kept)
	}
	return time.Time{}
}

// ItemState is that of a document in its job.
type ItemState string

const (
	Queued ItemState = "queued"
	Sealed ItemState = "done"
	Failed ItemState = "failed"
)

// Item is a document of a job. File is that of the job's Files which it stands in,
// from the octet At on.
type Item struct {
	N        int       `cbor:"1,keyasint" json:"n"`
	Name     string    `cbor:"2,keyasint" json:"name"`
	SM3      [32]byte  `cbor:"3,keyasint" json:"-"`
	Size     int64     `cbor:"4,keyasint" json:"bytes"`
	File     string    `cbor:"5,keyasint" json:"-"`
	At       int64     `cbor:"6,keyasint" json:"-"`
	State    ItemState `cbor:"7,keyasint" json:"state"`
	Stamp    act.ID    `cbor:"8,keyasint,omitzero" json:"stampId,omitzero"`
	Code     string    `cbor:"9,keyasint,omitempty" json:"verificationCode,omitempty"`
	SealedAt time.Time `cbor:"10,keyasint,omitzero" json:"sealedAt,omitzero"`
	Problem  *Problem  `cbor:"11,keyasint,omitempty" json:"problem,omitempty"`
}

// Problem is why a document was not sealed.
type Problem struct {
	Code   string `cbor:"1,keyasint" json:"code"`
	Detail string `cbor:"2,keyasint" json:"detail"`
}

// Outcome is what came of a document that was queued: a stamp or a problem.
type Outcome struct {
	N       int
	Stamp   *seal.Stamp
	Problem *Problem
}

// ItemColumns are the columns of a job's documents as a table.
func ItemColumns() []string {
	return []string{"n", "name", "bytes", "state", "stampId", "verificationCode", "sealedAt", "problem", "detail"}
}

// Cells are the row's.
func (i Item) Cells() []string {
	row := []string{strconv.Itoa(i.N), i.Name, strconv.FormatInt(i.Size, 10), string(i.State), "", "", "", "", ""}
	if i.State == Sealed {
		row[4], row[5], row[6] = i.Stamp.String(), i.Code, i.SealedAt.UTC().Format(time.RFC3339)
	}
	if i.Problem != nil {
		row[7], row[8] = i.Problem.Code, i.Problem.Detail
	}
	return row
}
