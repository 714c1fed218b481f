package lint

import "fmt"

var serialRandom = &Rule{
	ID: "cps_serial_random", Source: "protocol.md 9; CA/Browser Forum BR 7.1",
	Says: "the serial number is 16 octets of a random source, the first of them 40 to 7f",
	broken: func(v *view) string {
		if len(v.serial) != 16 || v.serial[0]&0xc0 != 0x40 {
			return fmt.Sprintf("it is %x", v.serial)
		}
		return ""
	},
}
