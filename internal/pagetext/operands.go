package pagetext

// Instructions that stand for themselves (WebAssembly 2.0, 5.4).
const (
	opLoop       = 0x03
	opBrTable    = 0x0e
	opSelectType = 0x1c
	opTryTable   = 0x1f
	opFloat32    = 0x43
	opFloat64    = 0x44
	opMore       = 0xfc
	opVector     = 0xfd
)

// numbers is how many LEB128 numbers follow an instruction of one octet.
var numbers = func() (n [256]int8) {
	for op := range n {
		n[op] = -1
	}
	set := func(count int8, from, to int) {
		for op := from; op <= to; op++ {
			n[op] = count
		}
	}
	set(0, 0x00, 0x01) // unreachable, nop
	set(1, 0x02, 0x04) // block, loop, if
	set(0, 0x05, 0x05) // else
	set(1, 0x06, 0x09) // try, catch, throw, rethrow
	set(0, 0x0a, 0x0b) // throw_ref, end
	set(1, 0x0c, 0x0d) // br, br_if
	set(0, 0x0f, 0x0f) // return
	set(1, 0x10, 0x10) // call
	set(2, 0x11, 0x11) // call_indirect
	set(1, 0x12, 0x12) // return_call
	set(2, 0x13, 0x13) // return_call_indirect
	set(1, 0x18, 0x18) // delegate
	set(0, 0x19, 0x1b) // catch_all, drop, select
	set(1, 0x20, 0x26) // variables and tables
	set(2, 0x28, 0x3e) // memory: alignment and offset
	set(1, 0x3f, 0x42) // its size and growth, integer constants
	set(0, 0x45, 0xc4) // arithmetic
	set(1, 0xd0, 0xd0) // ref.null
	set(0, 0xd1, 0xd1) // ref.is_null
	set(1, 0xd2, 0xd2) // ref.func
	return n
}()

// moreNumbers is the same for the instructions behind opMore.
var moreNumbers = [18]int8{8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}

// operands reads what follows an instruction.
func (r *reader) operands(op byte) {
	switch op {
	case opBrTable:
		r.skip(r.uint())
		r.uint()
	case opSelectType:
		r.bytes(r.uint())
	case opTryTable:
		r.uint()
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			if kind := r.byte(); kind < 2 { // catch of one exception, not of all
				r.uint()
			}
			r.uint()
		}
	case opFloat32:
		r.bytes(4)
	case opFloat64:
		r.bytes(8)
	case opMore:
		if sub := r.uint(); sub < uint64(len(moreNumbers)) {
			r.skip(uint64(moreNumbers[sub]))
		} else {
			r.fail()
		}
	case opVector:
		r.vector(r.uint())
	default:
		if numbers[op] < 0 {
			r.fail()
			return
		}
		r.skip(uint64(numbers[op]))
	}
}

// vector instructions: loads and stores have two numbers, those of a lane its octet,
// constants and shuffles sixteen octets.
func (r *reader) vector(sub uint64) {
	switch {
	case sub <= 11, sub == 92, sub == 93:
		r.skip(2)
	case sub == 12, sub == 13:
		r.bytes(16)
	case sub >= 21 && sub <= 34:
		r.byte()
	case sub >= 84 && sub <= 91:
		r.skip(2)
		r.byte()
	case sub > 0x113:
		r.fail()
	}
}

func (r *reader) skip(n uint64) {
	for ; n > 0 && r.err == nil; n-- {
		r.uint()
	}
}
