package pdf

import (
	"bytes"
	"io"
)

// EvidenceKind is what a piece of a document security store is.
type EvidenceKind int

const (
	EvidenceCertificate EvidenceKind = iota
	EvidenceCRL
	EvidenceOCSP
	// EvidenceStatus is a signed statement of a region about a seal (protocol.md 5).
	EvidenceStatus
)

// Evidence is one piece of the document security store (ISO 32000-2 12.8.4.3, ETSI
// EN 319 142-1 5.4.2). Nothing here says that it is good.
type Evidence struct {
	Kind     EvidenceKind
	Data     []byte
	Revision int // whose bytes hold it: a time-stamp of that revision or a later one covers it
}

// Limits of a document security store. Anyone may add one to a sealed file.
const (
	maxEvidence      = 400     // a store of a million streams, each to be read and judged
	maxEvidenceBytes = 8 << 20 // of all of them, inflated
)

// storeLists are the arrays of the store. /YINXIN_Status is ours: DSSE statements.
var storeLists = []struct {
	key  string
	kind EvidenceKind
}{{"Certs", EvidenceCertificate}, {"CRLs", EvidenceCRL}, {"OCSPs", EvidenceOCSP}, {"YINXIN_Status", EvidenceStatus}}

func isStoreList(key string) bool {
	for _, l := range storeLists {
		if l.key == key {
			return true
		}
	}
	return false
}

// Evidence gives what the store of the last revision holds. What is beyond the limits
// or cannot be read makes all of it none: which part of it a reader came to would
// decide the verdict.
func (f *File) Evidence() []Evidence {
	if !f.storeRead {
		f.storeRead = true
		if all, err := f.readStore(); err == nil {
			f.store = all
		}
	}
	return f.store
}

func (f *File) readStore() ([]Evidence, error) {
	cat, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		return nil, err
	}
	dss, err := f.deref(cat.get("DSS"), f.last())
	if err != nil {
		return nil, err
	}
	var out []Evidence
	seen := make(map[ref]bool)
	left := maxEvidenceBytes
	for _, l := range storeLists {
		list, err := f.deref(dss.get(l.key), f.last())
		if err != nil {
			return nil, err
		}
		if len(out)+len(list.list) > maxEvidence {
			return nil, tooMany("pieces of evidence", maxEvidence)
		}
		for i := range list.list {
			v := &list.list[i]
			if v.kind != kRef || seen[v.ref()] {
				continue
			}
			seen[v.ref()] = true
			e, err := f.evidenceAt(v.ref(), left)
			if err != nil {
				return nil, err
			}
			e.Kind = l.kind
			left -= len(e.Data)
			out = append(out, e)
		}
	}
	return out, nil
}

func (f *File) evidenceAt(r ref, most int) (Evidence, error) {
	o, err := f.get(r, f.last())
	if err != nil {
		return Evidence{}, err
	}
	if !o.stream {
		return Evidence{}, malformed(o.objStart, "evidence is a stream")
	}
	data, err := f.open(o, int64(most))
	if err != nil {
		return Evidence{}, err
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, data); err != nil {
		return Evidence{}, err
	}
	return Evidence{Data: b.Bytes(), Revision: int(o.where.rev)}, nil
}
