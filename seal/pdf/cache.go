package pdf

// cacheSize bounds what is kept of objects once read.
const cacheSize = 8 << 20

type cacheKey struct {
	num int32
	rev int16
}

// cache is emptied when full: cheap, and no order of use to keep.
type cache struct {
	m    map[cacheKey]*object
	held int64
}

func (c *cache) get(e entry) *object { return c.m[cacheKey{e.num, e.rev}] }

func (c *cache) put(e entry, o *object) {
	if c.held += o.weight; c.held > cacheSize || c.m == nil {
		c.m, c.held = make(map[cacheKey]*object), o.weight
	}
	c.m[cacheKey{e.num, e.rev}] = o
}
