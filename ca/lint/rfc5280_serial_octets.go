package lint

import "fmt"

var serialOctets = &Rule{
	ID: "rfc5280_serial_octets", Source: "RFC 5280 4.1.2.2",
	Says: "the serial number has at most 20 octets",
	broken: func(v *view) string {
		if len(v.serial) > 20 {
			return fmt.Sprintf("it has %d", len(v.serial))
		}
		return ""
	},
}
