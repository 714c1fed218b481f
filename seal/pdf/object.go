package pdf

type kind uint8

const (
	kNull kind = iota
	kBool
	kInt
	kReal
	kName
	kString
	kArray
	kDict
	kRef
)

// value is one direct object. start and end tell where it was written: a file
// offset, or an offset in the data of its object stream, so that the writer
// can change an entry and leave every other byte of a dictionary as it was.
type value struct {
	kind       kind
	hex        bool     // a string written <...>
	num        int64    // integer; 0 or 1; object number of a reference
	gen        int64    // of a reference
	real       float64  // real
	text       string   // name or string, decoded
	keys       []string // dictionary, with list
	list       []value  // array, or the values of a dictionary
	start, end int64
}

func (v *value) get(key string) *value {
	if v.kind == kDict {
		for i, k := range v.keys {
			if k == key {
				return &v.list[i]
			}
		}
	}
	return &null
}

// finder is get for many keys of one dictionary: to look each up by get would
// take the square of their number, and an attacker has room for 250,000.
func (v *value) finder() func(string) *value {
	if len(v.keys) <= 16 || v.kind != kDict {
		return v.get
	}
	at := make(map[string]*value, len(v.keys))
	for i, k := range v.keys {
		at[k] = &v.list[i]
	}
	return func(key string) *value {
		if found := at[key]; found != nil {
			return found
		}
		return &null
	}
}

func (v *value) has(key string) bool { return v.get(key) != &null }

func (v *value) isName(s string) bool { return v.kind == kName && v.text == s }

func (v *value) isRef(r ref) bool { return v.kind == kRef && v.ref() == r }

func (v *value) number() (float64, bool) {
	switch v.kind {
	case kInt:
		return float64(v.num), true
	case kReal:
		return v.real, true
	}
	return 0, false
}

func (v *value) ref() ref { return ref{v.num, v.gen} }

var null value // never written to

type ref struct{ num, gen int64 }

// equal compares what two values mean, not how they are written. References
// are equal if they name the same object.
func equal(a, b *value) bool {
	if a.kind != b.kind {
		x, ok := a.number()
		y, ok2 := b.number()
		return ok && ok2 && x == y
	}
	switch a.kind {
	case kReal:
		return a.real == b.real
	case kArray:
		if len(a.list) != len(b.list) {
			return false
		}
		for i := range a.list {
			if !equal(&a.list[i], &b.list[i]) {
				return false
			}
		}
		return true
	case kDict:
		if len(a.keys) != len(b.keys) {
			return false
		}
		find := b.finder()
		for i, k := range a.keys {
			if v := find(k); v == &null || !equal(&a.list[i], v) {
				return false
			}
		}
		return true
	}
	return a.num == b.num && a.gen == b.gen && a.text == b.text
}

// object is one indirect object as one revision has it.
type object struct {
	ref
	value
	where            entry
	raw              []byte // its source, if that is in an object stream
	weight           int64  // memory it takes, about
	objStart, objEnd int64  // "n g obj" to the end of "endobj", in the file
	stream           bool
	dataOff, dataLen int64
}
