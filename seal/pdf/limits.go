package pdf

import "fmt"

// Limits. A verification has a work budget, not a clock, so that the same file
// always ends the same way (design.md, "Limits worth stating").
const (
	maxRevisions  = 1000      // a file of empty increments, each scanned again for each signature
	maxSignatures = 1000      // a form of signatures, each hashing the file
	maxEntries    = 1_000_000 // an xref table that says it has billions of objects
	maxObjectNum  = 8_388_607 // ISO 32000-1 annex C; a /Size that makes a reader allocate
	maxLengths    = 4         // a /Length in an object stream, whose /Length ...: two streams that name each other until the stack ends
	maxDepth      = 64        // [[[[[[... until the stack ends
	maxObject     = 16 << 20  // one dictionary or array that swallows the file; a stream's data does not count
	maxObjStm     = 32 << 20  // one object stream, inflated: a zip bomb
	maxValues     = 250_000   // [0 0 0 0 ...: a value takes fifty times the memory of its two bytes
	maxFieldName  = 4096      // a prefix that is copied for each of a hundred thousand kids
	maxPages      = 500_000   // a page tree that never ends
	maxListed     = 64        // sentences of LaterChanges a signature carries
	maxSpots      = 5000      // widgets of one stamp: a riding seal over a page tree that never ends, each widget an entry in the register
	maxChanged    = 64 << 20  // memory of the objects that a stamp changes: thousands of pages that are megabytes each
	maxTail       = 1024      // readers look for startxref in the last 1,024 bytes, ISO 32000-1 annex H

	budgetInflate = 1 << 30   // zip bombs in many small streams
	budgetObjects = 1_000_000 // objects read, read again included
	budgetVisits  = 3_000_000 // fields and annotations looked at: long lists, walked for each revision or shared by each page
	budgetHash    = 4         // times the file: ranges that overlap, a thousand times
	budgetParse   = 4         // times the file, and 64 MB: objects nested in strings of each other
)

// budget is what is left of the work one File may cost.
type budget struct {
	inflate int64
	objects int64
	visits  int64
	hash    int64
	parse   int64
}

func newBudget(size int64) budget {
	return budget{inflate: budgetInflate, objects: budgetObjects, visits: budgetVisits, hash: budgetHash * max(size, 1<<16), parse: budgetParse*size + 64<<20}
}

func (b *budget) takeObject() error {
	if b.objects--; b.objects < 0 {
		return fmt.Errorf("%w: more than %d objects to read", ErrTooLarge, budgetObjects)
	}
	return nil
}

func (b *budget) takeVisits(n int) error {
	if b.visits -= int64(n); b.visits < 0 {
		return fmt.Errorf("%w: more than %d fields and annotations to look at", ErrTooLarge, budgetVisits)
	}
	return nil
}

func (b *budget) takeParse(n int64) error {
	if b.parse -= n; b.parse < 0 {
		return fmt.Errorf("%w: objects that overlap or are read too often", ErrTooLarge)
	}
	return nil
}

func (b *budget) takeInflate(n int64) error {
	if b.inflate -= n; b.inflate < 0 {
		return fmt.Errorf("%w: more than %d bytes to inflate", ErrTooLarge, int64(budgetInflate))
	}
	return nil
}

func (b *budget) takeHash(n int64) error {
	if b.hash -= n; b.hash < 0 {
		return fmt.Errorf("%w: more than %d times the file to hash", ErrTooLarge, budgetHash)
	}
	return nil
}

func malformed(off int64, format string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrMalformed, off, fmt.Sprintf(format, args...))
}

func ambiguous(off int64, format string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrAmbiguous, off, fmt.Sprintf(format, args...))
}
