package ofd

// Limits. A verification has a work budget, not a clock, so that the same package
// always ends the same way (design.md, "Limits worth stating").
const (
	// MaxEntries stops a directory of millions of empty entries.
	MaxEntries = 10_000
	// MaxUnpacked stops a zip bomb made of many entries.
	MaxUnpacked = 500 << 20
	maxRatio    = 200     // a zip bomb in one entry: Deflate can make a thousand bytes of one
	ratioFloor  = 1 << 20 // blank pictures and the like; so small an entry is no bomb
	// MaxRead is how much of one entry is held in memory; what is longer is only hashed.
	MaxRead       = 32 << 20
	maxDirectory  = 16 << 20 // a central directory whose extra fields fill memory
	maxName       = 1024     // names of 64 KB, ten thousand times
	maxNameDepth  = 32       // a/a/a/a/...: each folder of each name is remembered
	budgetInflate = 1 << 30  // an entry that is asked for again and again

	maxXML           = 16 << 20  // a Signature.xml that fills memory; a node takes ten times its text
	maxNodes         = 200_000   // <a/><a/>...: an element takes thirty times the memory of its bytes
	maxDepth         = 64        // <a><a><a>...
	maxAttributes    = 64        // each is held against each
	maxBodies        = 100       // OFD.xml with a hundred thousand documents
	maxSignatures    = 1000      // signatures that each hash the package
	maxAnnots        = 2000      // places of a seal, each held against each
	maxSignedValue   = 4 << 20   // a seal with its picture is some tens of kilobytes
	maxBoxText       = 200       // a number of a million digits
	maxMillimetre    = 1_000_000 // beyond any page
	maxReached       = 64 << 20  // XML that is read for what it leads to
	budgetReferences = 200_000   // a thousand signatures that each name ten thousand files
)

// budget is what is left of the work one Package may cost.
type budget struct {
	inflate    int64
	references int
}

func (b *budget) takeInflate(n int64) error {
	if b.inflate -= n; b.inflate < 0 {
		return tooLarge("more than %d bytes to inflate", int64(budgetInflate))
	}
	return nil
}
